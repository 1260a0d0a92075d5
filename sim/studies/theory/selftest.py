"""The installed program put to known answers: lines with exact formulas, each run from a document of its own.

What is known stands here as a formula of literal numbers, not as `models` would choose it, so that neither hides a
fault of the other. Nothing outside the package is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.clock import MINUTE
from sim.dynamics.engines import Engine, simulate
from sim.dynamics.log import differences
from sim.measures import theory
from sim.measures.varying import SettledCycle, busy_of_many, cycle
from sim.scenario.distributions import Lognormal
from sim.scenario.loading import load
from sim.studies.theory.beside import TheoryAndRun, compared
from sim.studies.theory.models import (
    GIVEN_UP,
    NOT_BEGUN,
    OCCUPANCY,
    SOJOURN,
    SQUARE,
    THERE,
    TURNED_AWAY,
    WAIT,
    KnownValue,
    NearestModel,
)

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]

REPLICATIONS: Final = 40
SEED: Final = 17
FALSE_ALARM: Final = 1e-3
"""How often a right program would have any answer too far off, with a seed that is drawn."""

_RUN: Final = "run: {start: 2025-01-06 00:00, warm_up: 3 d, length: 20 d, cool_down: 1 d}"
_A_DAY: Final = {"run.warm_up": "0 d", "run.length": "1 d", "run.cool_down": "0 d"}
"""What both engines run."""

Answers = Mapping[str, tuple[KnownValue, ...]]
"""What is known, by the pool or by the stage that is a delay."""


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line with known answers."""

    name: str
    model: str
    text: str
    """The document, but for its title and its run."""
    answers: Callable[[], Answers]

    @property
    def document(self) -> str:
        return f"scenario: {self.name}\n{_RUN}\n{self.text}"

    def scenario(self, **changes: str) -> Scenario:
        """The line as a scenario."""
        return load(self.document, changes=changes)

    def beside(self, scenario: Scenario) -> list[NearestModel]:
        """What is known of it."""
        return [
            NearestModel(place, _stages(scenario, place), place in scenario.pools, self.model, known, ())
            for place, known in self.answers().items()
        ]


def _stages(scenario: Scenario, place: str) -> tuple[str, ...]:
    return tuple(stage.name for stage in scenario.stages if place in (stage.pool, stage.name))


@dataclass(frozen=True, slots=True)
class TestedAnswer:
    """One known answer, and what the program comes to."""

    line: KnownLine
    compared: TheoryAndRun
    engines_agree: bool
    limit: float
    """Standard errors that it may be off."""

    @property
    def right(self) -> bool:
        return self.engines_agree and abs(self.compared.apart) <= self.limit


def limit(n_answers: int, replications: int = REPLICATIONS) -> float:
    """Standard errors beyond which any of so many right answers lies once in 1 / FALSE_ALARM: Student's t, Bonferroni.

    >>> round(limit(40, 30), 2)
    5.01
    """
    from scipy.special import stdtrit

    return float(stdtrit(replications - 1, 1 - FALSE_ALARM / 2 / n_answers))


def selftest(
    *,
    lines: Sequence[KnownLine] | None = None,
    seed: int = SEED,
    replications: int = REPLICATIONS,
    jobs: int = 1,
    done: Callable[[int], None] = lambda _: None,
) -> list[TestedAnswer]:
    """Run every known line and hold it against what is known; `done` is told how many lines are."""
    lines = known_lines() if lines is None else lines
    rows: list[tuple[KnownLine, TheoryAndRun, bool]] = []
    for number, line in enumerate(lines, 1):
        scenario = line.scenario()
        agree = engines_agree(line, seed)
        found = compared(scenario, line.beside(scenario), range(replications), seed=seed, jobs=jobs)
        rows += [(line, one, agree) for one in found]
        done(number)
    most = limit(len(rows), replications)
    return [TestedAnswer(line, one, agree, most) for line, one, agree in rows]


