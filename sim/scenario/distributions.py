"""The laws of times: one small class a law, each turning standard variates into ticks and knowing its mean, cv and cdf.

No law draws: `standards` names what it needs, one variate of each a tip, and `times` scales them, so that a changed
mean keeps every tip the same tip. In the document a law is a mapping of one key, such as
`{lognormal: {mean: 12 min, cv: 1.0}}`; a bare duration is a deterministic law.

Every law has
    standards       names of the standard variates it needs: "normal", "exponential", "uniform" or "gamma:<shape>"
    times(*v)       float64 ticks, one a row of the variates; the caller rounds
    mean, cv        of the time itself: mean in ticks, cv = standard deviation / mean (0 for a mean of 0)
    cdf(ticks)      the share of times that are at most so long
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PrivateAttr,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.scenario import units
from sim.scenario.fields import Length, Number, Part, PositiveLength, Several, Share, Text, adds_up, near, rule
from sim.scenario.folder import column, inside

Floats = NDArray[np.float64]

MOST_VALUES: Final = 1_000_000
"""An empirical law may have this many values."""


def _cv(value: float) -> float:
    if not 0 < value <= 100:
        raise ValueError("a cv must be more than 0 and at most 100")
    return value


def _shape(value: float) -> float:
    if not 0.1 <= value <= 100:
        raise ValueError("a shape lies between 0.1 and 100")
    return value


Cv = Annotated[Number, AfterValidator(_cv)]
Shape = Annotated[Number, AfterValidator(_shape)]


class Exponential(Part):
    """Exponential times."""

    mean: PositiveLength

    @property
    def cv(self) -> float:
        return 1.0

    @property
    def standards(self) -> tuple[str, ...]:
        return ("exponential",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * self.mean

    def cdf(self, ticks: ArrayLike) -> Floats:
        return -np.expm1(-_from_zero(ticks) / self.mean)


class Lognormal(Part):
    """Lognormal times; mean and cv are those of the time itself, not of its logarithm.

    sigma^2 = ln(1 + cv^2) and mu = ln(mean) - sigma^2 / 2.

    >>> law = Lognormal(mean="10 min", cv=1.0)
    >>> round(law.sigma ** 2, 6), round(math.exp(law.mu) / law.mean, 6)
    (0.693147, 0.707107)
    """

    mean: PositiveLength
    cv: Cv

    @cached_property
    def sigma(self) -> float:
        return math.sqrt(math.log1p(self.cv**2))

    @cached_property
    def mu(self) -> float:
        return math.log(self.mean) - self.sigma**2 / 2

    @property
    def standards(self) -> tuple[str, ...]:
        return ("normal",)

    def times(self, *variates: Floats) -> Floats:
        return np.exp(variates[0] * self.sigma + self.mu)

    def cdf(self, ticks: ArrayLike) -> Floats:
        from scipy.special import ndtr

        with np.errstate(divide="ignore"):
            return _floats(ndtr((np.log(_from_zero(ticks)) - self.mu) / self.sigma))


class Gamma(Part):
    """Gamma times of shape 1 / cv^2."""

    mean: PositiveLength
    cv: Cv

    @property
    def shape(self) -> float:
        return 1 / self.cv**2

    @property
    def standards(self) -> tuple[str, ...]:
        return (f"gamma:{self.shape!r}",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.mean / self.shape)

    def cdf(self, ticks: ArrayLike) -> Floats:
        return _gamma_cdf(self.shape, self.mean, ticks)


class Erlang(Part):
    """The total of `phases` (or `k`) exponential times of equal mean; `mean` is that of the total."""

    mean: PositiveLength
    phases: Annotated[int, Field(ge=1, le=10_000)] | None = None
    k: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _one_count(self) -> Self:
        if (self.phases is None) == (self.k is None):
            raise rule("an erlang law needs `phases` (or `k`, the same), and not both", value=False)
        return self

    @property
    def shape(self) -> int:
        return self.phases or self.k or 1

    @property
    def cv(self) -> float:
        return 1 / math.sqrt(self.shape)

    @property
    def standards(self) -> tuple[str, ...]:
        return (f"gamma:{float(self.shape)!r}",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.mean / self.shape)

    def cdf(self, ticks: ArrayLike) -> Floats:
        return _gamma_cdf(self.shape, self.mean, ticks)


class Hyperexponential(Part):
    """A mixture of exponential times: `mean` and `cv` above 1 (two branches, balanced), or `shares` and `means`.

    Balanced means: each branch brings half the work, so the first has share (1 + sqrt((cv^2 - 1) / (cv^2 + 1))) / 2.
    """

    given_mean: PositiveLength | None = Field(None, alias="mean")
    given_cv: Cv | None = Field(None, alias="cv")
    shares: Several[Share] | None = None
    means: Several[PositiveLength] | None = None

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
        return means[_branch(shares, variates[0])] * variates[1]

    def cdf(self, ticks: ArrayLike) -> Floats:
        shares, means = self.branches
        return _floats(-np.expm1(-_from_zero(ticks)[..., None] / means) @ shares)


class Weibull(Part):
    """Weibull times of a `shape`, with their `mean` or their `scale`."""

    shape: Shape
    given_mean: PositiveLength | None = Field(None, alias="mean")
    given_scale: PositiveLength | None = Field(None, alias="scale")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.given_mean is None) == (self.given_scale is None):
            raise rule("a weibull law needs `mean` or `scale`, and not both", value=False)
        return self

    @property
    def scale(self) -> float:
        if self.given_scale is not None:
            return float(self.given_scale)
        assert self.given_mean is not None
        return self.given_mean / math.gamma(1 + 1 / self.shape)

    @property
    def mean(self) -> float:
        return self.scale * math.gamma(1 + 1 / self.shape)

    @property
    def cv(self) -> float:
        return math.sqrt(math.gamma(1 + 2 / self.shape) / math.gamma(1 + 1 / self.shape) ** 2 - 1)

    @property
    def standards(self) -> tuple[str, ...]:
        return ("exponential",)

    def times(self, *variates: Floats) -> Floats:
        return _floats(variates[0] ** (1 / self.shape) * self.scale)

    def cdf(self, ticks: ArrayLike) -> Floats:
        return _floats(-np.expm1(-((_from_zero(ticks) / self.scale) ** self.shape)))


class Deterministic(Part):
    """Always the same time."""

    value: Length

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
        return (_floats(ticks) >= self.value).astype(np.float64)


class Uniform(Part):
    """Any time between `from` and `to`, all alike."""

    from_: Length = Field(alias="from")
    to: PositiveLength

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

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.to - self.from_) + self.from_

    def cdf(self, ticks: ArrayLike) -> Floats:
        return np.clip((_floats(ticks) - self.from_) / (self.to - self.from_), 0.0, 1.0)


class Triangular(Part):
    """Times between `from` and `to` whose density rises to `mode` and falls again."""

    from_: Length = Field(alias="from")
    mode: Length
    to: PositiveLength

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

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform",)

    def times(self, *variates: Floats) -> Floats:
        uniform, width = variates[0], float(self.to - self.from_)
        rising = np.sqrt(uniform * width * (self.mode - self.from_)) + self.from_
        falling = self.to - np.sqrt((1 - uniform) * width * (self.to - self.mode))
        return np.where(uniform * width < self.mode - self.from_, rising, falling)

    def cdf(self, ticks: ArrayLike) -> Floats:
        at, width = np.clip(_floats(ticks), self.from_, self.to), float(self.to - self.from_)
        rising = (at - self.from_) ** 2 / (width * max(self.mode - self.from_, 1))
        falling = 1 - (self.to - at) ** 2 / (width * max(self.to - self.mode, 1))
        return np.where(at < self.mode, rising, falling)


class Empirical(Part):
    """Times drawn from a list: `values` with optional `shares`, or a `column` of a `csv` file in a `unit`."""

    values: Annotated[Several[Length], Field(min_length=1, max_length=10_000)] | None = None
    shares: Several[Share] | None = None
    csv: Text | None = None
    column: Text | None = None
    unit: Text | None = None
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
        return times[_branch(shares, variates[0])]

    def cdf(self, ticks: ArrayLike) -> Floats:
        times, shares = self.listed
        below: Floats = np.concatenate([[0.0], np.cumsum(shares)])
        return _floats(np.minimum(below[np.searchsorted(times, _floats(ticks), side="right")], 1.0))


def _from_file(folder: Path | None, csv: str, name: str, unit: str) -> tuple[int, ...]:
    try:
        units.duration(f"1 {unit}")
    except ValueError as error:
        raise rule(str(error), "unit") from None
    try:
        if folder is None:
            raise ValueError("a document without a folder can name no file")
        return column(inside(folder, csv), name, unit, MOST_VALUES)
    except ValueError as error:
        raise rule(str(error), "csv") from None


class _Keyed:
    """A branch of the union: the mapping of one key that names the law."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(lambda given: given[self.key], handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        inner = handler(schema)
        return {
            "type": "object",
            "properties": {self.key: inner},
            "required": [self.key],
            "additionalProperties": False,
        }


