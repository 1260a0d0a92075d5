"""A pool as formulas see it: what comes to it, who is there, and all of it that formulas have to leave out.

A model takes care of some aspects of a pool; what is said here of the others is what it leaves out. A key of the
document that nothing here knows of is named as it is written, so that no new rule is ever passed over in silence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, MINUTE, WEEK
from sim.measures.evidence import RELAXATIONS, relaxation_time
from sim.scenario import units
from sim.scenario.arrivals import by_hour_of_week
from sim.scenario.distributions import Exponential
from sim.scenario.flow import by_rank, coming, flow
from sim.scenario.pools import filter_words
from sim.scenario.routes import asides_of
from sim.scenario.shifts import roster_week
from sim.scenario.targets import Timed

if TYPE_CHECKING:
    from pydantic import BaseModel

    from sim.scenario.demand import Channel, Demand
    from sim.scenario.distributions import Law
    from sim.scenario.pools import Filter, Pool
    from sim.scenario.schema import Scenario
    from sim.scenario.stages import Stage

Floats = NDArray[np.float64]

SERVICE, CLASSES, PREEMPTION, PATIENCE, ROOM, VARIES, TOGETHER, ORDER, START = (
    "service",
    "classes",
    "pre-emption",
    "patience",
    "room",
    "varies",
    "together",
    "order",
    "start",
)
"""Aspects of a pool that some models take care of, and whether its run has settled; all others no model does."""

_DEMAND: Final[Mapping[str, str]] = {
    "growth": "the tips grow over the run",
    "by_date": "some dates have more or fewer tips",
    "counts": "tips are expected by a file",
    "busyness_cv": "dates are busy or quiet as a whole",
    "busyness": "hours are busy or quiet as a whole",
    "day_kinds": "dates are busy or quiet as a whole",
    "surges": "there are surges",
    "trace": "tips come as recorded, not by chance",
}
_STAGE: Final[Mapping[str, str]] = {
    "retry": "who is not served comes back",
    "every": "tips wait at a gate",
    "open": "tips wait at a gate",
    "overflow": "tips overflow to another pool",
    "merge": "tips of a known incident leave",
    "after": "tips come from branches that go on side by side",
    "callback": "who waits may be called back",
}
_POOL: Final[Mapping[str, str]] = {
    "absence": "people are absent by chance",
    "breaks": "people take breaks",
    "last_start": "people take nobody new at the end of a shift",
}
_SEEN: Final = frozenset(
    (
        *("volume", "channels", "risk", "attributes", "categories", "by_hour", "by_weekday", "incidents"),
        *("name", "for_", "share", "pool", "service", "delay", "wrap_up", "patience", "label", "rework"),
        *("waiting_room", "lines", "gives_up_to", "turned_away_to", "due", "due_from"),
        *("staff", "shifts", "levels", "at_shift_end", "hand_over_time", "speed", "shrinkage", "order", "serve_first"),
        *("preempt", "concurrency", "shared", "price", "overtime", "nights", "at_least"),
    )
)
"""Keys that are dealt with below, or that change nothing of a line."""


@dataclass(frozen=True, slots=True)
class Class:
    """Tips of one rank in the line; times in minutes, rates a minute."""

    rank: int
    name: str
    """Which tips, in words."""
    arrival: float
    service: float
    cv: float


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """A day or a week of which every other is a copy, from midnight or from Monday 00:00."""

    step: float
    """Minutes."""
    rates: Floats
    """(n_steps,) tips a minute, of all places together."""
    servers: NDArray[np.int64]
    """(n_steps,) slots on duty at one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One pool and what comes to it; times in minutes, rates a minute."""

    pool: str
    stages: tuple[Stage, ...]
    shares: tuple[float, ...]
    """The share of its tips that comes to each of its places."""
    classes: tuple[Class, ...]
    """By rank in line, the best first: those that come at all."""
    servers: int
    """Slots on duty at one place; on average, rounded, where that varies."""
    exponential: bool
    """Whether all service is, with one mean."""
    patience: float
    """The mean; infinite where nobody gives up."""
    room: int | None
    """How many may wait or be served at one place; None where there is room for all."""
    batch: tuple[float, float] | None
    """The mean and the mean square of the tips of an incident, where all come in such groups at once."""
    order: str
    cycle: Cycle | None
    """How rate and roster vary; None where they do not."""
    within: tuple[float, ...]
    """Times that targets ask about."""
    aspects: tuple[tuple[str, str], ...] = field(default=())
    """What there is to it besides Poisson arrivals at a constant rate, equal exponential services and one line: of each
    the aspect, and what it is in words."""

    @property
    def arrival(self) -> float:
        return sum(one.arrival for one in self.classes)

    @property
    def service(self) -> float:
        return sum(one.arrival * one.service for one in self.classes) / self.arrival

    @property
    def cv(self) -> float:
        square = sum(one.arrival * one.service**2 * (1 + one.cv**2) for one in self.classes) / self.arrival
        return math.sqrt(max(square / self.service**2 - 1, 0.0)) if self.service else 0.0

    @property
    def load(self) -> float:
        """Erlangs, of all places."""
        return self.arrival * self.service

    @property
    def plain(self) -> bool:
        """Whether what leaves it comes as what came to it did: at a constant rate, one by one, by chance (Burke)."""
        return self.cycle is None and not any(aspect != START for aspect, _ in self.aspects)


def lines(scenario: Scenario) -> list[Line]:
    """The pools of a scenario to which tips come and where people are, as formulas see them."""
    found: dict[str, Line | None] = {}
    for stage in scenario.stages:
        if stage.pool is not None and stage.pool not in found:
            found[stage.pool] = _line(scenario, stage.pool, found)
    return [found[name] for name in scenario.pools if found.get(name) is not None]  # type: ignore[misc]


def _line(scenario: Scenario, name: str, before: Mapping[str, Line | None]) -> Line | None:
    pool = scenario.pools[name]
    stages = tuple(stage for stage in scenario.stages if stage.pool == name)
    tips = by_hour_of_week(scenario)
    of_rank = by_rank(scenario, name)
    classes = []
    for rank, (visits, work, squares) in enumerate(of_rank):
        came = float(tips.mean(axis=0) @ visits)
        if came > 0:
            mean, square = (float(tips.mean(axis=0) @ part) / came for part in (work, squares))
            cv = math.sqrt(max(square / mean**2 - 1, 0.0)) if mean else 0.0
            classes.append(Class(rank, _rank_name(pool, rank), came * MINUTE, mean / MINUTE, cv))
    edges, people = roster_week(pool)
    servers = np.rint(people).astype(np.int64) * pool.slots
    if not classes or not servers.any():
        return None
    varying = _profiled(scenario) or len({*servers.tolist()}) > 1
    patience, even_patience = _patience(stages)
    line = Line(
        pool=name,
        stages=stages,
        shares=(1.0,) if pool.shared else tuple(scenario.centres.values()),
        classes=tuple(classes),
        servers=max(round(float(np.diff(edges) @ servers) / WEEK), 1),
        exponential=_exponential(scenario, stages),
        patience=patience,
        room=_room(stages, int(servers.max())),
        batch=_batch(scenario, stages, of_rank),
        order=pool.order,
        cycle=_cycle(tips @ of_rank[:, 0].sum(axis=0) * MINUTE, edges, servers) if varying else None,
        within=_within(scenario, stages),
    )
    told = dict.fromkeys(_aspects(scenario, line, even_patience, before))
    return replace(line, aspects=tuple(told))


def _rank_name(pool: Pool, rank: int) -> str:
    if not pool.serve_first:
        return ""
    if rank == len(pool.serve_first):
        return "the rest"
    return " or ".join(filter_words(one).removeprefix("tips ").removeprefix("with ") for one in _filters(pool, rank))


def _filters(pool: Pool, rank: int) -> tuple[Filter, ...]:
    """The filters of a rank; none of those who match no filter."""
    if rank >= len(pool.serve_first):
        return ()
    return pool.serve_first[rank]


def _profiled(scenario: Scenario) -> bool:
    """Whether the tips of an hour depend on which of the week it is."""
    demand = scenario.demand
    parts: list[Demand | Channel] = [demand, *demand.channels.values()]
    weeks = [one.by_weekday for one in parts if one.by_weekday]
    opens = any(channel.open for channel in demand.channels.values())
    return opens or demand.counts is not None or any(len({*values}) > 1 for values in (*_profiles(demand), *weeks))


def _profiles(demand: Demand) -> list[tuple[float, ...]]:
    """The numbers of every day that has a profile."""
    parts: list[Demand | Channel] = [demand, *demand.channels.values()]
    return [values for one in parts for values in (one.by_hour or {}).values()]


def _exponential(scenario: Scenario, stages: tuple[Stage, ...]) -> bool:
    pool = scenario.pools[stages[0].pool or ""]
    means = set()
    for stage in stages:
        assert stage.service is not None
        if stage.wrap_up is not None:
            return False
        for law in stage.service.values.values():
            if not isinstance(law, Exponential):
                return False
            means.add(law.mean / pool.speed_at(stage.name))
    return len(means) == 1


def _patience(stages: tuple[Stage, ...]) -> tuple[float, bool]:
    """The mean patience in minutes, and whether all of it is exponential with that mean, or nobody has any."""
    laws: list[Law | None] = [
        law for stage in stages for law in (stage.patience.values.values() if stage.patience else (None,))
    ]
    given = [law for law in laws if law is not None]
    if not given:
        return math.inf, True
    means = {float(law.mean) for law in given}
    even = len(given) == len(laws) and len(means) == 1 and all(isinstance(law, Exponential) for law in given)
    return sum(float(law.mean) for law in given) / len(given) / MINUTE, even


def _room(stages: tuple[Stage, ...], servers: int) -> int | None:
    rooms = [stage.lines for stage in stages if stage.lines is not None]
    rooms += [servers + stage.waiting_room for stage in stages if stage.waiting_room is not None]
    return min(rooms, default=None)


def _batch(scenario: Scenario, stages: tuple[Stage, ...], of_rank: Floats) -> tuple[float, float] | None:
    """What comes in groups, where nothing else does, every tip of them comes here once, and each has its own work."""
    demand = scenario.demand
    incident = next(iter(demand.incidents.values()), None)
    if incident is None or len(demand.incidents) > 1 or demand.volume or demand.own_volumes or demand.counts:
        return None
    together = incident.over.most == 0 and np.allclose(of_rank[:, 0].sum(axis=0), 1.0)
    together &= all(stage.service is not None and stage.service.by is None for stage in stages)
    return (incident.tips.mean, incident.tips.second) if together else None


def _cycle(by_hour: Floats, edges: NDArray[np.int64], servers: NDArray[np.int64]) -> Cycle:
    """A week in steps that end where the roster changes and where hours do, or a day where all days are alike."""
    step = int(np.gcd.reduce([HOUR, *edges.tolist()]))
    rates = np.repeat(by_hour, HOUR // step)
    people = np.repeat(servers, np.diff(edges) // step)
    n = DAY // step
    if np.allclose(rates.reshape(7, n), rates[:n], rtol=1e-9) and (people.reshape(7, n) == people[:n]).all():
        rates, people = rates[:n], people[:n]
    return Cycle(step / MINUTE, rates, people)


def _within(scenario: Scenario, stages: tuple[Stage, ...]) -> tuple[float, ...]:
    """The times within which targets ask for a share of the tips to be begun here, all counted and none left out."""
    moments = {f"{stage.name}.{what}": what for stage in stages for what in ("enter", "start")}
    found = {
        one.limit / MINUTE
        for one in scenario.targets.values()
        if isinstance(one, Timed)
        and one.share_in_time is not None
        and moments.get(one.from_name) == "enter"
        and moments.get(one.to_name) == "start"
        and one.limit > 0
    }
    return tuple(sorted(found))


def of_delay(scenario: Scenario, stage: Stage) -> tuple[tuple[tuple[str, str], ...], bool]:
    """What there is to a delay besides tips at their rate, as `Line.aspects` has it; and whether the rate varies.

    How many are there on average asks nothing of how they come, but that all of them do, and when.
    """
    return tuple(dict.fromkeys(_of_delay(scenario, stage))), _profiled(scenario)


def _of_delay(scenario: Scenario, stage: Stage) -> Iterator[tuple[str, str]]:
    own = scenario.stage_index(stage.name)
    yield from _told(stage, _STAGE)
    if stage.patience is not None:
        yield PATIENCE, "tips give up"
    demand = scenario.demand
    for key in ("growth", "surges", "by_date", "counts", "trace"):
        if getattr(demand, key):
            yield key, _DEMAND[key]
    if scenario.run.zone is not None and _profiled(scenario):
        yield "zone", "clocks may be changed"
    earlier = list(_meeting(scenario, (own,)))
    if vain := [one.name for one in earlier if one.patience is not None or one.limited]:
        yield "fed", f"not all come through {units.listed(vain)}"
    late = [one.name for one in earlier if any(law.most > 0 for law in one.time.values.values())]
    if late and _profiled(scenario):
        yield "fed", _LATER.format(units.listed(late))
    longest = max(float(law.mean) * (1 + 3 * float(law.cv)) for law in stage.time.values.values())
    if longest > scenario.run.warm_up:
        yield START, "the warm-up is shorter than the delay may be"


# What there is to it besides


def _aspects(
    scenario: Scenario, line: Line, even_patience: bool, before: Mapping[str, Line | None]
) -> Iterator[tuple[str, str]]:
    pool = scenario.pools[line.pool]
    yield from _of_demand(scenario, line)
    yield from _of_feeding(scenario, line, before)
    yield from _of_service(line, pool)
    yield from _of_line(line, pool, even_patience)
    if line.cycle is not None:
        yield from _of_cycle(scenario, line, pool)
    yield from _of_start(scenario, line)


def _told(part: BaseModel, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is written in a part of the document that no model takes care of."""
    for key, known in type(part).model_fields.items():
        if key not in _SEEN and getattr(part, key) != known.get_default(call_default_factory=True):
            yield key, words.get(key, f"`{key.rstrip('_')}`")


