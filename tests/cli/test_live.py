"""`tipline live`: who may ask, what a page is told, that it is what `tipline run` finds, and what is saved."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the live page is not installed: pip install 'tipline[live]'")
pytest.importorskip("uvicorn", reason="the live page is not installed: pip install 'tipline[live]'")
pytest.importorskip("httpx", reason="the client of Starlette's tests is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer ones would rather have httpx2
    from starlette.testclient import TestClient

from sim.answers.run import RunAnswer
from sim.cli import options
from sim.cli.live.server import Live, listen, server_of
from sim.cli.live.work import UnwantedError, Work
from sim.cli.live.world import LiveWorld, PageChoices
from sim.cli.options import Options
from sim.draw import draw_key
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.studies import replicate
from tests.browser import CHROMIUM, Tab, browser
from tests.cli.lines import SCENARIOS, tipline
from tests.live import Client, served
from tests.studies.lines import DESK

TOKEN = "a-token"
HERE = f"http://127.0.0.1:8765/{TOKEN}/"
NOTED = """\
variants:
  busy:                      # a comment that stays
    demand.volume: 14/h
"""


def desk(folder: Path) -> Path:
    """The file of a desk with a variant."""
    path = folder / "desk.yaml"
    path.write_text(DESK.replace("replications: 10", "replications: 6") + NOTED, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return desk(tmp_path)


def live_of(file: Path, **more: Any) -> Live:
    return Live(LiveWorld(file, Options(**more)), Work(2))


class Asker:
    """A page of an application in this process."""

    def __init__(self, live: Live, client: TestClient, **state: Any) -> None:
        self.live, self.client, self.n = live, client, 0
        self.opened = self.post("pages", state=state or None).json()
        self.page = self.opened["page"]

    def post(self, what: str, **given: Any) -> Any:
        given = given | ({} if what == "pages" else {"page": self.page})
        return self.client.post(f"{HERE}ask/{what}", json=given)

    def move(self, **state: Any) -> Any:
        self.n += 1
        return self.post("move", move=self.n, state=state)

    def told(self, what: str = "whole", seconds: float = 60) -> dict[str, Any]:
        """The answer to what was asked last, as soon as something is so."""
        ends = time.monotonic() + seconds
        page = self.live.pages[self.page]
        while time.monotonic() < ends:
            assert "broken" not in page.told, page.told["broken"]
            if page.told.get("move") == page.move and page.told.get(what):
                return page.told
            time.sleep(0.005)
        raise TimeoutError(page.told)


@contextmanager
def opened(live: Live) -> Iterator[Callable[..., Asker]]:
    with TestClient(live.app(TOKEN, 8765), base_url="http://127.0.0.1:8765") as client:
        yield lambda **state: Asker(live, client, **state)


@pytest.fixture
def asking(file: Path) -> Iterator[Callable[..., Asker]]:
    with opened(live_of(file)) as asker:
        yield asker


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """A page that is only looked at."""
    with opened(live_of(desk(tmp_path_factory.mktemp("live")))) as asking:
        yield asking()


def ran(command: str, out: Path) -> dict[str, Any]:
    """What a command that a page tells comes to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunAnswer, "drawn", lambda _: iter(()))  # figures take most of the time
        found = tipline(*shlex.split(command)[1:], "--json", "--jobs", "1", "--out", out)
    assert found.exit_code == options.DONE, found.output
    told: dict[str, Any] = json.loads(found.stdout)
    return told


def agrees(told: dict[str, Any], run: dict[str, Any]) -> None:
    """Every figure that a page is told is that of the run, to the last digit."""
    assert [{head: row[head] for head in run["targets"][0]} for row in told["targets"]] == run["targets"]
    assert told["joint"] == run["joint"]
    for row, whole in zip(told["pools"], run["pools"], strict=True):
        assert row == {head: whole[head] for head in row}
    assert told["totals"]["fte"] == sum(row["fte"] for row in run["pools"])
    assert told["sentences"] == run["answer"]
    assert (told["together"], told["binding"], told["notes"]) == (run["together"], run["binding"], run["notes"])
    for name, pool in told["week"]["pools"].items():
        assert pool["busy_servers"] == [float(f"{row[f'{name}_busy_servers']:.4g}") for row in run["intervals"]]
    for curve in told["response"]:
        rows = [row for row in run["response"] if row["target"] == curve["target"]]
        assert curve["through_share"] == [float(f"{row['through_share']:.4f}") for row in rows]


