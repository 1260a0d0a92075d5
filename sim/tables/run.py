"""The columns of targets.csv and of all tables of a run, and of one of its tips; theory beside it; several runs side
by side.

Heads end in units: `_tips`, `_min`, `_h`, `_erlangs`, `_share`; where a column mixes shares and minutes, `unit` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.dynamics.clock import MINUTE, minutes
from sim.measures import passes
from sim.measures.bins import EDGES, at_most, percentile
from sim.measures.estimates import Estimate, mean_interval
from sim.measures.held import quotient
from sim.measures.kinds import kind_of
from sim.measures.people import PersonUse
from sim.measures.tallies import COLUMNS
from sim.measures.targets import HeldShare, TargetResult, joint, results
from sim.measures.use import NOTHING, PoolUse, uses
from sim.scenario.choices import UNITS
from sim.tables.by_time import DATES, INTERVALS, dates, intervals
from sim.tables.declared import (
    Column,
    Family,
    Filled,
    Table,
    asked_columns,
    came_columns,
    estimate_columns,
    for_each,
    number,
    of,
    text,
    whole,
    yes,
)

if TYPE_CHECKING:
    from sim.measures.sample import Sample
    from sim.scenario.zones import Local
    from sim.studies.compare import Contender, SideBySide, TargetChange
    from sim.studies.staff.limits import Limit
    from sim.studies.theory.beside import TheoryAndRun
    from sim.studies.theory.selftest import TestedAnswer
    from sim.text.explain import JudgedTip
    from sim.text.story import Event


@dataclass(frozen=True, slots=True)
class JudgedTarget:
    """A target by its own interval and by the one that holds for all at once."""

    alone: TargetResult
    together: TargetResult


TARGETS: Final = Table[JudgedTarget](
    "targets",
    "a target: threshold, value, interval, verdict; and the interval and verdict that hold for all at once",
    "Targets and verdicts",
    (
        text("target", lambda row: row.alone.name, "its name in the document"),
        text("claim", lambda row: row.alone.claim, "the claim that it stands for"),
        text("kind", lambda row: row.alone.kind, "what kind of target it is"),
        *asked_columns(lambda row: row.alone),
        *came_columns(lambda row: row.alone),
        yes("certain", lambda row: row.alone.certain, "whether the verdict follows from the document for every draw"),
        yes("is_lower_bound", lambda row: row.alone.lower_bound, "whether tips still open can only raise the value"),
        *came_columns(lambda row: row.together, "simultaneous_")[1:],
        text("per", lambda row: row.alone.target.per, "the windows that it is judged in"),
        number("hold", "share", lambda row: row.alone.target.hold, "windows in which it has to hold; empty without"),
        number("held_windows", "share", lambda row: row.alone.windows.share.value, "windows in which it held"),
        whole("empty_windows", "", lambda row: row.alone.windows.n_silent, "windows cut short, or without any tip"),
        text("in_each", lambda row: row.alone.target.in_each, "the places that are judged one by one; empty without"),
        text("worst_place", lambda row: row.alone.worst, "the place of which its value is"),
        whole("places_too_few", "", lambda row: len(row.alone.too_few), "places with too few tips to be judged"),
        whole("places_silent", "", lambda row: len(row.alone.silent), "places without a tip to judge"),
        number(
            "left_out",
            "share",
            of(lambda row: row.alone.left_out, lambda out: out.share.value),
            "of the tips named, those that it left out; empty if it cannot",
        ),
        whole("lost_without_label", "tips", lambda row: row.alone.unlabelled_lost, "lost before anybody labelled them"),
        whole("open_without_label", "tips", lambda row: row.alone.unlabelled_open, "still open, and not labelled yet"),
    ),
)

JOINT: Final = Table[tuple[str, HeldShare]](
    "joint",
    "a unit of time: the share of its periods in which every target held",
    "How often all targets held at once",
    (
        text("period", lambda row: row[0], "run, month, week or day"),
        *estimate_columns("held", "share", lambda row: row[1].share, "periods in which every target held"),
        whole("judged_periods", "", lambda row: row[1].n_judged, "periods with something to judge"),
        whole("empty_periods", "", lambda row: row[1].n_silent, "periods without"),
        yes("whole", lambda row: row[1].whole, "whether they are whole periods of the calendar"),
    ),
)


@dataclass(frozen=True, slots=True)
class OneReplication:
    """A replication."""

    index: int
    arrived: int
    values: Mapping[str, tuple[str, float]]
    """By target: its unit, and what it came to in that unit."""
    all_held: bool


def _value(key: tuple[str, tuple[str, float]]) -> list[Column[OneReplication]]:
    name, (unit, _) = key
    return [number(name, unit, lambda row: row.values[name][1], "what the target came to")]


REPLICATIONS: Final = Table[OneReplication](
    "replications",
    "a replication: its tips, the value of every target, whether all held",
    "Each replication",
    (
        whole("replication", "", lambda row: row.index, "its index"),
        whole("arrived", "tips", lambda row: row.arrived, "tips of the cohort"),
        for_each("<target>_<unit>", "what each target came to", lambda row: row.values.items(), _value),
        yes("all_held", lambda row: row.all_held, "whether every target held"),
    ),
)


def _counts(_: Sequence[tuple[int, TargetResult]]) -> list[Column[tuple[int, TargetResult]]]:
    return [whole(one, "tips", of(lambda row: row[1].counts, itemgetter(one)), "tips counted so") for one in COLUMNS]


COHORT: Final = Table[tuple[int, TargetResult]](
    "cohort",
    "a target: how many tips were met, missed, lost, open and so on; they add up to those that arrived",
    "Where each tip is counted",
    (
        text("target", lambda row: row[1].name, "its name in the document"),
        whole("arrived", "tips", lambda row: row[0], "tips of the cohort, of all replications"),
        Family("<fate>_tips", f"tips by what became of them for the target: {', '.join(COLUMNS)}", _counts),
    ),
)


@dataclass(frozen=True, slots=True)
class KindOfTips:
    """Tips of one channel, true risk and last label."""

    channel: str
    risk: str
    tier: str
    through: int
    lost: int
    still_open: int
    merged: int


TIPS: Final = Table[KindOfTips](
    "tips",
    "a channel, true risk and last label: tips through, lost, merged and open",
    "Tips by channel, true risk and last label",
    (
        text("channel", lambda row: row.channel, "how they came"),
        text("risk", lambda row: row.risk, "what they truly are"),
        text("tier", lambda row: row.tier, "what they were labelled last; empty for none"),
        whole("arrived", "tips", lambda row: row.through + row.lost + row.merged + row.still_open, "all of them"),
        whole("through", "tips", lambda row: row.through, "through all their stages"),
        whole("lost", "tips", lambda row: row.lost, "gave up for good, or found no room"),
        whole("merged", "tips", lambda row: row.merged, "left merged, their incident being known"),
        whole("open", "tips", lambda row: row.still_open, "none of these, when the run ended"),
    ),
)

POOLS: Final = Table[PoolUse](
    "pools",
    "a pool: offered load, occupancy, hours staffed, paid and in overtime, FTE, cost",
    "Pools: load, occupancy, hours and cost",
    (
        text("pool", lambda row: row.pool, "its name"),
        text("centre", lambda row: row.centre, "its centre; `all` for the sum; empty where there is but one"),
        number("offered_load", "erlangs", lambda row: row.offered, "people that the work would keep busy"),
        number("servers_on_duty_mean", "", lambda row: row.on_duty, "places on duty on average"),
        *estimate_columns("occupancy", "share", lambda row: row.occupancy, "busy over on-duty time, overtime left out"),
        number("utilisation", "share", lambda row: row.utilisation, "busy, but in overtime, over paid time"),
        number("waiting_tips_mean", "", lambda row: row.waiting, "tips in line on average"),
        number("staffed", "h_a_week", lambda row: row.seat_hours, "hours of people on the line"),
        number("overtime", "h_a_week", lambda row: row.overtime_hours, "hours after the end of shifts"),
        number("paid", "h_a_week", lambda row: row.paid_hours, "staffed hours over one less shrinkage, and overtime"),
        number("fte", "", lambda row: row.fte, "full-time equivalents"),
        number("cost_a_week", "", lambda row: row.cost, "paid hours times the price, by nights and overtime"),
        number("cost_a_month", "", lambda row: row.cost_a_month, "the twelfth of a year"),
        number("cost_a_year", "", lambda row: row.cost_a_year, "of 365 days"),
    ),
)


PEOPLE: Final = Table[PersonUse](
    "people",
    "a person of the roster in the first replication: shifts, and hours of work, wrap-up, idle and overtime a week",
    "People of the roster, in one replication",
    (
        text("pool", lambda row: row.pool, "the pool"),
        text("centre", lambda row: row.centre, "its centre; empty where there is but one, or for a shared pool"),
        text("row", lambda row: row.row, "the hours of the row of shifts"),
        whole("number", "", lambda row: row.number, "of those of the row, from 1"),
        whole("shifts", "", lambda row: row.shifts, "that begin in the measured time"),
        whole("away", "shifts", lambda row: row.away, "of them, absent"),
        number("on_duty", "h_a_week", lambda row: row.on_duty, "breaks and absences apart"),
        number("work", "h_a_week", lambda row: row.work, "with tips in hand, each counted"),
        number("wrap_up", "h_a_week", lambda row: row.wrap_up, "after tips had gone on"),
        number("idle", "h_a_week", lambda row: row.idle, "on duty with nothing in hand"),
        number("overtime", "h_a_week", lambda row: row.overtime, "after shifts and in breaks"),
    ),
)


@dataclass(frozen=True, slots=True)
class StageVisits:
    """The visits to a stage of tips with one label, or with any."""

    stage: str
    tier: str
    total: np.ndarray[Any, np.dtype[np.int64]]
    """By the columns of `passes`."""
    wait: Estimate
    """Ticks, of those that started."""
    waits: np.ndarray[Any, np.dtype[np.int64]]
    """How many waits in each of the bins."""

    @property
    def work(self) -> float:
        """Mean ticks of work of those that started."""
        return float(quotient(self.total[[passes.WORK, passes.STARTED]].astype(float)))


def _in_minutes(one: Estimate) -> Estimate:
    return Estimate(one.value / MINUTE, one.low / MINUTE, one.high / MINUTE)


def _percentile(share: int) -> Column[StageVisits]:
    says = f"the wait that {share} % of them do not exceed"
    return number(f"wait_p{share}", "min", lambda row: percentile(row.waits, share / 100) / MINUTE, says)


STAGES: Final = Table[StageVisits](
    "stages",
    "a stage and label: visits, waits with percentiles, work",
    "Stages: visits and waits",
    (
        text("stage", lambda row: row.stage, "its name"),
        text("tier", lambda row: row.tier, "the last label of the tips; `none` without any, `all` for every one"),
        whole("visits", "", lambda row: int(row.total[passes.REACHED]), "that reached it"),
        whole("started_visits", "", lambda row: int(row.total[passes.STARTED]), "that were served"),
        whole("given_up_visits", "", lambda row: int(row.total[passes.GAVE_UP]), "that ended in giving up"),
        whole("turned_away_visits", "", lambda row: int(row.total[passes.TURNED]), "that found no room for good"),
        whole("merged_visits", "", lambda row: int(row.total[passes.LEFT_MERGED]), "that left merged"),
        whole("open_visits", "", lambda row: int(row.total[passes.STILL_OPEN]), "under way when the run ended"),
        *estimate_columns("wait_mean", "min", lambda row: _in_minutes(row.wait), "of those that started"),
        *(_percentile(share) for share in (50, 80, 90, 95, 99)),
        number("work_mean", "min", lambda row: row.work / MINUTE, "of those that started"),
    ),
)


RESPONSE: Final = Table[tuple[str, float, float]](
    "response",
    "a target on times and a time: the share of its tips that are through by then",
    "Shares of tips that are through within a time",
    (
        text("target", lambda row: row[0], "its name in the document"),
        number("time", "min", lambda row: row[1], "since its first moment"),
        number("through", "share", lambda row: row[2], "tips that are through by then"),
    ),
)


def more_staff_columns(get: Callable[[Any], Limit | None]) -> tuple[Column[Any], ...]:
    """What more staff can do for a target, and when nobody is there, however many people the posts get."""
    return (
        text(
            "more_staff", of(get, lambda one: one.more_staff), "where more people can meet it: posts, hours or neither"
        ),
        text(
            "closed",
            of(get, lambda one: "; ".join(f"{shut.pool} {shut.words}" for shut in one.closed)),
            "the pools that it depends on and when their posts have nobody",
        ),
    )


def in_the_way(one: Limit) -> str:
    """What hinders a target, each thing with its share."""
    return "; ".join(f"{way.kind} {way.name} {way.share:.2f}" for way in one.hindrances)


UNLIMITED: Final = Table["Limit"](
    "unlimited",
    "a target, where not all are met: what it comes to with unlimited staff, and what stands in the way",
    "With unlimited staff",
    (
        text("target", lambda row: row.name, "its name in the document"),
        *asked_columns(lambda row: row.result),
        *came_columns(lambda row: row.result),
        yes("beyond_staff", lambda row: row.beyond_staff, "whether no staffing can meet it"),
        *more_staff_columns(lambda row: row),
        *came_columns(lambda row: row.at_posts, "at_posts_"),
        text("in_the_way", in_the_way, "what hinders it, with its share of the time or tips that fail"),
    ),
)

TABLES_OF_RUN: Final = (TARGETS, JOINT, REPLICATIONS, COHORT, TIPS, POOLS, STAGES, INTERVALS, DATES, RESPONSE)
"""What every run leaves."""


def every(sample: Sample) -> list[Filled]:
    """All tables of a run."""
    found, together = results(sample), joint(sample)
    arrived = int(sample.arrived.sum())
    simultaneous = {one.name: one for one in together.results}
    return [
        TARGETS.of(JudgedTarget(one, simultaneous[one.name]) for one in found),
        JOINT.of(together.shares.items()),
        REPLICATIONS.of(_replications(sample, found)),
        COHORT.of((arrived, one) for one in found if one.about_tips),
        TIPS.of(_kinds(sample)),
        POOLS.of(uses(sample)),
        STAGES.of(visits(sample)),
        INTERVALS.of(intervals(sample)),
        DATES.of(dates(sample)),
        RESPONSE.of(response(sample, found)),
    ]


def _replications(sample: Sample, found: Sequence[TargetResult]) -> Iterator[OneReplication]:
    spoke, _, surely, _ = sample.joint[:, UNITS.index("run")].T
    for row, (index, arrived) in enumerate(zip(sample.index, sample.arrived, strict=True)):
        values = {one.name: (one.unit, one.in_unit(one.values[row])) for one in found}
        yield OneReplication(int(index), int(arrived), values, bool(spoke[row] > 0 and surely[row] > 0))


def _kinds(sample: Sample) -> Iterator[KindOfTips]:
    scenario, total = sample.frame.scenario, sample.cohort.sum(axis=0)
    labels = ("", *scenario.tiers)
    for place in np.argwhere(total.sum(axis=-1) > 0):
        channel, risk, label = (int(i) for i in place)
        fates = (int(n) for n in total[channel, risk, label])
        yield KindOfTips(scenario.channels[channel], scenario.risks[risk], labels[label], *fates)


def visits(sample: Sample) -> Iterator[StageVisits]:
    """The visits to every stage, of all tips and by last label."""
    frame, waits = sample.frame, sample.pooled.waits
    scenario = frame.scenario
    labels = [(label or "none", slice(k, k + 1)) for k, label in enumerate(("", *scenario.tiers))]
    for s, stage in enumerate(scenario.stages):
        for tier, chosen in [("all", slice(None)), *labels]:
            table = sample.stages[:, s, chosen].sum(axis=1)
            total = table.sum(axis=0)
            if total[passes.REACHED] or tier == "all":
                started, ticks = table[:, passes.STARTED].astype(float), table[:, passes.WAIT].astype(float)
                if not started.any():
                    wait = NOTHING
                elif frame.recorded:
                    wait = Estimate.exactly(float(ticks.sum() / started.sum()))
                else:
                    wait = mean_interval(ticks, started, scenario.run.confidence)
                yield StageVisits(stage.name, tier, total, wait, waits[s, chosen].sum(axis=0))


STEP: Final = 0.0025
"""A curve is told at every time by which so many more of its tips are through."""


def tips_of_curve(one: TargetResult) -> int:
    """How many tips the curve of a target's times is a share of."""
    return sum(one.counts[COLUMNS[column]] for column in kind_of(one.target).curve)


