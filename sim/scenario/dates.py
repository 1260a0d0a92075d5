"""Dates as documents name them: one, a range, public holidays, or those on which a calendar is closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.dynamics.replication import Flags
from sim.scenario import units
from sim.scenario.fields import AlsoWritten, Name, OneOrSeveral, Part, Several, near, rule

if TYPE_CHECKING:
    from sim.scenario.calendars import Calendar

LAST_HOLIDAY: Final = 2100
"""Up to this year the package `holidays` says when holidays are."""


def holiday_places(of: str) -> tuple[str, str | None]:
    """The country and the part of it in a text such as `GB-ENG` or `US`; ValueError where there is none.

    >>> holiday_places("GB-ENG"), holiday_places("US")
    (('GB', 'ENG'), ('US', None))
    """
    country, dash, part = of.partition("-")
    known = _countries()
    if country not in known:
        meant = near(country.upper(), known) if country.upper() not in known else f"; did you mean '{country.upper()}'?"
        raise ValueError(
            f"there is no country '{country[:20]}' whose holidays are known{meant}; write GB-ENG, DE or US-NY"
        )
    if dash and part not in known[country]:
        raise ValueError(f"{country} has no part '{part[:20]}'{_parts(part, known[country])}")
    return country, part if dash else None


def _parts(part: str, known: Sequence[str]) -> str:
    return near(part.upper(), known) or (f"; there are {', '.join(known[:30])}" if known else "; leave it out")


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries(include_aliases=True)


@lru_cache(maxsize=1000)
def holidays_in(of: str, year: int) -> Mapping[date, str]:
    """The public holidays of a country or a part of it in a year, observed days included, with their names."""
    import holidays

    country, part = holiday_places(of)
    return dict(sorted(holidays.country_holidays(country, subdiv=part, years=year, observed=True).items()))


def _day(given: object) -> date:
    if isinstance(given, date):
        return given
    found = units.date(given)
    if isinstance(given, str) and len(given.strip()) > 10:
        raise ValueError("a date without a time is needed, such as 2025-12-25")
    return found.date()


def _holidays(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("holidays are those of a country or a part of one, such as GB-ENG, DE or US-NY")
    holiday_places(given)
    return given


def _on(given: object) -> object:
    return {"from": given, "to": given} if isinstance(given, str) else given


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str | dict | Dates) else given


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "examples": ["2025-12-25"]})]
Country = Annotated[str, BeforeValidator(_holidays), WithJsonSchema({"type": "string", "examples": ["GB-ENG"]})]


class Dates(Part):
    """A range of dates, public holidays, or the dates on which a calendar is closed."""

    from_: Day | None = Field(None, alias="from")
    """The first date of a range."""
    to: Day | None = None
    """The last date of a range."""
    holidays: Country | None = None
    """The public holidays of a country or a part of one, observed days included."""
    closed: Name | None = None
    """The dates on which the calendar of that name is closed. Such as `office`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [self.from_ is not None or self.to is not None, self.holidays is not None, self.closed is not None]
        if sum(given) != 1:
            raise rule(
                "dates are written 2025-12-25, {from: 2025-12-29, to: 2025-12-31}, {holidays: GB-ENG} or "
                "{closed: office}",
                value=False,
            )
        if given[0]:
            if self.from_ is None or self.to is None:
                raise rule("a range of dates needs `from` and `to`", value=False)
            if self.to < self.from_:
                raise rule(f"the range ends ({self.to}) before it begins ({self.from_})", "to", value=False)
        return self

    def __str__(self) -> str:
        if self.holidays is not None:
            return f"holidays of {self.holidays}"
        if self.closed is not None:
            return f"when {self.closed} is closed"
        return str(self.from_) if self.from_ == self.to else f"{self.from_} to {self.to}"


On = Annotated[
    Several[Annotated[Dates, BeforeValidator(_on), AlsoWritten({"type": "string", "examples": ["2025-12-25"]})]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=1000),
    OneOrSeveral(),
]
"""One or several of the ways to name dates."""


def dates_words(some: Iterable[Dates]) -> str:
    """The ways in which dates are named, in words."""
    return units.listed([str(one) for one in some])


def on_dates(some: Sequence[Dates], first: date, n: int, calendars: Mapping[str, Calendar]) -> Flags:
    """(n,) whether each day from `first` on is one of some dates."""
    found = np.zeros(n, dtype=np.bool_)
    last = first + timedelta(days=n - 1)
    for one in some:
        if one.closed is not None:
            found |= on_dates(calendars[one.closed].closed_on, first, n, calendars)
        elif one.holidays is not None:
            for year in range(first.year, last.year + 1):
                for day in holidays_in(one.holidays, year):
                    if first <= day <= last:
                        found[(day - first).days] = True
        else:
            assert one.from_ is not None
            assert one.to is not None
            begin, end = (one.from_ - first).days, (one.to - first).days + 1
            found[max(begin, 0) : max(end, 0)] = True
    return found


def countries_in(some: Iterable[Dates], calendars: Mapping[str, Calendar]) -> set[str]:
    """The countries and parts whose holidays some dates name, through calendars too."""
    found: set[str] = set()
    for one in some:
        if one.holidays is not None:
            found.add(one.holidays)
        elif one.closed is not None and one.closed in calendars:
            found |= countries_in(calendars[one.closed].closed_on, calendars)
    return found


def holiday_name(day: date, countries: Iterable[str]) -> str:
    """What a date is called among the holidays of some countries; "" where it is none."""
    return "; ".join(dict.fromkeys(name for of in sorted(countries) if (name := holidays_in(of, day.year).get(day))))
