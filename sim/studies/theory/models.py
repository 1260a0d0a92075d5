"""The exact model that a pool or a delay is nearest to, what it answers, and what it leaves out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, MINUTE, WEEK
from sim.measures import theory
from sim.measures.evidence import relaxation_time
from sim.measures.varying import busy_of_many, cycle
from sim.scenario.arrivals import by_hour_of_week
from sim.scenario.flow import flow
from sim.studies.theory.lines import (
    CLASSES,
    ORDER,
    PATIENCE,
    PREEMPTION,
    ROOM,
    SERVICE,
    TOGETHER,
    VARIES,
    Line,
    lines,
    of_delay,
)

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.scenario.stages import Stage

Floats = NDArray[np.float64]

WAIT: Final = "mean wait"
SQUARE: Final = "mean square wait"
NOT_BEGUN: Final = "not begun"
GIVEN_UP: Final = "given up"
TURNED_AWAY: Final = "turned away"
SOJOURN: Final = "mean time there"
OCCUPANCY: Final = "occupancy"
THERE: Final = "number there"
UNITS: Final = {
    WAIT: "min",
    SQUARE: "min2",
    NOT_BEGUN: "share",
    GIVEN_UP: "share",
    TURNED_AWAY: "share",
    SOJOURN: "min",
    OCCUPANCY: "share",
    THERE: "tips",
}
"""What is answered, and in which unit."""

MOST_JUMPS: Final = 1_000_000
"""Jumps that are followed until a cycle has settled: some ten seconds."""


@dataclass(frozen=True, slots=True)
class KnownValue:
    """One quantity of which theory has the value."""

    quantity: str
    value: float
    rank: int | None = None
    """Of the tips of this rank in line only."""
    of: str = ""
    """Which tips these are, in words."""
    within: float = 0.0
    """For NOT_BEGUN: minutes since they came."""
    hour: int | None = None
    """For THERE: at this hour of every day, or of the week from Monday 00:00; at any time if None."""
    weekly: bool = False
    """Whether that is an hour of the week."""

    @property
    def unit(self) -> str:
        return UNITS[self.quantity]


@dataclass(frozen=True, slots=True)
class NearestModel:
    """A pool or a delay, the model nearest to it, and what that knows and leaves out."""

    place: str
    """The pool; the stage where it is a delay."""
    stages: tuple[str, ...]
    is_pool: bool
    model: str
    """In the notation of D. G. Kendall."""
    known: tuple[KnownValue, ...]
    left_out: tuple[str, ...]
    """What of it the model leaves out, in words; agreement is to be expected where that is nothing."""


def models(scenario: Scenario) -> list[NearestModel]:
    """The models of all pools and delays that tips come to, in the order of the document."""
    found = [_of_line(line) for line in lines(scenario)]
    reached = flow(scenario).visits.sum(axis=1) > 0
    for number, stage in enumerate(scenario.stages):
        if stage.delay is not None and reached[number] and any(law.most > 0 for law in stage.delay.values.values()):
            found.append(_of_delay(scenario, stage))
    return found


# Pools


Solved = tuple[str, tuple[str, ...], Callable[[float], Iterable[KnownValue]]]
"""A model's name, the aspects that it takes care of, and what it knows of a place with such a share of the tips."""


def _of_line(line: Line) -> NearestModel:
    name, takes, solve = _chosen(line)
    left_out = tuple(words for aspect, words in line.aspects if aspect not in takes)
    known = _over_places(line, [list(solve(share)) for share in line.shares])
    return NearestModel(line.pool, tuple(stage.name for stage in line.stages), True, name, tuple(known), left_out)


def _over_places(line: Line, by_place: Sequence[Sequence[KnownValue]]) -> Iterator[KnownValue]:
    """What is known of all places together: numbers add up, all else is a mean by tips; people are as many at each."""
    for row in zip(*by_place, strict=True):
        value = sum(share * one.value for share, one in zip(line.shares, row, strict=True))
        if row[0].quantity == THERE:
            value = sum(one.value for one in row)
        elif row[0].quantity == OCCUPANCY:
            value = sum(one.value for one in row) / len(row)
        yield replace(row[0], value=value)