def response(sample: Sample, found: Sequence[TargetResult]) -> Iterator[tuple[str, float, float]]:
    """The rows of the table of response times."""
    for k, one in enumerate(found):
        if not (judged := tips_of_curve(one)):
            continue
        reached = at_most(sample.pooled.times[k]) / judged
        told = -1.0
        for edge, share in zip(EDGES[1:], reached, strict=True):
            if share - told >= STEP or (share > told and share == reached[-1]):
                yield one.name, edge / MINUTE, float(share)
                told = share


TIP_EVENTS: Final[Table[tuple[Event, Local]]] = Table(
    "tip_events",
    "something that happened to the tip: when, where, and what stood in its way",
    "What happened to the tip",
    (
        text("at", lambda row: row[1].shows(row[0].tick).isoformat(sep=" "), "date and time"),
        number("time", "min", lambda row: minutes(row[0].tick), "since the start of the run"),
        text("stage", lambda row: row[0].stage, "where; empty for what no stage has to do with"),
        text("what", lambda row: row[0].kind, "arrival, waits, starts, stops, leaves, lost and so on"),
        text("text", lambda row: row[0].text, "the same as a sentence"),
        text("in_the_way", lambda row: "; ".join(row[0].details), "what stood in its way"),
    ),
)

TIP_TARGETS: Final[Table[JudgedTip]] = Table(
    "tip_targets",
    "a target on tips: what it makes of the tip",
    "What each target makes of the tip",
    (
        text("target", lambda row: row.target, "its name in the document"),
        text("claim", lambda row: row.claim, "the claim that it stands for"),
        text("sense", lambda row: row.sense, "met, missed, counted, not judged or open"),
        text("text", lambda row: row.text, "why, as a sentence"),
    ),
)


