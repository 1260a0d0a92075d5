"""One replication reduced to its measures: small arrays whose size does not depend on the number of tips.

`measure` counts; verdicts over replications are drawn in `targets.py`, and `sample.py` keeps many. The order of
targets, stages, pools, risks and tiers is that of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import YEAR
from sim.dynamics.log import Log
from sim.dynamics.replication import Codes, Replication
from sim.dynamics.waits import vain
from sim.measures import passes
from sim.measures.bins import GUIDE, N_BINS
from sim.measures.cohort import Cohort, read, ways_to
from sim.measures.frame import Frame
from sim.measures.held import HELD, Periodic, together
from sim.measures.kinds import Watched, kind_of
from sim.measures.places import follow
from sim.measures.tallies import COLUMNS, Tally, count_columns, unlabelled
from sim.scenario.choices import UNITS
from sim.scenario.targets import Target

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """What is added up over replications and not kept for each."""

    times: Ints
    """(n_targets, N_BINS) tips that passed both moments, by the bin of the time between; zeros for other kinds."""
    waits: Ints
    """(n_stages, n_tiers + 1, N_BINS) visits that started, by the bin of their wait; as `Measures.stages`."""
    failing: Ints
    """(n_targets, n_times, 2) tips judged and tips failed, by the interval of the week, and then by the day, in which
    they arrived."""
    spent: Ints
    """(n_targets, n_stages, 4) ticks between the two moments IN_LINE, IN_SERVICE, AT_GATE, IN_DELAY at each stage."""
    came: Ints
    """(n_times, 5) tips of the cohort by the interval of the week, and then by the day, in which they arrived: CAME,
    ANSWERED, LOST_FOR_GOOD, FOUND_NO_ROOM, CAME_TO_MERGE of `passes`."""
    visits: Ints
    """(n_pools, n_times, 8) visits of any tip but the backlog, by pool and by the time at which they came to it, where
    that is in the measured time; columns as in `Measures.stages`."""
    ticks: Floats
    """(N_NUMBERS, n_pools, n_times) ticks of the measured time by pool, as `PoolTimes` has them."""

    def __add__(self, other: Pooled) -> Pooled:
        return Pooled(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """The measures of one replication."""

    index: int
    cohort: Ints
    """(n_channels, n_risks, n_tiers + 1, 4) tips of the cohort by channel, true risk, last label (0 is none) and
    THROUGH, LOST, UNDER_WAY, IN_ANOTHER."""
    counts: Ints
    """(n_targets, 9) tips of the cohort by COLUMNS of `tallies`; zeros for a target that is about none."""
    unlabelled: Ints
    """(n_targets, 2) tips without a label that a target on a tier cannot judge: lost, and open."""
    ratio: Floats
    """(n_rows, 3, 2) value, low and high bound, each as numerator and denominator: of each place of each target, as
    `Frame.rows` has them. With `hold` windows kept over windows judged; a kind that is no ratio has its value over
    1."""
    extra: tuple[Floats, ...]
    """Of each target what else its kind keeps, (n_places, ...); most keep nothing, (0,)."""
    windows: Ints
    """(n_targets, 4) the target's own windows, in all its places, by HELD of `held`: 1 where it is judged by the
    run."""
    units: Ints
    """(n_targets, 4, 4) periods of each of UNITS, by HELD."""
    joint: Ints
    """(4, 4) periods of each of UNITS in which all targets held, by HELD."""
    stages: Ints
    """(n_stages, n_tiers + 1, 8) visits of the cohort by stage and the tip's last label (0 is none), by REACHED,
    STARTED, GAVE_UP, STILL_OPEN, ticks of WAIT before the first start and of WORK, TURNED and LEFT_MERGED."""
    places: Ints
    """(n_places, 5) ticks of the measured time WAITING (tips), OFFERED, BUSY on duty, ON_DUTY and in OVERTIME
    (slots)."""
    week: Floats
    """(4, n_pools, n_intervals) mean number WAITING, OFFERED, BUSY, ON_DUTY by interval of the week; NaN where it never
    came."""
    pooled: Pooled | None
    """None where it has been added up elsewhere."""

    @property
    def arrived(self) -> int:
        """Tips of the cohort."""
        return int(self.cohort.sum())

    def without_pooled(self) -> Measures:
        """What is kept of each replication."""
        return replace(self, pooled=None)

    def for_targets(self, frame: Frame) -> Measures:
        """What `measure` would give of it with `only_targets`, as far as that is to be used."""
        places = self.places if frame.pool_slots else self.places[:0]
        return replace(self, pooled=None, stages=self.stages[:0, :0], places=places, week=self.week[:, :0])

    def added(self) -> Pooled:
        """What is added up over replications; ValueError where that was done."""
        if self.pooled is None:
            raise ValueError(f"the measures of replication {self.index} were added up elsewhere")
        return self.pooled

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as named arrays, to be written to a file."""
        found = {name: getattr(self, name) for name in PER_REPLICATION}
        found |= {f"extra.{k}": own for k, own in enumerate(self.extra) if own.size}
        if self.pooled is not None:
            found |= {f"pooled.{f.name}": getattr(self.pooled, f.name) for f in fields(self.pooled)}
        return found | {"index": np.array(self.index)}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Measures:
        """What `arrays` gave, read back."""
        parts = {f.name: arrays[f"pooled.{f.name}"] for f in fields(Pooled) if f"pooled.{f.name}" in arrays}
        pooled = Pooled(**parts) if parts else None
        own = {name: arrays[name] for name in PER_REPLICATION}
        extra = tuple(arrays.get(f"extra.{k}", np.zeros(0)) for k in range(len(own["counts"])))
        return cls(index=int(arrays["index"]), pooled=pooled, extra=extra, **own)


