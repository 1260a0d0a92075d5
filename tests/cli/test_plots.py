"""The figures of a run: what they say, that it can be read, and that the same run gives the same files."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from matplotlib.lines import Line2D

from sim.answers.run import RunAnswer
from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.measures.targets import joint, results
from sim.plots import style
from sim.plots.curves import curves
from sim.plots.days import by_date
from sim.plots.days import days as draw_days
from sim.plots.failing import _border, failings
from sim.plots.failing import _title as failing_title
from sim.plots.roster import rosters
from sim.plots.week import pool_weeks, week
from sim.studies.replicate import run
from sim.studies.result import Result
from sim.studies.theory.beside import beside
from sim.text.words import verdicts_told
from tests.cli import pictures
from tests.scenario.small import SMALL, loaded

MANY = """\
scenario: A coordination line whose name goes on for longer than a title has room for, at $5 or $6 a tip
run: {start: 2025-01-08 06:00, length: 21 d, cool_down: 1 d, replications: 3, seed: 3}
demand:
  volume: 12/h
  by_hour: [1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1]
  channels: {call: 40 %, web_form_with_a_long_name: 60 %}
  risk: {high: 10 %, low: 90 %, never_seen: 0 %}
centres: 3
pools:
  front_desk_for_everything_that_comes_in_by_day_and_by_night: {staff: 2, concurrency: 2}
  p2: {shifts: [{from: "08:00", to: "18:00", staff: 1, days: mon-fri}], at_shift_end: resume}
  p3: {staff: 1}
  p4: {staff: 40, shared: true}
  p5: {staff: 1}
  p6: {staff: 1}
  p7: {staff: 0}
  p8: {staff: 1}
stages:
  - {name: s1, pool: front_desk_for_everything_that_comes_in_by_day_and_by_night,
     service: {exponential: {mean: 14 min}}, patience: {exponential: {mean: 10 min}}}
  - {name: s2, for: {risk: high}, pool: p2, service: {exponential: {mean: 12 min}}}
  - {name: s3, share: 80 %, pool: p3, service: {exponential: {mean: 10 min}}}
  - {name: s4, pool: p4, service: 5 min}
  - {name: s5, share: 20 %, pool: p5, service: {exponential: {mean: 12 min}}}
  - {name: s6, pool: p6, service: {exponential: {mean: 15 min}}}
  - {name: s7, for: {risk: never_seen}, pool: p7, service: 5 min}
  - {name: s8, pool: p8, service: {exponential: {mean: 2 min}}}
targets:
  all_tips_through_the_first_stage_within_one_minute:
    {claim: A19, from: arrival, to: s1.start, within: 1 min, share: 90 %}
  first_hour: {from: arrival, to: s1.start, within: 1 h, share: 100 %}
  first_day: {from: arrival, to: s1.start, within: 24 h, share: 10 %}
  first_mean: {claim: "A11, second reading", from: arrival, to: s1.start, mean: 30 s}
  high: {of: {risk: high}, from: arrival, to: s2.end, within: 30 min, share: 80 %}
  high_in_each: {of: {risk: high, channel: call}, from: s1.end, to: s2.end, within: 1 h, share: 80 %, in_each: centre}
  weekly: {from: s1.end, to: s4.start, within: 2 h, share: 95 %, per: week, hold: 80 %}
  none: {of: {risk: never_seen}, from: arrival, to: s7.end, within: 2 h, share: 50 %}
  none_mean: {of: {risk: never_seen}, from: arrival, to: s7.end, mean: 2 h}
  long: {from: arrival, to: leave, mean: 2 h}
  lost_none: {lost: 0 %}
  lost_all: {of: {channel: call}, lost: 99.9 %}
  busy: {pool: p3, occupancy: 85 %}
  busy_each: {pool: p8, occupancy: 20 %, in_each: centre, per: day, hold: 80 %}
  always: {from: s4.start, to: s4.end, within: 5 min, share: 90 %, lost_tips: left_out}
