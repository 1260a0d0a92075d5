"""What comes together: events that bring several tips, and dates and hours that are busy or quiet as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sim.dynamics.clock import HOUR, MINUTE
from sim.scenario import units
from sim.scenario.bounded import Deterministic, Floats, floats
from sim.scenario.distributions import Law
from sim.scenario.fields import (
    SHARE_SCHEMA,
    AlsoWritten,
    Length,
    Name,
    Number,
    Part,
    Rate,
    Share,
    Shares,
    adds_up,
    rule,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.scenario.demand import Demand

MOST_TIPS_EACH: Final = 1_000_000
"""Tips that one incident may bring (on average, where their number is drawn)."""


class Geometric(Part):
    """So many on average, from 1 on, each more being as likely as the one before."""

    mean: Annotated[Number, Field(ge=1, le=MOST_TIPS_EACH)]
    """On average. Such as `6`."""

    def counts(self, uniform: Floats) -> NDArray[np.int64]:
        """The numbers that uniforms stand for: the least k with P(N <= k) above them."""
        if self.mean == 1:
            return np.ones(uniform.size, dtype=np.int64)
        found: NDArray[np.int64] = 1 + np.floor(np.log1p(-uniform) / np.log1p(-1 / self.mean)).astype(np.int64)
        return found

    @property
    def second(self) -> float:
        """The mean of the number's square."""
        return self.mean * (2 * self.mean - 1)


class Poisson(Part):
    """So many on average, from 0 on; none means that nothing comes."""

    mean: Annotated[Number, Field(gt=0, le=MOST_TIPS_EACH)]
    """On average. Such as `15`."""

    def counts(self, uniform: Floats) -> NDArray[np.int64]:
        """The numbers that uniforms stand for: the least k with P(N <= k) above them."""
        from scipy.special import pdtr

        reach = 40 * (1 + self.mean**0.5)
        first = max(0, int(self.mean - reach))
        below = pdtr(np.arange(first, int(self.mean + reach) + 2), self.mean)
        return first + below.searchsorted(uniform, side="right")

    @property
    def second(self) -> float:
        """The mean of the number's square."""
        return self.mean + self.mean**2


class Count(Part):
    """How many tips an incident brings: always the same number, or one that is drawn."""

    exactly: Annotated[int, Field(ge=1, le=MOST_TIPS_EACH)] | None = None
    """Always so many."""
    geometric: Geometric | None = None
    """Drawn, from 1 on. Such as `{mean: 6}`."""
    poisson: Poisson | None = None
    """Drawn, from 0 on. Such as `{mean: 15}`."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, int) and not isinstance(given, bool):
            return {"exactly": given}
        if not isinstance(given, dict | Count):
            raise rule("is a whole number such as 3, or {geometric: {mean: 6}} or {poisson: {mean: 15}}")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.exactly, self.geometric, self.poisson)) != 1:
            raise rule("is one of a number, `geometric` and `poisson`", value=False)
        return self

    @property
    def law(self) -> Geometric | Poisson | None:
        """What the number is drawn from; None where it is always the same."""
        return self.geometric or self.poisson

    @property
    def mean(self) -> float:
        """Tips an incident."""
        law = self.law
        return float(self.exactly or 0) if law is None else law.mean

    @property
    def second(self) -> float:
        """The mean of the number's square."""
        law = self.law
        return float(self.exactly or 0) ** 2 if law is None else law.second

    @property
    def alone(self) -> float:
        """The share of its tips, on average, that are the first of their incident."""
        some = -np.expm1(-self.mean) if self.poisson is not None else 1.0
        return float(some / self.mean)

    @property
    def words(self) -> str:
        """How many, in words."""
        if self.law is None:
            return f"{self.exactly}"
        name = "geometric, from 1" if self.geometric is not None else "Poisson"
        return f"{self.mean:.4g} on average ({name})"


def _one_name(given: object) -> object:
    return {given: 1.0} if isinstance(given, str) else given


Mixed = Annotated[Shares, BeforeValidator(_one_name), AlsoWritten({"type": "string"})]
"""Shares by name, or the one name that all have."""