THEORY: Final[Table[TheoryAndRun]] = Table(
    "theory",
    "a quantity of a pool or delay: what theory has, what the run came to, and what of it the model leaves out",
    "Theory beside the run",
    (
        text("place", lambda row: row.beside.place, "the pool, or the stage where it is a delay"),
        text("stages", lambda row: ", ".join(row.beside.stages), "the stages that are meant"),
        text("model", lambda row: row.beside.model, "the model nearest to it, in Kendall's notation"),
        text("quantity", lambda row: row.known.quantity, "what is compared"),
        text("of", lambda row: row.known.of, "the tips that it is of; empty for all"),
        number("within", "min", lambda row: row.known.within or None, "the time within which tips are not begun"),
        number("hour", "h", lambda row: row.known.hour, "of the day, or of the week from Monday, at which it is"),
        text("unit", lambda row: row.known.unit, "of both values and of the standard error"),
        number("theory", "", lambda row: row.known.value, "what theory has"),
        number("simulated", "", lambda row: row.simulated, "what the replications came to together"),
        number("standard_error", "", lambda row: row.error, "of that, by how the replications differ"),
        number("apart", "standard_errors", lambda row: row.apart, "how far the run lies above theory"),
        yes("agrees", lambda row: row.agrees, "whether that is no more than 4"),
        text("left_out", lambda row: "; ".join(row.beside.left_out), "what of it the model leaves out"),
    ),
)