"""

SHORT = """\
scenario: Ein kurzer Lauf – 漢字
run: {start: 2025-01-08 06:30, length: 30 h, cool_down: 0 d, replications: 1, seed: 3}
demand: {volume: 3/h, risk: {high: 0 %, low: 100 %}}
pools: {desk: {staff: 1}, nobody: {staff: 0}}
stages:
  - {name: answer, pool: desk, service: 10 min}
  - {name: stuck, for: {risk: high}, pool: nobody, service: 10 min}
targets:
  none: {of: {risk: high}, from: arrival, to: stuck.start, within: 10 min, share: 90 %}
  at_once: {from: answer.start, to: answer.end, within: 10 min, share: 90 %}
  open: {from: arrival, to: answer.end, mean: 2 min}
  idle: {pool: nobody, occupancy: 85 %}
"""

WITHOUT_TARGETS = SMALL[: SMALL.index("targets:")]

OVERLOADED = """\
scenario: Overloaded
run: {start: 2025-01-06 00:00, length: 7 d, cool_down: 0 d, replications: 3, seed: 3}
demand: {volume: 30/h}
pools: {desk: {staff: 4}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 10 min}}}
targets:
  mean: {from: arrival, to: answer.start, mean: 2 min}
  share: {from: arrival, to: answer.start, within: 2 min, share: 90 %}
"""

DATED = """\
scenario: Half hours and holidays
run: {start: 2025-04-14 00:00, length: 15 d, cool_down: 1 d, replications: 2, seed: 3, zone: Europe/Berlin,
      interval: 30 min}
calendars: {office: {open: [{days: mon-fri, from: "09:00", to: "17:00"}], closed: [{holidays: DE-BE}]}}
demand: {volume: 6/h}
pools:
  desk:
    shifts:
      - {from: "07:30", to: "00:00", staff: 2, days: mon-sat}
      - {from: "12:00", to: "12:30", on: {closed: office}, staff: 1}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 12 min}}, patience: 20 min}
targets:
  quick: {from: arrival, to: answer.start, within: 1 min, share: 60 %}
  always: {from: arrival, to: answer.start, within: 20 min, share: 1 %}
