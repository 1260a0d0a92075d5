"""The report: what it says, that it is one file and safe whatever it was made of, and that a real browser agrees."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path

import pytest

from sim.answers.run import RunAnswer
from sim.cli import options
from sim.cli.report.page import SCRIPTS, answers, exhibits, headline, judged, page_of
from sim.cli.report.page import rendered as html
from sim.cli.report.results import NoResultsError, Results, read_results
from sim.cli.report.stress import NOT_STATED, items
from sim.scenario.loading import load
from sim.tables.declared import MOST_ROWS
from tests.browser import CHROMIUM
from tests.cli.lines import SCENARIOS, tipline
from tests.studies.lines import DESK

HOSTILE = (
    '</title></style><script src="http://127.0.0.1:{port}/s"></script>'
    "<img src=http://127.0.0.1:{port}/i onerror=x()>{{{{7*7}}}}'\"&"
)

SAFE_ELEMENTS = frozenset(
    """
    html head meta title link style body main header section nav ol ul li a h1 h2 h3 p figure figcaption div img table
    caption thead tbody tr th td details summary pre code span strong em small br dl dt dd footer script
    """.split()  # noqa: SIM905
)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.scripts += [""] if tag == "script" else []
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style" and data.strip():
            self.texts.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def values(self, name: str) -> list[str]:
        return [value for _, known, value in self.attributes if known == name]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a run of a desk leaves."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "desk.yaml").write_text(DESK.replace("replications: 10", "replications: 3"), encoding="utf-8")
    command = ["run", str(folder / "desk.yaml"), "--out", str(folder / "desk"), "--jobs", "1", "--quiet"]
    with pytest.MonkeyPatch.context() as context:
        context.setattr(sys, "argv", ["tipline", *command])
        found = tipline(*command)
    assert found.exit_code == options.DONE, found.output
    return folder / "desk"


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(ran, tmp_path / "desk"))


def study_of(ran: Path, folder: Path, **told: object) -> Results:
    """Two steps, both the desk, as a study leaves them."""
    for name in ("one", "two"):
        shutil.copytree(ran, folder / name)
    steps = {
        name: {"title": f"Step {name}", "why": "Why?", "command": ["tipline", "run", "a b.yaml"]}
        for name in ("one", "two")
    }
    manifest = {"study": "A study", "about": "Of desks.", "steps": steps, **told}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return read_results(folder)


def hostile(folder: Path, port: int) -> Path:
    """A folder of results in which every text that somebody may have written is an attempt."""
    text = HOSTILE.format(port=port)
    # A mapping in JSON is one in YAML, and needs no escapes beside its own.
    (folder / "scenario.yaml").write_text(
        DESK.replace("scenario: A desk", f"scenario: {json.dumps(text)}\nabout: {json.dumps(text)}").replace(
            "to: 20/h}", f"to: 20/h, source: {json.dumps(text)}}}"
        )
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"scenario": text, "command": ["tipline", text], "versions": {"tipline": text, text: text}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for name in ("targets.csv", "pools.csv"):
        table = (folder / name).read_text()
        (folder / name).write_text(table.replace("quick", '"' + text.replace('"', '""') + '"').replace("desk", "x<b>y"))
    (folder / "<b>.csv").write_text("<i>,b\n<u>,2\n")
    (folder / "said.txt").write_text(text)
    (folder / "compare.json").write_text(json.dumps({"answer": [text]}))
    script = f"<svg xmlns='http://www.w3.org/2000/svg'><script href='http://127.0.0.1:{port}/v'/></svg>"
    (folder / "plots" / "<x>.svg").write_text(script)
    return folder


OF_SCRIPT = frozenset("button select option label svg g rect circle path text canvas input".split())  # noqa: SIM905
"""What the page's own script makes."""


def is_safe(page: Page, also: frozenset[str] = frozenset(), sources: frozenset[str] = frozenset()) -> bool:
    """Nothing in a page runs but its own script, nothing in it is fetched, and it leads elsewhere to sources alone."""
    own = all(address.startswith("data:") for address in page.values("src"))
    own &= all(address.startswith(("data:", "#")) or address in sources for address in page.values("href"))
    script = "\n".join((files("sim.cli.report") / name).read_text(encoding="utf-8") for name in SCRIPTS)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{hashed}'; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )
    handlers = [name for _, name, _ in page.attributes if name.startswith("on")]
    plain = {value for tag, name, value in page.attributes if tag == "script"} <= {"application/json"}
    runs = [one for one in page.scripts if not one.startswith("{")]
    return (
        own
        and plain
        and runs == [script]
        and not handlers
        and page.elements <= SAFE_ELEMENTS | also
        and policy in page.values("content")
    )