SELFTEST: Final[Table[TestedAnswer]] = Table(
    "selftest",
    "a known answer: what theory has, and what the installed program comes to",
    "Known answers",
    (
        text("line", lambda row: row.line.name, "the line that has a known answer"),
        text("model", lambda row: row.compared.beside.model, "its model, in Kendall's notation"),
        text("quantity", lambda row: row.compared.known.quantity, "what is compared"),
        text("of", lambda row: row.compared.known.of, "the tips that it is of; empty for all"),
        text("unit", lambda row: row.compared.known.unit, "of both values and of the standard error"),
        number("known", "", lambda row: row.compared.known.value, "what theory has"),
        number("simulated", "", lambda row: row.compared.simulated, "what the program comes to"),
        number("standard_error", "", lambda row: row.compared.error, "of that, by how the replications differ"),
        number("apart", "standard_errors", lambda row: row.compared.apart, "how far that lies above what is known"),
        yes("engines_agree", lambda row: row.engines_agree, "whether both engines give the same log of a day of it"),
        yes("right", lambda row: row.right, "whether it is near enough, and the engines agree"),
    ),
)


NO_TARGET: Final = "no such target"
"""What stands for the verdict where a scenario lacks a target."""


@dataclass(frozen=True, slots=True)
class ComparedTarget:
    """A target in one of the scenarios."""

    one: Contender
    target: str
    result: TargetResult | None
    """None where the scenario has no such target."""
    change: TargetChange | None
    """None for the base, and where the base has no such target or one of another kind."""