COUNTABLE: Final = 2**62
"""Ticks that are added up in 64 bits at most."""

PER_REPLICATION: Final = tuple(f.name for f in fields(Measures) if f.name not in ("index", "pooled", "extra"))
"""The measures that are one array each."""


def measure(
    log: Log,
    replication: Replication,
    scenario: Scenario | Frame,
    *,
    pooled: bool = True,
    only_targets: bool = False,
) -> Measures:
    """The measures of one replication; hand in the scenario's Frame to measure many of them.

    Without `pooled` what is only added up over replications is left out, which saves a fifth of the time. With
    `only_targets` stages and pools are left out too, and their arrays have no rows, which saves half of the rest; where
    targets ask for pools, places have the load that was offered and who was on duty.
    """
    frame = scenario if isinstance(scenario, Frame) else Frame(scenario)
    if n_at_a_time(replication) * replication.rules.horizon > COUNTABLE:
        hold_countable(time_of_visits(log, replication), len(replication.visits))
    first_spell = np.empty(len(replication.visits) + 1, np.int64)
    passes.find_spells(log.spells.visit, first_spell)
    cohort = read(log, replication, frame)
    places = None
    if frame.pool_slots or not only_targets:
        places = follow(log, replication, first_spell, frame, only_targets=only_targets)
    cells = np.zeros((passes.N_NUMBERS, 0, 1), np.int64) if places is None or only_targets else places.cells
    ticks = frame.by_time(cells)
    stages, waits = (None, None) if only_targets else visits_by_stage(log, replication, cohort, first_spell)
    n_targets = len(frame.targets)
    counts, lacking = np.zeros((n_targets, len(COLUMNS)), np.int64), np.zeros((n_targets, 2), np.int64)
    pooling = Pooling(log, replication, cohort, first_spell) if pooled and waits is not None else None

    def watched() -> Iterator[Watched]:
        for k, target in enumerate(frame.targets):
            found = tally_of(target, cohort)
            if found is not None:
                count_columns(found.column, counts[k])
                lacking[k] = unlabelled(target, cohort)
                if pooling is not None:
                    pooling.add(k, found)
            yield Watched(cohort, places, found)

    judged = judge(frame, watched())
    return Measures(
        index=replication.index,
        cohort=fates_by_label(cohort),
        counts=counts,
        unlabelled=lacking,
        ratio=judged.ratio,
        extra=judged.extra,
        windows=judged.windows,
        units=judged.units,
        joint=judged.joint,
        stages=np.zeros((0, 0, passes.N_STAGE_COLUMNS), np.int64) if stages is None else stages,
        places=np.zeros((0, passes.N_NUMBERS), np.int64) if places is None else places.totals,
        week=by_week(ticks, frame),
        pooled=pooling.close(waits, ticks) if pooling is not None and waits is not None else None,
    )