def test_a_run_is_reported_with_its_answer_verdicts_figures_data_and_command(ran: Path) -> None:
    text = html(read_results(ran))
    page = Page(text)
    assert is_safe(page)
    assert text.index("What binds is") < text.index("<table") < text.index("<figure>") < text.index("STRESS-DES")
    assert text.count('src="data:image/svg+xml;base64,') == 7
    assert page.text.count("Made by tipline run") >= 6
    assert "at least 80 % in 5 min" in page.text
    for name in ("targets.csv", "response.csv", "intervals.csv", "dates.csv", "pools.csv", "stages.csv", "tips.csv"):
        assert text.count(f'<span class="file">{name}</span>') == 1


def test_every_figure_of_a_run_has_its_data_beside_it(ran: Path) -> None:
    found = list(exhibits(read_results(ran).folders[0]))
    assert [one.plot.name for one in found] == ["verdicts", "response", "week", "days", "roster", "failing", ""]
    assert all(one.tables or one.also for one in found)
    assert [one.also for one in found[4:6]] == [("intervals.csv",)] * 2
    assert {table.name for one in found for table in one.tables} == {path.stem for path in ran.glob("*.csv")}


def test_the_command_writes_the_page_and_says_where(folder: Path, tmp_path: Path) -> None:
    found = tipline("report", folder)
    assert found.exit_code == options.DONE
    size = (folder / "report.html").stat().st_size
    assert found.output == f"Written to {folder / 'report.html'} ({size / 1e6:.1f} MB)\n"
    assert size < 1_000_000
    assert tipline("report", folder, "--out", tmp_path / "pages" / "one.html", "--quiet").output == ""
    assert (tmp_path / "pages" / "one.html").read_bytes() == (folder / "report.html").read_bytes()
    told = json.loads(tipline("report", folder, "--out", tmp_path / "pages", "--json").output)
    assert told["file"] == str(tmp_path / "pages" / "report.html")


@pytest.mark.parametrize("missing", ["", "nowhere"])
def test_a_folder_without_results_is_told_so(tmp_path: Path, missing: str) -> None:
    found = tipline("report", tmp_path / missing)
    assert found.exit_code == options.BAD_INPUT
    assert found.output.startswith(f"tipline report: {tmp_path / missing}: ")
    assert "Traceback" not in found.output


def test_a_study_leads_with_the_answer_of_the_steps_that_it_names(ran: Path, tmp_path: Path) -> None:
    study_of(ran, tmp_path, answer={"two": "With more people", "one": "", "none": "x"})
    (tmp_path / "two" / "staff.json").write_text(json.dumps({"answer": ["None holds:", "two are too few.", "More."]}))
    results = read_results(tmp_path)
    assert headline(results) == ["With more people: none holds: two are too few.", answers(results.folders[0])[0]]
    page = Page(html(results))
    assert is_safe(page)
    for text in ("A study", "Of desks.", "Step one", "Step two", "Why?", "Made by tipline run 'a b.yaml'"):
        assert text in page.text
    assert {f"#{name}" for name in ("one", "two", "verdicts", "checklist")} <= set(page.values("href"))
    assert set(page.values("href")) - {"data:,"} <= {f"#{name}" for name in page.values("id")}


def test_without_a_word_of_the_study_the_first_answer_of_each_command_leads(ran: Path, tmp_path: Path) -> None:
    study_of(ran, tmp_path)
    for name, command in (("one", "map"), ("two", "claims"), ("two", "map")):
        (tmp_path / name / f"{command}.json").write_text(json.dumps({"answer": [f"{command} of {name}."]}))
    results = read_results(tmp_path)
    assert headline(results) == [results.folders[0].answer("run")[0], "claims of two.", "map of one."]


def test_what_leads_stands_once_and_before_the_scenarios(ran: Path, tmp_path: Path) -> None:
    study_of(ran, tmp_path)
    for name in ("one", "two"):
        for figure in ("map", "sensitivity", "claims"):
            shutil.copy(tmp_path / name / "plots" / "week.svg", tmp_path / name / "plots" / f"{figure}.svg")
            (tmp_path / name / f"{figure}.csv").write_text("a,b\n1,2\n")
    text = html(read_results(tmp_path))
    places = [text.index(f'id="{name}"') for name in ("The-claims", "verdicts", "The-plausibility-map")]
    assert [*places, text.index('id="What-decides-it"'), text.index('id="one"')] == sorted(
        [*places, text.index('id="What-decides-it"'), text.index('id="one"')]
    )
    assert text.count("The plausibility map.</strong>") == 2
    assert "Above: The claims, The plausibility map, What decides it." in text