def _of_demand(scenario: Scenario, line: Line) -> Iterator[tuple[str, str]]:
    demand = scenario.demand
    yield from _told(demand, _DEMAND)
    if demand.incidents:
        aspect = TOGETHER if line.batch else "incidents"
        yield aspect, "incidents bring several tips together"
    if scenario.start_with is not None and any(scenario.start_with.backlog.values()):
        yield "backlog", "tips wait when the run starts"


def _of_feeding(scenario: Scenario, line: Line, before: Mapping[str, Line | None]) -> Iterator[tuple[str, str]]:
    """What the stages before it make of the arrivals."""
    own = tuple(scenario.stage_index(stage.name) for stage in line.stages)
    by_way: dict[str, list[str]] = {}
    for earlier in _meeting(scenario, own):
        if what := _of_earlier(scenario, line, earlier, before):
            by_way.setdefault(what, []).append(earlier.name)
    for what, names in by_way.items():
        yield ("again" if what == _AGAIN else "fed"), what.format(units.listed(names))
    for number, stage in enumerate(scenario.stages):
        back = stage.rework
        if back is not None and back.share and scenario.stage_index(back.back_to) <= max(own) and number >= min(own):
            yield "again", f"some come again by the rework of {stage.name}"
    for stage in scenario.stages:
        if line.pool in stage.pools[1:]:
            yield "overflow", f"tips of {stage.name} overflow to it"
    asides = asides_of(scenario.stages)
    for stage in line.stages:
        if stage.name in asides:
            yield "aside", f"tips come to {stage.name} that others did not serve"