class Judged(NamedTuple):
    """What the targets came to, each array as `Measures` has it."""

    ratio: Floats
    extra: tuple[Floats, ...]
    windows: Ints
    units: Ints
    joint: Ints


def judge(frame: Frame, watched: Iterable[Watched]) -> Judged:
    """What every target came to, from what it sees, one after the other; none of that is kept."""
    n_targets = len(frame.targets)
    ratio = np.zeros((sum(cut.n_places for cut in frame.own), 3, 2))
    own = np.zeros((n_targets, len(HELD)), np.int64)
    units = np.zeros((n_targets, len(UNITS), len(HELD)), np.int64)
    extra: list[Floats] = []
    periods: list[list[Periodic]] = []
    for k, (target, seen) in enumerate(zip(frame.targets, watched, strict=True)):
        where = kind_of(target).held(target, seen)
        extra.append(_extra_of(target, seen))
        ratio[frame.rows[k]], own[k], units[k] = where.ratio, where.windows, where.by_unit
        periods.append(where.units)
    joint = [together([each[u] for each in periods], _n_judged(frame, u)).counts() for u in range(len(UNITS))]
    return Judged(ratio, tuple(extra), own, units, np.array(joint))


def tally_of(target: Target, cohort: Cohort) -> Tally | None:
    """Where a target counts each tip, those without a label apart where it is judged by it; None where it counts
    none."""
    found = kind_of(target).tally(target, cohort)
    return found.without(cohort.unlabelled) if found is not None and target.in_each == "tier" else found


def n_at_a_time(replication: Replication) -> int:
    """How many visits there may be at a time, at most: one of each tip, unless it may go on elsewhere."""
    visits = replication.visits
    return len(visits) if visits.branch or visits.follows.size else len(replication.tips)


def time_of_visits(log: Log, replication: Replication) -> float:
    """Ticks of all visits together, which may be more than 64 bits can count."""
    horizon = replication.rules.horizon
    times = np.minimum(log.end, horizon) - np.minimum(log.enter, horizon)
    return float(times.sum(dtype=np.float64))


def hold_countable(together: float, n_visits: int) -> None:
    """Nothing, if the times of all visits add up to what 64 bits can count; else OverflowError.

    So long a wait of so many is possible in a line that nobody serves; whether it came about is looked at only then.
    """
    if together > COUNTABLE:
        years = f"{together / YEAR:,.0f} years together"
        raise OverflowError(f"{n_visits:,} visits take {years}, more than can be counted")


def _extra_of(target: Target, watched: Watched) -> Floats:
    """What else the kind of a target keeps, by place; (0,) where that is nothing."""
    if target.hold is not None:
        return np.zeros(0)
    kind, cut = kind_of(target), watched.cohort.frame.cut(target.in_each, "run")
    if not kind.has_extra:
        return np.zeros(0)
    found = kind.extra(target, watched, kind.cell_of(target, watched, cut), cut.n_places)
    return found if found.size else np.zeros(0)


class Pooling:
    """What is added up over replications, target by target, so that no tally need be kept."""

    def __init__(self, log: Log, replication: Replication, cohort: Cohort, first_spell: Ints):
        frame = cohort.frame
        n_targets = len(frame.targets)
        self.log, self.replication, self.cohort, self.first_spell = log, replication, cohort, first_spell
        self.times = np.zeros((n_targets, N_BINS), np.int64)
        self.failing = np.zeros((n_targets, frame.n_times, 2), np.int64)
        self.spent = np.zeros((n_targets, len(frame.scenario.stages), 4), np.int64)
        # Every target reads it, from beyond the nearest caches: as few bytes as will do.
        came_at = np.stack([frame.interval_of(cohort.arrival), frame.n_intervals + cohort.day])
        self.came_at = came_at.astype(np.int32)

    def add(self, k: int, found: Tally) -> None:
        """Count the tips of a target that is about tips; targets come in their order."""
        frame, times, spent = self.cohort.frame, self.times, self.spent
        kind, same = kind_of(frame.targets[k]), frame.alike[k]
        counted = np.zeros((2, len(COLUMNS)), np.int64)
        counted[0, list(kind.judged)] = counted[1, list(kind.failed)] = 1
        passes.count_failing(found.column, counted, self.came_at, self.failing[k])
        if same == k:
            where = self.log, self.replication, self.cohort, frame.targets[k], found, self.first_spell
            _spend(*where, times[k], spent[k])
        times[k], spent[k] = times[same], spent[same]

    def close(self, waits: Ints, ticks: Ints) -> Pooled:
        """All of it."""
        came, visits = _by_time(self.log, self.replication, self.cohort, self.first_spell, self.came_at)
        return Pooled(self.times, waits, self.failing, self.spent, came, visits, ticks.astype(np.float64))