def test_figures_and_tables_of_a_command_that_nobody_knows_are_shown(folder: Path) -> None:
    (folder / "new_thing.csv").write_text("a,b\n1,2\n")
    shutil.copy(folder / "plots" / "week.png", folder / "plots" / "new_thing.png")
    found = list(exhibits(read_results(folder).folders[0]))
    one = next(exhibit for exhibit in found if exhibit.plot.name == "new_thing")
    assert [table.name for table in one.tables] == ["new_thing"]
    assert 'src="data:image/png;base64,' in html(read_results(folder))


def test_each_figure_names_the_command_that_made_it(folder: Path) -> None:
    shutil.copy(folder / "plots" / "week.svg", folder / "plots" / "map.svg")
    (folder / "map.json").write_text(json.dumps({"command": ["tipline", "map", "x.yaml"]}))
    page = Page(html(read_results(folder)))
    assert page.text.count("Made by tipline map x.yaml") == 1
    assert page.text.count("Made by tipline run") == 7


def test_an_answer_without_a_table_is_reported(tmp_path: Path) -> None:
    (tmp_path / "staff.json").write_text(json.dumps({"scenario": "A desk", "answer": ["No staffing can meet them."]}))
    page = Page(html(read_results(tmp_path)))
    assert "A desk" in page.text
    assert "No staffing can meet them." in page.text


def test_every_folder_of_a_collection_is_reported(ran: Path, tmp_path: Path) -> None:
    for name in ("run.10", "run.2"):
        shutil.copytree(ran, tmp_path / name)
    (tmp_path / "empty").mkdir()
    assert [one.path.name for one in read_results(tmp_path).folders] == ["run.2", "run.10"]


def test_hostile_texts_are_shown_and_never_obeyed(folder: Path) -> None:
    page = Page(html(read_results(hostile(folder, 80))))
    assert is_safe(page)
    assert page.text.count(HOSTILE.format(port=80)) > 5
    assert "{{7*7}}" in page.text


