"""What laws of times share: between which times they lie, arrays of floats, and the types of their parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator

from sim.scenario.fields import Number, Part

Floats = NDArray[np.float64]


class OfTimes(Part):
    """A law of times, which may be of any length unless it says otherwise."""

    if TYPE_CHECKING:
        # Of some laws keys of the document, of others reckoned from them.
        @property
        def mean(self) -> float: ...
        @property
        def cv(self) -> float: ...
        @property
        def standards(self) -> tuple[str, ...]: ...
        def times(self, *variates: Floats) -> Floats: ...
        def cdf(self, ticks: ArrayLike) -> Floats: ...

    @property
    def least(self) -> float:
        """Ticks that no time is below."""
        return 0.0

    @property
    def most(self) -> float:
        """Ticks that no time is above."""
        return math.inf


def floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def from_zero(ticks: ArrayLike) -> Floats:
    return np.maximum(floats(ticks), 0.0)


def branch(shares: Floats, uniform: Floats) -> NDArray[np.intp]:
    """The row whose part of the unit interval holds each uniform variate."""
    return np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)


_LEAST_CV: Final = 1e-6
"""Times that vary less cannot be told from the mean in floating point in the end."""


def _cv(value: float) -> float:
    if not 0 < value <= 100:
        raise ValueError("a cv must be more than 0 and at most 100")
    if value < _LEAST_CV:
        raise ValueError("a cv is at least 0.000001; a time that never varies is written alone")
    return value


def _shape(value: float) -> float:
    if not 0.1 <= value <= 100:
        raise ValueError("a shape lies between 0.1 and 100")
    return value


Cv = Annotated[Number, AfterValidator(_cv)]
Shape = Annotated[Number, AfterValidator(_shape)]
