"""What a log came to: its demand, its stages with patience, work and staff, and every value with where it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.demand import Apart, LoggedDemand, apart_in_counts, apart_in_log, demand_of_counts, demand_of_log
from sim.calibration.fits import FEW, Fitted, fitted_work
from sim.calibration.patience import (
    DIFFERENT,
    Order,
    Patience,
    Ranks,
    Retries,
    order_of,
    patience_of,
    ranks_of,
    retries_of,
)
from sim.calibration.staff import ALIKE, Group, groups_of, staff_of
from sim.logs.calls import CleanedLog, of_dates
from sim.logs.counts import CI

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.logs.calls import CodedNames, LoggedVisits, Logins
    from sim.logs.counts import IntervalCounts


def work_of(visits: LoggedVisits, *, by_priority: bool = False) -> list[Fitted]:
    """The work of a stage: that of all, and, where channels differ beyond chance, of each that has enough.

    Where channels do not, and the line is told priorities, these are looked at alike. Empty where no work is known.
    """
    work = visits.work
    known = np.isfinite(work) & (work > 0)
    if known.sum() < 5:
        return []
    found = [fitted_work("work", "", work[known])]
    own = _apart(work, known, visits.channel)
    if not own and by_priority:
        own = _apart(work, known, visits.priority)
        for one in own:
            one.by = "risk"
    return found + own


def _apart(work: NDArray[np.float64], known: NDArray[np.bool_], of: CodedNames) -> list[Fitted]:
    """The work by name where these differ beyond chance, and that of the rest; else none."""
    codes = of.code
    enough = [(code, name) for code, name in enumerate(of.names) if (known & (codes == code)).sum() >= FEW]
    if len(enough) < 2 or not _differ([work[known & (codes == code)] for code, _ in enough]):
        return []
    found = [fitted_work("work", name, work[known & (codes == code)]) for code, name in enough]
    others = known & ~np.isin(codes, [code for code, _ in enough])
    if others.sum() >= 5:
        found.append(fitted_work("work", "other", work[others]))
    return found


def _differ(groups: list[NDArray[np.float64]]) -> bool:
    """Whether groups of times differ beyond chance, by the test of Kruskal and Wallis."""
    from scipy.stats import kruskal

    return bool(kruskal(*groups).pvalue < DIFFERENT)


HALF_HOUR: Final = 1800
FEWEST: Final = 0.01
"""The share of cases below which an activity is left out of the line."""
WITHIN: Final = 20.0
"""Seconds of the service level that is told."""


@dataclass(slots=True)
class StageFound:
    """A stage of the line: what came to it, how long they wait, work and bear to wait, and who serves."""

    name: str
    activity: str
    """As the log calls it."""
    channels: tuple[str, ...]
    """The channels that it is for; empty for all."""
    share: float
    """The share of the cases (of its channels) that come to it."""
    rows: NDArray[np.bool_]
    """Which visits of the log are those of this stage."""
    patience: list[Patience]
    work: list[Fitted]
    group: Group | None
    """The people of its pool; None where nobody is known, or where it is `served_by` those of another stage."""
    has_delays_only: bool
    """Whether the log tells only when it was over: then it is a delay, not work."""
    delay: list[Fitted] = field(default_factory=list)
    passed: float = 0.0
    """The share of starts that passed over somebody who had come earlier."""
    order: Order | None = None
    retries: Retries | None = None
    ranks: Ranks | None = None
    """What its line tells of priorities; None where there are none, or too few waited."""
    served_by: str = ""
    """The stage before it whose people serve it too; empty where it has its own."""
    few_others: bool = False
    """Whether it is for its channels because hardly any case of another comes to it."""


@dataclass(slots=True)
class Calibration:
    """All that a log told."""

    path: Path
    log: CleanedLog | IntervalCounts
    demand: LoggedDemand | None
    stages: list[StageFound]
    retries: Retries | None
    channels: dict[str, str]
    """The channels of the document by those of the log."""
    again: NDArray[np.bool_] | None = None
    """(n_visits,) visits that are a coming back after giving up, which the line makes itself; None of counts."""

    apart: Apart | None = None
    """Whether the channels share one profile of the day; None where there is one channel, or there are no dates."""
    risks: dict[str, str] = field(default_factory=dict)
    """The risks of the document by the priorities of the log."""

    @property
    def new(self) -> NDArray[np.bool_]:
        """(n_visits,) the visits with which a tip arrives."""
        assert self.visits is not None
        return self.visits.first if self.again is None else self.visits.first & ~self.again

    @property
    def visits(self) -> LoggedVisits | None:
        return self.log.visits if isinstance(self.log, CleanedLog) else None

    @property
    def name(self) -> str:
        """What the line is called: the name of the file without its endings."""
        return self.path.name.partition(".")[0] or "log"


def found_in(path: Path, log: CleanedLog | IntervalCounts) -> Calibration:
    """What a log tells of a line; staff and demand by half hours."""
    if not isinstance(log, CleanedLog):
        names = _document_names(tuple(log.channels))
        counted = demand_of_counts(log)
        split = apart_in_counts(counted, log) if counted is not None else None
        return Calibration(path, log, counted, [], None, names, apart=split)
    visits = log.visits
    names = _document_names(visits.channel.names)
    stages: list[StageFound] = []
    n_cases = max(int(visits.first.sum()), 1)
    taken: set[str] = set()
    for code, activity in _in_order(visits):
        rows = visits.stage.code == code
        if rows.sum() < FEWEST * n_cases:
            log.cannot.append(f"'{activity}' is left out: less than 1 % of the cases come to it.")
            continue
        stages += _stages(visits, rows, activity, names, taken, log.logins)
    _for_channels(visits, stages, names)
    _share_people(visits, stages, log.logins)
    again = np.zeros(len(visits), dtype=np.bool_)
    for stage in stages:
        if stage.retries is not None and stage.retries.told:
            again[np.flatnonzero(stage.rows)[stage.retries.rows]] = True
    new = visits.first & ~again
    demand = demand_of_log(visits, HALF_HOUR, new)
    split = apart_in_log(demand, visits, new)
    return Calibration(path, log, demand, stages, retries_of(visits), names, again, split, _risks(visits))


def _for_channels(visits: LoggedVisits, stages: list[StageFound], names: dict[str, str]) -> None:
    """What share of the cases comes to each stage, of those that are not lost before; and for which channels it is,
    where hardly any case of the others comes to it."""
    code, case = visits.channel.code[visits.first], visits.case[visits.first]
    lost_at = np.full(len(case), len(stages))
    for place, stage in enumerate(stages):
        lost_at[np.isin(case, visits.case[stage.rows & visits.gave_up])] = place
    for place, stage in enumerate(stages):
        came = np.isin(case, visits.case[stage.rows])
        could = came | (lost_at >= place)
        total, here = (np.bincount(code[some & (code >= 0)], minlength=len(names)) for some in (could, came))
        if stage.channels:
            could &= np.isin(code, [at for at, name in enumerate(names) if names[name] in stage.channels])
            came &= could
        elif (total > 0).sum() > 1:
            some = (total > 0) & (here >= FEWEST * np.maximum(total, 1))
            if some.any() and not some[total > 0].all():
                stage.channels = tuple(one for one, mine in zip(names.values(), some, strict=True) if mine)
                stage.few_others = True
                could, came = (rows & np.isin(code, np.flatnonzero(some)) for rows in (could, came))
        stage.share = float(came.sum()) / max(int(could.sum()), 1)


def _share_people(visits: LoggedVisits, stages: list[StageFound], logins: Logins | None) -> None:
    """Where the same people serve several stages, these have one pool, that of the first of them."""
    staffed = [stage for stage in stages if stage.group is not None and stage.group.persons]
    table = np.zeros((len(staffed), len(visits.person.names)))
    for row, stage in enumerate(staffed):
        mine = visits.person.code[stage.rows & visits.served & (visits.person.code >= 0)]
        table[row] = np.bincount(mine, minlength=table.shape[1])
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    pool = list(range(len(staffed)))
    for one in range(len(staffed)):
        for other in range(one):
            if np.minimum(share[one], share[other]).sum() >= ALIKE:
                pool = [pool[other] if each == pool[one] else each for each in pool]
    for leader in sorted(set(pool)):
        together = [stage for stage, each in zip(staffed, pool, strict=True) if each == leader]
        if len(together) < 2:
            continue
        rows = np.any([stage.rows for stage in together], axis=0)
        of_pool = visits.take(rows)
        order, ranks, passed = order_of(of_pool), ranks_of(of_pool), _passed_over(of_pool)
        for stage in together:
            stage.group, stage.served_by = None, together[0].name
            stage.order, stage.ranks, stage.passed = order, ranks, passed
        together[0].group = staff_of(visits, together[0].name, rows, HALF_HOUR, logins)
        together[0].served_by = ""


def _risks(visits: LoggedVisits) -> dict[str, str]:
    """Names of priorities as a document may have them; none where fewer than two are told, or of fewer than half."""
    code = visits.priority.code[visits.first]
    if len(np.unique(code[code >= 0])) < 2 or (code >= 0).mean() < 0.5:
        return {}
    taken: set[str] = set()
    return {name: _name(f"priority {name}" if name[:1].isdigit() else name, taken) for name in visits.priority.names}


def _in_order(visits: LoggedVisits) -> list[tuple[int, str]]:
    """The activities in the order in which cases come to them, on average."""
    place = np.zeros(len(visits))
    order = np.lexsort((visits.enter, visits.case))
    case = visits.case[order]
    first = np.append(True, case[1:] != case[:-1])
    since = np.arange(len(case)) - np.maximum.accumulate(np.where(first, np.arange(len(case)), 0))
    place[order] = since
    names = visits.stage.names
    mean = [
        float(place[visits.stage.code == code].mean()) if (visits.stage.code == code).any() else 1e9
        for code in range(len(names))
    ]
    return [(code, names[code]) for code in sorted(range(len(names)), key=lambda one: mean[one]) if mean[code] < 1e9]


def _stages(
    visits: LoggedVisits,
    rows: NDArray[np.bool_],
    activity: str,
    names: dict[str, str],
    taken: set[str],
    logins: Logins | None,
) -> list[StageFound]:
    """The stages of an activity: one for each group of people whose channels nobody else serves."""
    mine = visits.take(rows)
    groups = groups_of(mine)
    found = []
    for number, codes in enumerate(groups):
        of_group = rows & np.isin(visits.channel.code, codes) if len(groups) > 1 else rows
        if number == 0 and len(groups) > 1:
            of_group = of_group | (rows & (visits.channel.code < 0))
        if not of_group.any():
            continue
        of_stage = visits.take(of_group)
        channels = tuple(names[visits.channel.names[code]] for code in codes) if len(groups) > 1 else ()
        wanted = activity if len(groups) == 1 else f"{activity}_{visits.channel.names[codes[0]]}"
        name = _name(wanted, taken, of_stage=True)
        first_cases = visits.first & (np.isin(visits.channel.code, codes) if channels else True)
        known = np.isfinite(of_stage.start)
        delays = not known.any() and bool(np.isfinite(of_stage.end).any())
        found.append(
            StageFound(
                name=name,
                activity=activity,
                channels=channels,
                share=min(len(np.unique(of_stage.case)) / max(int(first_cases.sum()), 1), 1.0),
                rows=of_group,
                patience=patience_of(of_stage),
                work=work_of(of_stage, by_priority=bool(_risks(visits))),
                # Where only dates are told, nobody knows who was there when.
                group=None if of_dates(visits.arrival) else staff_of(visits, name, of_group, HALF_HOUR, logins),
                has_delays_only=delays,
                delay=_delays(of_stage) if delays else [],
                passed=_passed_over(of_stage),
                order=order_of(of_stage),
                retries=retries_of(of_stage),
                ranks=ranks_of(of_stage),
            )
        )
    return found


def _delays(visits: LoggedVisits) -> list[Fitted]:
    from sim.calibration.fits import fitted_work

    lasted = visits.end - visits.enter
    some = lasted[np.isfinite(lasted) & (lasted > 0)]
    return [fitted_work("delay", "", some)] if len(some) >= 5 else []


def _passed_over(visits: LoggedVisits) -> float:
    """The share of those who waited that somebody who had come later went before."""
    waited = np.isfinite(visits.start) & (visits.start > visits.enter)
    start = visits.start[waited]
    if len(start) < 10:
        return 0.0
    # In order of entering, who starts later than somebody behind was passed over.
    later = np.minimum.accumulate(start[::-1])[::-1]
    return float((start[:-1] > later[1:]).mean())


def _document_names(names: tuple[str, ...]) -> dict[str, str]:
    """Names of channels as a document may have them, no two alike."""
    taken: set[str] = set()
    return {name: _name(name, taken) for name in names}


TAKEN: Final = ("by", "other", "unlabelled", "yes", "no", "true", "false", "null", "arrival", "leave", "lost")
"""Words that mean something else where a document has a name."""


def _name(text: str, taken: set[str], *, of_stage: bool = False) -> str:
    """A text as a name of a document: letters, digits, spaces, _ and -, not one that is taken."""
    plain = re.sub(r"[^\w '&+/-]+", " ", text).strip(" '&+/-")[:60] or "x"
    if plain.lower() in TAKEN:
        plain = f"{plain}_"
    if plain.replace(".", "").isdigit():
        plain = f"stage {plain}" if of_stage else f"no {plain}"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain} {number}", number + 1
    taken.add(name)
    return name


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the line, with its interval and where it came from."""

    path: str
    value: float
    low: float
    high: float
    unit: str
    source: str
    known: bool
    """False where the log does not tell: then `low` and `high` are what is plausible."""


