"""How often the intervals of a run cover the truth, and how wide they are: `python -m tests.coverage`.

Every repetition is 20 replications of a small line by the program's own engine, judged as a run judges them. The
repetitions of a line are distinct replications, drawn once and never shared or drawn again, so that they are
independent; the rows of one line come from the same replications. Truths are formulas where there are any, else the
mean of all replications of all repetitions, 2,000 times the data of one; ideal is 1.96 true standard errors of 20
replications, from the same.

With `--repetitions 2000` (the default) a coverage has a standard error of 0.5 points. It takes some 20 minutes of one
core; `--jobs` shares it out, and `--keep` keeps the replications, to judge them anew by another method.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.measures.frame import Frame
from sim.measures.held import VALUE
from sim.measures.kinds import InPlace
from sim.measures.measures import measure
from sim.measures.theory import erlang_a, mean_wait, wait_above, wait_in_one_line
from sim.scenario.loading import load
from sim.scenario.targets import Target

Floats = NDArray[np.float64]

N_REPLICATIONS = 20
REPETITIONS = 2000
CHUNK = 500
"""Replications that one process does at a time."""

LEAST_COVERAGE, MOST_FLATTERING, MOST_WIDTH = 0.93, 0.04, 1.6
"""What every system has to keep: the last, over the ideal, at shares from 1 to 99 % and for means."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One row of the table: a target of a line."""

    system: str
    target: str
    """As the document writes it."""
    truth: float | None = None
    """A share, or minutes; None where no formula gives it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A small line, and what is asked of it."""

    document: str
    asked: tuple[Asked, ...]
    note: str = ""

    @property
    def text(self) -> str:
        targets = "".join(f"  t{number}: {{{one.target}}}\n" for number, one in enumerate(self.asked))
        return f"scenario: A line of the coverage bench\n{self.document}targets:\n{targets}"


def _line(
    *,
    warm_up: str,
    length: str,
    per_day: float,
    staff: int,
    service: str,
    more: str = "",
    stage: str = "",
    cool_down: str = "1 d",
) -> str:
    return (
        f"run: {{start: 2025-01-06 00:00, warm_up: {warm_up}, length: {length}, cool_down: {cool_down}, seed: 1}}\n"
        f"demand: {{volume: {per_day!r}/d{more}}}\n"
        f"pools: {{desk: {{staff: {staff}}}}}\n"
        f"stages: [{{name: answer, pool: desk, service: {service}{stage}}}]\n"
    )


def _within(minutes: float, of: str = "") -> str:
    return f"{of}from: answer.enter, to: answer.start, within: {minutes * 60:.3f} s, share: 80 %"


MEAN = "from: answer.enter, to: answer.start, mean: 10 min"
OCCUPANCY = "pool: desk, occupancy: 80 %"
TEN = "{exponential: {mean: 10 min}}"


def _shares(load_: float, wanted: tuple[float, ...], of: str = "", who: str = "") -> Iterator[Asked]:
    """Shares of a line of one server (M/M/1, 10 min): each within the time that gives it."""
    for share in wanted:
        minutes = 10 / (1 - load_) * math.log(load_ / (1 - share))
        truth = 1 - wait_above(minutes, load_, 1, 10)
        yield Asked(f"share {share:g}{who}, M/M/1 at {100 * load_:.0f} %, 28 d", _within(minutes, of), truth)


