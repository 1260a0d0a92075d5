"""The tables of one day of one replication: each visit, each pool and each target where they change.

What a picture in motion is made of; times are minutes since the midnight with which the day begins.
"""

from __future__ import annotations

from typing import Final

from sim.studies.day import BrokenBy, Day, DayVisit, PoolAt
from sim.tables.declared import Filled, Table, number, text, whole

VISITS: Final = Table[DayVisit](
    "day",
    "an attempt of a visit on one day of one replication: when the tip came, was taken in hand, and left",
    "A day, visit by visit",
    (
        whole("tip", "", lambda row: row.tip, "its number in the replication"),
        text("channel", lambda row: row.channel, "how it came"),
        text("risk", lambda row: row.risk, "what it truly is"),
        text("stage", lambda row: row.stage, "the stage"),
        text("pool", lambda row: row.pool, "its pool; empty for a delay"),
        whole("attempt", "", lambda row: row.attempt, "from 1; a tip that comes back has a row for each"),
        number("enter", "min", lambda row: row.enter, "when it reached the stage; below 0 on the day before"),
        number("start", "min", lambda row: row.start, "when it was first taken in hand; empty where it never was"),
        number("end", "min", lambda row: row.end, "when it left, however it did; empty where the run ended first"),
        text("ends", lambda row: row.ends, "served, gave up, turned away, merged or open"),
        number("broke", "min", lambda row: row.broke, "when a promise to the tip first broke; empty where none did"),
    ),
)

POOLS: Final = Table[PoolAt](
    "day_pools",
    "a pool from a minute of that day on: people on duty, people busy, tips that wait",
    "A day, pool by pool",
    (
        text("pool", lambda row: row.pool, "its name; its centres are taken together"),
        number("from", "min", lambda row: row.minute, "since midnight; until the next row of the pool"),
        whole("staff", "", lambda row: row.staff, "people on duty"),
        whole("busy", "", lambda row: row.busy, "people with something in hand, wrap-up and overtime included"),
        whole("waiting", "tips", lambda row: row.waiting, "that have reached its stages and are not in hand yet"),
    ),
)

BROKEN: Final = Table[BrokenBy](
    "day_broken",
    "a target from a minute of that day on: promises broken since midnight",
    "Promises that broke on that day",
    (
        text("target", lambda row: row.target, "its name in the document; only those that each tip keeps or breaks"),
        number("from", "min", lambda row: row.minute, "since midnight; until the next row of the target"),
        whole("broken", "tips", lambda row: row.broken, "for which it was sure by then that they fail it"),
    ),
)

EVERY: Final = (VISITS, POOLS, BROKEN)


def every(found: Day) -> list[Filled]:
    """All tables of a day."""
    return [VISITS.of(found.visits), POOLS.of(found.pools), BROKEN.of(found.broken)]
