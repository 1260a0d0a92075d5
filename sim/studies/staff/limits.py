"""What no staff can mend: every target with so many people that nobody waits, and what stands in the way of those that
are missed even so; and the hours at which the posts have nobody, however many people each of them gets.

The tips are those that the real staff meets. Service, gates, delays and labels are as they are; only waiting for people
is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE
from sim.dynamics.engines import simulate
from sim.dynamics.log import UNREACHED
from sim.dynamics.waits import vain
from sim.measures import passes
from sim.measures.bins import GUIDE, N_BINS
from sim.measures.cohort import Cohort, read, ways_to
from sim.measures.estimates import each_of
from sim.measures.frame import Frame
from sim.measures.kinds import kind_of, tally
from sim.measures.targets import TargetResult, joint
from sim.scenario import units
from sim.scenario.rules import matches
from sim.scenario.targets import OfTips, Target, Timed
from sim.studies.staff.staffed import judged_pools, plentiful, posts_of, unlimited
from sim.studies.staff.tried import leanings

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.pools import Pool
    from sim.scenario.schema import Scenario
    from sim.studies.trials import Trials


FEW: Final = 4
"""Replications that are looked at first: most targets are then clearly met or clearly missed."""
ENOUGH_TIPS: Final = 2000
"""Tips that are followed to see why they never came to the end of a target."""
MOST_REPLICATIONS: Final = 3
"""Replications in which the time of failing tips is looked at."""


HindranceKind = Literal["service", "gate", "delay", "label", "way"]

MoreStaff = Literal["posts", "hours", "neither"]
"""Where more people let a target be met: at the posts that there are, only at hours that have none, or nowhere."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing besides waiting that keeps a target from being met."""

    kind: HindranceKind
    """service, gate, delay: the time that a stage takes; label: another label leads elsewhere; way: tips of that kind
    do not come there."""
    name: str
    """The stage, or the labeller."""
    share: float
    """Of the tips that fail with unlimited staff: of their time, or of the tips themselves for label and way."""
    mean: float
    """Ticks a failing tip on average; 0 for label and way."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The best that a target can come to, whatever the staff."""

    result: TargetResult
    hindrances: tuple[Hindrance, ...]
    """What stands in the way, the worst first; empty where the target is not missed."""
    late: int
    """Tips that came to the end too late, of those looked at; all that came there where none fails by itself."""
    never: int
    """Tips that never came there."""
    at_posts: TargetResult | None = None
    """The same with unlimited people at the posts that there are, and nobody at other hours; None where the posts that
    it depends on are there around the clock, so that this is no other question."""
    closed: tuple[Closed, ...] = ()
    """When the pools that it depends on are closed."""

    @property
    def name(self) -> str:
        return self.result.name

    @property
    def beyond_staff(self) -> bool:
        """Whether no staffing can meet it."""
        return self.result.verdict == "missed"

    @property
    def more_staff(self) -> MoreStaff:
        """What more staff can do: at the posts that there are, only at other hours too, or neither."""
        if self.beyond_staff:
            return "neither"
        return "hours" if self.at_posts is not None and self.at_posts.verdict == "missed" else "posts"


def limits(scenario: Scenario, trials: Trials, most: int | None = None, *, hurried: bool = True) -> list[Limit]:
    """What each target comes to with unlimited staff on the tips of the trials, and what hinders those it misses.

    Unlimited staff is there around the clock; where the posts that there are leave hours without anybody, it is also
    told what as many people come to at these posts alone.

    Up to `most` replications are run (as many as the scenario asks for if None): when hurried, few where they decide;
    else all, for the best that can be told. The verdicts hold together with the scenario's confidence, at all looks.
    """
    free = unlimited(scenario)
    most = max(scenario.run.replications if most is None else most, 2)
    looks = sorted({2, min(FEW, most), most}) if hurried else [most]
    confidence = each_of(scenario.run.confidence, len(looks))
    for n in looks:
        sample = trials.sample(free, n, only_targets=True)
        found = joint(sample, confidence).results
        leaning = leanings(sample, confidence)
        if all(
            one.certain or one.verdict == "missed" or lean.verdict == "met"
            for one, lean in zip(found, leaning, strict=True)
        ):
            break
    missed = [one.name for one in found if one.verdict == "missed"]
    why = _hindrances(free, trials, missed, n) if missed else {}
    shut = _closed_pools(scenario)
    at_posts: dict[str, TargetResult] = {}
    if any(shut[one.name] and one.verdict != "missed" for one in found):
        sample = trials.sample(
            plentiful(scenario, {name: posts_of(pool) for name, pool in scenario.pools.items()}), n, only_targets=True
        )
        at_posts = {one.name: one for one in joint(sample, confidence).results if shut[one.name]}
    return [
        Limit(one, *why.get(one.name, ((), 0, 0)), at_posts=at_posts.get(one.name), closed=shut[one.name])
        for one in found
    ]


