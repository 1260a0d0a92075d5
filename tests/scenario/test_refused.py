"""Plain documents that once were faults of the program, and products of harmless numbers: refused in words, at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from sim.cli.app import app
from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import load_ledger
from sim.scenario.loading import load
from sim.scenario.size import Budget, size
from sim.scenario.trace import trace
from tests.faults import Told, watched
from tests.scenario.small import SMALL, loaded

PLAIN = """\
scenario: Plain
run: {RUN}
demand: {DEMAND}
pools: {POOLS}
stages: [STAGES]
targets: {quick: {from: arrival, to: answer.start, within: 1 min, share: 20 %}}
"""
PARTS = {
    "RUN": "start: 2025-01-06 00:00, length: 7 d",
    "DEMAND": "volume: 20/h",
    "POOLS": "desk: {staff: 2}",
    "STAGES": "{name: answer, pool: desk, service: 4 min}",
}


def plain(more: str = "", **parts: str) -> str:
    """A plain document with some of its parts another, and more after them."""
    text = PLAIN
    for name, part in (PARTS | parts).items():
        text = text.replace(name, part)
    return text + more


def many(n: int, one: str) -> str:
    """So many of a text, each with its number in it."""
    return ", ".join(one.replace("#", str(number)) for number in range(n))


def first_fault(tmp_path: Path, text: str) -> str:
    """The first line of the faults of a text, without the name of its file."""
    path = tmp_path / "doc.yaml"
    path.write_text(text, encoding="utf-8")
    with watched(Told()), pytest.raises(ScenarioError) as caught:
        load(path)
    return str(caught.value).split("\n")[0].removeprefix(f"{path}:")


BY = "{name: answer, pool: desk, KEY: {by: null}}"
MUST_NAME = "must name what it differs by: channel, risk, tier or category (got nothing)"
LABELS = "labels: {clerk: {assigns: {other: {high: 1}}}}\n"
LABELLED = "{name: answer, pool: desk, service: 4 min, label: clerk}"


@pytest.mark.parametrize(
    "text, message",
    [
        (plain(STAGES=BY.replace("KEY", "service")), f"answer.service.by: {MUST_NAME}"),
        (plain(STAGES="{name: answer, delay: {by: null}}"), f"answer.delay.by: {MUST_NAME}"),
        (plain(STAGES=BY.replace("KEY", "service: 1 min, patience")), f"answer.patience.by: {MUST_NAME}"),
        (plain(STAGES=BY.replace("KEY", "service: 1 min, share")), f"answer.share.by: {MUST_NAME}"),
        (plain(LABELS, DEMAND="volume: 20/h, risk: null", STAGES=LABELLED), "is missing a row for risk 'any'"),
        (plain('"\\ud800": 1\n'), "holds half a character (a lone surrogate)"),
        (plain(POOLS='"\\udfff": {staff: 1}'), "holds half a character (a lone surrogate)"),
        (plain(DEMAND="volume: 20/h, busyness_cv: 1e-200"), "a cv of days is 0, or at least 0.000001 (got 1e-200)"),
        (
            plain(STAGES="{name: answer, pool: desk, service: {gamma: {mean: 4 min, cv: 1e-200}}}"),
            "a cv is at least 0.000001; a time that never varies is written alone (got 1e-200)",
        ),
        (
            plain(
                "start_with: {backlog: {rare: 5000}}\n",
                DEMAND="volume: 20/h, channels: {call: 1e-12, web: 0.999999999999}",
                STAGES=f"{PARTS['STAGES']}, {{name: rare, for: {{channel: call}}, pool: desk, service: 1 min}}",
            ),
            "7:30: start_with.backlog.rare: next to no tip comes to 'rare' (1e-10 %), so nobody can be waiting there",
        ),
    ],
)
def test_what_once_was_a_fault_of_the_program(text: str, message: str, tmp_path: Path) -> None:
    assert message in first_fault(tmp_path, text)


WEEK_SHIFT = '{shifts: [{from: "08:00", to: "07:00", staff: 60000}], breaks: {lasts: 1 min, per_shift: 20}}'
LONG = "start: 2025-01-06 00:00, length: 36000 d"
HUNDRED = many(100, "c#: 1 %")
DATED = f"surges: [{many(1000, '{at: 2026-01-01, lasts: 1 min, factor: 2}')}]"
SENT_BACK = "{name: s#, pool: desk, service: 1 s, rework: {share: 99 %, back_to: s0, at_most: 20}}"
FILTERED = "{name: s#, pool: desk, service: 1 s, for: {channel: [" + many(90, "chanelnumber#x") + "]}}"


PRODUCTS: Final = (
    (plain(POOLS=f"desk: {WEEK_SHIFT}"), "people x breaks make 1,200,000, more than 300,000"),
    (
        plain(POOLS="desk: {staff: 100000}", RUN=LONG.replace("36000", "2600")),
        "people x time make 0.7 million years",
    ),
    (plain("centres: 1000\n", POOLS=many(9, "p#: {staff: 1}") + ", desk: {staff: 99}", RUN=LONG), "people x time"),
    (plain(DEMAND=f"volume: 1/d, channels: {{{HUNDRED}}}", RUN=LONG), "channels x hours make 86,40"),
    (plain(DEMAND=f"volume: 1/d, {DATED}", RUN=LONG), "surges x channels x hours make 864,000,"),
    (
        plain(DEMAND=f"volume: 1/d, surges: [{many(200, '{per_year: 1000, lasts: 1 min, factor: 2}')}]", RUN=LONG),
        "makes more than 10,000 surges a replication",
    ),
    (plain(STAGES=many(50, SENT_BACK)), "makes up to 50,050 visits (stages x rework), more than 5,000"),
    (
        plain(DEMAND=f"volume: 1/d, channels: {{{HUNDRED}}}, risk: {{{HUNDRED}}}, categories: {{{HUNDRED}}}"),
        "channels x risks x categories x tiers make 100,000,000 kinds of tips",
    ),
    (
        plain(DEMAND="volume: 1/d, channels: {" + many(100, "channelnumber#: 1 %") + "}", STAGES=many(99, FILTERED)),
        "there is no channel 'chanelnumber0x'; did you mean 'channelnumber0'?",
    ),
    (plain(many(3000, "unknown#: 1").replace(", ", "\n") + "\n"), "unknown0: is not a key here"),
    (plain(DEMAND="volume: 20/h, by_hour: [" + many(5000, "x") + "]"), "has 4,600 more faults"),
)
"""Documents, and what their first fault says: each a product of numbers that look harmless alone."""


@pytest.mark.parametrize("text, message", PRODUCTS)
def test_a_product_that_is_too_large_is_refused_at_once(text: str, message: str, tmp_path: Path) -> None:
    """Within the five seconds and the gigabyte that `watched` allows."""
    assert message in first_fault(tmp_path, text)


def test_kinds_of_claims_and_facts_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ledger.yaml"
    for kind in ("[1]", "{a: 1}", "null", "3"):
        path.write_text(f"ledger: L\nclaims: {{a: {{kind: {kind}}}}}\nfacts: {{b: {{kind: {kind}}}}}\n")
        with pytest.raises(ScenarioError, match="there is no such kind of claim"):
            load_ledger(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "doc.yaml")
    with pytest.raises(ScenarioError, match="is not a plain file"):
        load(tmp_path / "doc.yaml")
    with pytest.raises(ScenarioError, match="is not a plain file"):
        load_ledger(tmp_path / "doc.yaml")
    (tmp_path / "traced.yaml").write_text(plain(DEMAND="trace: doc.yaml"))
    with pytest.raises(ScenarioError, match="is not a plain file"):
        load(tmp_path / "traced.yaml")


def test_bytes_that_are_no_text_are_told_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_bytes(b"received\n2025-01-06 00:01\n2025-01-06 00:0\xff\n")
    (tmp_path / "doc.yaml").write_text(plain(DEMAND="trace: tips.csv"))
    with pytest.raises(ScenarioError, match=r"tips\.csv:3:16: is not text in UTF-8: here stands the byte 0xff"):
        trace(load(tmp_path / "doc.yaml"))


def test_a_trace_is_read_up_to_the_first_screen_of_faults(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n" + "never\n" * 2_000_000)
    (tmp_path / "doc.yaml").write_text(plain(DEMAND="trace: tips.csv"))
    with watched(Told()), pytest.raises(ScenarioError, match="is where reading stopped"):
        load(tmp_path / "doc.yaml")


@pytest.mark.parametrize("row", ["", pytest.param("2025-01-06 00:01", marks=pytest.mark.slow)])
def test_a_trace_of_too_many_lines_is_not_read_at_all(row: str, tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n" + f"{row}\n" * 10_000_001)
    (tmp_path / "doc.yaml").write_text(plain(DEMAND="trace: tips.csv"))
    with watched(Told()), pytest.raises(ScenarioError, match="has more than 10,000,000 rows"):
        load(tmp_path / "doc.yaml")


def test_a_budget_is_held(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, SMALL)
    Budget.usual().hold(scenario, 20, 2)
    Budget.read("none").hold(scenario, 10**9, 1000)
    with pytest.raises(ScenarioError, match=r"20 replications would take about .* MB of the 100 MB that it may"):
        Budget.read("100 MB").hold(scenario, 20, 2)
    with pytest.raises(ScenarioError, match=r"replications would take about .* of the 1 s that it may; what is large"):
        Budget.read("1 s").hold(scenario, 100_000, 2)
    for text in ("", "8", "8 kg", "8 GB, 9 GB", "-1 h", "nan h"):
        with pytest.raises(ValueError, match="a budget is written 8 GB, or 2 h, or 8 GB, 2 h, or none"):
            Budget.read(text)


def test_what_a_run_takes_grows_with_every_product(tmp_path: Path) -> None:
    base = size(loaded(tmp_path, SMALL))
    for change in ("run.length=70 d", "demand.volume=100/h"):
        more = size(load(tmp_path / "doc.yaml", changes=[change]))
        assert more.bytes > 5 * base.bytes / 2, change
        assert more.seconds > base.seconds, change


def test_breaks_are_reckoned_by_person_and_date(tmp_path: Path) -> None:
    """A hundred people with twenty breaks each, every day of a year: each break is planned on its own."""
    rows = 'shifts: [{from: "08:00", to: "16:00", staff: 100}]'
    for more in ("", ", breaks: {lasts: 1 min, per_shift: 20}"):
        text = plain(POOLS=f"desk: {{{rows}{more}}}", RUN="start: 2025-01-06 00:00, length: 364 d, warm_up: 0 d")
        (tmp_path / "doc.yaml").write_text(text)
        breaks = size(load(tmp_path / "doc.yaml")).number("people x breaks x dates")
        assert breaks == (pytest.approx(100 * 20 * 364, rel=0.01) if more else 0)


def command(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell's line with the program in place of `tipline`."""
    line = words.replace("tipline", f"{sys.executable} -m sim")
    return subprocess.run(["bash", "-c", line], cwd=folder, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("line", ["tipline check doc.yaml >&-", "tipline check doc.yaml 2>&-", "tipline --help >&-"])
def test_a_closed_terminal_is_nothing_to_speak_of(line: str, tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(SMALL)
    done = command(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ["check doc.yaml", "--help"])
def test_a_full_one_is_told_in_a_line(words: str, tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(SMALL)
    done = command(f"tipline {words} >/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("No space left on device\n")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a peer that accepts and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_a_cluster_that_is_none_is_told_in_a_line(deaf: str, tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(SMALL)
    for address, why in (
        ("foo://bar", "unknown address scheme"),
        ("nonsense", "missing port number"),
        (deaf, "nobody answered within 10 s"),
    ):
        done = command(f"timeout 60 tipline run doc.yaml --cluster {address} --out out", tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith(f"tipline run: --cluster {address}: {why}")
        assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_scheduler_that_is_killed_is_told_in_a_line(tmp_path: Path) -> None:
    """While the run has work there: some replications are kept, and many more are to come."""
    (tmp_path / "doc.yaml").write_text(SMALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"

    def dask(kind: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{kind}", *words], stdout=-3, stderr=-3)

    def wait_for(done: Callable[[], bool]) -> None:
        until = time.monotonic() + 300
        while not done():
            assert time.monotonic() < until
            time.sleep(0.02)

    def answers() -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", port)) == 0

    started = [dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")]
    try:
        wait_for(answers)
        started.append(dask("worker", address, "--nworkers", "1", "--no-dashboard"))
        words = ["run", "doc.yaml", "--replications", "100000", "--cluster", address, "--out", "out"]
        running = subprocess.Popen([sys.executable, "-m", "sim", *words], cwd=tmp_path, stderr=-1, text=True)
        wait_for(lambda: bool(list(tmp_path.rglob("*.piece"))) or running.poll() is not None)
        started[0].kill()
        said = running.communicate(timeout=120)[1]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert running.returncode == 2
    assert said.startswith(f"tipline run: --cluster {address}: the scheduler was lost")
    assert said.count("\n") == 1


def test_every_command_that_works_can_be_given_a_budget() -> None:
    import typer

    group = typer.main.get_command(app)
    given = {
        name
        for name, one in group.commands.items()  # type: ignore[attr-defined]
        if any("--budget" in parameter.opts and not parameter.hidden for parameter in one.params)
    }
    long = {"claims", "compare", "map", "plausibility", "runway", "sensitivity", "staff", "study", "validate"}
    assert given == {"run", "live"} | long