def engines_agree(line: KnownLine, seed: int = SEED) -> bool:
    """Whether both engines give the same log of a day of it."""
    replication = draw(line.scenario(**_A_DAY), 0, seed=seed)
    engines: tuple[Engine, Engine] = ("compiled", "reference")
    return not differences(*(simulate(replication, engine) for engine in engines))


# The lines


def known_lines() -> tuple[KnownLine, ...]:
    """All of them, 40 answers together."""
    found = (_plain, _of_one_server, _by_rank, _impatient, _limited, _ordered, _in_turn, _together, _over_the_day)
    return tuple(line for lines in found for line in lines())


def _plain() -> Iterator[KnownLine]:
    yield KnownLine(
        "One server",
        "M/M/1",
        """
demand: {volume: 8/h}
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
""",
        lambda: {
            "desk": (
                KnownValue(WAIT, theory.mean_wait(0.8, 1, 6.0)),
                KnownValue(NOT_BEGUN, theory.wait_above(10.0, 0.8, 1, 6.0), within=10.0),
                KnownValue(THERE, 0.8 / 0.2),
            )
        },
    )
    yield KnownLine(
        "Three servers",
        "M/M/3",
        """
demand: {volume: 24/h}
pools: {desk: {staff: 3}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
""",
        lambda: {
            "desk": (
                KnownValue(WAIT, theory.mean_wait(2.4, 3, 6.0)),
                KnownValue(NOT_BEGUN, theory.erlang_c(2.4, 3)),
                KnownValue(NOT_BEGUN, theory.wait_above(5.0, 2.4, 3, 6.0), within=5.0),
            )
        },
    )
    yield KnownLine(
        "Twenty servers",
        "M/M/20",
        """
demand: {volume: 108/h}
pools: {desk: {staff: 20}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}}]
""",
        lambda: {
            "desk": (
                KnownValue(WAIT, theory.mean_wait(18.0, 20, 10.0)),
                KnownValue(OCCUPANCY, 0.9),
            )
        },
    )
    yield KnownLine(
        "Two people with two tips each",
        "M/M/4",
        """
demand: {volume: 32/h}
pools: {desk: {staff: 2, concurrency: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
""",
        lambda: {"desk": (KnownValue(WAIT, theory.mean_wait(3.2, 4, 6.0)),)},
    )
    yield KnownLine(
        "Two centres, unequal",
        "M/M/2 twice",
        """
demand: {volume: 30/h}
centres: {east: 60 %, west: 40 %}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 5 min}}}]
""",
        lambda: {
            "desk": (KnownValue(WAIT, 0.6 * theory.mean_wait(1.5, 2, 5.0) + 0.4 * theory.mean_wait(1.0, 2, 5.0)),),
        },
    )


def _of_one_server() -> Iterator[KnownLine]:
    laws = (
        ("constant", "M/D/1", "6 min", 0.0),
        ("gamma", "M/G/1, gamma", "{gamma: {mean: 6 min, cv: 0.5}}", 0.5),
        ("lognormal", "M/G/1, lognormal", "{lognormal: {mean: 6 min, cv: 1.5}}", 1.5),
        ("hyperexponential", "M/H2/1", "{hyperexponential: {mean: 6 min, cv: 2.0}}", 2.0),
    )
    for name, model, law, cv in laws:
        yield KnownLine(
            f"One server, {name} service",
            model,
            f"""
demand: {{volume: 7/h}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: answer, pool: desk, service: {law}}}]
""",
            lambda cv=cv: {"desk": (KnownValue(WAIT, theory.wait_in_one_line(0.7, 6.0, cv)),)},  # type: ignore[misc]
        )


def _ranked(quantity: str, values: Sequence[float]) -> tuple[KnownValue, ...]:
    return tuple(KnownValue(quantity, value, rank, f"rank {rank + 1}") for rank, value in enumerate(values))