def _closed_pools(scenario: Scenario) -> dict[str, tuple[Closed, ...]]:
    """When the pools that each target depends on are closed."""
    times = {name: closed(pool) for name, pool in scenario.pools.items()}
    found = {}
    for target, asked in scenario.targets.items():
        judged = judged_pools(scenario, {target: asked}) if any(times.values()) else ()
        found[target] = tuple(Closed(name, times[name]) for name in times if times[name] and name in judged)
    return found


_Why = tuple[tuple[Hindrance, ...], int, int]


def _hindrances(scenario: Scenario, trials: Trials, missed: list[str], most: int) -> dict[str, _Why]:
    """For each target missed: what hinders it, how many tips came late, and how many never."""
    frame = Frame(scenario)
    n_stages = len(scenario.stages)
    spent = {name: np.zeros((n_stages, 4), np.int64) for name in missed}
    late, never = Counter[str](), Counter[str]()
    elsewhere: dict[str, Counter[tuple[HindranceKind, str]]] = {name: Counter() for name in missed}
    for index in range(min(most, MOST_REPLICATIONS)):
        replication = trials.replication(scenario, index)
        log = simulate(replication, trials.settings.engine)
        cohort = read(log, replication, frame)
        for name in missed:
            target = scenario.targets[name]
            if not isinstance(target, OfTips):
                continue
            found = tally(target, cohort)
            failing = np.isin(found.column, kind_of(target).failed)
            slow = found.timed & failing if target.by_tip else found.timed
            late[name] += int(slow.sum())
            spent[name] += _spent(log, replication, cohort, target, slow, found.since, found.until)
            if isinstance(target, Timed):
                # Tips that are late and still open when the run ends are as the late ones that are not.
                lacking = np.flatnonzero(failing & ~found.timed & (cohort.state == passes.THROUGH))
                never[name] += len(lacking)
                room = ENOUGH_TIPS - elsewhere[name].total()
                elsewhere[name].update(_reasons(target, replication, log, cohort, lacking[: max(room, 0)]))
    return {
        name: (_ranked(scenario, spent[name], elsewhere[name], late[name], never[name]), late[name], never[name])
        for name in missed
    }