def lines() -> Iterator[Line]:
    """All lines of the bench."""
    two_per_cent = ", risk: {high: 2 %, low: 98 %}"
    high = "of: {risk: high}, "
    yield Line(
        _line(warm_up="4 d", length="28 d", per_day=100.8, staff=1, service=TEN, more=two_per_cent),
        (
            *_shares(0.7, (0.5, 0.8, 0.95, 0.98, 0.99, 0.995, 0.999)),
            *_shares(0.7, (0.8, 0.98), high, " of a risk of 2 %"),
            Asked("mean wait, M/M/1 at 70 %, 28 d", MEAN, mean_wait(0.7, 1, 10)),
            Asked("occupancy, M/M/1 at 70 %, 28 d", OCCUPANCY, 0.7),
        ),
    )
    yield Line(
        _line(
            warm_up="3 h",
            length="2 d",
            per_day=19 * 24,
            staff=4,
            service="{exponential: {mean: 4 min}}",
            cool_down="1 h",
        ),
        (
            Asked("share 0.989, M/M/4, 19/h of 4 min, 2 d", _within(2), 1 - wait_above(2, 19 / 15, 4, 4)),
            Asked("share 0.998, M/M/4, 19/h of 4 min, 2 d", _within(4.5), 1 - wait_above(4.5, 19 / 15, 4, 4)),
            Asked("mean wait light, M/M/4, 19/h of 4 min, 2 d", MEAN, mean_wait(19 / 15, 4, 4)),
        ),
    )
    long_tailed = "{lognormal: {mean: 10 min, cv: 2}}"
    for days in (7, 28):
        yield Line(
            _line(warm_up="5 d", length=f"{days} d", per_day=100.8, staff=1, service=long_tailed, cool_down="5 d"),
            (
                Asked(f"mean wait long-tailed, M/LN(cv 2)/1 at 70 %, {days} d", MEAN, wait_in_one_line(0.7, 10, 2)),
                Asked(f"share within 2 h, M/LN(cv 2)/1 at 70 %, {days} d", _within(120)),
            ),
        )
    yield Line(
        _line(warm_up="14 d", length="7 d", per_day=129.6, staff=1, service=TEN),
        (
            Asked("mean wait loaded, M/M/1 at 90 %, 7 d", MEAN, mean_wait(0.9, 1, 10)),
            Asked("share within 2 h, M/M/1 at 90 %, 7 d", _within(120), 1 - wait_above(120, 0.9, 1, 10)),
            Asked("occupancy, M/M/1 at 90 %, 7 d", OCCUPANCY, 0.9),
        ),
    )
    for staff, days in ((2, 2), (4, 4)):
        yield Line(
            _line(
                warm_up="6 h",
                length=f"{days} d",
                cool_down="6 h",
                per_day=240,
                staff=staff,
                service=TEN,
                stage=", patience: {exponential: {mean: 15 min}}",
            ),
            (Asked(f"lost, M/M/{staff}+M, {days} d", "lost: 10 %", erlang_a(10 / 6, staff, 10, 15).abandoned),),
        )
    yield Line(
        "run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 7 d, cool_down: 1 d, seed: 1}\n"
        "demand: {volume: 100/d, busyness_cv: 0.25, by_hour: [1, 1, 1, 1, 1, 1, 2, 3, 5, 7, 7, 6, 6, 6, 5, 5, 4, 4, 3,"
        " 3, 2, 2, 1, 1]}\n"
        'pools: {desk: {staff: 1, shifts: [{from: "08:00", to: "16:00", staff: 1}]}}\n'
        "stages: [{name: answer, pool: desk, service: {exponential: {mean: 8 min}}}]\n",
        (
            Asked("share, daily profile with busyness, 7 d", _within(5)),
            Asked("mean wait, daily profile with busyness, 7 d", MEAN),
            Asked("occupancy, daily profile with busyness, 7 d", OCCUPANCY),
        ),
    )
    yield Line(
        "run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 365 d, cool_down: 2 d, seed: 1}\n"
        "demand: {volume: 3/d, surges: [{name: alarm, per_year: 0.2231, lasts: 7 d, factor: 8}]}\n"
        "pools: {desk: {staff: 1}}\n"
        "stages: [{name: answer, pool: desk, service: {exponential: {mean: 60 min}}}]\n",
        (Asked("share within 6 h, a surge in one year of five, 365 d", _within(360)),),
        "in 1.2 % of the repetitions no surge is drawn (0.8^20): no interval covers there",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    asked: Asked
    truth: float
    n: int
    below: int
    """Intervals that end below the truth."""
    above: int
    flattering: int
    """Those of the two that say that it is better than it is."""
    half_width: float
    half_width_error: float
    """Its standard error."""
    ideal: float

    @property
    def covered(self) -> float:
        return 1 - (self.below + self.above) / self.n

    @property
    def width(self) -> float:
        return self.half_width / self.ideal

    @property
    def narrow_asked(self) -> bool:
        """Whether the width has a limit."""
        is_mean = "mean" in self.asked.target
        return is_mean or 0.01 <= self.truth <= 0.9905

    @property
    def kept(self) -> bool:
        """Whether it keeps the limits, as it came out."""
        return (
            self.covered >= LEAST_COVERAGE
            and self.flattering <= MOST_FLATTERING * self.n
            and not (self.narrow_asked and self.width > MOST_WIDTH)
        )


def rows(line: Line, folder: Path, repetitions: int, jobs: int = 1, kept: Path | None = None) -> list[Row]:
    """The rows of a line; its replications are taken from, or written to, the file `kept` where one is given."""
    path = folder / "line.yaml"
    path.write_text(line.text, encoding="utf-8")
    frame = Frame(load(path))
    if kept is not None and kept.exists():
        return _rows(line, frame, np.load(kept))
    starts = range(0, repetitions * N_REPLICATIONS, CHUNK)
    chunks = [range(at, min(at + CHUNK, repetitions * N_REPLICATIONS)) for at in starts]
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            ratio = np.concatenate(list(pool.map(partial(_ratios, frame), chunks)))
    else:
        ratio = np.concatenate([_ratios(frame, chunk) for chunk in chunks])
    if kept is not None:
        np.save(kept, ratio)
    return _rows(line, frame, ratio)


def _rows(line: Line, frame: Frame, ratio: Floats) -> list[Row]:
    return [_row(one, frame, k, ratio[:, k]) for k, one in enumerate(line.asked)]


def _ratios(frame: Frame, indices: range) -> Floats:
    """(n_replications, n_targets, 3, 2) of the replications of these indices."""
    found = []
    for index in indices:
        replication = draw(frame.scenario, index)
        log = simulate(replication, "compiled")
        found.append(measure(log, replication, frame, pooled=False, only_targets=True).ratio)
    return np.stack(found)


def _in_place(frame: Frame, target: Target, ratio: Floats) -> InPlace:
    """Some replications of a target that has no places."""
    return InPlace(target, ratio, np.zeros((len(ratio), 0)), frame.units)


def _row(asked: Asked, frame: Frame, k: int, ratio: Floats) -> Row:
    target = frame.targets[k]
    parts, wholes = _in_place(frame, target, ratio).pairs(VALUE).T
    unit = target.goal.scale
    pooled = float(parts.sum() / wholes.sum())
    residual = (parts - pooled * wholes) / wholes.mean()
    ideal = 1.96 * float(residual.std()) / math.sqrt(N_REPLICATIONS)
    truth = pooled if asked.truth is None else asked.truth * unit
    twenties = ratio.reshape(-1, N_REPLICATIONS, *ratio.shape[1:])
    each = [_in_place(frame, target, twenty).estimate(0.95) for twenty in twenties]
    half = np.array([(one.high - one.low) / 2 for one in each])
    below, above = sum(one.high < truth for one in each), sum(one.low > truth for one in each)
    return Row(
        asked=asked,
        truth=truth / unit,
        n=len(each),
        below=below,
        above=above,
        flattering=above if target.goal.side == "at_least" else below,
        half_width=float(half.mean()) / unit,
        half_width_error=float(half.std()) / math.sqrt(len(each)) / unit,
        ideal=ideal / unit,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the replications: judge them anew by another method")
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    print(f"{given.repetitions} repetitions of {N_REPLICATIONS} replications, intervals of 95 %")
    print(f"{'':55} {'truth':>9} {'covered':>8} {'below':>7} {'above':>7} {'half-width':>11} {'ideal':>9} {'ratio':>6}")
    for number, line in enumerate(lines()):
        kept = None if given.keep is None else given.keep / f"{number}-{given.repetitions}.npy"
        with tempfile.TemporaryDirectory() as folder:
            for row in rows(line, Path(folder), given.repetitions, given.jobs, kept):
                print(_text(row), flush=True)
        if line.note:
            print(f"  ({line.note})")
    print(
        "\ntruth, half-width and ideal: minutes for means, else shares; * from all replications, where no formula is."
        "\nbelow, above: intervals that end below the truth, and that begin above it; ! marks the flattering side."
        f"\nLimits: covered {LEAST_COVERAGE:.0%}, flattering {MOST_FLATTERING:.0%}, ratio {MOST_WIDTH} (not asked"
        " beyond 99 %)."
    )


def _text(row: Row) -> str:
    at_least = row.flattering == row.above and "share:" in row.asked.target
    below, above = (
        f"{row.below / row.n:.1%}{' ' if at_least else '!'}",
        f"{row.above / row.n:.1%}{'!' if at_least else ' '}",
    )
    return (
        f"{row.asked.system:55} {row.truth:9.5g}{'*' if row.asked.truth is None else ' '}{row.covered:>7.1%} {below:>7}"
        f" {above:>7} {row.half_width:11.4g} {row.ideal:9.4g} {row.width:6.2f}{'' if row.kept else '   beyond a limit'}"
    )


if __name__ == "__main__":
    main()