# Who may ask


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/another-token/", {}),
        ("/a-toke/", {}),
        ("/a-token-and-more/", {}),
        (f"/{TOKEN}/", {"Host": "desk.example:8765"}),
        (f"/{TOKEN}/", {"Host": "127.0.0.1:80"}),
        (f"/{TOKEN}/", {"Origin": "http://desk.example"}),
        (f"/{TOKEN}/", {"Origin": "null"}),
        (f"/{TOKEN}/", {"Origin": "http://127.0.0.1:80"}),
        (f"/{TOKEN}/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}),
        (f"/{TOKEN}/", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
        (f"/{TOKEN}/told/events?page=x", {"Origin": "http://desk.example"}),
        ("/told/events?page=x", {}),
    ],
)
def test_whoever_lacks_the_token_or_comes_from_elsewhere_gets_nothing(
    asker: Asker, path: str, headers: dict[str, str]
) -> None:
    for method in ("GET", "POST"):
        found = asker.client.request(method, path, headers=headers)
        assert (found.status_code, found.content) == (403, b"")


def test_the_page_itself_is_let_through_and_may_load_nothing_from_elsewhere(asker: Asker) -> None:
    client = asker.client
    for headers in (
        {},
        {"Origin": "http://127.0.0.1:8765"},
        {"Host": "localhost:8765", "Origin": "http://localhost:8765", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ):
        assert client.get(HERE, headers=headers).status_code == 200
    found = client.get(HERE)
    policy = dict(part.strip().split(" ", 1) for part in found.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert found.headers["Referrer-Policy"] == "no-referrer"
    assert "<title>A desk: live</title>" in found.text
    for name in ("", "live.css", "live.js", "day.js"):
        text = client.get(HERE + name).text
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert client.get(HERE + "world.py").status_code == 404


# What is asked


@pytest.mark.parametrize(
    ("state", "place", "rule", "value"),
    [
        ({"values": {"pools.desk.staff": 1.5}}, "pools.desk.staff", "whole numbers only", "1.5"),
        ({"values": {"pools.desk.staff": -1}}, "pools.desk.staff", "", "-1"),
        ({"values": {"demand.risk.high": 140}}, "demand.risk.high", "", "140 %"),
        ({"values": {"pools.desk.staf": 1}}, "pools.desk.staf", "pools.desk.staff", "1"),
        ({"values": {"pools.desk.staff": "2"}}, "state.values.pools.desk.staff", "must be a number", "'2'"),
        ({"values": [1]}, "state.values", "must be a mapping", "a list"),
        ({"variant": "bussy"}, "state.variant", "busy", ""),
        ({"variant": 3}, "state.variant", "must be a name", "3"),
        ({"reading": "strict"}, "--reading strict", "no ledger", ""),
        ({"reading": "loose"}, "state.reading", "lenient", "'loose'"),
        ({"until_decided": 1}, "state.until_decided", "true or false", "1"),
        ({"speed": 1}, "state.speed", "not known", ""),
    ],
)
def test_a_bad_state_is_told_with_place_rule_and_value(
    asker: Asker, state: dict[str, Any], place: str, rule: str, value: str
) -> None:
    before = asker.told()
    found = asker.move(**state)
    assert found.status_code == 422
    first = found.json()["faults"][0]
    assert place in f"{first['file']} {first['path']}"
    assert rule in first["rule"]
    assert value in first["value"]
    assert place in first["text"]
    assert asker.told() is before, "what was told before stays"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"move": 1}', b'{"page": "x", "move": 1, "state": {}}', b"x" * 200_000]
)
def test_what_is_no_request_is_told_as_such(asker: Asker, body: bytes) -> None:
    found = asker.client.post(f"{HERE}ask/move", content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == 422
    assert found.json()["faults"][0]["rule"]


def test_only_json_is_taken(asker: Asker) -> None:
    """A form of another page could send text without asking first."""
    found = asker.client.post(f"{HERE}ask/pages", content=b"{}", headers={"Content-Type": "text/plain"})
    assert found.status_code == 422


def test_a_page_is_told_its_sliders_with_where_they_stand(asking: Callable[..., Asker]) -> None:
    asker = asking()
    at = {one["path"]: one for one in asker.opened["controls"]}
    assert {path: one["value"] for path, one in at.items()} == {
        "demand.volume": 12,
        "stages.answer.service.exponential.mean": 10,
        "demand.risk.high": 10,
        "pools.desk.staff": 2,
    }
    assert (at["demand.volume"]["low"], at["demand.volume"]["high"], at["demand.volume"]["unit"]) == (4, 20, "/h")
    assert at["pools.desk.staff"]["unit"] == "people"
    moved = asker.move(variant="busy", values={"demand.risk.high": 4}).json()
    assert {one["path"]: one["value"] for one in moved["controls"]} == {
        "demand.volume": 14,
        "stages.answer.service.exponential.mean": 10,
        "demand.risk.high": 4,
        "pools.desk.staff": 2,
    }


# What it comes to


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"variant": "busy"},
        {"values": {"demand.volume": 9.5, "demand.risk.high": 3.3, "pools.desk.staff": 3}},
        {"variant": "busy", "values": {"stages.answer.service.exponential.mean": 7.3}},
    ],
)
def test_the_numbers_are_those_of_the_command_it_tells(
    asking: Callable[..., Asker], state: dict[str, Any], tmp_path: Path
) -> None:
    asker = asking()
    command = asker.move(**state).json()["command"]
    told = asker.told()
    assert (told["n"], told["of"], told["done"]) == (6, 6, True)
    agrees(told, ran(command, tmp_path / "out"))