def _spent(
    log: Log,
    replication: Replication,
    cohort: Cohort,
    target: Target,
    chosen: NDArray[np.bool_],
    since: NDArray[np.int64],
    until: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(n_stages, 4) ticks that the chosen tips spend at each stage in line, in service, at the gate and in a delay."""
    rules, visits = replication.rules, replication.visits
    first_spell = np.empty(len(visits) + 1, np.int64)
    passes.find_spells(log.spells.visit, first_spell)
    spent = np.zeros((len(cohort.frame.scenario.stages), 4), np.int64)
    passes.time_spent(
        (replication.tips.first_visit, chosen, since, until, until - since, vain(log, replication), cohort.first),
        (visits.kind, first_spell, rules.kinds.stage),
        (log.enter, log.start, log.end, log.outcome),
        (log.spells.began, log.spells.ended, log.spells.wrapping),
        (rules.stages.place, rules.gates),
        ways_to(target, replication, cohort.frame),
        GUIDE,
        np.zeros(N_BINS, np.int64),
        spent,
    )
    return spent


def _reasons(
    target: Timed, replication: Replication, log: Log, cohort: Cohort, lacking: NDArray[np.int64]
) -> Iterator[tuple[HindranceKind, str]]:
    """For each tip that never came to the end of a target: the labeller that sent it elsewhere, or the stage that it
    is not for."""
    scenario = cohort.frame.scenario
    ends = [scenario.stage(moment.stage) for moment in target.to.moments if moment.stage is not None]
    first_visit, stage_of = replication.tips.first_visit, replication.rules.kinds.stage
    for row in lacking.tolist():
        tip = cohort.first + row
        visits = range(int(first_visit[tip]), int(first_visit[tip + 1]))
        passed = [
            scenario.stages[int(stage_of[replication.visits.kind[visit]])]
            for visit in visits
            if log.outcome[visit] != UNREACHED
        ]
        labeller = next((stage.label for stage in reversed(passed) if stage.label is not None), None)
        tips, at = replication.tips, slice(tip, tip + 1)
        codes = {"channel": tips.channel[at], "risk": tips.risk[at], "category": tips.category[at]}
        codes |= {name: code[at] for name, code in zip(scenario.own, tips.own, strict=True)}
        codes["tier"] = cohort.label[row : row + 1]
        if scenario.labellers_matter:
            codes["labelled_by"] = replication.visits.final_labeller[at]
        by_label = any(
            end.for_ is not None
            and not matches(end.for_, scenario.names, codes).all()
            and end.for_.of_label
            and ((other := end.for_.but_for_label()) is None or matches(other, scenario.names, codes).all())
            for end in ends
        )
        if by_label and labeller is not None:
            yield "label", labeller
        elif ends:
            yield "way", ends[0].name


def _ranked(
    scenario: Scenario, spent: NDArray[np.int64], elsewhere: Counter[tuple[HindranceKind, str]], late: int, never: int
) -> tuple[Hindrance, ...]:
    """All hindrances, those first that concern most of the failing tips."""
    failing = late + never
    if not failing:
        return ()
    total = int(spent.sum())
    columns: tuple[tuple[int, HindranceKind], ...] = (
        (passes.IN_SERVICE, "service"),
        (passes.AT_GATE, "gate"),
        (passes.IN_DELAY, "delay"),
    )
    timed = [
        Hindrance(kind, stage.name, float(spent[s, column]) / total * late / failing, float(spent[s, column]) / late)
        for s, stage in enumerate(scenario.stages)
        for column, kind in columns
        if spent[s, column] > 0
    ]
    looked_at = elsewhere.total()
    others = [Hindrance(kind, name, n / looked_at * never / failing, 0.0) for (kind, name), n in elsewhere.items() if n]
    return tuple(sorted([*timed, *others], key=lambda one: -one.share))


# When posts have nobody


A_DAY: Final = 24 * 60
A_WEEK: Final = 7 * A_DAY

ShutStretch = tuple[int, int]
"""Minutes since Monday 00:00: when nobody is there any more, and when somebody is again, after Sunday midnight on from
the length of a week."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A pool that is closed at some hours of the week."""

    pool: str
    stretches: tuple[ShutStretch, ...]

    @property
    def words(self) -> str:
        """When it is closed: "from 17:00 to 9:00 and at weekends"."""
        return _words(self.stretches)


def closed(pool: Pool) -> tuple[ShutStretch, ...]:
    """The stretches of the week at which no post of a pool is on duty, in order; empty where it is always open.

    A pool without shifts is a post around the clock.
    """
    if pool.staff or not (pool.shifts or pool.levels):
        return ()
    there = np.zeros(A_WEEK, np.bool_)
    for shift in pool.shifts:
        for day in shift.days:
            begin = day * A_DAY + shift.from_ // MINUTE
            there[np.arange(begin, begin + shift.length // MINUTE) % A_WEEK] = True
    ticks, heads = pool.levels.week() if pool.levels else (np.zeros(1, np.int64), np.zeros(1))
    there |= heads[(ticks // MINUTE).searchsorted(np.arange(A_WEEK), side="right") - 1] > 0
    if there.all():
        return ()
    changes = np.flatnonzero(there != np.roll(there, 1))
    leaves = [int(at) for at in changes if not there[at]]
    comes = [int(at) for at in changes if there[at]]
    return tuple(
        (at, min((to for to in comes if to > at), default=comes[0] + A_WEEK if comes else at)) for at in leaves
    )


def _words(stretches: tuple[ShutStretch, ...]) -> str:
    """Stretches in words: by the hours of the day where all open days have the same, else one by one."""
    open_days, hours = _by_day(stretches)
    alike = {hours[day] for day in open_days}
    if len(alike) == 1 and open_days:
        shut = [day for day in range(7) if day not in open_days]
        parts = [f"from {_clock(end)} to {_clock(begin)}" for end, begin in next(iter(alike))]
        if shut:
            parts.append("at weekends" if shut == [5, 6] else f"on {units.day_names(frozenset(shut))}")
        return " and ".join(parts)
    return " and ".join(f"from {_moment(begin)} to {_moment(end)}" for begin, end in stretches)


def _by_day(stretches: tuple[ShutStretch, ...]) -> tuple[list[int], dict[int, tuple[ShutStretch, ...]]]:
    """The days on which somebody is there, and for each of them the clock times between which nobody is, the last one
    up to the first opening of the same day."""
    shut = np.zeros(A_WEEK, np.bool_)
    for begin, end in stretches:
        shut[np.arange(begin, end) % A_WEEK] = True
    by_day = shut.reshape(7, A_DAY)
    open_days = [day for day in range(7) if not by_day[day].all()]
    found = {}
    for day in open_days:
        # Around the day: from its last hour with people to its first.
        changes = np.flatnonzero(by_day[day] != np.roll(by_day[day], 1))
        leaves = [int(at) for at in changes if by_day[day][at]]
        comes = [int(at) for at in changes if not by_day[day][at]]
        found[day] = tuple((at, min((to for to in comes if to > at), default=min(comes))) for at in leaves)
    return open_days, found


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24}:{minute % 60:02}"


def _moment(minute: int) -> str:
    return f"{units.day_names(frozenset({minute // A_DAY % 7}))} {_clock(minute)}"