"""

DOCUMENTS = {
    "small": SMALL,
    "dated": DATED,
    "many": MANY,
    "short": SHORT,
    "without_targets": WITHOUT_TARGETS,
    "overloaded": OVERLOADED,
}


def result(folder: Path, text: str, replications: int | None = None) -> Result:
    done = run(loaded(folder, text), replications=replications)
    return Result(done, results(done.sample), joint(done.sample), [], theory=beside(done))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("documents")
    return {name: result(folder, text, 3 if name == "small" else None) for name, text in DOCUMENTS.items()}


each_document = pytest.mark.parametrize("name", DOCUMENTS)
each_plot = pytest.mark.parametrize("plot", RunAnswer.plots, ids=[plot.name for plot in RunAnswer.plots])


@each_document
@each_plot
def test_all_text_can_be_read(found, name, plot):
    """Whatever the names, numbers and gaps: text lies on the paper and on no other text, and is large enough."""
    figure = plot.draw(found[name])
    assert pictures.title(figure)
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)


@each_document
@each_plot
def test_axes_have_units(found, name, plot):
    assert not pictures.without_unit(plot.draw(found[name]))


def test_files(found, tmp_path):
    """Every figure as PNG of the width of a page and as SVG with its text as text; nothing else is left behind."""
    folder = tmp_path / "run" / "plots"
    names = RunAnswer(found["small"]).save(tmp_path / "run")
    paths = [tmp_path / "run" / name for name in names if name.startswith("plots/")]
    assert [path.name for path in paths] == [
        f"{plot.name}.{form}" for plot in RunAnswer.plots for form in ("png", "svg")
    ]
    assert sorted(folder.iterdir()) == sorted(paths)
    for png, svg in zip(paths[::2], paths[1::2], strict=True):
        assert imread(png).shape[1] == round(style.WIDTH * style.DOTS_AN_INCH)
        assert 8_000 < png.stat().st_size < 500_000
        assert 1_000 < svg.stat().st_size < 300_000
        text = " ".join(
            "".join(element.itertext()) for element in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")
        )
        which = "replication 0" if svg.stem == "lanes" else "replications of 7 d"
        assert which in text.replace("\N{NO-BREAK SPACE}", " ")


@each_plot
def test_same_run_same_bytes(found, plot):
    """Drawn again, by several threads at once: the same files, without a date."""

    def drawn(_: int) -> tuple[bytes, bytes]:
        figure = plot.draw(found["small"])
        return style.file_bytes(figure, "svg"), style.file_bytes(figure, "png")

    with ThreadPoolExecutor(4) as threads:
        files = set(threads.map(drawn, range(4)))
    assert len(files) == 1
    assert b"<dc:date>" not in next(iter(files))[0]


def test_nothing_global_is_touched():
    """Figures need no pyplot, and leave the settings of matplotlib as they were."""
    before = dict(rcParams)
    with style.styled():
        assert rcParams["svg.hashsalt"] == "tipline"
    assert dict(rcParams) == before
    code = "import sys, sim.plots.style; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_titles_say_what_was_found(found):
    titles = {
        name: {plot.name: pictures.title(plot.draw(one)) for plot in RunAnswer.plots} for name, one in found.items()
    }
    assert titles["overloaded"]["verdicts"] == "The 2 targets do not hold together: mean and share are missed"
    assert titles["overloaded"]["response"] == "mean and share are missed"
    assert re.match(r"Most tips wait for desk: .*; desk has too few people \d+ h a week", titles["overloaded"]["week"])
    assert re.match(r"mean fails (most from|at no hours surely more than at others)", titles["overloaded"]["failing"])
    assert titles["without_targets"]["verdicts"] == "The run has no targets: it measured, and judged nothing"
    assert titles["without_targets"]["response"] == "No target is about a time"
    assert titles["short"]["verdicts"] == "The 4 targets do not hold together: open is missed"


@each_document
def test_verdict_as_word_and_mark(found, name):
    """In the chart of verdicts every target has its verdict in words, and the mark that goes with it."""
    one = found[name]
    figure = next(plot for plot in RunAnswer.plots if plot.name == "verdicts").draw(one)
    words = [text for text in pictures.said(figure) if text in style.VERDICTS]
    assert words == [target.verdict for target in one.targets]
    marks = [line.get_marker() for line in figure.artists if isinstance(line, Line2D)]
    assert marks == [style.VERDICTS[word].mark for word in words]


def test_verdicts_differ_without_colour():
    """Marks and greys differ, and as a colour of words each is dark enough on white (a contrast of 4.5 to 1)."""
    looks = list(style.VERDICTS.values())
    assert len({look.mark for look in looks}) == 3
    grey = [float(np.array(to_rgb(look.colour)) @ [0.299, 0.587, 0.114]) for look in looks]
    assert min(np.diff(grey)) > 0.05
    assert min(1.05 / (0.05 + _luminance(look.colour)) for look in looks) >= 4.5


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 has it."""
    part = np.array(to_rgb(colour))
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_curve_passes_through_what_is_reached(found):
    """At the time a target names, the curve is at the share that it came to, but for the width of a bin."""
    from sim.measures.bins import EDGES

    for name in ("small", "many"):
        for panel in curves(found[name]):
            for one in panel.results:
                if one.kind != "share" or one.target.hold is not None or one.target.in_each or not panel.judged:
                    continue
                below, above = np.searchsorted(EDGES[1:], [one.target.within * 0.95, one.target.within * 1.05])
                assert panel.reached[below - 1] - 1e-9 <= one.value <= panel.reached[above] + 1e-9


def test_lost_tips_keep_the_curve_low(found):
    panels = [panel for panel in curves(found["many"]) if "first_day" in [one.name for one in panel.results]]
    lost = next(one for one in found["many"].targets if one.name == "lost_none")
    assert lost.value > 0.01
    assert panels[0].reached[-1] == pytest.approx(1 - lost.value)


