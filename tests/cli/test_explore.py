"""What one can do with a page: choose cells and points, sort, follow links, and play a day; and that it is all data of
the tables, in one file, and the same without a script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from sim.answers.run import RunAnswer
from sim.cli import options
from sim.cli.report.day import LARGEST, NOT_YET, day_json, day_shown
from sim.cli.report.page import LEADING, SCRIPTS, page_of
from sim.cli.report.results import anchor, read_results
from sim.plots import style
from sim.scenario.loading import load
from sim.studies.replicate import Settings
from sim.tables import ranges
from sim.tables.by_time import tables_of_day
from sim.text.run import day_told
from tests.cli.lines import ROOT, tipline
from tests.cli.test_report import Page, browsed, in_a_browser, is_safe
from tests.studies.lines import DESK

STUDY = ROOT / "results" / "study"


@pytest.fixture(scope="module")
def day_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `run --day` leaves of a desk."""
    folder = tmp_path_factory.mktemp("explore")
    (folder / "desk.yaml").write_text(DESK.replace("replications: 10", "replications: 2"), encoding="utf-8")
    found = tipline("run", folder / "desk.yaml", "--day", "--out", folder / "desk", "--jobs", "1", "--quiet")
    assert found.exit_code == options.DONE, found.output
    return folder / "desk"


def told(page: Page) -> list[dict[str, object]]:
    """What the page tells its script of each table to choose from."""
    return [json.loads(value) for value in page.values("data-explore")]


def table_of(text: str, place: str) -> list[list[str]]:
    """The cells of a table of a page, its heads first."""
    inside = text[text.index(f'id="{place}"') :].partition("</table>")[0]
    rows = re.findall(r"<tr.*?>(.*?)</tr>", inside, re.DOTALL)
    return [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]


# Choosing


def test_the_cells_of_a_map_stand_once_and_the_script_is_told_the_columns() -> None:
    page = Page(text := page_of(STUDY / "map_times").html)
    [one] = told(page)
    [place] = page.values("data-table")
    heads, *rows = table_of(text, place)
    assert one["grid"] is True
    assert len(rows) == 100
    assert [heads[at] for at in one["chosen"]] == [heads[at] for at in one["axes"]] == heads[:2]
    assert [heads[one[name]] for name in ("verdict", "first_to_fail", "all_held")] == [
        "verdict", "first to fail", "all held share",
    ]  # fmt: skip
    for target in one["targets"]:
        name = target["name"]
        mine = [heads[target[role]] for role in ("value", "verdict", "held")]
        assert mine == [f"{name} {target['unit']}", f"{name} verdict", f"{name} held share"]
        assert f'id="{target["place"]}"' in text
        assert target["asked"].startswith("at least")
    # Nowhere else: a value of a cell is in the page as often as in the table.
    value = rows[0][one["targets"][0]["value"]]
    assert text.count(f">{value}<") == sum(cell == value for row in rows for cell in row) > 0


def test_points_have_all_their_ranges_and_begin_with_the_two_that_matter_most() -> None:
    page = Page(text := page_of(STUDY / "sensitivity").html)
    [one] = told(page)
    heads = table_of(text, page.values("data-table")[0])[0]
    note = json.loads((STUDY / "sensitivity" / "sensitivity.json").read_text(encoding="utf-8"))
    assert one["grid"] is False
    assert len(one["chosen"]) == len(note["ranked"]) > 2
    for at, path in zip(one["axes"], note["ranked"], strict=False):
        assert heads[at].startswith(path.replace("_", " "))
    # Few replications give no verdict on a target: its threshold tells on which side a point is.
    assert all("verdict" not in target and "threshold" in target for target in one["targets"])


WORLDS = """\
world,demand.volume_per_h,stages.answer.service.exponential.mean_min,outcome,why,first_to_fail_unlimited,\
quick_unlimited_share,busy_unlimited_share,fte,on_duty_people,pools.desk.staff_people,binding,replications
0,9.6,7.9,held,,,1,0.1,12.6,3,3,busy,14
1,19.6,9.9,no staff,beyond staff,quick,0.7,0.2,,,,,14
"""