def _difference(name: str, says: str, get: Callable[[TargetChange], float]) -> Column[ComparedTarget]:
    return number(name, "", of(lambda row: row.change, lambda one: get(one) / one.scale), says)


COMPARED: Final = Table[ComparedTarget](
    "compare",
    "a target in a scenario: its value, and the paired difference from the base with its interval",
    "Every target in every scenario",
    (
        text("scenario", lambda row: row.one.label, "a file, or a variant of one"),
        text("target", lambda row: row.target, "its name in the document"),
        *asked_columns(lambda row: row.result),
        *came_columns(lambda row: row.result)[:3],
        text("verdict", lambda row: row.result.verdict if row.result else NO_TARGET, "met, missed or undecided"),
        _difference("difference", "from the base, in the unit", lambda one: one.difference.value),
        _difference("difference_low", "the lower end of its interval", lambda one: one.difference.low),
        _difference("difference_high", "the upper end; all hold at once", lambda one: one.difference.high),
        yes("real", of(lambda row: row.change, lambda one: one.difference.real), "whether that is more than noise"),
        number(
            "paired_over_unpaired",
            "",
            of(lambda row: row.change, lambda one: one.pairing),
            "width of the interval over that of runs on tips of their own",
        ),
        number(
            "paired_over_unpaired_by_tips",
            "",
            of(lambda row: row.change, lambda one: one.pairing_by_tips),
            "what that would be if tips fared independently",
        ),
        yes(
            "asks_otherwise",
            of(lambda row: row.change, lambda one: one.asks_otherwise),
            "whether it asks something else there",
        ),
        text("together", lambda row: row.one.joint.word, "the verdict on all targets of the scenario"),
        number("paid", "h_a_week", lambda row: row.one.cost.paid_hours, "in all pools, overtime included"),
        number("overtime", "h_a_week", lambda row: row.one.cost.overtime_hours, "hours after the end of shifts"),
        number("fte", "", lambda row: row.one.cost.fte, "full-time equivalents"),
        number("cost_a_week", "", lambda row: row.one.cost.money, "paid hours times the prices"),
    ),
)


def compared(found: SideBySide) -> Iterator[ComparedTarget]:
    """Every scenario, target by target."""
    changes = {(change.label, change.target): change for change in found.changes}
    for one in found.contenders:
        for name in found.targets:
            yield ComparedTarget(one, name, one.results.get(name), changes.get((one.label, name)))