def _by_rank() -> Iterator[KnownLine]:
    yield KnownLine(
        "Three ranks, three servers",
        "M/M/3 by rank",
        """
demand: {volume: 26/h, risk: {high: 20 %, low: 50 %, non: 30 %}}
pools: {desk: {staff: 3, serve_first: [{risk: high}, {risk: low}]}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
""",
        lambda: {"desk": _ranked(WAIT, theory.priority_waits([0.52, 1.3, 0.78], 3, 6.0))},
    )
    yield KnownLine(
        "Two ranks, one server, different work",
        "M/G/1 by rank",
        """
demand: {volume: 6/h, risk: {high: 40 %, low: 60 %}}
pools: {desk: {staff: 1, serve_first: [{risk: high}]}}
stages:
  - {name: answer, pool: desk, service: {by: risk, high: 5 min, low: {lognormal: {mean: 8 min, cv: 1.2}}}}
""",
        lambda: {
            "desk": _ranked(WAIT, theory.priority_waits_of_one([2.4 / 60, 3.6 / 60], [5.0, 8.0], [0.0, 1.2])),
        },
    )
    yield KnownLine(
        "The better takes the server",
        "M/G/1 pre-emptive",
        """
demand: {volume: 6/h, risk: {high: 40 %, low: 60 %}}
pools: {desk: {staff: 1, serve_first: [{risk: high}], preempt: [{risk: high}]}}
stages:
  - name: answer
    pool: desk
    service: {by: risk, high: {exponential: {mean: 5 min}}, low: {lognormal: {mean: 8 min, cv: 1.2}}}
""",
        lambda: {"desk": _ranked(SOJOURN, theory.preemptive_sojourns([2.4 / 60, 3.6 / 60], [5.0, 8.0], [1.0, 1.2]))},
    )
    yield KnownLine(
        "The better takes one of two servers",
        "M/M/2 pre-emptive",
        """
demand: {volume: 16/h, risk: {high: 40 %, low: 60 %}}
pools: {desk: {staff: 2, serve_first: [{risk: high}], preempt: [{risk: high}]}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
""",
        lambda: {"desk": _ranked(SOJOURN, theory.preemptive_sojourns_of_many([0.64, 0.96], 2, 6.0))},
    )


def _impatient() -> Iterator[KnownLine]:
    def known() -> Answers:
        line = theory.erlang_a(4.5, 4, 6.0, 4.0, within=1.0)
        return {
            "desk": (
                KnownValue(GIVEN_UP, line.abandoned),
                KnownValue(WAIT, line.mean_wait),
                KnownValue(NOT_BEGUN, 1 - line.served_within, within=1.0),
            )
        }

    yield KnownLine(
        "Tips that give up",
        "M/M/4+M",
        """
demand: {volume: 45/h}
pools: {desk: {staff: 4}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}, patience: {exponential: {mean: 4 min}}}]
""",
        known,
    )


def _limited() -> Iterator[KnownLine]:
    def known() -> Answers:
        line = theory.limited_line(2.7, 3, 6.0, room=6)
        return {"desk": (KnownValue(TURNED_AWAY, line.turned_away), KnownValue(WAIT, line.mean_wait))}

    yield KnownLine(
        "A waiting room",
        "M/M/3/6",
        """
demand: {volume: 27/h}
pools: {desk: {staff: 3}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}, waiting_room: 3}]
""",
        known,
    )
    yield KnownLine(
        "Nobody waits",
        "M/G/5/5",
        """
demand: {volume: 40/h}
pools: {desk: {staff: 5}}
stages: [{name: answer, pool: desk, service: {lognormal: {mean: 6 min, cv: 1.5}}, lines: 5}]
""",
        lambda: {"desk": (KnownValue(TURNED_AWAY, theory.erlang_b(4.0, 5)),)},
    )


