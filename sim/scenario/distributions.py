"""The laws of times: one small class a law, each turning standard variates into ticks and knowing its mean, cv and cdf.

No law draws: `standards` names what it needs, one variate of each a tip, and `times` scales them, so that a changed
mean keeps every tip the same tip. In the document a law is a mapping of one key, such as
`{lognormal: {mean: 12 min, cv: 1.0}}`; a bare duration is a deterministic law.

Every law has
    standards       names of the standard variates it needs: "normal", "exponential", "uniform" or "gamma:<shape>"
    times(*v)       float64 ticks, one a row of the variates; the caller rounds
    mean, cv        of the time itself: mean in ticks, cv = standard deviation / mean (0 for a mean of 0)
    cdf(ticks)      the share of times that are at most so long
    least, most     ticks that no time is below or above: 0 and no end unless it says otherwise (what is certain for
                    every draw rests on them)
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, Union

import numpy as np
from numpy.typing import ArrayLike
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.scenario.bounded import Cv, Deterministic, Floats, OfTimes, Shape, Triangular, Uniform, floats, from_zero
from sim.scenario.fields import DURATION_SCHEMA, AlsoWritten, PositiveLength, near, rule
from sim.scenario.mixtures import Empirical, Hyperexponential


class Exponential(OfTimes):
    """Exponential times."""

    mean: PositiveLength
    """The mean."""

    @property
    def cv(self) -> float:
        return 1.0

    @property
    def standards(self) -> tuple[str, ...]:
        return ("exponential",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * self.mean

    def cdf(self, ticks: ArrayLike) -> Floats:
        return -np.expm1(-from_zero(ticks) / self.mean)


class Lognormal(OfTimes):
    """Lognormal times; mean and cv are those of the time itself, not of its logarithm.

    sigma^2 = ln(1 + cv^2) and mu = ln(mean) - sigma^2 / 2.

    >>> law = Lognormal(mean="10 min", cv=1.0)
    >>> round(law.sigma ** 2, 6), round(math.exp(law.mu) / law.mean, 6)
    (0.693147, 0.707107)
    """

    mean: PositiveLength
    """The mean of the time itself."""
    cv: Cv
    """Standard deviation over mean. Such as `0.8`."""

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
            return floats(ndtr((np.log(from_zero(ticks)) - self.mu) / self.sigma))


class _OfShape(OfTimes):
    """Gamma times of a shape, each law with words of its own for that."""

    if TYPE_CHECKING:

        @property
        def shape(self) -> float: ...

    @property
    def standards(self) -> tuple[str, ...]:
        return (f"gamma:{float(self.shape)!r}",)

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.mean / self.shape)

    def cdf(self, ticks: ArrayLike) -> Floats:
        from scipy.special import gammainc

        return floats(gammainc(self.shape, from_zero(ticks) * (self.shape / self.mean)))


class Gamma(_OfShape):
    """Gamma times of shape 1 / cv^2."""

    mean: PositiveLength
    """The mean."""
    cv: Cv
    """Standard deviation over mean. Such as `0.7`."""

    @property
    def shape(self) -> float:
        return 1 / self.cv**2


class Erlang(_OfShape):
    """The total of `phases` (or `k`) exponential times of equal mean; `mean` is that of the total."""

    mean: PositiveLength
    """The mean of the total."""
    phases: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many times are added up. Such as `3`."""
    k: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The same as `phases`. Such as `3`."""

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


class Weibull(OfTimes):
    """Weibull times of a `shape`, with their `mean` or their `scale`."""

    shape: Shape
    """Below 1 with a long tail, 1 exponential, above 1 bunched. Such as `1.5`."""
    given_mean: PositiveLength | None = Field(None, alias="mean")
    """The mean; or `scale`."""
    given_scale: PositiveLength | None = Field(None, alias="scale")
    """The scale: 63.2 % of the times are below it; or `mean`."""

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
        return floats(variates[0] ** (1 / self.shape) * self.scale)

    def cdf(self, ticks: ArrayLike) -> Floats:
        return floats(-np.expm1(-((from_zero(ticks) / self.scale) ** self.shape)))


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


class _OneOfThem:
    """Tells the JSON Schema of the union that a law is a mapping of one key, so that editors offer the names of all."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        laws = {name: one for form in handler(core)["oneOf"] for name, one in form["properties"].items()}
        return {
            "type": "object",
            "properties": laws,
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }


LAWS: Final[dict[str, type[OfTimes]]] = {
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
    if isinstance(given, OfTimes):
        return {next(name for name, law in LAWS.items() if type(given) is law): given}
    if isinstance(given, str):
        return {"deterministic": {"value": given}}
    if not isinstance(given, dict):
        raise rule("a law of times is a duration such as 30 s, or a law such as {exponential: {mean: 5 min}}")
    for key in given:
        if key not in LAWS:
            hint = near(key, LAWS) or f"; use one of {', '.join(LAWS)}"
            raise rule(f"'{key[:40]}' is not a law of times{hint}", key, value=False, key=True)
    if len(given) != 1:
        raise rule(f"one law of times, not {len(given)} ({', '.join(given) or 'none'})", value=False)
    return given


def _which(given: dict[str, object]) -> str:
    return next(iter(given))


if TYPE_CHECKING:
    Law = OfTimes
else:
    Law = Annotated[
        Union[tuple(Annotated[law, _Keyed(name), Tag(name)] for name, law in LAWS.items())],  # noqa: UP007
        Discriminator(_which),
        BeforeValidator(_one_law),
        _OneOfThem(),
        AlsoWritten(DURATION_SCHEMA),
    ]
"""Any of the laws, as the document writes it."""