class Incident(Part):
    """A kind of event that several tips are about: how often it comes, and what it brings."""

    rate: Rate
    """Incidents a day; all that multiplies the demand as a whole multiplies it too."""
    tips: Annotated[Count, AlsoWritten({"type": "integer", "minimum": 1, "maximum": MOST_TIPS_EACH})]
    """How many tips one brings. Such as `3`, `{geometric: {mean: 6}}`."""
    over: Law = Field(default_factory=lambda: Deterministic(value="0 s"))  # type: ignore[arg-type]
    """How long after the event each of its tips comes, each by itself."""
    channels: Mixed | None = None
    """The channels of its tips, each by itself; those of the demand where it is left out. Such as `{call: 80 %,
    online: 20 %}`."""
    risk: Mixed | None = None
    """The true risk, once an incident; that of the demand where it is left out. Such as `high`, `{high: 30 %, low:
    70 %}`."""
    category: Mixed | None = None
    """The subject, once an incident; that of the demand where it is left out. Such as `fraud`."""
    attributes: Annotated[dict[Name, Mixed], Field(max_length=20)] = Field(default_factory=dict)
    """Your own attributes, once an incident; those of the demand where they are left out. Such as `{language:
    spanish}`."""

    def on(self, demand: Demand) -> Mapping[str, float]:
        """The shares of the channels of its tips: those of the demand, or as the channels' own volumes are."""
        if self.channels is not None:
            return self.channels
        if demand.own_volumes:
            total = sum(one.volume.a_day for one in demand.channels.values() if one.volume is not None)
            return {name: one.volume.a_day / total for name, one in demand.channels.items() if one.volume is not None}
        if len(demand.channels) == 1:
            return dict.fromkeys(demand.channels, 1.0)
        return {name: one.share for name, one in demand.channels.items() if one.share is not None}

    def shares(self, demand: Demand) -> dict[str, Mapping[str, float]]:
        """The shares of its tips' channels, and of its risk, category and attributes: where it does not say those of
        the demand, by channel in the mix of its own channels."""
        channels = self.on(demand)
        total = sum(channels.values())

        def mixed(table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
            names = next(iter(table.values()))
            return {name: sum(table[on][name] * part for on, part in channels.items()) / total for name in names}

        return {
            "channel": channels,
            "risk": self.risk or mixed(demand.risk),
            "category": self.category or demand.categories,
            **{name: self.attributes.get(name) or mixed(table) for name, table in demand.attributes.items()},
        }


Factor = Annotated[float, BeforeValidator(units.times_as_many), WithJsonSchema(SHARE_SCHEMA | {"examples": ["130 %"]})]


def _by_name(given: object) -> object:
    return given if isinstance(given, dict) else {"": given}


class DayKind(Part):
    """One kind of date: the share of dates that are of it, and how many times as many tips come on them."""

    share: Share
    """The share of dates that are of it."""
    factor: Annotated[
        dict[str, Factor], BeforeValidator(_by_name), Field(min_length=1, max_length=1000), AlsoWritten(SHARE_SCHEMA)
    ]
    # Under "" for all tips.
    """How many times as many tips: of all alike; or by channel, or by category, where a name that is left out has 1.
    Such as `130 %`, `{call: 130 %, online: 90 %}`."""

    @property
    def plain(self) -> float:
        """The factor of all tips alike; 1 where it is given by channel or category."""
        return self.factor.get("", 1.0)

    def by(self, names: Sequence[str]) -> list[float] | None:
        """The factors by these channels or categories; None where it is not given by them."""
        if "" in self.factor or not {*self.factor} <= {*names}:
            return None
        return [self.factor.get(name, 1.0) for name in names]


def _kinds(kinds: dict[str, DayKind]) -> dict[str, DayKind]:
    if kinds:
        adds_up({name: kind.share for name, kind in kinds.items()})
    return kinds


DayKinds = Annotated[dict[Name, DayKind], Field(max_length=100), AfterValidator(_kinds)]


def _step(length: int) -> int:
    if length < MINUTE:
        raise ValueError("must be at least 1 min")
    return length


def _busyness(cv: float) -> float:
    if 0 < cv < _LEAST_BUSYNESS:
        raise ValueError("a cv of days is 0, or at least 0.000001")
    return cv


_LEAST_BUSYNESS: Final = 1e-6
"""Days that differ by less are the same to any line, and cannot be told apart in floating point in the end."""

Swing = Annotated[
    float,
    BeforeValidator(units.percentage),
    Field(ge=0, le=10),
    AfterValidator(_busyness),
    WithJsonSchema(SHARE_SCHEMA | {"examples": ["10 %", 0.1]}),
]
"""The cv of a factor on the rate, written 10 % or 0.1."""


class Busyness(Part):
    """A factor on the rate, of mean 1, that changes every so often: gamma quantiles of a stationary normal AR(1)."""

    cv: Swing
    """How much the factor differs: its coefficient of variation."""
    correlation: Annotated[Number, Field(gt=-1, lt=1)] = 0.0
    """Of a step's normal deviate with that of the step before. Such as `0.4`."""
    every: Annotated[Length, AfterValidator(_step)] = HOUR
    """How long it stays the same."""


def not_poisson(demand: Demand) -> tuple[str, ...]:
    """What of this makes more tips come together than by chance, each in words; empty where nothing does."""
    if demand.trace is not None:
        return ()
    found = {
        "incidents": demand.incidents,
        "kinds of dates": len({tuple(kind.factor.items()) for kind in demand.day_kinds.values()}) > 1,
        "busyness": demand.busyness is not None and demand.busyness.cv > 0,
    }
    return tuple(name for name, there in found.items() if there)


def channel_factors(demand: Demand) -> dict[str, list[float]]:
    """The factors by channel of every kind of date, in the order of the channels; 1 each where it gives none."""
    names = list(demand.channels)
    return {name: kind.by(names) or [kind.plain] * len(names) for name, kind in demand.day_kinds.items()}


def category_factors(demand: Demand) -> dict[str, list[float]]:
    """The factors by category of every kind of date, in the order of the categories; 1 each where it gives none."""
    names, channels = list(demand.categories), list(demand.channels)
    return {
        name: (kind.by(names) if kind.by(channels) is None else None) or [1.0] * len(names)
        for name, kind in demand.day_kinds.items()
    }


def mean_day(demand: Demand) -> tuple[float, Floats]:
    """What kinds of dates come to on average: the factor of the demand as a whole, which is that of incidents; and
    (n_channels, n_categories) how many tips of each come without them, as shares of those of the channel without kinds.
    """
    mix = floats(list(demand.categories.values()))
    if not demand.day_kinds:
        return 1.0, np.tile(mix / mix.sum(), (len(demand.channels), 1))
    share = floats([kind.share for kind in demand.day_kinds.values()])
    plain = float(share @ [kind.plain for kind in demand.day_kinds.values()])
    on, about = (np.array(list(table.values())) for table in (channel_factors(demand), category_factors(demand)))
    return plain, np.einsum("k,kn,kc->nc", share, on, about) * (mix / mix.sum())