def _n_judged(frame: Frame, unit: int) -> int:
    return int(frame.periods[UNITS[unit]].judged.sum())


def fates_by_label(cohort: Cohort) -> Ints:
    """Tips by channel, risk, label and state."""
    n = passes.N_STATES
    sizes = (*cohort.frame.sizes, n)
    table = np.bincount(cohort.combination * n + cohort.state, minlength=int(np.prod(sizes)))
    # Between the risk and the label stand the category and what else targets ask for.
    return np.asarray(table.reshape(sizes).sum(axis=tuple(range(2, len(sizes) - 2))))


def visits_by_stage(log: Log, replication: Replication, cohort: Cohort, first_spell: Ints) -> tuple[Ints, Ints]:
    """Visits of the cohort by stage and label, and their waits by bin."""
    scenario, visits = cohort.frame.scenario, replication.visits
    table = np.zeros((len(scenario.stages), len(scenario.tiers) + 1, passes.N_STAGE_COLUMNS), np.int64)
    waits = np.zeros((*table.shape[:2], N_BINS), np.int64)
    passes.count_visits(
        (replication.tips.first_visit, cohort.label, cohort.first),
        (visits.kind, first_spell),
        (log.enter, log.start, log.outcome),
        (log.spells.began, log.spells.ended),
        replication.rules.kinds.stage,
        cohort.last,
        GUIDE,
        table,
        waits,
    )
    return table, waits


def _spend(
    log: Log,
    replication: Replication,
    cohort: Cohort,
    target: Target,
    found: Tally,
    first_spell: Ints,
    times: Ints,
    spent: Ints,
) -> None:
    rules = replication.rules
    times_of = found.since, found.until, found.ticks
    passes.time_spent(
        (replication.tips.first_visit, found.timed, *times_of, vain(log, replication), cohort.first),
        (replication.visits.kind, first_spell, rules.kinds.stage),
        (log.enter, log.start, log.end, log.outcome),
        (log.spells.began, log.spells.ended, log.spells.wrapping),
        (rules.stages.place, rules.gates),
        ways_to(target, replication, cohort.frame),
        GUIDE,
        times,
        spent,
    )


def _by_time(
    log: Log, replication: Replication, cohort: Cohort, first_spell: Ints, came_at: Codes
) -> tuple[Ints, Ints]:
    """`Pooled.came` and `Pooled.visits`."""
    frame = cohort.frame
    came = np.zeros((frame.n_times, passes.N_CAME), np.int64)
    visits = np.zeros((len(frame.scenario.pools), frame.n_times, passes.N_STAGE_COLUMNS), np.int64)
    passes.count_by_time(
        (replication.tips.first_visit, replication.tips.n_backlog, cohort.first, cohort.last),
        (replication.visits.kind, first_spell, replication.rules.kinds.stage),
        (log.enter, log.start, log.outcome, log.lost),
        (log.spells.began, log.spells.ended),
        frame.pool_of_stage,
        (frame.first, frame.last, frame.cells.origin, frame.cells.step),
        (frame.times_of_cell[0], frame.times_of_cell[1]),
        came_at,
        came,
        visits,
    )
    return came, visits


def by_week(ticks: Ints, frame: Frame) -> Floats:
    """Mean numbers by pool and interval of the week, NaN where it never came."""
    measured = frame.time_measured[: frame.n_intervals]
    return ticks[: passes.OVERTIME, :, : frame.n_intervals] / np.where(measured > 0, measured, np.nan)