def parameters_of(found: Calibration) -> list[Parameter]:
    """The values of the line with their 95 % intervals."""
    told: list[Parameter] = []

    def add(path: str, value: float, low: float, high: float, unit: str, source: str) -> None:
        told.append(Parameter(path, value, low, high, unit, source, True))

    if found.demand is not None:
        add("demand.volume", *found.demand.volume, "/d", f"what came on {int(found.demand.known.sum())} dates")
        cv = found.demand.day_cv
        if np.isfinite(cv[0]):
            add("demand.busyness_cv", *cv, "", "days beside their weekday's mean, Poisson noise taken off")
    visits = found.visits
    if visits is not None and len(visits.channel.names) > 1:
        first = visits.channel.code[found.new]
        n = int((first >= 0).sum())
        for code, name in enumerate(visits.channel.names):
            share = float((first == code).sum()) / max(n, 1)
            half = CI * np.sqrt(share * (1 - share) / max(n, 1))
            add(f"demand.channels.{found.channels[name]}", share, share - half, share + half, "", "how they came")
    for stage in found.stages:
        path = f"stages.{stage.name}"
        for one in stage.work:
            of = f" of {one.of}" if one.of else ""
            source = f"{one.n} services that are known to their end"
            add(f"{path}.service.mean{of}", one.mean / 60, one.mean_low / 60, one.mean_high / 60, "min", source)
            add(f"{path}.service.cv{of}", one.cv, one.cv_low, one.cv_high, "", source)
        for patience in stage.patience:
            one = patience.fitted
            of = f" of {one.of}" if one.of else ""
            source = f"{one.n} gave up, {one.n_censored} were served before"
            add(f"{path}.patience.mean{of}", one.mean / 60, one.mean_low / 60, one.mean_high / 60, "min", source)
        retries = stage.retries
        if retries is not None and retries.told:
            half = CI * retries.error
            source = f"{retries.again} of {retries.lost} who gave up called again"
            add(f"{path}.retry.share", retries.share, retries.share - half, retries.share + half, "", source)
        group = stage.group
        if group is not None and group.wrap_up is not None:
            one = group.wrap_up
            source = f"{one.n} gaps between services while callers waited"
            add(f"{path}.wrap_up.mean", one.mean / 60, one.mean_low / 60, one.mean_high / 60, "min", source)
    return told