_AGAIN: Final = "a tip comes to it more than once, first at {}"
_UNEVEN: Final = "tips come by way of {}, and so not quite by chance"
_LATER: Final = "tips come by way of {}, later than the profile says"


def _of_earlier(scenario: Scenario, line: Line, earlier: Stage, before: Mapping[str, Line | None]) -> str:
    """What a stage before it makes of the arrivals, with room for its name; "" where that is nothing."""
    if earlier.pool == line.pool:
        return _AGAIN
    if earlier.pool is not None:
        fed = before.get(earlier.pool)
        return "" if fed is not None and fed.plain else _UNEVEN
    if all(law.most == 0 for law in earlier.time.values.values()):
        return ""
    if earlier.gate:
        return "the gate of {} lets tips through in groups"
    if line.batch:
        return "tips come by way of {}, and so no more together"
    return _LATER if _profiled(scenario) else ""


def _meeting(scenario: Scenario, own: tuple[int, ...]) -> Iterator[Stage]:
    """The stages that tips may come to before one of some stages, given by their places in the order."""
    tips = coming(scenario)
    alive = tips.alive.any(axis=1)
    reached = flow(scenario).visits.sum(axis=1) > 0
    for number, earlier in enumerate(scenario.stages[: max(own)]):
        later = [tips.admitted[mine].any(axis=1) for mine in own if mine > number]
        both = alive & tips.admitted[number].any(axis=1) & np.any(later, axis=0)
        if reached[number] and both.any():
            yield earlier


