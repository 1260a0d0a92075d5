"""The event log as tables, one row a visit that was reached and one row a spell of work, written to parquet replication
by replication. Both carry their clock in their metadata, so that a file can be read without its scenario.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.duty import lanes
from sim.dynamics.log import (
    ABANDONED,
    CUT,
    DONE,
    MERGED,
    OPEN,
    PREEMPTED,
    RELIEVED,
    SERVED,
    TURNED_AWAY,
    UNREACHED,
    Log,
)
from sim.dynamics.replication import NO_INCIDENT, NO_PLACE, NOBODY, Codes, People, Replication, Ticks
from sim.dynamics.waits import VisitPlaces, attempts, branches, where
from sim.measures.cohort import label_so_far
from sim.measures.people import row_words
from sim.scenario.shifts import seats

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

OUTCOMES: Final = {
    SERVED: "served",
    ABANDONED: "abandoned",
    OPEN: "open",
    MERGED: "merged",
    TURNED_AWAY: "turned away",
}
STOPPED: Final = {DONE: "done", RELIEVED: "relieved", PREEMPTED: "preempted", CUT: "cut"}
"""Why a spell stopped: its work was done, its person went off duty, a better tip took the person, or the run ended."""

EVENTS: Final = "events.parquet"
SPELLS: Final = "spells.parquet"
"""The files of a run, and those of each replication while it is under way, with its index in their names."""


def events(log: Log, replication: Replication, scenario: Scenario) -> pa.Table:
    """The visits of one replication that were reached, in order of tip and visit.

    Times are minutes since `run.start`, missing where the thing never happened. `tier` is the tip's last label, missing
    while it has none; `pool` and `person` are those that worked on the visit last; the pool that would have, where none
    did; missing for a delay. `tried_min` lists when each attempt was begun, `gave_up_min` and `turned_away_min` when
    those were over that were in vain. Where tips may be in several places at a time there is a column `branch`, which
    numbers the branches of a tip from 1.
    """
    tips, visits = replication.tips, replication.visits
    reached = np.flatnonzero(log.outcome != UNREACHED)
    at = where(replication)
    tip, stage = at.tip, at.stage
    who = tip[reached]
    stages = [one.name for one in scenario.stages]
    last = np.full(len(visits), NOBODY, np.int64)
    last[log.spells.visit] = np.arange(len(log.spells.visit))
    columns: dict[str, pa.Array] = {
        "replication": pa.array(np.full(len(reached), replication.index, np.int32)),
        "tip": pa.array(who),
        "centre": _names(tips.centre[who], scenario.centre_names),
        "channel": _names(tips.channel[who], scenario.channels),
        "risk": _names(tips.risk[who], scenario.risks),
        "tier": _names(label_so_far(log, replication)[who], scenario.tiers),
        "category": _names(tips.category[who], scenario.categories),
        **{name: _names(code[who], scenario.own[name]) for name, code in zip(scenario.own, tips.own, strict=True)},
        **_incidents(tips.incident, who),
        "stage": _names(stage[reached], stages),
        "visit": pa.array(_visit_numbers(log, tip, stage)[reached]),
        **({"branch": pa.array(_branches(replication)[reached])} if visits.branch else {}),
        "attempt": pa.array(log.attempt[reached]),
        "pool": _names(_pools(log, replication, stage)[reached], list(scenario.pools)),
        "person": _people(log, replication, scenario, at, last[reached]),
        "enter_min": _minutes(log.enter[reached]),
        "start_min": _minutes(log.start[reached]),
        "end_min": _minutes(log.end[reached]),
        "outcome": _coded(log.outcome[reached], OUTCOMES),
        "in_cohort": pa.array(_in_cohort(replication, scenario)[who]),
        **_merged(log, reached),
        **_attempts(log, replication, at, reached),
    }
    return pa.table(columns, metadata=_clock(replication, scenario))


def spells(log: Log, replication: Replication, scenario: Scenario) -> pa.Table:
    """The spells of work of one replication, in order of tip, visit and time.

    A spell is unbroken work by one person. `work_min` is what was done in it, in minutes of full speed; `wrap_up` says
    whether it was done after the tip had gone on.
    """
    found, at = log.spells, where(replication)
    tip, stage = at.tip, at.stage
    stages = [one.name for one in scenario.stages]
    who, places = tip[found.visit], replication.rules.places
    columns: dict[str, pa.Array] = {
        "replication": pa.array(np.full(len(who), replication.index, np.int32)),
        "tip": pa.array(who),
        "stage": _names(stage[found.visit], stages),
        "visit": pa.array(_visit_numbers(log, tip, stage)[found.visit]),
        "attempt": pa.array(found.attempt),
        "pool": _names(places.pool[found.place], list(scenario.pools)),
        "centre": _names(places.centre[found.place], scenario.centre_names),
        "person": _people(log, replication, scenario, at, np.arange(len(who))),
        "began_min": _minutes(found.began),
        "ended_min": _minutes(found.ended),
        "work_min": _minutes(found.work),
        "stopped": _coded(found.why, STOPPED),
        "wrap_up": pa.array(found.wrapping.astype(np.bool_)),
        "in_cohort": pa.array(_in_cohort(replication, scenario)[who]),
    }
    return pa.table(columns, metadata=_clock(replication, scenario))


def _clock(replication: Replication, scenario: Scenario) -> dict[str, str]:
    """What the times of a log are counted from, and which world it is of."""
    told = {
        "scenario": scenario.scenario,
        "variant": scenario.variant or "",
        "hash": scenario.hash,
        "seed": str(replication.seed),
        "run.start": scenario.start.isoformat(sep=" "),
        "run.zone": scenario.run.zone or "",
        "times": "minutes since run.start",
    }
    return {f"tipline.{key}": value for key, value in told.items()}


def _in_cohort(replication: Replication, scenario: Scenario) -> NDArray[np.bool_]:
    """(n_tips,) whether each tip counts."""
    tips = replication.tips
    arrived_later = np.arange(len(tips)) >= tips.n_backlog
    return arrived_later & (tips.arrival >= scenario.cohort_from) & (tips.arrival < scenario.cohort_to)


def _attempts(log: Log, replication: Replication, at: VisitPlaces, reached: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Columns of when each attempt of these visits was begun, and of when those were given up, or turned away, that
    were: lists of minutes. Nobody is turned away where there is room for all, and then there is no such column.
    """
    tried = attempts(log, replication, at)
    times = {"tried_min": tried.entry, "gave_up_min": tried.gave_up}
    if log.turned_away.size:
        times["turned_away_min"] = tried.turned_away
    found = {}
    for name, tick in times.items():
        there = tick != NEVER
        ends = pa.array(_ends(tried.visit[there], reached))
        found[name] = pa.ListArray.from_arrays(ends, _minutes(tick[there]))
    return found


