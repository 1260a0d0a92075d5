"""Laws of times that pick from several: exponential branches, or a list of times."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from sim.scenario import units
from sim.scenario.bounded import Cv, Floats, OfTimes, branch, floats, from_zero
from sim.scenario.fields import Length, PositiveLength, Several, Share, Text, adds_up, rule
from sim.scenario.folder import column, inside

MOST_VALUES: Final = 1_000_000
"""An empirical law may have this many values."""


class Hyperexponential(OfTimes):
    """A mixture of exponential times: `mean` and `cv` above 1 (two branches, balanced), or `shares` and `means`.

    Balanced means: each branch brings half the work, so the first has share (1 + sqrt((cv^2 - 1) / (cv^2 + 1))) / 2.
    """

    given_mean: PositiveLength | None = Field(None, alias="mean")
    """The mean, with `cv`."""
    given_cv: Cv | None = Field(None, alias="cv")
    """Standard deviation over mean, above 1. Such as `2`."""
    shares: Several[Share] | None = None
    """How often each branch is taken, with `means`. Such as `[80 %, 20 %]`."""
    means: Several[PositiveLength] | None = None
    """The mean of each branch. Such as `[5 min, 40 min]`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        balanced, listed = (self.given_mean, self.given_cv), (self.shares, self.means)
        if None not in balanced and listed == (None, None):
            if self.given_cv is not None and self.given_cv <= 1:
                raise rule("the cv of a hyperexponential law is above 1", "cv")
        elif None not in listed and balanced == (None, None):
            assert self.shares is not None
            assert self.means is not None
            if len(self.shares) != len(self.means) or not 1 <= len(self.shares) <= 100:
                raise rule("`shares` and `means` must be as many, 1 to 100", value=False)
            adds_up(self.shares)
        else:
            raise rule("a hyperexponential law needs `mean` and `cv`, or `shares` and `means`", value=False)
        return self

    @cached_property
    def branches(self) -> tuple[Floats, Floats]:
        """Shares and mean ticks of the branches."""
        if self.shares is not None and self.means is not None:
            return np.array(self.shares), np.array(self.means, dtype=np.float64)
        assert self.given_mean is not None
        assert self.given_cv is not None
        square = self.given_cv**2
        first = (1 + math.sqrt((square - 1) / (square + 1))) / 2
        shares = np.array([first, 1 - first])
        return shares, self.given_mean / (2 * shares)

    @cached_property
    def mean(self) -> float:
        shares, means = self.branches
        return float(shares @ means)

    @cached_property
    def cv(self) -> float:
        shares, means = self.branches
        return math.sqrt(max(float(shares @ (2 * means**2)) / self.mean**2 - 1, 0.0))

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform", "exponential")

    def times(self, *variates: Floats) -> Floats:
        shares, means = self.branches
        return means[branch(shares, variates[0])] * variates[1]

    def cdf(self, ticks: ArrayLike) -> Floats:
        shares, means = self.branches
        return floats(-np.expm1(-from_zero(ticks)[..., None] / means) @ shares)


class Empirical(OfTimes):
    """Times drawn from a list: `values` with optional `shares`, or a `column` of a `csv` file in a `unit`."""

    values: Annotated[Several[Length], Field(min_length=1, max_length=10_000)] | None = None
    """The times. Such as `[4 min, 6 min, 15 min]`."""
    shares: Several[Share] | None = None
    """How often each value comes; all alike where it is left out. Such as `[50 %, 30 %, 20 %]`."""
    csv: Text | None = None
    """A file with the times, in place of `values`. Such as `calls.csv`."""
    column: Text | None = None
    """Its column. Such as `minutes`."""
    unit: Text | None = None
    """The unit of that column. Such as `min`."""
    _from_file: tuple[int, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_form(self, info: ValidationInfo) -> Self:
        if self.csv is not None and self.values is None and self.shares is None:
            if self.column is None or self.unit is None:
                raise rule("an empirical law from a file needs `csv`, `column` and `unit`", value=False)
            folder = (info.context or {}).get("folder")
            self._from_file = _from_file(folder, self.csv, self.column, self.unit)
        elif self.values is not None and self.csv is None and self.column is None and self.unit is None:
            if self.shares is not None:
                if len(self.shares) != len(self.values):
                    raise rule("`values` and `shares` must be as many", "shares", value=False)
                adds_up(self.shares)
        else:
            raise rule(
                "an empirical law needs `values` (and may have `shares`), or `csv`, `column` and `unit`", value=False
            )
        if self.mean <= 0:
            raise rule("the times of a law must not all be 0", value=False)
        return self

    @cached_property
    def listed(self) -> tuple[Floats, Floats]:
        """The times in ticks, rising, and the share of each."""
        times = np.array(self.values or self._from_file, dtype=np.float64)
        shares = np.array(self.shares) if self.shares else np.full(len(times), 1 / len(times))
        order = np.argsort(times, kind="stable")
        return times[order], shares[order]

    @property
    def least(self) -> float:
        times, shares = self.listed
        return float(times[shares > 0].min())

    @property
    def most(self) -> float:
        times, shares = self.listed
        return float(times[shares > 0].max())

    @cached_property
    def mean(self) -> float:
        times, shares = self.listed
        return float(times @ shares)

    @cached_property
    def cv(self) -> float:
        times, shares = self.listed
        return math.sqrt(float((times - self.mean) ** 2 @ shares)) / self.mean

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform",)

    def times(self, *variates: Floats) -> Floats:
        times, shares = self.listed
        return times[branch(shares, variates[0])]

    def cdf(self, ticks: ArrayLike) -> Floats:
        times, shares = self.listed
        below: Floats = np.concatenate([[0.0], np.cumsum(shares)])
        return floats(np.minimum(below[np.searchsorted(times, floats(ticks), side="right")], 1.0))


def _from_file(folder: Path | None, csv: str, name: str, unit: str) -> tuple[int, ...]:
    try:
        units.duration(f"1 {unit}")
    except ValueError as error:
        raise rule(str(error), "unit") from None
    try:
        return column(inside(folder, csv), name, unit, MOST_VALUES)
    except ValueError as error:
        raise rule(str(error), "csv") from None