def _of_service(line: Line, pool: Pool) -> Iterator[tuple[str, str]]:
    if not line.exponential:
        wrapping = ", wrap-up included," if any(stage.wrap_up for stage in line.stages) else ""
        yield SERVICE, f"service{wrapping} is not one exponential law (cv {line.cv:.2f})"
    if pool.concurrency.speed is not None and len({*pool.concurrency.speed}) > 1:
        yield "speed", "people slow down with what they have in hand"
    if pool.speed.by_hour is not None and len({*pool.speed.by_hour}) > 1:
        yield "speed", "people are faster at some hours"


def _of_line(line: Line, pool: Pool, even_patience: bool) -> Iterator[tuple[str, str]]:
    yield from _told(pool, _POOL)
    if pool.levels is not None and pool.levels.csv is not None:
        yield "levels", "heads are those of a file"
    for stage in line.stages:
        yield from _told(stage, _STAGE)
    if len(line.classes) > 1:
        yield CLASSES, "some tips are served before others"
    if pool.preempt:
        better = [one for each in line.classes[:-1] for one in _filters(pool, each.rank)]
        in_order = all(one in pool.preempt for one in better)
        yield PREEMPTION if in_order else "some pre-empt", "better tips take people who are at work"
    if any(one.waited for rank in pool.serve_first for one in rank):
        yield "ageing", "tips move up once they have waited"
    if line.order != "first_come":
        how = {"last_come": "the last to come is taken first", "random": "the next is taken at random"}
        aspect = ORDER if line.order in how else "due"
        yield aspect, how.get(line.order, "the next is who is due first")
    if not math.isinf(line.patience):
        yield PATIENCE, "tips give up"
        if not even_patience:
            yield "patience law", "patience is not one exponential law"
    if line.room is not None:
        yield ROOM, f"there is room for {line.room}"
        if len(line.stages) > 1:
            yield "rooms", "rooms belong to its stages, one by one"