@pytest.mark.parametrize(
    "name, content",
    [
        ("targets.csv", b""),
        ("targets.csv", b"\xff\xfe\x00"),
        ("targets.csv", b'target,verdict\n"open'),
        ("targets.csv", b"target,verdict,value\nx,met,much\n"),
        ("joint.csv", b"period\nweek\n"),
        ("manifest.json", b"[1, 2]"),
        ("manifest.json", b'{"steps": {"desk": 3}, "command": 4, "versions": []}'),
        ("manifest.json", b"\x00"),
        ("scenario.yaml", b"scenario: ["),
        ("scenario.yaml", b"scenario: x\nextends: ../../etc/passwd\n"),
        ("map.json", b'{"answer": "no list"}'),
        ("said.txt", b"\xff"),
    ],
)
def test_a_folder_that_was_spoilt_is_reported_all_the_same(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    try:
        page = Page(html(read_results(folder)))
    except NoResultsError:
        assert b"steps" in content
    else:
        assert is_safe(page)


def test_a_step_outside_the_study_is_not_read(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    shutil.copytree(ran, tmp_path / "secret")
    steps = {"../secret": {"title": "x"}, "/etc": {"title": "y"}}
    (tmp_path / "study" / "manifest.json").write_text(json.dumps({"study": "s", "steps": steps}))
    with pytest.raises(NoResultsError):
        read_results(tmp_path / "study")


def test_a_long_table_is_cut_and_says_so(folder: Path) -> None:
    (folder / "long.csv").write_text("a\n" + "1\n" * (MOST_ROWS + 7))
    assert "7 further rows stand in the file." in html(read_results(folder))


def test_a_scenario_that_is_not_there_leaves_the_checklist_out(folder: Path) -> None:
    (folder / "scenario.yaml").unlink()
    assert "STRESS-DES" not in html(read_results(folder))


def test_the_checklist_is_filled_from_the_scenario_and_silent_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(DESK[: DESK.index("plausible:")])
    found = {one.number: one for one in items(load(tmp_path / "desk.yaml"), {})}
    assert len(found) == 24
    silent = {number for number, one in found.items() if not one.says}
    assert silent == {"1.1", "1.3", "2.3", "3.1", "3.2", "5.1", "5.4"}
    full = {one.number: one for one in items(load(SCENARIOS / "base.yaml"), {"platform": "x", "versions": {"a": "1"}})}
    assert {number for number, one in full.items() if not one.says} == {"3.2"}
    assert full["5.4"].says == ("x",)
    assert any("lognormal, 12 min on average, cv 1, by call_takers" in text for text in full["2.5.2"].says)


def test_what_is_not_stated_is_said_in_the_page(ran: Path) -> None:
    assert f"<em>{NOT_STATED}</em>" in html(read_results(ran))


def test_a_row_is_read_with_its_units(folder: Path) -> None:
    head = "target,kind,unit,within_min,threshold,value,low,high,verdict"
    rows = (
        "1,share,share,90,0.8,0.75,0.7,0.8,undecided",
        "b,mean,min,,30,1234.5,1000,inf,missed",
        "c,mean,min,,30,,,,no such verdict",
    )
    (folder / "targets.csv").write_text("\n".join([head, *rows]) + "\n")
    share, mean = judged(read_results(folder).folders[0], "targets")[""]
    assert share.target == "1"
    assert (share.asked, share.came_to) == ("at least 80 % in 90 min", "75.0 % (70.0 to 80.0)")
    assert (mean.asked, mean.came_to) == ("at most 30 min", "1,234.5 min (1,000.0 to inf)")


def test_what_a_run_answers_is_read_from_what_it_recorded(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert answers(read_results(folder).folders[0]) == manifest["answer"]
    assert manifest["answer"][0] in Page(html(read_results(folder))).text
    (folder / "manifest.json").write_text(json.dumps(manifest | {"answer": ["It was otherwise."]}))
    assert answers(read_results(folder).folders[0]) == ["It was otherwise."]


def test_a_folder_of_an_old_program_is_reported_and_says_what_is_left_out(folder: Path) -> None:
    table = (folder / "targets.csv").read_text()
    (folder / "targets.csv").write_text(table.replace("within_min,threshold", "threshold_min,share_or_mean", 1))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["answer"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    page = page_of(folder)
    assert page.left_out == [
        "desk: targets.csv lacks the column threshold, as old ones do: what targets ask is left out",
        "desk: manifest.json records no answer, as old ones do: what the run answers is left out",
    ]
    assert "quick" in Page(page.html).text
    assert "at least 80 % in 5 min" not in Page(page.html).text
    assert "threshold min" in Page(page.html).text


def test_every_heading_comes_from_the_declaration(ran: Path) -> None:
    text = Page(html(read_results(ran))).text
    for plot in RunAnswer.plots:
        if not (ran / "plots" / f"{plot.name}.svg").exists():
            assert plot.title not in text
            continue
        assert f"{plot.title} . {plot.caption}" in text.replace(f"{plot.title}.", f"{plot.title} .")
    for table in RunAnswer.leaves:
        assert (table.title in text) == (ran / f"{table.name}.csv").exists()


# Links


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder outside with what must not be shown."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("a,b\nSECRET,2\n")
    (outside / "secret.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><text>SECRET</text></svg>")
    (outside / "secret.json").write_text('{"scenario": "SECRET", "answer": ["SECRET."], "command": ["SECRET"]}')
    (outside / "scenario.yaml").write_text(DESK.replace("A desk", "SECRET"))
    return outside


@pytest.mark.parametrize(
    "name, to",
    [
        ("pools.csv", "secret.csv"),
        ("other.csv", "secret.csv"),
        ("plots/other.svg", "secret.svg"),
        ("map.json", "secret.json"),
        ("manifest.json", "secret.json"),
        ("said.txt", "secret.csv"),
        ("scenario.yaml", "scenario.yaml"),
        ("inner", ""),
        ("plots", ""),
    ],
)
def test_a_link_out_of_the_folder_is_left_out_and_said(folder: Path, secret: Path, name: str, to: str) -> None:
    place = folder / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(secret / to)
    done = tipline("report", folder)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert done.exit_code == options.DONE, done.output
    assert "SECRET" not in text
    assert base64.b64encode((secret / "secret.svg").read_bytes()).decode()[:40] not in text
    said = f"{'secret.svg' if name == 'plots' else place.name} leads out of the folder that is reported"
    assert said in Page(text).text
    assert said in done.output


def test_a_step_that_leads_out_of_the_study_is_left_out_and_said(ran: Path, secret: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    study_of(ran, tmp_path / "study")
    shutil.rmtree(tmp_path / "study" / "two")
    (tmp_path / "study" / "two").symlink_to(secret)
    page = page_of(tmp_path / "study")
    assert [one.name for one in page.results.folders] == ["one"]
    assert page.left_out == ["two leads out of the folder that is reported, and is left out"]
    assert page.left_out[0] in Page(page.html).text


def test_links_within_the_folder_are_followed(folder: Path) -> None:
    (folder / "again.csv").symlink_to("pools.csv")
    found = read_results(folder)
    assert "again" in found.folders[0].tables
    assert found.left_out == []


def test_a_folder_that_is_itself_a_link_is_reported(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read_results(tmp_path / "link").left_out == []


def test_what_is_no_plain_file_is_left_out(folder: Path) -> None:
    (folder / "said.txt").unlink(missing_ok=True)
    for name in ("pipe.csv", "said.txt"):
        os.mkfifo(folder / name)
    assert read_results(folder).left_out == ["desk: pipe.csv cannot be read, and is left out"]


# In a browser


class _Counting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A server that notes what it is asked for."""
    found = HTTPServer(("127.0.0.1", 0), _Counting)
    found.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()


def browsed(page: Path, tmp_path: Path, *arguments: str) -> tuple[str, str, list[str]]:
    """What a browser made of a page, what it complained of, and the addresses that the page made it ask for.

    The browser finds no name on the network; what it asks for on its own account has no page that began it.
    """
    net = tmp_path / "net.json"
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-extensions",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr",
        f"--log-net-log={net}", f"--user-data-dir={tmp_path / 'profile'}", *arguments, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    complaints = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    begun = (event.get("params", {}) for event in json.loads(net.read_text(encoding="utf-8"))["events"])
    of_page = [told["url"] for told in begun if "url" in told and told.get("initiator", OWN_ACCOUNT) != OWN_ACCOUNT]
    return done.stdout, complaints, [url for url in of_page if not url.startswith(("file:", "data:"))]


OWN_ACCOUNT = "not an origin"
"""How Chromium logs who began a request of its own."""

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@in_a_browser
def test_a_browser_shows_the_page_without_a_complaint_and_fetches_nothing(ran: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(html(read_results(ran)), encoding="utf-8")
    shot = tmp_path / "shot.png"
    dom, complaints, asked = browsed(page, tmp_path, "--dump-dom")
    assert (complaints, asked) == ("", [])
    assert Page(dom).text.count("Made by tipline run") >= 4
    browsed(page, tmp_path, f"--screenshot={shot}", "--window-size=390,2400", "--hide-scrollbars")
    assert shot.stat().st_size > 30_000


@in_a_browser
def test_a_browser_obeys_no_hostile_text(folder: Path, tmp_path: Path, server: HTTPServer) -> None:
    page = tmp_path / "page.html"
    page.write_text(html(read_results(hostile(folder, server.server_port))), encoding="utf-8")
    dom, complaints, asked = browsed(page, tmp_path, "--dump-dom")
    assert is_safe(Page(dom), OF_SCRIPT)
    assert (complaints, asked, server.asked) == ("", [], [])  # type: ignore[attr-defined]


@in_a_browser
def test_the_browser_would_have_noticed(tmp_path: Path, server: HTTPServer) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<p>x<script>nothing.there()</script><img src=http://127.0.0.1:{server.server_port}/i>")
    _, complaints, asked = browsed(page, tmp_path, "--dump-dom")
    assert "ReferenceError" in complaints
    assert asked
    assert server.asked == ["/i"]  # type: ignore[attr-defined]


def test_a_search_that_found_a_staffing_stands_before_one_that_found_none(ran: Path, tmp_path: Path) -> None:
    study_of(ran, tmp_path)
    for name in ("one", "two"):
        (tmp_path / name / "staff_targets.csv").write_text("target,verdict\nquick,missed\n")
    (tmp_path / "two" / "staffing.csv").write_text("path,people\npools.desk.staff,2\n")
    picture = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'
    (tmp_path / "two" / "plots" / "staffing.svg").write_text(picture)
    page = html(read_results(tmp_path))
    at_head = page.index("The staffing certificate</h2>")
    assert at_head < page.index(base64.b64encode(picture.encode()).decode()) < page.index("Step one</h2>")