def test_replications_until_decided_are_those_of_the_command(file: Path, tmp_path: Path) -> None:
    with opened(live_of(file, replications=2)) as asking:
        asker = asking()
        command = asker.move(until_decided=True, values={"demand.volume": 13.5}).json()["command"]
        assert "--until-decided" in command
        told = asker.told()
        assert told["n"] > 2
        agrees(told, ran(command, tmp_path / "out"))


def test_options_of_the_command_hold_on_the_page(file: Path, tmp_path: Path) -> None:
    given = {"changes": ["run.length=14 d"], "seed": 5, "replications": 3, "targets": "busy"}
    with opened(live_of(file, **given)) as asking:
        asker = asking()
        command = asker.move(values={"pools.desk.staff": 3}).json()["command"]
        told = asker.told()
        assert (told["of"], told["seed"], [one["target"] for one in told["targets"]]) == (3, 5, ["busy"])
        agrees(told, ran(command, tmp_path / "out"))


def test_answers_come_in_one_by_one_and_their_intervals_narrow(file: Path) -> None:
    steps = list(work_ready().steps(LiveWorld(file, Options()).first, lambda: True))
    assert [step.n for step in steps] == [1, 2, 3, 4, 5, 6, 6]
    assert [step.done for step in steps] == [False] * 5 + [True, True]
    assert [step.whole for step in steps] == [False] * 6 + [True]


def work_ready() -> Work:
    work = Work(1)
    work._ready.set()
    return work


def test_a_new_move_ends_the_old_work_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = []
    real = replicate.simulate
    monkeypatch.setattr(replicate, "simulate", lambda *given: simulated.append(1) or real(*given))
    wanted = [True]
    steps = work_ready().steps(LiveWorld(file, Options()).first, lambda: wanted[0])
    next(steps)
    wanted[0] = False
    with pytest.raises(UnwantedError):
        next(steps)
    assert len(simulated) == 1


def test_a_move_that_comes_late_is_passed_over(asking: Callable[..., Asker]) -> None:
    asker = asking()
    asker.n = 7
    asker.move(values={"pools.desk.staff": 4})
    assert asker.post("move", move=8, state={}).json() == {"late": True}
    assert asker.live.pages[asker.page].asked.scenario.pools["desk"].staff == 4  # type: ignore[union-attr]


def test_two_pages_do_not_mix(asking: Callable[..., Asker], tmp_path: Path) -> None:
    one, other = asking(), asking()
    assert one.page != other.page
    commands = [
        one.move(values={"pools.desk.staff": 3}).json()["command"],
        other.move(values={"demand.volume": 6}).json()["command"],
    ]
    one.told(), other.told()
    one.post("pin", on=True)
    for asker, command in zip((one, other), commands, strict=True):
        agrees(asker.told(), ran(command, tmp_path / "out"))
    assert other.live.pages[other.page].pinned is None