def test_worlds_are_chosen_with_what_unlimited_staff_comes_to(day_folder: Path, tmp_path: Path) -> None:
    shutil.copy(day_folder / "scenario.yaml", tmp_path)
    (tmp_path / "plausibility_worlds.csv").write_text(WORLDS, encoding="utf-8")
    page = Page(text := page_of(tmp_path).html)
    heads = table_of(text, page.values("data-table")[0])[0]
    [one] = told(page)
    assert is_safe(page)
    assert page.values("data-title") == ["world"]
    assert [heads[at] for at in one["axes"]] == heads[1:3]
    assert (heads[one["verdict"]], heads[one["first_to_fail"]]) == ("outcome", "first to fail unlimited")
    assert [(target["name"], heads[target["value"]]) for target in one["targets"]] == [
        ("quick", "quick unlimited share"),
        ("busy", "busy unlimited share"),
    ]
    assert one["unlimited"] is True
    also = [heads[at] for at in one["also"]]
    assert also == ["world", "why", "fte", "on duty people", "pools.desk.staff people", "binding"]


def test_what_stands_before_the_scenarios_has_its_place_in_the_page() -> None:
    template = (files("sim.cli.report") / "report.html.j2").read_text(encoding="utf-8")
    assert all(f'"{title}"' in template for title in LEADING.values())


def test_heads_that_are_not_those_of_the_declared_table_are_no_points(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(STUDY / "map_times", tmp_path / "map"))
    table = (folder / "map.csv").read_text(encoding="utf-8")
    (folder / "map.csv").write_text(table.replace("first_to_fail", "last_to_fail", 1), encoding="utf-8")
    assert told(Page(page_of(folder).html)) == []
    (folder / "map.csv").write_text("a,a,verdict\n1,2,met\n", encoding="utf-8")
    assert is_safe(Page(page_of(folder).html))


def test_a_family_is_unfolded_by_the_columns_around_it() -> None:
    heads = ["growth_share_a_year", "year_years", "volume_per_year", "replications", "verdict", "all_held_share"]
    heads += ["all_held_low_share", "all_held_high_share", "first_to_fail", "quick_share", "quick_low_share"]
    assert ranges.YEARS.chosen(heads) == heads[:2]
    unfolded = ranges.YEARS.unfolded(heads)
    assert [mine for _, mine in unfolded][2] == ("volume_per_year",)
    assert unfolded[-1][1] == ("quick_share", "quick_low_share")
    assert ranges.YEARS.unfolded(heads[1:]) == ranges.YEARS.unfolded([*heads[:5], "x"]) == []
    assert ranges.CELLS.chosen(["x_min", "y", "replications"]) == []


# Links and sorting


@pytest.mark.parametrize("name", ["claims", "map_times", "moderate", "school_safety"])
def test_every_target_and_claim_has_a_place_and_every_link_leads_to_one(name: str) -> None:
    page = Page(page_of(STUDY / name).html)
    places = page.values("id")
    sources = frozenset(address for address in page.values("href") if address.startswith("https://zhgjaqreport.com/"))
    assert bool(sources) == (name == "claims")
    assert is_safe(page, frozenset({"article", "blockquote", "h4"}), sources)
    assert len(places) == len(set(places))
    own = {address for address in page.values("href") if address != "data:,"} - sources
    assert own <= {f"#{place}" for place in places}
    for section in read_results(STUDY / name).folders:
        known = section.scenario.targets if section.scenario is not None else {}
        assert all(any(place.endswith(f"-{anchor(target)}") for place in places) for target in known)
        claims = (
            {str(row["claim"]) for row in section.tables["claims"].records} if "claims" in section.tables else set()
        )
        claims |= {one.claim for one in known.values() if one.claim}
        assert all(
            any(place.startswith("claim-") and place.endswith(anchor(claim)) for place in places) for claim in claims
        )


def test_names_that_differ_by_a_sign_have_places_of_their_own(day_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(day_folder, tmp_path / "desk"))
    table = (folder / "targets.csv").read_text(encoding="utf-8")
    rows = table.splitlines()
    doubled = [rows[0], rows[1].replace("quick", "a.b", 1), rows[1].replace("quick", "a b", 1)]
    (folder / "targets.csv").write_text("\n".join(doubled) + "\n", encoding="utf-8")
    places = Page(page_of(folder).html).values("id")
    assert {"target-desk-a-b", "target-desk-a-b-2"} <= set(places)


def test_what_is_told_in_words_is_sorted_by_its_value(day_folder: Path) -> None:
    text = page_of(day_folder).html
    row = text[text.index('<tr id="target-desk-quick">') :].partition("</tr>")[0]
    verdict, value, threshold = re.findall(r'data-v="(.*?)"', row)
    [told_of] = [
        one for one in read_results(day_folder).folders[0].tables["targets"].records if one["target"] == "quick"
    ]
    assert (verdict, float(value), float(threshold)) == (told_of["verdict"], told_of["value"], 0.8)


