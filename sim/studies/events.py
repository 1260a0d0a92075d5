"""The event log as a table: one row a visit that was reached, written to parquet replication by replication."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.log import ABANDONED, OPEN, SERVED, UNREACHED, Log
from sim.dynamics.replication import NO_PLACE, Codes, Replication, Ticks
from sim.dynamics.waits import branches
from sim.measures.cohort import label_so_far

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

OUTCOMES: Final = {SERVED: "served", ABANDONED: "abandoned", OPEN: "open"}


def events(log: Log, replication: Replication, scenario: Scenario) -> pa.Table:
    """The visits of one replication that were reached, in order of tip and visit.

    Times are minutes since `run.start`, missing where the thing never happened. `tier` is the tip's last label, missing
    while it has none; `pool` is the one that worked on the visit last, or would have; missing for a delay. Where tips
    may be in several places at a time there is a column `branch`, which numbers the branches of a tip from 1.
    """
    tips, visits, rules = replication.tips, replication.visits, replication.rules
    tip = np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))
    stage = rules.kinds.stage[visits.kind]
    reached = np.flatnonzero(log.outcome != UNREACHED)
    arrived_later = np.arange(len(tips)) >= tips.n_backlog
    in_cohort = arrived_later & (tips.arrival >= scenario.cohort_from) & (tips.arrival < scenario.cohort_to)
    who = tip[reached]
    stages = [one.name for one in scenario.stages]
    outcome_names = list(OUTCOMES.values())
    outcome_code = np.searchsorted(np.array(list(OUTCOMES)), log.outcome[reached])
    columns: dict[str, pa.Array] = {
        "replication": pa.array(np.full(len(reached), replication.index, np.int32)),
        "tip": pa.array(who),
        "centre": _names(tips.centre[who], scenario.centre_names),
        "channel": _names(tips.channel[who], scenario.channels),
        "risk": _names(tips.risk[who], scenario.risks),
        "tier": _names(label_so_far(log, replication)[who], scenario.tiers),
        "category": _names(tips.category[who], scenario.categories),
        **{name: _names(code[who], scenario.own[name]) for name, code in zip(scenario.own, tips.own, strict=True)},
        "stage": _names(stage[reached], stages),
        "visit": pa.array(_visit_numbers(tip, stage, len(stages))[reached]),
        **({"branch": pa.array(_branches(replication)[reached])} if visits.branch else {}),
        "attempt": pa.array(log.attempt[reached]),
        "pool": _names(_pools(log, replication, stage)[reached], list(scenario.pools)),
        "enter_min": _minutes(log.enter[reached]),
        "start_min": _minutes(log.start[reached]),
        "end_min": _minutes(log.end[reached]),
        "outcome": _names(outcome_code, outcome_names),
        "in_cohort": pa.array(in_cohort[who]),
    }
    return pa.table(columns)


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


def _visit_numbers(tip: NDArray[np.int64], stage: Codes, n_stages: int) -> Codes:
    """Which visit of its tip to its stage each visit is, from 1."""
    code = tip * n_stages + stage
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    since = np.arange(len(code)) - np.maximum.accumulate(np.where(first, np.arange(len(code)), 0))
    numbers = np.empty(len(code), np.int32)
    numbers[order] = since + 1
    return numbers


def _names(codes: NDArray[np.integer], names: Sequence[str]) -> pa.Array:
    """Texts for codes; missing for a negative code."""
    missing = codes < 0
    indices = pa.array(np.where(missing, 0, codes).astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names), pa.string())).cast(pa.string())


def _minutes(ticks: Ticks) -> pa.Array:
    return pa.array(ticks / MINUTE, mask=ticks == NEVER)