def _of_cycle(scenario: Scenario, line: Line, pool: Pool) -> Iterator[tuple[str, str]]:
    yield VARIES, "tips or people vary over the week"
    assert line.cycle is not None
    if len({*line.cycle.servers.tolist()}) > 1 and pool.at_shift_end != "resume":
        how = {
            "finish": "who goes first ends what is in hand",
            "hand_over": "who goes hands over what is in hand",
            "restart": "what is in hand at the end of a shift is begun anew",
            "clear_line": "people stay until the line is clear",
        }
        yield "shift end", how[pool.at_shift_end] if pool.shifts else "who goes first ends what is in hand"
    if scenario.run.zone is not None:
        yield "zone", "clocks may be changed"
    calendars = [scenario.calendars[one.open] for one in scenario.demand.channels.values() if one.open is not None]
    if any(calendar.closed or any(row.on for row in calendar.open) for calendar in calendars):
        yield "closed", "channels are closed on some dates"
    if any(row.on for row in pool.shifts) or (pool.levels is not None and any(one.on for one in pool.levels.blocks)):
        yield "dates", "the roster has rows for dates"
    if any(len(values) > 24 and len({*values}) > 1 for values in _profiles(scenario.demand)):
        yield "finer", "tips vary within the hour"
    if line.cycle.servers.size * line.cycle.step > DAY / MINUTE:
        period, name = WEEK, "weeks"
    else:
        period, name = DAY, "days"
    if scenario.run.length % period:
        yield "part", f"the run measures no whole number of {name}"


def _of_start(scenario: Scenario, line: Line) -> Iterator[tuple[str, str]]:
    """Whether the run has settled by the end of its warm-up."""
    most = max(line.shares)
    servers = line.servers if line.cycle is None else float(line.cycle.servers.mean())
    relaxed = relaxation_time(line.load * most, servers, line.service, line.cv)
    if not math.isinf(line.patience):
        relaxed = min(relaxed, line.patience + line.service)
    if line.room is not None:
        relaxed = min(relaxed, line.room * line.service)
    needed = RELAXATIONS * relaxed * MINUTE
    if math.isinf(needed):
        yield "overload", "more work comes than is done, so that it never settles"
    elif needed > scenario.run.warm_up:
        unit = next((one for one in (DAY, HOUR) if needed > 2 * one), MINUTE)
        yield START, f"a warm-up under {units.length(math.ceil(needed / unit) * unit)} is short for its load"