LAWS: Final[dict[str, type[Part]]] = {
    "exponential": Exponential,
    "lognormal": Lognormal,
    "gamma": Gamma,
    "erlang": Erlang,
    "hyperexponential": Hyperexponential,
    "weibull": Weibull,
    "deterministic": Deterministic,
    "uniform": Uniform,
    "triangular": Triangular,
    "empirical": Empirical,
}


def _one_law(given: object) -> object:
    """The mapping of one key, whatever way the law was written; the fault when it is none."""
    if isinstance(given, Part):
        return {type(given).__name__.lower(): given}
    if isinstance(given, str):
        return {"deterministic": {"value": given}}
    if not isinstance(given, dict):
        raise rule("a law of times is a duration such as 30 s, or a law such as {exponential: {mean: 5 min}}")
    for key in given:
        if key not in LAWS:
            hint = near(key, LAWS) or f"; use one of {', '.join(LAWS)}"
            raise rule(f"'{key[:40]}' is not a law of times{hint}", key, value=False)
    if len(given) != 1:
        raise rule(f"one law of times, not {len(given)} ({', '.join(given) or 'none'})", value=False)
    return given


def _which(given: dict[str, object]) -> str:
    return next(iter(given))


Law = Annotated[
    Annotated[Exponential, _Keyed("exponential"), Tag("exponential")]
    | Annotated[Lognormal, _Keyed("lognormal"), Tag("lognormal")]
    | Annotated[Gamma, _Keyed("gamma"), Tag("gamma")]
    | Annotated[Erlang, _Keyed("erlang"), Tag("erlang")]
    | Annotated[Hyperexponential, _Keyed("hyperexponential"), Tag("hyperexponential")]
    | Annotated[Weibull, _Keyed("weibull"), Tag("weibull")]
    | Annotated[Deterministic, _Keyed("deterministic"), Tag("deterministic")]
    | Annotated[Uniform, _Keyed("uniform"), Tag("uniform")]
    | Annotated[Triangular, _Keyed("triangular"), Tag("triangular")]
    | Annotated[Empirical, _Keyed("empirical"), Tag("empirical")],
    Discriminator(_which),
    BeforeValidator(_one_law),
]
"""Any of the laws, as the document writes it."""


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _from_zero(ticks: ArrayLike) -> Floats:
    return np.maximum(_floats(ticks), 0.0)


def _gamma_cdf(shape: float, mean: float, ticks: ArrayLike) -> Floats:
    from scipy.special import gammainc

    return _floats(gammainc(shape, _from_zero(ticks) * (shape / mean)))


def _branch(shares: Floats, uniform: Floats) -> NDArray[np.intp]:
    """The row whose part of the unit interval holds each uniform variate."""
    return np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)