def _chosen(line: Line) -> Solved:
    """The model that takes care of most of it."""
    there = {aspect for aspect, _ in line.aspects}
    c = line.servers
    if line.cycle is not None and _can_be_followed(line):
        gives_up = "+M" if PATIENCE in there else ""
        return f"M(t)/M/c(t){gives_up}", (VARIES, PATIENCE), lambda share: _periodic(line, share)
    if line.room is not None:
        gives_up = "+M" if PATIENCE in there else ""
        if line.room <= c:
            return f"M/G/{line.room}/{line.room}", (ROOM, PATIENCE, SERVICE), lambda share: _limited(line, share)
        return f"M/M/{c}/{line.room}{gives_up}", (ROOM, PATIENCE), lambda share: _limited(line, share)
    if PATIENCE in there:
        return f"M/M/{c}+M", (PATIENCE,), lambda share: _impatient(line, share)
    if PREEMPTION in there and CLASSES in there:
        name = f"M/{'G' if c == 1 else 'M'}/{c} pre-emptive"
        return name, (CLASSES, PREEMPTION, *_any_service(c)), lambda share: _preemptive(line, share)
    if TOGETHER in there and c == 1 and len(line.shares) == 1:
        return f"M[X]/{'M' if line.exponential else 'G'}/1", (TOGETHER, SERVICE), lambda _: _in_batches(line)
    if CLASSES in there:
        one = c == 1 and not line.exponential
        name = f"M/{'G' if one else 'M'}/{c} by rank"
        return name, (CLASSES, *_any_service(c)), lambda share: _ranked(line, share, one)
    if c == 1 and not line.exponential:
        return "M/G/1", (SERVICE,), lambda share: _one(line, share)
    return f"M/M/{c}", (ORDER,), lambda share: _plain(line, share)


def _any_service(servers: int) -> tuple[str, ...]:
    """One server is known with any law of service."""
    return (SERVICE,) if servers == 1 else ()


def _can_be_followed(line: Line) -> bool:
    assert line.cycle is not None
    found = line.cycle
    states = 2 * (int(found.servers.max()) + line.load) + 50
    pace = float(found.rates.max()) + float(found.servers.max()) / line.service + states / line.patience
    period = found.step * len(found.rates)
    relaxed = relaxation_time(line.load * max(line.shares), float(found.servers.mean()), line.service)
    periods = 3 + 25 * min(relaxed, line.patience + line.service) / period
    return pace * period * periods <= MOST_JUMPS


def _use(load: float, servers: int) -> KnownValue:
    return KnownValue(OCCUPANCY, min(load / servers, 1.0))


def _plain(line: Line, share: float) -> Iterator[KnownValue]:
    load, c = line.load * share, line.servers
    wait = theory.mean_wait(load, c, line.service)
    yield KnownValue(WAIT, wait)
    yield KnownValue(NOT_BEGUN, theory.erlang_c(load, c))
    if line.order == "first_come":
        for within in line.within:
            yield KnownValue(NOT_BEGUN, theory.wait_above(within, load, c, line.service), within=within)
    if line.order in ("last_come", "random"):
        yield KnownValue(SQUARE, theory.second_moment(load, c, line.service, line.order))
    yield _use(load, c)
    yield KnownValue(THERE, load * (1 + wait / line.service))


def _one(line: Line, share: float) -> Iterator[KnownValue]:
    load = line.load * share
    wait = theory.wait_in_one_line(load, line.service, line.cv)
    yield KnownValue(WAIT, wait)
    yield KnownValue(NOT_BEGUN, min(load, 1.0))
    yield _use(load, 1)
    yield KnownValue(THERE, load * (1 + wait / line.service))


def _ranked(line: Line, share: float, one: bool) -> Iterator[KnownValue]:
    """Of one server with services of any law, or of several with one exponential law."""
    load, c = line.load * share, line.servers
    if one:
        waits = theory.priority_waits_of_one(
            [each.arrival * share for each in line.classes],
            [each.service for each in line.classes],
            [each.cv for each in line.classes],
        )
    else:
        waits = theory.priority_waits([each.arrival * share * line.service for each in line.classes], c, line.service)
    for each, wait in zip(line.classes, waits, strict=True):
        yield KnownValue(WAIT, wait, each.rank, each.name)
    yield KnownValue(NOT_BEGUN, min(load, 1.0) if one else theory.erlang_c(load, c))
    yield _use(load, c)


def _preemptive(line: Line, share: float) -> Iterator[KnownValue]:
    load, c = line.load * share, line.servers
    if c == 1:
        times = theory.preemptive_sojourns(
            [each.arrival * share for each in line.classes],
            [each.service for each in line.classes],
            [each.cv for each in line.classes],
        )
    else:
        loads = [each.arrival * share * line.service for each in line.classes]
        times = theory.preemptive_sojourns_of_many(loads, c, line.service)
    for each, time in zip(line.classes, times, strict=True):
        yield KnownValue(SOJOURN, time, each.rank, each.name)
    yield _use(load, c)


