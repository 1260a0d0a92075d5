"""What a run takes, reckoned from the document before any work is done: counts, memory and time; and what may be taken.

Costs are products of numbers that look harmless each on its own, so every product is a line of its own here, and who is
refused is told the largest one. The constants were measured; they are meant to be right within a factor of two or so.
Sizes that nobody needs at all are refused earlier, by `limits`.

A run that is large and plain is never in memory as a whole: tips come, are simulated and counted some at a time, and
what goes on from slice to slice is who is in the system. What comes out is the same, to the last bit. All other runs
are held whole. Which are which is told from the document alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from sim.dynamics.clock import DAY
from sim.scenario.arrivals import channel_mix, expected_of_replication
from sim.scenario.branches import branching
from sim.scenario.faults import Fault, ScenarioError
from sim.scenario.flow import flow, offered_hours
from sim.scenario.rules import rules
from sim.scenario.schema import Scenario
from sim.scenario.target_kinds import OccupancyTarget
from sim.scenario.targets import OfPool, Target

LARGE: Final = 500_000
"""Tips of a replication from which on it is sliced: smaller ones are as fast whole, and need little memory."""

SLICE: Final = 1 << 16
"""Tips drawn at a time, where no more are in the system: so many that what a slice costs is little to what its tips
cost, and so few that they stay near the processor."""

WORTH: Final = 0.5
"""Where more of the tips than this would be in memory at a time, nothing is gained."""

ADD_UP: Final = ("share", "service_level", "mean", "asa", "lost", "abandoned", "turned_away")
"""Kinds of targets on tips whose value comes from how many tips lie where, and from sums of their times."""

ONE_BY_ONE: Final = ("percentile", "median", "longest")
"""Kinds that need the time of every tip, which is kept: that is all that is left of it."""

MOST_CELLS: Final = 1 << 20
"""Windows of all places of a target, each of which has a number of its own; of more only those that have something."""

VISITS: Final = "visits of tips (tips x stages x rework)"
"""The product of which a run is told how large it is."""

_IN_WEEK: Final = {"weekday": 7, "hour": 168, "half_hour": 336}
_A_DAY: Final = {"hour": 24, "half_hour": 48}


class InMemory(NamedTuple):
    """What of a replication is in memory at a time."""

    tips: float
    """Of a replication, about."""
    at_a_time: float
    """In memory, about: all of them, or those of a slice and what a line that grows for ever holds in the end."""
    slice_size: int = 0
    """How many are drawn, simulated and measured at a time; 0 where a run is held whole."""
    why_whole: str = ""
    """What keeps a large run from being sliced, "" where nothing of the document does."""


def in_memory(scenario: Scenario, tips: float | None = None) -> InMemory:
    """What of a scenario's replications is in memory: all where they are small, not plain, or so overloaded that most
    of it would be there all the same. `tips` are those of `tips_of`, where they are at hand."""
    tips = tips_of(scenario) if tips is None else tips
    why = why_whole(scenario) if tips >= LARGE else ""
    if tips >= LARGE and not why and (few := _in_slices(scenario, tips)) < WORTH * tips:
        return InMemory(tips, few, SLICE)
    return InMemory(tips, tips, why_whole=why)


def tips_of(scenario: Scenario) -> float:
    """How many tips a replication has, about."""
    return expected_of_replication(scenario) + (sum(scenario.start_with.backlog.values()) if scenario.start_with else 0)


def why_whole(scenario: Scenario) -> str:
    """What of a scenario keeps its runs from being sliced, the first that is found; "" where nothing does.

    A plain scenario draws tips one after the other; it counts heads, whose number stays the same and who all work at
    full speed; its lines are first come, first served, by ranks that do not change, with room for all, in one overflow
    pool at most; its tips are in one place at a time, and are lost where they give up; and its targets are of kinds
    that come with the program, with no more windows than can have a number each.
    """
    return next(_reasons(scenario), "")


def _reasons(scenario: Scenario) -> Iterator[str]:
    demand, stages, pools = scenario.demand, scenario.stages, scenario.pools.values()
    of_demand = {"a recorded trace": demand.trace is not None, "incidents": bool(demand.incidents)}
    of_pools = {
        "shifts": any(pool.shifts for pool in pools),
        "levels of staff": any(pool.levels is not None for pool in pools),
        "an order of the line": any(pool.order != "first_come" for pool in pools),
    }
    of_stages = {
        "branches (`after`)": branching(stages),
        "wrap-up": any(stage.wrap_up is not None for stage in stages),
        "call-backs": any(stage.callback is not None for stage in stages),
        "due times": any(stage.due is not None for stage in stages),
        "merging": scenario.merges,
        "asides": any(stage.gives_up_to is not None or stage.turned_away_to is not None for stage in stages),
        "limited room": any(stage.waiting_room is not None or stage.lines is not None for stage in stages),
        "several overflow pools": any(len(stage.overflow) > 1 for stage in stages),
        "patience in a delay": any(stage.pool is None and stage.attempts for stage in stages),
    }
    yield from (why for why, there in {**of_demand, **of_pools, **of_stages}.items() if there)
    yield from (f"target '{name}'" for name, target in scenario.targets.items() if not _adds_up(scenario, target))
    found = rules(scenario)
    if found.kinds.moves_after.size:
        yield "moving up in line"
    if found.speeds.varies.any() or found.places.tells_apart.any():
        yield "speeds"


def _adds_up(scenario: Scenario, target: Target) -> bool:
    """Whether what a target asks for adds up over tips, in windows of which there are not too many."""
    if isinstance(target, OccupancyTarget):
        return True
    a_day = 1 if target.hold is None else _A_DAY.get(target.per, 1)
    n_cells = n_places(scenario, target) * a_day * (scenario.length / DAY + 2)
    return target.kind in ONE_BY_ONE or (target.kind in ADD_UP and n_cells <= MOST_CELLS)


def n_places(scenario: Scenario, target: Target) -> int:
    """In how many places a target is judged."""
    if target.in_each is None:
        return 1
    if target.in_each == "centre":
        return len(scenario.centres)
    return _IN_WEEK.get(target.in_each) or len(scenario.names[target.in_each])


def _in_slices(scenario: Scenario, tips: float) -> float:
    """How many of the tips are in memory at a time where a run is sliced."""
    offered = (offered_hours(scenario) - offered_hours(scenario, only_patient=True)).mean(axis=1)
    servers = np.array(
        [pool.staff * pool.slots * (1 if pool.shared else len(scenario.centres)) for pool in scenario.pools.values()]
    )
    waits = 1 - float(np.min(servers / np.maximum(offered, 1e-9), initial=1.0))
    # A slice is as large as what is in the system, and is copied when it is joined to it.
    return 2 * SLICE + 3 * max(waits, 0.0) * tips


PROGRAM: Final = 200_000_000
"""Bytes of the program itself once it is at work."""

SLOW: Final = 100
"""So many times as long takes the engine that is written to be read."""

_GIGA, _MEGA = 10**9, 10**6
_UNITS: Final = {"GB": _GIGA, "MB": _MEGA, "h": 3600, "min": 60, "s": 1}
_SHARE_OF_MEMORY: Final = 0.5
_LONGEST: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Product:
    """One product, and what each of its members costs in one replication."""

    name: str
    number: float
    bytes_each: float
    microseconds_each: float
    kept: float = 0.0
    """Bytes of each that stay until all replications are done."""


@dataclass(frozen=True, slots=True)
class Size:
    """What one replication of a scenario takes."""

    products: tuple[Product, ...]
    held: InMemory
    """What of its tips is in memory at a time."""

    def number(self, name: str) -> float:
        """How many of a product there are."""
        return next(one.number for one in self.products if one.name == name)

    @property
    def bytes(self) -> float:
        """Bytes that a replication needs while it is under way, besides the program."""
        return sum(one.number * one.bytes_each for one in self.products)

    @property
    def seconds(self) -> float:
        """Seconds of one core that a replication takes the compiled engine."""
        return sum(one.number * one.microseconds_each for one in self.products) / 1e6

    def bytes_of(self, replications: int, at_a_time: int) -> float:
        """Bytes of so many replications, so many of them at a time, with the program."""
        kept = sum(one.number * one.kept for one in self.products)
        return PROGRAM + self.bytes * min(replications, at_a_time) + kept * replications

    def seconds_of(self, replications: int, at_a_time: int) -> float:
        """Seconds of so many replications, so many of them at a time."""
        return self.seconds * replications / max(min(replications, at_a_time, cores()), 1)

    @property
    def largest(self) -> Product:
        """The product that weighs most."""
        memory, time = max(self.bytes, 1.0), max(self.seconds, 1e-9)
        return max(
            self.products,
            key=lambda one: one.number * max(one.bytes_each / memory, one.microseconds_each / 1e6 / time),
        )


def size(scenario: Scenario) -> Size:
    """What a replication of a scenario takes, from the document alone."""
    held = in_memory(scenario)
    tips, at_a_time = held.tips, held.at_a_time / max(held.tips, 1.0)
    visits = tips * float((flow(scenario).visits @ channel_mix(scenario)).sum())
    days = scenario.length / DAY + 1
    n_targets = len(scenario.targets)
    # Where the run is held whole it has them anyhow.
    one_by_one = sum(target.kind in ONE_BY_ONE for target in scenario.targets.values()) if held.slice_size else 0
    places = max((n_places(scenario, target) for target in scenario.targets.values()), default=1)
    rows = sum(n_places(scenario, target) for target in scenario.targets.values())
    groups, a_day = _groups(scenario)
    changes = sum(
        len(pool.shifts) * 2 * days * (1 if pool.shared else len(scenario.centres)) for pool in scenario.pools.values()
    )
    people = sum(
        (pool.staff + sum(shift.staff for shift in pool.shifts) * days) * (1 if pool.shared else len(scenario.centres))
        for pool in scenario.pools.values()
    )
    breaks = sum(
        shift.staff * kind.per_shift * days * (1 if pool.shared else len(scenario.centres))
        for pool in scenario.pools.values()
        for kind in pool.breaks
        for shift in pool.shifts
    )
    return Size(
        (
            Product("tips", tips, 120 * at_a_time, 0.3),
            Product(VISITS, visits, 160 * at_a_time, 0.8),
            Product("tips x targets", tips * n_targets, 12 * at_a_time, 0.02),
            Product("tips x targets that need every time", tips * one_by_one, 13, 0.1),
            # One of them at a time is put in order.
            Product("tips of a target in order", tips * bool(one_by_one), 80, 0),
            Product("changes of staff (pools x centres x shifts x days)", changes, 100, 1.0),
            Product("people x dates", people, 100, 1.0),
            Product("people x breaks x dates", breaks, 300, 2.0),
            Product("windows of a target (its places x days)", places * days if places > 1 else days, 220, 0),
            Product("windows (targets x places x days)", rows * days, 0, 0.35, 0),
            Product("pools x hours", groups * a_day * days, 180, 0.5),
            Product("targets x places x replications", rows, 48, 0.1, 100),
            Product("pools x centres", len(scenario.pools) * len(scenario.centres), 400, 0.1, 40),
        ),
        held,
    )


def _groups(scenario: Scenario) -> tuple[int, int]:
    """Pools that are followed over time, by centre where a target asks for that; and stretches of a day."""
    by_centre = any(isinstance(target, OfPool) and target.in_each == "centre" for target in scenario.targets.values())
    halves = any("half_hour" in (target.per, target.in_each) for target in scenario.targets.values())
    return len(scenario.pools) * (len(scenario.centres) if by_centre else 1), 48 if halves else 24


@dataclass(frozen=True, slots=True)
class Budget:
    """What work may take at most; None where there is no limit."""

    bytes: float | None
    seconds: float | None

    @classmethod
    def usual(cls) -> Self:
        """Half of this machine's memory, and an hour."""
        return cls(memory() * _SHARE_OF_MEMORY, _LONGEST)

    @classmethod
    def read(cls, text: str) -> Self:
        """A budget as it is written; what it does not name is as usual. ValueError where it is none.

        >>> Budget.read("8 GB, 2 h"), Budget.read("none")
        (Budget(bytes=8000000000.0, seconds=7200.0), Budget(bytes=None, seconds=None))
        """
        if text.strip() == "none":
            return cls(None, None)
        found: dict[bool, float] = {}
        for part in text.split(","):
            written = re.fullmatch(r"\s*([0-9]{1,9}(?:.[0-9]{1,9})?)\s*(GB|MB|h|min|s)\s*", part)
            if written is None or (of_memory := written[2].endswith("B")) in found:
                raise ValueError("a budget is written 8 GB, or 2 h, or 8 GB, 2 h, or none")
            found[of_memory] = float(written[1]) * _UNITS[written[2]]
        usual = cls.usual()
        return cls(found.get(True, usual.bytes), found.get(False, usual.seconds))

    def hold(
        self, scenario: Scenario, replications: int, at_a_time: int, *, found: Size | None = None, times_slower: int = 1
    ) -> None:
        """Nothing, if so many replications are within the budget; else ScenarioError, which names what is too large.

        `found` is the `size` of the scenario where that is known.
        """
        found = found or size(scenario)
        memory, time = found.bytes_of(replications, at_a_time), found.seconds_of(replications, at_a_time) * times_slower
        too_much = [
            f"{have} of the {most} that it may"
            for have, most, over in (
                (bytes_text(memory), bytes_text(self.bytes or 0), self.bytes is not None and memory > self.bytes),
                (seconds_text(time), seconds_text(self.seconds or 0), self.seconds is not None and time > self.seconds),
            )
            if over
        ]
        if not too_much:
            return
        largest = found.largest
        rule = (
            f"{replications:,} replication{'s' if replications > 1 else ''} would take about {' and '.join(too_much)}; "
            f"what is large is {largest.name}: {largest.number:,.0f} in each; with --budget it may take more"
        )
        over = self.bytes is not None and memory > self.bytes
        if over and found.held.why_whole:
            rule += f"; with {found.held.why_whole} a replication is in memory whole, and not in slices of time"
        if self.bytes is not None and over and found.bytes_of(1, 1) <= self.bytes and at_a_time > 1:
            rule += ", and with fewer --jobs it takes less memory"
        raise ScenarioError([Fault(str(scenario.path), 0, 0, "", rule)])


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> float:
    """Bytes of memory that this process may have: of the machine, or of the group that it is put into."""
    try:
        found = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 8e9
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            return min(found, float(file.read()))
    except (OSError, ValueError):
        return found


