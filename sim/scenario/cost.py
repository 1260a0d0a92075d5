"""Money and time off: how much of paid time is off, what a full week is, what hours cost. Nothing else reckons it."""

from __future__ import annotations

from typing import Final

from sim.dynamics.clock import DAY, HOUR, WEEK, YEAR
from sim.scenario.pools import Nights, Pool
from sim.scenario.schema import Scenario
from sim.scenario.shifts import pieces_of_week, seat_hours

WEEKS_A_YEAR: Final = YEAR / WEEK
MONTHS_A_YEAR: Final = 12


def shrinkage(scenario: Scenario, pool: str) -> float:
    """The share of paid time that a pool is off seat: its own, else that of the run, else none."""
    own, every = scenario.pools[pool].shrinkage, scenario.run.shrinkage
    return own if own is not None else every if every is not None else 0.0


def paid_hours(scenario: Scenario, pool: str) -> float:
    """Paid hours in a week without overtime: seat hours / (1 - shrinkage).

    Breaks that are modelled are part of the shrinkage, so hours on seat do not count them.
    """
    return paid(scenario, pool, seat_hours(scenario, pool))


def paid(scenario: Scenario, pool: str, seat: float) -> float:
    """What so many hours on seat of a pool are in paid hours."""
    return seat / (1 - shrinkage(scenario, pool))


def full_time(scenario: Scenario, hours: float) -> float:
    """Full-time equivalents of paid hours a week: over those of a full week, `run.full_time`."""
    return hours * HOUR / scenario.run.full_time


def cost_a_week(scenario: Scenario, pool: str, rostered: float, overtime: float = 0.0) -> float:
    """What paid hours of a pool cost a week: those of its roster, which nights make dearer, and overtime.

    Overtime is paid by its own factor at any hour. Nights have the part in the paid hours that they have in the roster.
    """
    found = scenario.pools[pool]
    return found.price * (rostered * _mean_factor(found) + overtime * found.overtime)


def price(scenario: Scenario, pool: str) -> float:
    """What a paid hour of a pool costs on average over its roster, overtime apart."""
    return cost_a_week(scenario, pool, 1.0)


def a_month(cost: float) -> float:
    """A weekly cost in a month, the twelfth of a year of 365 days."""
    return cost * WEEKS_A_YEAR / MONTHS_A_YEAR


def a_year(cost: float) -> float:
    """A weekly cost in a year of 365 days.

    >>> round(a_year(7.0), 6), round(a_month(84.0), 6)
    (365.0, 365.0)
    """
    return cost * WEEKS_A_YEAR


def money(scenario: Scenario, cost: float) -> str:
    """A weekly cost in words, in the currency of the run: a week, a month and a year."""
    unit = f" {scenario.run.currency}" if scenario.run.currency else ""
    return f"{cost:,.0f}{unit} a week, {a_month(cost):,.0f} a month, {a_year(cost):,.0f} a year"


def nobody_is_off(scenario: Scenario) -> bool:
    """Whether no document says how much of paid time is off: neither a pool nor the run."""
    return scenario.run.shrinkage is None and all(pool.shrinkage is None for pool in scenario.pools.values())


def _mean_factor(pool: Pool) -> float:
    """What nights make of the price of an average hour of the roster."""
    if pool.nights is None:
        return 1.0
    night = every = 0.0
    for begins, ends, people in pieces_of_week(pool):
        every += people * (ends - begins)
        night += people * _at_night(begins, ends, pool.nights)
    share = night / every if every else 0.0
    return 1.0 + (pool.nights.pay - 1.0) * share


def _at_night(begins: int, ends: int, nights: Nights) -> int:
    """Ticks of an interval, counted from a Monday 00:00, that lie in the nights."""
    found = 0
    for day in range(begins // DAY - 1, ends // DAY + 1):
        first = day * DAY + nights.from_
        found += max(0, min(ends, first + nights.length) - max(begins, first))
    return found
