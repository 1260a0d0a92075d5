"""Laws of times between bounds: always the same, any alike, and rising to a mode."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from sim.scenario.arrays import Floats, OfTimes, floats
from sim.scenario.fields import Length, PositiveLength, rule


class Deterministic(OfTimes):
    """Always the same time."""

    value: Length
    """The time."""

    @property
    def least(self) -> float:
        return float(self.value)

    @property
    def most(self) -> float:
        return float(self.value)

    @property
    def mean(self) -> int:
        return self.value

    @property
    def cv(self) -> float:
        return 0.0

    @property
    def standards(self) -> tuple[str, ...]:
        return ()

    def times(self, *variates: Floats) -> Floats:
        """One time, as an array of shape (1,) that broadcasts: no variates say how many tips there are."""
        return np.array([float(self.value)])

    def cdf(self, ticks: ArrayLike) -> Floats:
        return (floats(ticks) >= self.value).astype(np.float64)


class Bounded(OfTimes):
    """A law of times between two that the document gives."""

    if TYPE_CHECKING:
        # Each law has them with words of its own.
        @property
        def from_(self) -> int: ...
        @property
        def to(self) -> int: ...

    @property
    def least(self) -> float:
        return float(self.from_)

    @property
    def most(self) -> float:
        return float(self.to)

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform",)


class Uniform(Bounded):
    """Any time between `from` and `to`, all alike."""

    from_: Length = Field(alias="from")
    """The shortest."""
    to: PositiveLength
    """The longest."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.from_ >= self.to:
            raise rule("`from` must be below `to`", value=False)
        return self

    @property
    def mean(self) -> float:
        return (self.from_ + self.to) / 2

    @property
    def cv(self) -> float:
        return (self.to - self.from_) / math.sqrt(12) / self.mean

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.to - self.from_) + self.from_

    def cdf(self, ticks: ArrayLike) -> Floats:
        return np.clip((floats(ticks) - self.from_) / (self.to - self.from_), 0.0, 1.0)


class Triangular(Bounded):
    """Times between `from` and `to` whose density rises to `mode` and falls again."""

    from_: Length = Field(alias="from")
    """The shortest."""
    mode: Length
    """The likeliest."""
    to: PositiveLength
    """The longest."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.from_ <= self.mode <= self.to or self.from_ == self.to:
            raise rule("`from`, `mode` and `to` must rise", value=False)
        return self

    @property
    def mean(self) -> float:
        return (self.from_ + self.mode + self.to) / 3

    @property
    def cv(self) -> float:
        low, mode, high = float(self.from_), float(self.mode), float(self.to)
        variance = (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18
        return math.sqrt(variance) / self.mean

    def times(self, *variates: Floats) -> Floats:
        uniform, width = variates[0], float(self.to - self.from_)
        rising = np.sqrt(uniform * width * (self.mode - self.from_)) + self.from_
        falling = self.to - np.sqrt((1 - uniform) * width * (self.to - self.mode))
        return np.where(uniform * width < self.mode - self.from_, rising, falling)

    def cdf(self, ticks: ArrayLike) -> Floats:
        at, width = np.clip(floats(ticks), self.from_, self.to), float(self.to - self.from_)
        rising = (at - self.from_) ** 2 / (width * max(self.mode - self.from_, 1))
        falling = 1 - (self.to - at) ** 2 / (width * max(self.to - self.mode, 1))
        return np.where(at < self.mode, rising, falling)