def test_what_was_done_is_at_hand_when_it_is_undone(
    asking: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = asking()
    first = asker.told()
    asker.move(values={"pools.desk.staff": 4})
    asker.told()
    monkeypatch.setattr(replicate, "simulate", lambda *_: pytest.fail("it was simulated already"))
    asker.move()
    again = asker.told()
    assert (again["targets"], again["n"]) == (first["targets"], first["n"])


def test_a_and_b_differ_as_compare_tells(asking: Callable[..., Asker], file: Path, tmp_path: Path) -> None:
    asker = asking()
    asker.told()
    assert asker.post("pin", on=True).json() == {"pinned": True}
    asker.move(variant="busy")
    found = tipline("compare", file, "--variant", "busy", "--json", "--jobs", "1", "--out", tmp_path / "out")
    rows = [row for row in json.loads(found.stdout)["compare"] if row["scenario"] != "desk"]
    told = asker.told()["changes"]
    assert [one["target"] for one in told] == [row["target"] for row in rows]
    for one, row in zip(told, rows, strict=True):
        named = (row["difference"], row["difference_low"], row["difference_high"], row["real"])
        assert (one["difference"], one["low"], one["high"], one["real"]) == named


def test_nothing_is_kept_as_a_before_it_is_done(asking: Callable[..., Asker]) -> None:
    asker = asking()
    asker.told()
    asker.live.pages[asker.page].answer = None
    assert asker.post("pin", on=True).status_code == 422


def test_the_report_is_that_of_the_run(asking: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunAnswer, "drawn", lambda _: iter(()))  # figures take most of the time
    asker = asking()
    command = asker.move(values={"pools.desk.staff": 3}).json()["command"]
    asker.told()
    found = asker.client.get(f"{HERE}told/report?page={asker.page}")
    assert found.status_code == 200
    assert found.headers["Content-Disposition"] == 'attachment; filename="desk.html"'
    assert "Made by <code>" in found.text
    assert "--set pools.desk.staff=3" in found.text
    assert command.startswith("tipline run ")


def test_a_day_is_told_of_the_first_replication(asking: Callable[..., Asker]) -> None:
    asker = asking()
    asker.move(values={"pools.desk.staff": 3})
    asker.told()
    told = asker.client.get(f"{HERE}told/day?page={asker.page}").json()
    assert told["says"]
    assert [one["name"] for one in told["day"]["stages"]] == ["answer"]
    assert max(told["day"]["pools"][0]["staff"]) == 3
    assert len(told["day"]["tips"]) > 100


# What is saved


def test_a_saved_variant_is_there_after_a_restart_and_runs(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    with opened(live_of(file)) as asking:
        asker = asking()
        state = {"variant": "busy", "values": {"demand.risk.high": 3, "pools.desk.staff": 3}}
        asker.move(**state)
        told = asker.told()
        saved = asker.post("save", name="three at noon", state=state).json()
        assert saved["variants"][-1] == {"name": "three at noon", "says": "saved in desk.live.yaml"}
    assert file.read_bytes() == before
    with opened(live_of(file)) as asking:
        asker = asking()
        assert [one["name"] for one in asker.opened["variants"]] == ["busy", "three at noon"]
        moved = asker.move(variant="three at noon").json()
        assert asker.told()["targets"] == told["targets"]
        assert "desk.live.yaml --variant 'three at noon'" in moved["command"]
        agrees(asker.told(), ran(moved["command"], tmp_path / "out"))


def test_saving_keeps_all_that_the_file_had(file: Path) -> None:
    world = LiveWorld(file, Options())
    world.save("one", PageChoices(values=(("pools.desk.staff", 3.0),)))
    text = world.saved_file.read_text(encoding="utf-8")
    mine = text.replace("  one:", "  # a note by hand\n  one:").replace("staff: 3", "staff: 3      # so many")
    assert mine != text
    world.saved_file.write_text(mine, encoding="utf-8")
    world.save("two", PageChoices(values=(("pools.desk.staff", 4.0),)))
    now = world.saved_file.read_text(encoding="utf-8")
    assert now.startswith(mine.rstrip("\n"))
    assert "a note by hand" in now
    assert "# so many" in now
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [("busy", "choose another"), ("", "needs a name"), (3, "needs a name"), ("a.b", "letters"), ("x" * 99, "80")],
)
def test_a_name_that_cannot_be_is_told(file: Path, name: object, rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        LiveWorld(file, Options()).save(name, PageChoices())
    assert not file.with_name("desk.live.yaml").exists()


def test_a_share_beside_one_of_the_variant_is_saved_as_it_came_to(tmp_path: Path) -> None:
    """Laid on one after the other, shares make room for each other twice; in one variant they do so once."""
    path = tmp_path / "desk.yaml"
    thirds = DESK.replace("{high: 10 %, low: 90 %}", "{high: 10 %, low: 60 %, non: 30 %}")
    path.write_text(thirds + "variants: {risky: {demand.risk.low: 20 %}}\n", encoding="utf-8")
    world = LiveWorld(path, Options())
    state = PageChoices(variant="risky", values=(("demand.risk.high", 20.0),))
    world.save("both", state)
    found = load(world.saved_file, variant="both")
    assert found.demand.risk == world.asked(state).scenario.demand.risk
    assert draw_key(found) == draw_key(world.asked(state).scenario)


def test_a_reading_is_switched_and_saved(tmp_path: Path) -> None:
    for name in ("emergency.yaml", "emergency_claims.yaml", "emergency_department.yaml"):
        shutil.copy(SCENARIOS / name, tmp_path / name)
    world = LiveWorld(tmp_path / "emergency.yaml", Options())
    assert world.readings == ("lenient", "moderate", "strict")
    asked = world.asked(PageChoices(reading="strict"))
    assert "--reading strict" in asked.command
    assert asked.scenario.targets != world.first.scenario.targets
    world.save("to the letter", PageChoices(reading="strict"))
    assert load(world.saved_file, variant="to the letter").targets == asked.scenario.targets


def test_stretches_of_levels_are_posts(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    levels = "levels: {every: 6 h, staff: [1, 2, 2, 1]}"
    path.write_text(
        DESK.replace("{desk: {staff: 2}}", f"{{desk: {{{levels}}}}}").replace(
            "  pools.desk.staff: {from: 1, to: 6}\n", ""
        ),
        encoding="utf-8",
    )
    world = LiveWorld(path, Options())
    labels = {one.path: one.label for one in world.first.base.controls if one.unit == "people"}
    middle = "pools.desk.levels.0.staff.1"
    assert labels[middle] == "desk 06:00-18:00"
    asked = world.asked(PageChoices(values=((middle, 5.0),)))
    assert asked.scenario.pools["desk"].levels.blocks[0].staff == (1, 5, 5, 1)  # type: ignore[union-attr]
    assert asked.values[middle] == 5
    assert "--set 'pools.desk.levels.staff=[1, 5, 5, 1]'" in asked.command


def test_a_changed_file_is_read_again_by_the_next_page(asking: Callable[..., Asker], file: Path) -> None:
    asking()
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "  calm: {demand.volume: 6/h}\n", encoding="utf-8")
    assert [one["name"] for one in asking().opened["variants"]] == ["busy", "calm"]


# The command


def test_without_the_extra_it_says_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("starlette", "uvicorn", "sim.cli.live.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    found = tipline("live", file)
    assert found.exit_code == options.BAD_INPUT
    assert "pip install 'tipline[live]'" in found.output


def test_a_file_at_fault_is_told_before_anything_is_served(file: Path) -> None:
    file.write_text(DESK.replace("staff: 2", "staff: two"), encoding="utf-8")
    found = tipline("live", file)
    assert found.exit_code == options.BAD_INPUT
    assert "pools.desk.staff" in found.output


@pytest.fixture
def address(file: Path) -> Iterator[str]:
    """A real server in this process."""
    with listen(0) as place:
        port = place.getsockname()[1]
        server = server_of(live_of(file).app(TOKEN, port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/{TOKEN}/"
        finally:
            server.should_exit = True
            thread.join(20)


def test_the_stream_tells_every_move_to_its_end(address: str) -> None:
    client, other = Client(address), Client(address)
    client.answer(-1)
    for staff in (3, 4, 5):
        move = client.move(values={"pools.desk.staff": staff})
    _, told = client.answer(move)
    assert told["n"] == 6
    assert told["done"]
    other.answer(-1)
    assert {one["move"] for _, one in other.answers} == {-1}
    assert client.get("told/report")[0] == 200


# In a real browser


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_slider_is_moved_in_a_browser_and_comes_to_what_run_finds(tmp_path: Path) -> None:
    """By keys alone; two pages at once; a page from elsewhere; the server killed and begun again."""
    file = Path(shutil.copy(SCENARIOS / "national.yaml", tmp_path))
    with browser() as chromium:
        with served(file) as address:
            tab, other = _opened(chromium.tab(), address), _opened(chromium.tab(), address)
            tab.run(f"{_slider('pools.analysts.staff')}.focus()")
            tab.key("ArrowRight", 39)
            _whole(tab, 1)
            command = tab.run("document.getElementById('command').textContent")
            assert command.endswith("national.yaml --set pools.analysts.staff=3")
            shown = tab.run("[...document.querySelectorAll('#targets tbody tr')].map((row) => row.innerText)")
            run = ran(command, tmp_path / "out")
            for text, row in zip(shown, run["targets"], strict=True):
                assert row["verdict"] in text
                size = 1 if row["unit"] == "min" else 100
                assert f"{size * row['value']:.1f}" in text or f"{size * row['value']:.2f}" in text
            assert run["answer"][0] in tab.run("document.getElementById('sentences').innerText")
            assert tab.run("document.getElementById('announce').textContent") or tab.until(
                "document.getElementById('announce').textContent"
            )
            assert other.run(f"{_slider('pools.analysts.staff')}.value") == "2", "another page is not moved"
            tab.run("document.getElementById('undo').click()")
            _whole(tab, 2)
            assert tab.run(f"{_slider('pools.analysts.staff')}.value") == "2"
            tab.run("document.getElementById('redo').click()")
            _whole(tab, 3)
            tab.run("document.getElementById('save-name').value = 'three'")
            tab.run("document.getElementById('save').requestSubmit()")
            tab.until("document.getElementById('done').textContent.includes('Saved as three')")
            assert not tab.complaints
            assert not other.complaints
            assert _from_elsewhere(chromium.tab(), address) == "nothing"
        with subprocess.Popen(
            [sys.executable, "-m", "sim", "live", str(file), "--quiet"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SCENARIOS.parent)},
        ) as process:
            assert process.stdout is not None
            tab = _opened(chromium.tab(), process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
        with served(file) as address:
            tab = _opened(chromium.tab(), address)
            assert "three saved in national.live.yaml" in tab.run("document.getElementById('variants').innerText")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_axe_finds_nothing_at_any_width_light_or_dark(file: Path, tmp_path: Path) -> None:
    axe = _axe(tmp_path)
    with served(file) as address, browser() as chromium:
        tab = _opened(chromium.tab(), address)
        tab.run("document.getElementById('pin').click()")
        tab.until("!document.getElementById('pinned').hidden")
        tab.run("document.getElementById('show-day').click()")
        tab.until("!document.getElementById('day').hidden")
        tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        tab.run(axe)
        for width in (1280, 400):
            for dark in (False, True):
                tab.size(width, 900, dark=dark, still=True)
                assert tab.run("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"
                found = tab.run(
                    "axe.run().then((all) => JSON.stringify(all.violations.map((one) => [one.id, one.nodes[0].html])))"
                )
                assert json.loads(found) == []


def _axe(folder: Path) -> str:
    """The checker of accessibility, which is fetched for the test alone."""
    given = os.environ.get("TIPLINE_AXE")
    script = Path(given) if given else folder / "node_modules" / "axe-core" / "axe.min.js"
    if not given and (npm := shutil.which("npm")) is not None:
        words = [npm, "install", "--silent", "--no-save", "--no-package-lock", "--prefix", str(folder), "axe-core"]
        subprocess.run(words, timeout=120, check=False, capture_output=True)
    if not script.is_file():
        pytest.skip("axe-core is not at hand: npm cannot fetch it, and TIPLINE_AXE names no axe.min.js")
    return script.read_text(encoding="utf-8")


def _opened(tab: Tab, address: str) -> Tab:
    tab.size(1280, 900)
    tab.open(address)
    _whole(tab, -1)
    return tab


def _whole(tab: Tab, move: int) -> None:
    marks = "document.documentElement?.dataset"
    tab.until(f"{marks}.whole === 'true' && {marks}.move === '{move}'", 200)


def _slider(path: str) -> str:
    return f"document.querySelector('[type=range][data-path=\"{path}\"]')"


def _from_elsewhere(tab: Tab, address: str) -> str:
    """What a page of another origin gets to see of a live page whose address it knows."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<title>elsewhere</title><iframe src="{address}"></iframe>'.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab.open(f"http://127.0.0.1:{server.server_port}/")
        tab.until("document.title === 'elsewhere' && document.readyState === 'complete'")
        asked = (
            f"Promise.all(['', 'live.js', 'told/events?page=x'].map((one) => fetch('{address}' + one)"
            ".then((found) => found.text(), () => '')))"
            ".then((all) => all.join('') + (document.querySelector('iframe').contentDocument?.title || ''))"
            ".then((seen) => seen || 'nothing')"
        )
        found: str = tab.run(asked)
        server.shutdown()
    return found