def _ends(visit: NDArray[np.int64], of: NDArray[np.int64]) -> Codes:
    """Where the rows of each of these visits begin, and where those of the last end; they lie in order of visit."""
    return np.append(visit.searchsorted(of), len(visit)).astype(np.int32)


def _incidents(incident: Codes, who: NDArray[np.int64]) -> dict[str, pa.Array]:
    """The column of incidents, in a world that has any."""
    if not incident.size:
        return {}
    of = incident[who]
    return {"incident": pa.array(of, mask=of == NO_INCIDENT)}


def _merged(log: Log, reached: NDArray[np.int64]) -> dict[str, pa.Array]:
    """The column of when visits were left merged, in a world that merges."""
    if not log.merged.size:
        return {}
    return {"merged_min": _minutes(log.merged[reached])}


def _people(
    log: Log, replication: Replication, scenario: Scenario, at: VisitPlaces, spell: NDArray[np.int64]
) -> pa.Array:
    """Who worked in each of these spells; missing where the spell is negative.

    Somebody of a roster is the row, number and date; where heads are counted, the spell lies in a numbered lane. Where
    a pool stands in several centres its people are told by theirs.
    """
    people, found = replication.plan.people, log.spells
    names = _person_names(people, scenario)
    code = np.full(len(found.visit), NOBODY, np.int64)
    if len(found.visit):
        lane = lanes(log, at)
        of_centre = _of_centres(scenario)
        many = int(lane.max(initial=-1)) + 1
        code = np.where(found.person != NOBODY, found.person, len(names) + found.place * many + lane)
        names += [f"lane {number + 1}{centre}" for centre in of_centre for number in range(many)]
    there = spell >= 0
    of = np.full(len(spell), NOBODY, np.int64)
    of[there] = code[spell[there]]
    return _names(of, names)