def test_panels_hold_at_most_two_targets_of_one_time(found):
    panels = curves(found["many"])
    assert [[one.name for one in panel.results] for panel in panels[:2]] == [
        ["all_tips_through_the_first_stage_within_one_minute", "first_hour"],
        ["first_day", "first_mean"],
    ]
    assert all(len(panel.results) <= 2 for panel in panels)


def test_week_is_that_of_the_roster(found):
    """People on seat as the document has them, slots where one person serves two, all centres together."""
    desk, night, *_ = pool_weeks(found["many"])
    assert desk.on_duty.tolist() == [12.0] * 168
    expected = [3.0 if day < 5 and 8 <= hour < 18 else 0.0 for day in range(7) for hour in range(24)]
    assert night.on_duty.tolist() == expected
    assert np.all(desk.busy_band[0] <= desk.busy_band[1])


def test_the_days_of_a_run_are_marked_where_the_document_says_something_of_them(found):
    days = by_date(found["dated"])
    assert days.first == date(2025, 4, 14)
    assert days.marked == [4, 7]
    assert days.weekends == [5, 6, 12, 13]
    assert list(days.special.values()) == [
        "Good Friday; office closed; desk staffed by date",
        "Easter Monday; office closed; desk staffed by date",
    ]
    sample = found["dated"].done.sample
    assert days.came.sum() * len(sample) == pytest.approx(sample.arrived.sum())
    assert [one.name for one, _ in days.levels] == ["quick", "always"]
    assert "Good Friday" in " ".join(pictures.said(draw_days(found["dated"])))


def test_a_long_run_is_drawn_in_steps_of_several_days(tmp_path):
    text = SHORT.replace("30 h", "1000 d").replace("3/h", "3/d").replace("cool_down: 0 d", "cool_down: 1 d")
    days = by_date(result(tmp_path, text))
    assert (days.n_days, days.a_step, len(days.came)) == (1001, 3, 334)
    assert days.edges[-2:].tolist() == [999, 1001]
    assert days.came.mean() == pytest.approx(3, rel=0.1)


def test_the_roster_is_that_of_the_document_beside_the_people_needed(found):
    [desk] = rosters(found["dated"])
    assert desk.hours == 0.5
    a_week = desk.people.reshape(7, 48)
    assert (a_week[1:4, 15:] == 2).all()
    assert (a_week[:6, :15] == 0).all()
    assert a_week[0, 24] == pytest.approx((2 + 1 + 2) / 3)  # of three Mondays, on one only the row of the date starts
    assert a_week[4, [23, 24, 25]].tolist() == [1, 1.5, 1]  # of two Fridays likewise
    assert (a_week[6] == 0).all()
    assert (desk.needed == np.ceil(desk.needed)).all()
    assert desk.short.tolist() == (desk.needed > desk.people).tolist()
    assert desk.hours_short == 0.5 * desk.short.sum()


def test_hours_that_never_came_are_absent(found):
    desk = pool_weeks(found["short"])[0]
    came = np.flatnonzero(~np.isnan(desk.waiting))
    assert came.tolist() == list(range(2 * 24 + 6, 3 * 24 + 13))
    assert desk.waiting_band.shape == (2, 168)


def test_failing_tips_by_hour_add_up(found):
    for one in failings(found["many"]):
        counts = one.result.counts
        assert one.judged.shape == (7, 24)
        assert one.failed.sum() == {"share": counts["missed"] + counts["lost"], "mean": counts["missed"]}.get(
            one.result.kind, counts["lost"]
        )


def test_only_targets_that_fail_noticeably_are_shown(found):
    by_name = {one.result.name: one.noticeable for one in failings(found["many"])}
    assert by_name["high"]
    assert by_name["lost_none"]
    assert not by_name["none"]
    assert not by_name["always"]
    assert not by_name["lost_all"]