# A day


def test_a_run_with_a_day_is_shown_with_it(day_folder: Path) -> None:
    page = Page(text := page_of(day_folder).html)
    manifest = json.loads((day_folder / "manifest.json").read_text(encoding="utf-8"))
    [data] = [one for one in page.scripts if one.startswith("{")]
    day = json.loads(data)
    assert is_safe(page)
    assert all(sentence in page.text for sentence in manifest["day"]["says"])
    assert "The day hour by hour" in page.text
    assert len(data) < LARGEST
    assert day["of"] == len(day["tips"]) == manifest["day"]["tips"] > 0
    assert "A day, visit by visit" not in text
    hours = [row for row in table_of(text.replace("The day hour by hour", 'id="h"', 1), "h") if len(row) == 5]
    assert [row[0] for row in hours[1:]] == [f"{hour:02d}:00" for hour in range(24)]
    assert sum(int(row[1]) for row in hours[1:]) == manifest["day"]["came"]
    assert max(int(row[2]) for row in hours[1:]) <= int(re.findall(r"waited at once: (\d+)", page.text)[0])


def test_a_day_is_the_same_from_its_tables_and_from_its_files(day_folder: Path) -> None:
    scenario = load(day_folder / "scenario.yaml")
    answer = RunAnswer.ask(scenario, Settings(), day=True)
    assert answer.found.day is not None
    made = day_json(day_told(answer.found.day), {one.name: one.records for one in tables_of_day(answer.found.day)})
    shown = day_shown(read_results(day_folder).folders[0])
    assert shown is not None
    assert json.loads(shown.script_data) == made
    assert list(answer.day["tip"]) == [visit.tip for visit in answer.found.day.visits]


def test_a_day_too_large_for_a_page_has_fewer_tips_and_says_so(day_folder: Path) -> None:
    folder = read_results(day_folder).folders[0]
    whole = day_shown(folder)
    assert whole is not None
    half = day_shown(folder, len(whole.script_data) - 1)
    assert half is not None
    day, all_of_it = json.loads(half.script_data), json.loads(whole.script_data)
    assert day["tips"] == all_of_it["tips"][::2]
    assert day["pools"] == all_of_it["pools"]
    assert {visit[0] for visit in day["visits"]} == set(range(len(day["tips"])))
    assert half.says[-1].startswith(f"{len(day['tips'])} of the {day['of']} tips are shown")
    assert half.hours[0].came is None
    assert day_shown(folder, 10) is None


@pytest.mark.parametrize(
    "name, content",
    [
        ("day.csv", "tip,stage,enter_min\nx,answer,y\n"),
        ("day.csv", "tip,stage,enter_min,ends\n1,answer,1e300,</script>\n"),
        ("day_pools.csv", "pool,from_min,staff\n</script><b>,zero,inf\n"),
        ("day_broken.csv", ""),
        ("manifest.json", '{"day": {"stages": ["answer", 3], "says": 4, "peak_min": "x", "tips": {}}}'),
        ("manifest.json", '{"day": 7}'),
    ],
)
def test_a_spoilt_day_is_left_out_or_harmless(day_folder: Path, tmp_path: Path, name: str, content: str) -> None:
    folder = Path(shutil.copytree(day_folder, tmp_path / "desk"))
    (folder / name).write_text(content, encoding="utf-8")
    assert is_safe(Page(page_of(folder).html))


def test_a_run_without_a_day_has_none(day_folder: Path) -> None:
    assert day_json({}, {}) is None
    assert NOT_YET < 0
    for name in ("map_times", "month_by_month"):
        assert '<figure class="day">' not in page_of(STUDY / name).html


def test_the_day_has_the_colours_of_the_figures() -> None:
    script = (files("sim.cli.report") / "day.js").read_text(encoding="utf-8")
    for name in ("INK", "GREY", "FAINT", "BLUE", "VERMILION", "ORANGE"):
        assert f'const {name} = "{getattr(style, name)}";' in script