def _person_names(people: People, scenario: Scenario) -> list[str]:
    """Everybody of the roster: `07:00-15:00 no. 2 2025-01-06`; a row that is written twice is told by its place too."""
    places, of_centre, local = seats(scenario), _of_centres(scenario), scenario.local
    words: dict[tuple[str, int], str] = {}
    for name, pool in scenario.pools.items():
        rows = [row_words(scenario, name, row) for row in range(len(pool.shifts) + 1)]
        words |= {(name, row): word if rows.count(word) == 1 else f"{word} row {row}" for row, word in enumerate(rows)}
    return [
        f"{words[places[place].pool, row]} no. {number + 1}{f' {local.date_of(day)}' if row else ''}{of_centre[place]}"
        for place, row, day, number in zip(
            people.place.tolist(), people.row.tolist(), people.day.tolist(), people.number.tolist(), strict=True
        )
    ]


def _of_centres(scenario: Scenario) -> list[str]:
    """For each place, what tells its people from those of the same pool in other centres."""
    names = scenario.centre_names
    return [
        "" if seat.centre < 0 or len(names) == 1 else f" in centre {names[seat.centre]}" for seat in seats(scenario)
    ]


def beside(part: Path, name: str = SPELLS) -> Path:
    """The file of another table of the same replication: `events-000003.parquet` has `spells-000003.parquet`."""
    return part.with_name(part.name.replace(Path(EVENTS).stem, Path(name).stem, 1))


def write(tables: Sequence[Path], target: Path) -> None:
    """Join the parquet files of the replications, in the order given, into one; whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        name = file.name
    writer = None
    for part in tables:
        table = pq.read_table(part)
        if writer is None:
            writer = pq.ParquetWriter(name, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    if writer is not None:
        writer.close()
    os.chmod(name, 0o644)
    os.replace(name, target)


def _pools(log: Log, replication: Replication, stage: Codes) -> Codes:
    """The pool of each visit, or -1 for a delay: the place of its last spell, else the stage's own."""
    rules = replication.rules
    place = rules.stages.place[stage]
    place[log.spells.visit] = log.spells.place
    pool = np.append(rules.places.pool, -1).astype(np.int32)
    return pool[np.where(place == NO_PLACE, len(rules.places.pool), place)]


def _branches(replication: Replication) -> Codes:
    """On which branch of its tip each visit lies."""
    first = replication.tips.first_visit.tolist()
    numbers = (branches(replication, row, beyond) for row, beyond in pairwise(first))
    return np.array([number for of_tip in numbers for number in of_tip], np.int32)


def _visit_numbers(log: Log, tip: NDArray[np.int64], stage: Codes) -> Codes:
    """Which of the visits of its tip to its stage each visit is that was reached, from 1; 0 where it was not.

    A stage after an aside is a visit on the way without it and one on the way through it: a tip comes to one of them.
    """
    reached = np.flatnonzero(log.outcome != UNREACHED)
    order = reached[np.lexsort((stage[reached], tip[reached]))]
    first = np.concatenate(([True], (np.diff(tip[order]) != 0) | (np.diff(stage[order]) != 0)))[: len(order)]
    nth = np.arange(len(order))
    numbers = np.zeros(len(tip), np.int32)
    numbers[order] = 1 + nth - np.maximum.accumulate(np.where(first, nth, 0))
    return numbers


def _names(codes: NDArray[np.integer], names: Sequence[str]) -> pa.Array:
    """Texts for codes; missing for a negative code."""
    missing = codes < 0
    indices = pa.array(np.where(missing, 0, codes).astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names), pa.string())).cast(pa.string())


def _coded(codes: NDArray[np.integer], words: Mapping[int, str]) -> pa.Array:
    """Words for the codes of a log."""
    return _names(np.searchsorted(np.array(list(words)), codes), list(words.values()))


def _minutes(ticks: Ticks) -> pa.Array:
    return pa.array(ticks / MINUTE, mask=ticks == NEVER)