def test_where_no_tip_was_judged_it_is_not_said_that_none_fails():
    assert failing_title([SimpleNamespace(judged=np.zeros((7, 24)))], []) == "No tip was judged at any hour of the week"


def test_border_runs_around():
    inside = np.zeros((7, 24), dtype=bool)
    inside[0, 0] = inside[6, 23] = True
    assert sorted(_border(inside)) == sorted(
        [
            [(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0), (1, 0)], [(0, 1), (1, 1)],
            [(23, 6), (23, 7)], [(24, 6), (24, 7)], [(23, 6), (24, 6)], [(23, 7), (24, 7)],
        ]
    )  # fmt: skip


def test_verdicts_in_one_sentence(found):
    assert verdicts_told(found["overloaded"].targets) == "mean and share are missed"
    assert verdicts_told([]) == ""


def test_long_text_is_broken_and_cut():
    lines = style.wrapped("a " * 40 + "x" * 200, 1.0)
    assert all(style.text_width(line) <= 1.0 for line in lines)
    assert "".join(lines).replace(" ", "") == "a" * 40 + "x" * 200
    assert style.wrapped("within 24 h", style.text_width("within 24 h") - 0.05) == ["within", "24\N{NO-BREAK SPACE}h"]
    assert len(style.wrapped("word " * 100, 1.0, lines=3)) == 3
    cut = style.shortened("w" * 100, 1.0)
    assert cut.endswith("…")
    assert style.text_width(cut) <= 1.0


@pytest.mark.parametrize("first, last", [(1e6, 60e6), (MINUTE / 2, 3 * HOUR), (1e6, 100 * DAY), (HOUR, 2 * HOUR)])
def test_time_axis_names_times(first, last):
    from sim.plots.style import time_axis

    with style.styled():
        sheet = style.Sheet("Title", "note", 1.5)
        axes = sheet.axes(0.5, 0, 2.8, 1)
        time_axis(axes, first, last, 2.8)
    assert not pictures.overlapping(sheet.figure)
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert len(names) >= 2
    assert all(re.fullmatch(r"\d+ (s|min|h|d)", name) for name in names)


def test_lines_are_broken_where_they_would_be_if_each_were_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What surely fits is told from single letters; of a type that the house's does not have, nothing is sure."""
    texts = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split("\n\n")[:12]
    texts += ["AVAVAVAV TOTOTO WAWA fi ffi " * 4, "Привет, اختبار " * 6, "案件 " * 30]
    options = [(1.0, 8.0, False), (3.3, 9.0, True), (6.8, 11.5, True)]
    broken = [style.wrapped(text, width, size, bold=bold) for text in texts for width, size, bold in options]
    monkeypatch.setattr(style, "_surely_fits", lambda *_: False)
    assert broken == [style.wrapped(text, width, size, bold=bold) for text in texts for width, size, bold in options]
    monkeypatch.undo()
    assert style._surely_fits("iiiii", 1.0, 8.0, False)
    assert not style._surely_fits("案", 1.0, 8.0, False)


def test_letters_that_no_type_has_are_told(tmp_path: Path) -> None:
    """Of a script that is not installed the figure says so; of one that is, it is drawn."""
    with style.styled():
        sheet = style.Sheet("\U00012000 and Привет", "What is shown", 1.0)
        svgs = [style.file_bytes(sheet.figure, "svg").decode() for _ in range(2)]
    assert all(
        svg.count("no type on this machine has 1 of the letters (U+12000)") == svgs[0].count("no type") for svg in svgs
    )
    with style.styled():
        sheet = style.Sheet("Привет, اختبار", "What is shown", 1.0)
        assert "no type on this machine" not in style.file_bytes(sheet.figure, "svg").decode()


def test_the_weeks_that_are_averaged_are_told(found):
    svg = style.file_bytes(week(found["overloaded"]), "svg").decode()
    assert "with the growing line of desk averaged in" in " ".join(re.findall(r">([^<>]+)</text>", svg))