def _impatient(line: Line, share: float) -> Iterator[KnownValue]:
    load, c = line.load * share, line.servers
    found = theory.erlang_a(load, c, line.service, line.patience)
    yield KnownValue(GIVEN_UP, found.abandoned)
    yield KnownValue(WAIT, found.mean_wait)
    yield KnownValue(NOT_BEGUN, found.delayed)
    for within in line.within:
        later = theory.erlang_a(load, c, line.service, line.patience, within)
        yield KnownValue(NOT_BEGUN, 1 - later.served_within, within=within)
    yield _use(load * (1 - found.abandoned), c)
    yield KnownValue(THERE, load * (1 - found.abandoned + found.mean_wait / line.service))


def _limited(line: Line, share: float) -> Iterator[KnownValue]:
    load, room = line.load * share, line.room
    assert room is not None
    found = theory.limited_line(load, min(line.servers, room), line.service, room, line.patience)
    yield KnownValue(TURNED_AWAY, found.turned_away)
    if room > line.servers:
        if not math.isinf(line.patience):
            yield KnownValue(GIVEN_UP, found.given_up)
        yield KnownValue(WAIT, found.mean_wait)
        yield KnownValue(NOT_BEGUN, found.turned_away + found.delayed)
    yield KnownValue(OCCUPANCY, found.busy / line.servers)
    yield KnownValue(THERE, found.in_line + found.busy)


def _in_batches(line: Line) -> Iterator[KnownValue]:
    assert line.batch is not None
    mean, second = line.batch
    square = line.service**2 * (1 + line.cv**2)
    wait = theory.batch_mean_wait(line.load, mean, second, line.service, square)
    yield KnownValue(WAIT, wait)
    yield _use(line.load, 1)
    yield KnownValue(THERE, line.load * (1 + wait / line.service))


def _periodic(line: Line, share: float) -> Iterator[KnownValue]:
    assert line.cycle is not None
    found, rates = line.cycle, line.cycle.rates * share
    settled = cycle(rates, found.servers, found.step, line.service, line.patience)
    load = float(rates.mean()) * line.service * (1 - settled.given_up)
    if not math.isinf(line.patience):
        yield KnownValue(GIVEN_UP, settled.given_up)
    yield KnownValue(WAIT, settled.mean_wait)
    yield KnownValue(NOT_BEGUN, settled.delayed)
    yield KnownValue(OCCUPANCY, load / float(found.servers.mean()))
    weekly = len(rates) * found.step > DAY / MINUTE
    there = settled.in_line + settled.busy
    hours = np.flatnonzero(np.isclose(settled.time % 60, 0))
    busiest = hours[int(there[hours].argmax())]
    hour = round(float(settled.time[busiest]) / 60) % (WEEK // HOUR if weekly else 24)
    yield KnownValue(THERE, float(there[busiest]), hour=hour, weekly=weekly)


# Delays


def _of_delay(scenario: Scenario, stage: Stage) -> NearestModel:
    """As many at a time as come: the number there is Poisson, and its mean the rate times the mean delay."""
    number = scenario.stage_index(stage.name)
    going, tips = flow(scenario), by_hour_of_week(scenario)
    rates = tips @ going.visits[number] * MINUTE
    work = float(tips.mean(axis=0) @ going.work[number])
    aspects, varies = of_delay(scenario, stage)
    known = [KnownValue(THERE, work)]
    if varies:
        known += _at_its_peak(stage, rates)
    model = "M(t)/G/inf" if varies else "M/G/inf"
    left_out = tuple(words for aspect, words in aspects if aspect != VARIES)
    return NearestModel(stage.name, (stage.name,), False, model, tuple(known), left_out)


def _at_its_peak(stage: Stage, rates: Floats) -> Iterator[KnownValue]:
    """The most that are there at a full hour; nothing where the law is not one for all."""
    if stage.delay is None or stage.delay.by is not None:
        return
    law = stage.delay.values[""]
    weekly = not np.allclose(rates.reshape(7, 24), rates[:24])
    reach = float(law.mean)
    while float(1 - law.cdf(np.array(reach))) > 1e-9 and reach < 100 * WEEK:
        reach *= 1.5
    hours = math.ceil(reach / HOUR)

    def rate(at: Floats) -> Floats:
        return np.asarray(rates[np.floor(at / 60).astype(np.int64) % len(rates)])

    def unfinished(age: Floats) -> Floats:
        return 1 - law.cdf(age * MINUTE)

    there = [busy_of_many(rate, unfinished, 60.0 * at, 60.0 * hours, 12 * hours) for at in range(168 if weekly else 24)]
    busiest = int(np.argmax(there))
    yield KnownValue(THERE, there[busiest], hour=busiest, weekly=weekly)