def bytes_text(number: float) -> str:
    """Bytes as people read them, roughly.

    >>> bytes_text(3.21e9), bytes_text(187e6), bytes_text(2e5)
    ('3.2 GB', '190 MB', '1 MB')
    """
    if number >= 0.995 * _GIGA:
        return f"{number / _GIGA:,.2g} GB" if number < 100 * _GIGA else f"{number / _GIGA:,.0f} GB"
    return f"{max(float(f'{number / _MEGA:.2g}'), 1):.0f} MB"


def seconds_text(seconds: float) -> str:
    """Seconds as people read them, roughly.

    >>> seconds_text(0.2), seconds_text(44.0), seconds_text(700.0), seconds_text(9000.0)
    ('1 s', '44 s', '12 min', '2.5 h')
    """
    if seconds < 120:
        return f"{max(float(f'{seconds:.2g}'), 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.3g} h"


def size_words(scenario: Scenario) -> str:
    """What the replications that a scenario asks for take here, in a sentence."""
    found, n, at_a_time = size(scenario), scenario.run.replications, cores()
    visits = found.number(VISITS)
    memory = bytes_text(found.bytes_of(n, at_a_time))
    time = seconds_text(found.seconds_of(n, at_a_time))
    # What unlimited staff would come to is looked at with as many replications.
    again = "; about as long again where a target is not met" if scenario.targets else ""
    sliced = ", a slice of time after the other" if found.held.slice_size else ""
    return f"{visits:,.0f} visits a replication; all of it takes about {time} and {memory} here{sliced}{again}"
