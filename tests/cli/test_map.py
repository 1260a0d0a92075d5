"""The command `map`: its files, its words, and a picture that can be read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from sim.plots import style
from sim.plots.map import plausibility_map
from sim.studies.map import Grid, MapFound, plausibility
from sim.studies.ranges import axis
from sim.text.ranges import map_answer, map_finding
from tests.cli import pictures
from tests.cli.lines import tipline
from tests.studies.lines import DESK, desk, tried

MANY_TARGETS = """\
  at_once: {from: arrival, to: answer.start, within: 1 s, share: 60 %}
  a_target_with_a_name_that_is_as_long_as_a_line: {from: arrival, to: answer.end, mean: 11 min}
  tenth: {from: arrival, to: answer.end, within: 12 h, share: 99.5 %, per: day, hold: 90 %}
plausible:"""


def mapped(folder: Path, x: str, y: str, *changes: str, old: str = "", new: str = "") -> MapFound:
    scenario = desk(folder, old, new, *changes)
    return plausibility(Grid(scenario, axis(x), axis(y)), tried(scenario), replications=6)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MapFound]:
    folder = tmp_path_factory.mktemp("maps")
    staff, volume = "pools.desk.staff=1..6", "demand.volume=4..28/h:5"
    return {
        "plain": mapped(folder, staff, volume),
        "many": mapped(folder, staff, volume, old="plausible:", new=MANY_TARGETS),
        "fine": mapped(folder, "demand.volume=4..28/h:40", "demand.risk.high=1..20 %:2"),
        "nowhere": mapped(folder, "pools.desk.staff=1", "demand.volume=40,50,60/h"),
        "everywhere": mapped(folder, "pools.desk.staff=5,6", "demand.volume=5,6/h"),
        "names": mapped(folder, "pools.desk.at_shift_end=finish,resume", volume),
    }


each_map = pytest.mark.parametrize("name", ["plain", "many", "fine", "nowhere", "everywhere", "names"])


@each_map
def test_the_picture_can_be_read(maps: dict[str, MapFound], name: str) -> None:
    figure = plausibility_map(maps[name])
    assert pictures.title(figure) == map_finding(maps[name])
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    assert not pictures.without_unit(figure)


def test_the_picture_says_what_it_shows(maps: dict[str, MapFound]) -> None:
    said = pictures.said(plausibility_map(maps["plain"]))
    assert "people at desk, around the clock" in said
    assert "tips an hour" in said
    assert "the scenario as it is" in said
    assert "all hold in at least 95 % of the runs" in said
    assert any(text.startswith("quick fails first (at least 80 % in 5 min)") for text in said)


def test_what_was_not_run_is_hatched_and_has_no_number(maps: dict[str, MapFound]) -> None:
    found = maps["plain"]
    figure = plausibility_map(found)
    assert "not run: as the cells on either side" in pictures.said(figure)
    assert sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches) == found.n_inferred
    assert "not run: as the cells on either side" not in pictures.said(plausibility_map(maps["fine"]))


def test_a_grey_print_tells_the_same(maps: dict[str, MapFound]) -> None:
    """Cells that hold are white, the others darker the less they hold; letters tell what fails."""
    found = maps["plain"]
    figure = plausibility_map(found)
    shades = _shades(figure)
    axes, dots = figure.axes[0], style.DOTS_AN_INCH / figure.dpi
    grey = {}
    for row, cells in enumerate(found.cells):
        for column, cell in enumerate(cells):
            x, y = dots * axes.transData.transform((column - 0.42, row - 0.4))
            grey[row, column] = float(shades[int(shades.shape[0] - y), int(x)])
            assert (grey[row, column] > 250) == found.holds(cell)
    never = [grey[row, column] for (row, column) in grey if found.cells[row][column].share.value == 0]
    assert max(never) < 200


def _shades(figure: Figure) -> NDArray[np.float64]:
    """The figure in grey, from 0 for black to 255."""
    picture = imread(io.BytesIO(style.file_bytes(figure, "png")))
    return np.asarray(255 * picture[..., :3] @ np.array([0.299, 0.587, 0.114]))


def test_the_same_map_gives_the_same_files(maps: dict[str, MapFound]) -> None:
    figures = [plausibility_map(maps["plain"]) for _ in range(2)]
    assert style.file_bytes(figures[0], "png") == style.file_bytes(figures[1], "png")
    assert style.file_bytes(figures[0], "svg") == style.file_bytes(figures[1], "svg")


def test_sentences(maps: dict[str, MapFound]) -> None:
    assert map_finding(maps["everywhere"]) == "All targets hold everywhere here, in at least 95 % of the runs"
    first = next(map_answer(maps["nowhere"]))
    assert first == "Nowhere here do all targets hold in 95 % of the runs: at best in 0 %."
    lines = list(map_answer(maps["plain"]))
    n = maps["plain"].n_inferred
    assert n
    assert lines[1].startswith(f"{n} of 30 cells were not run: each lies between two that came to the same")
    assert not any("not run" in line for line in map_answer(maps["fine"]))
    assert any(line.startswith("Nearest to what is, with 2 at desk and 10 tips an hour: together") for line in lines)
    assert any(line.startswith("With 10 tips an hour, all hold from ") for line in lines)
    assert any(line.startswith("With 2 at desk, all hold ") for line in lines)


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    axes = ("--x", "pools.desk.staff=1..3", "--y", "demand.volume=6,12/h", "--replications", "3")
    done = tipline("map", file, *axes, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    assert done.output.rstrip().endswith(".")
    with (tmp_path / "out" / "map.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 6
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    assert names == ["map.csv", "map.json", "plots", "plots/map.png", "plots/map.svg", "scenario.yaml"]
    again = tipline("map", file, *axes, "--out", tmp_path / "again", "--json", "--jobs", "2")
    data = json.loads(again.output)
    assert {cell["replications"] for cell in data["map"] if not cell["inferred"]} == {3}
    assert data["cells_inferred"] == sum(cell["inferred"] for cell in data["map"])
    assert data["x"]["values"] == [1, 2, 3]
    kept = json.loads((tmp_path / "again" / "map.json").read_text(encoding="utf-8"))
    assert kept.pop("command")[0] == "tipline"
    assert kept["answer"] == data["answer"]
    assert kept["x"] == data["x"]
    assert set(kept["files"]) == {"map.csv", "plots/map.png", "plots/map.svg", "scenario.yaml"}
    assert (tmp_path / "out" / "map.csv").read_bytes() == (tmp_path / "again" / "map.csv").read_bytes()
    assert np.isfinite([cell["all_held_share"] for cell in data["map"]]).all()


@pytest.mark.parametrize(
    "x, y, said",
    [
        ("pools.desk.staff", "demand.volume=1,2/h", "an axis is written"),
        ("pools.desk.stuff=1..2", "demand.volume=1,2/h", "pools.desk.stuff: is not a key here; did you mean 'staff'?"),
        ("pools.desk.staff=1..2", "pools.desk.staff=1..2", "two paths"),
        ("pools.desk.staff=1..2", "demand.volume=-1,2/h", "a rate must be more than 0"),
        ("pools.desk.staff=1,2.5", "demand.volume=1,2/h", "whole"),
        ("pools.desk.staff=1..2", "demand.volume=1..2", "demand.volume: a rate is a number a period"),
    ],
)
def test_bad_ranges_are_told(tmp_path: Path, x: str, y: str, said: str) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    done = tipline("map", file, "--x", x, "--y", y, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", "").split())
    assert "demand.volume: demand.volume" not in done.output, "a path is told once"
    assert not (tmp_path / "out").exists()
