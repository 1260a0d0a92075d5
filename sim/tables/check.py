"""The tables of a scenario that is looked at and not run: its pools, its stages and the hours of its week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.scenario.describe import Description, PoolLoad, StageLoad
from sim.scenario.plausible import Plausible
from sim.tables.declared import Table, by_pool, hour_columns, number, range_unit, text, yes

POOL_LOADS: Final = Table[PoolLoad](
    "pool_loads",
    "a pool: the load that is offered to it, and who is there, in an average week",
    "Who is there, in an average week",
    (
        text("pool", lambda row: row.pool, "its name"),
        number("offered_load", "erlangs", lambda row: row.offered, "people that the work would keep busy"),
        number("servers_on_duty_mean", "", lambda row: row.servers, "places on duty on average"),
        number("staffed", "h_a_week", lambda row: row.seat_hours, "hours of people on the line"),
        number("paid", "h_a_week", lambda row: row.paid_hours, "staffed hours over one less shrinkage"),
        number("fte", "", lambda row: row.fte, "full-time equivalents"),
        number("cost_a_week", "", lambda row: row.cost_a_week, "of the paid hours, overtime apart"),
        yes("overloaded", lambda row: row.overloaded, "whether as much work comes as they can do, or more"),
    ),
)

STAGE_LOADS: Final = Table[StageLoad](
    "stage_loads",
    "a stage: who comes there, how often, and what is done",
    "The way of a tip",
    (
        text("stage", lambda row: row.stage, "its name"),
        text("who", lambda row: row.who, "which tips it is for"),
        text("does", lambda row: row.does, "what happens there"),
        number("visits_a_tip", "", lambda row: row.visits, "on average over all tips, rework included"),
        number("work_mean", "min", lambda row: row.mean_minutes, "service or delay of a visit"),
    ),
)


UNKNOWNS: Final = Table[tuple[str, Plausible]](
    "unknowns",
    "a value that is not known: its range, and how its values are spread",
    "What is not known",
    (
        text("path", lambda row: row[0], "where the value stands in the document"),
        range_unit(lambda row: row[1]),
        number("from_in_unit", "", lambda row: row[1].from_, "the lower end"),
        number("likely_in_unit", "", lambda row: row[1].likely, "the most likely value, where one is said"),
        number("to_in_unit", "", lambda row: row[1].to, "the upper end"),
        text("spread", lambda row: row[1].spread, "uniform, triangular or log-triangular"),
        text("source", lambda row: row[1].source, "where the range comes from"),
    ),
)


@dataclass(frozen=True, slots=True)
class LoadHour:
    """An hour of the week."""

    hour: int
    pools: Mapping[str, tuple[float, float]]
    """Erlangs that are offered, and servers on duty, by pool."""


HOURS: Final = Table[LoadHour](
    "hour_loads",
    "an hour of the week: the load that is offered to each pool, and who is there",
    "Hours of the week",
    (
        *hour_columns(lambda row: row.hour),
        by_pool(
            ("offered", "erlangs", "people that the work would keep busy"), ("on_duty", "servers", "places on duty")
        ),
    ),
)


def hours(description: Description) -> list[LoadHour]:
    """The hours of the week."""
    n_hours = len(description.pools[0].load) if description.pools else 0
    return [
        LoadHour(hour, {pool.pool: (pool.load[hour], pool.on_duty[hour]) for pool in description.pools})
        for hour in range(n_hours)
    ]