def _ordered() -> Iterator[KnownLine]:
    for order, words in (("random", "random"), ("last_come", "last come")):
        yield KnownLine(
            f"Two servers, {words}",
            f"M/M/2, {words}",
            f"""
demand: {{volume: 16/h}}
pools: {{desk: {{staff: 2, order: {order}}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 6 min}}}}}}]
""",
            lambda order=order: {"desk": (KnownValue(SQUARE, theory.second_moment(1.6, 2, 6.0, order)),)},  # type: ignore[misc]
        )


def _in_turn() -> Iterator[KnownLine]:
    yield KnownLine(
        "Two stages in turn",
        "M/M/3, then M/M/2",
        """
demand: {volume: 24/h}
pools: {desk: {staff: 3}, review: {staff: 2}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 6 min}}}
  - {name: look, share: 40 %, pool: review, service: {exponential: {mean: 9 min}}}
""",
        lambda: {
            "desk": (KnownValue(WAIT, theory.mean_wait(2.4, 3, 6.0)),),
            "review": (KnownValue(WAIT, theory.mean_wait(9.6 * 9 / 60, 2, 9.0)),),
        },
    )


def _together() -> Iterator[KnownLine]:
    batches = (("three", "M[3]/M/1", "3", 9.0), ("three on average", "M[X]/M/1", "{geometric: {mean: 3}}", 15.0))
    for name, model, count, second in batches:
        yield KnownLine(
            f"Tips that come {name} at once",
            model,
            f"""
demand: {{incidents: {{sighting: {{rate: 2/h, tips: {count}, over: 0 s}}}}}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 6 min}}}}}}]
""",
            lambda second=second: {"desk": (KnownValue(WAIT, theory.batch_mean_wait(0.6, 3, second, 6.0, 72.0)),)},  # type: ignore[misc]
        )


_HOURS: Final = [0.2] * 6 + [0.8] * 4 + [2.0] * 6 + [1.2] * 8
_BUSY: Final = [0.3] * 8 + [2.0] * 6 + [1.0] * 10


def _in_rest(hour: int) -> float:
    """How many are in a lognormal delay of 90 min at an hour of the day, when 20 an hour come by _HOURS."""
    profile = np.array(_HOURS) / np.mean(_HOURS) * 20 / 60
    law = Lognormal(mean="90 min", cv=1.0)  # type: ignore[arg-type]

    def rate(at: Floats) -> Floats:
        return np.asarray(profile[np.floor(at / 60).astype(np.int64) % 24])

    return busy_of_many(rate, lambda age: 1 - law.cdf(age * MINUTE), 60.0 * hour, reach=7200.0, panels=720)


@cache
def _of_roster() -> SettledCycle:
    """One server by night and three by day, 10 tips an hour by _BUSY, each of 9 min."""
    rates = np.repeat(np.array(_BUSY) / np.mean(_BUSY) * 10 / 60, 6)
    return cycle(rates, np.repeat([1] * 8 + [3] * 16, 6), 10.0, 9.0)


def _over_the_day() -> Iterator[KnownLine]:
    yield KnownLine(
        "A day with people for all",
        "M(t)/G/inf",
        f"""
demand: {{volume: 20/h, by_hour: {_HOURS}}}
pools: {{}}
stages: [{{name: rest, delay: {{lognormal: {{mean: 90 min, cv: 1.0}}}}}}]
""",
        lambda: {
            "rest": (
                KnownValue(THERE, 30.0),
                *(KnownValue(THERE, _in_rest(hour), hour=hour) for hour in (3, 16)),
            )
        },
    )
    yield KnownLine(
        "A roster against a day",
        "M(t)/M/c(t)",
        f"""
demand: {{volume: 10/h, by_hour: {_BUSY}}}
pools:
  desk:
    shifts: [{{from: "00:00", to: "08:00", staff: 1}}, {{from: "08:00", to: "00:00", staff: 3}}]
    at_shift_end: resume
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 9 min}}}}}}]
""",
        lambda: {
            "desk": (
                KnownValue(WAIT, _of_roster().mean_wait),
                KnownValue(NOT_BEGUN, _of_roster().delayed),
            )
        },
    )