def test_no_script_asks_for_anything_outside() -> None:
    for name in SCRIPTS:
        script = (files("sim.cli.report") / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|fetch\(|XMLHttp|import\s*\(|innerHTML|eval\(", script)
        assert "</script" not in script


# In a browser


DRIVER = """
const said = {};
const box = document.querySelector("div.explore");
const svg = () => box.querySelector("svg");
const chosen = () => svg().querySelector('[aria-selected="true"]').getAttribute("aria-label");
const first = chosen();
const wanted = [...svg().querySelectorAll('[role="option"]')].at(-1);
const place = wanted.querySelector("rect").getBoundingClientRect();
const at = { clientX: place.x + place.width / 2, clientY: place.y + place.height / 2, bubbles: true };
svg().dispatchEvent(new PointerEvent("pointerdown", at));
said.moved = first !== chosen() && chosen() === wanted.getAttribute("aria-label");
said.chosen = chosen();
said.beside = box.querySelector(".chosen").innerText;
svg().dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
said.left = chosen();
const table = document.getElementById(box.dataset.table);
table.closest("details").open = true;
setTimeout(() => {
  const button = table.tHead.rows[0].cells[0].querySelector("button");
  const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[0].textContent));
  said.before = column();
  button.click();
  said.up = [button.parentElement.getAttribute("aria-sort"), column()];
  button.click();
  said.down = [button.parentElement.getAttribute("aria-sort"), column()];
  button.click();
  said.again = [button.parentElement.getAttribute("aria-sort"), column()];
  document.title = JSON.stringify(said);
}, 200);
"""


def driven(page: Path, html: str, driver: str) -> None:
    """Write a page with a script of a test in it, which its policy lets run too."""
    hashed = base64.b64encode(hashlib.sha256(driver.encode()).digest()).decode()
    html = html.replace("script-src '", f"script-src 'sha256-{hashed}' '", 1)
    page.write_text(html.replace("</body>", f"<script>{driver}</script></body>"), encoding="utf-8")


@pytest.mark.slow
@in_a_browser
def test_in_a_browser_a_cell_is_chosen_and_a_heading_sorts(tmp_path: Path) -> None:
    driven(tmp_path / "page.html", page_of(STUDY / "map_times").html, DRIVER)
    dom, complaints, asked = browsed(tmp_path / "page.html", tmp_path, "--dump-dom", "--virtual-time-budget=3000")
    assert (complaints, asked) == ("", [])
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    said = json.loads(title[1].replace("&amp;", "&"))
    assert said["moved"]
    assert said["chosen"].startswith("stages.review.service.lognormal.mean min 20, stages.transfer.")
    assert "missed" in said["chosen"]
    assert {"missed", "transfer"} <= set(re.findall(r"\w+", said["beside"]))
    assert said["left"].startswith("stages.review.service.lognormal.mean min 18,")
    assert said["up"] == ["ascending", sorted(said["before"])]
    assert said["down"] == ["descending", sorted(said["before"], reverse=True)]
    assert said["again"] == [None, said["before"]]
    assert sorted(said["before"]) != sorted(said["before"], key=str)


PLAYER = """
// A browser that nobody sees draws no frames.
window.requestAnimationFrame = (call) => setTimeout(() => call(performance.now()), 16);
window.cancelAnimationFrame = clearTimeout;
const clock = () => document.querySelector(".day-clock").textContent;
const slider = document.querySelector(".day-controls input");
const said = { peak: clock() };
slider.value = "60";
slider.dispatchEvent(new Event("input"));
said.one = [clock(), slider.getAttribute("aria-valuetext")];
const button = document.querySelector(".day-controls button");
document.querySelector("figure.day").scrollIntoView();
setTimeout(() => {
  said.still = clock();
  button.click();
  said.playing = button.textContent;
}, 500);
setTimeout(() => {
  said.later = clock();
  button.click();
  said.paused = button.textContent;
  document.title = JSON.stringify(said);
}, 2500);
"""


@pytest.mark.slow
@in_a_browser
def test_in_a_browser_the_day_plays_only_when_asked_to(day_folder: Path, tmp_path: Path) -> None:
    driven(tmp_path / "page.html", page_of(day_folder).html, PLAYER)
    dom, complaints, asked = browsed(tmp_path / "page.html", tmp_path, "--dump-dom", "--virtual-time-budget=8000")
    assert (complaints, asked) == ("", [])
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    said = json.loads(title[1])
    assert re.match(r"\d\d:\d\d: \d+ wait, \d people busy and 2 on duty, ", said["peak"])
    assert said["one"][0].startswith("01:00: ")
    assert said["one"][0] == said["one"][1]
    assert (said["playing"], said["paused"]) == ("Pause", "Play")
    assert said["one"][0] == said["still"]
    assert said["later"] > "01:05"
