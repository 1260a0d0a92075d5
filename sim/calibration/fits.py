"""Laws of times fitted to what a log shows of them, censored ones included; a law that does not fit is refused.

A law is refused where its mean or its cv is more than 5 % from that of the data, or it is further from them than chance
(of work, all of which is seen), or where its survival is further than chance from that of Kaplan and Meier (of
patience, most of which is censored). Then the data's own times are the law: `empirical`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sim.logs.counts import CI

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Seconds = NDArray[np.float64]
    Flags = NDArray[np.bool_]

OFF: Final = 0.05
"""A law whose mean or cv is further from the data's is refused."""
NEVER: Final = 86_400.0
"""Seconds that stand for a patience without end in a list of times: a day."""
FINE: Final = 400
"""Times of an empirical law of patience."""
FEW: Final = 30
KS: Final = 1.63
"""Over the root of n: the distance of Kolmogorov and Smirnov that chance passes once in a hundred."""
NEAR: Final = 0.03
"""A distance that does not matter, however many times there are."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A law that was tried."""

    law: str
    parameters: Mapping[str, float]
    """As the document names them; times in seconds."""
    aic: float
    ks: float
    """The largest distance of its survival from that of the data."""
    mean: float
    cv: float
    refused: str
    """Why; "" where it may stand."""


@dataclass(slots=True)
class Fitted:
    """What a law was fitted to, what was tried, and what is written."""

    what: str
    """patience, work or wrap-up."""
    of: str
    """The channel (or priority), "" for all, and `other` for those that are too few."""
    n: int
    """Times that are known exactly."""
    n_censored: int
    mean: float
    mean_low: float
    mean_high: float
    cv: float
    cv_low: float
    cv_high: float
    tried: list[Fit]
    values: Seconds
    """The times of the empirical law, in seconds."""
    by: str = "channel"
    """What `of` is one of: channel, or risk, which is the priority."""
    chosen: Fit | None = field(init=False)
    """None where every law is refused: then `values` are the law."""

    def __post_init__(self) -> None:
        fine = [one for one in self.tried if not one.refused]
        self.chosen = min(fine, key=lambda one: one.aic, default=None)

    @property
    def law(self) -> str:
        return "empirical" if self.chosen is None else self.chosen.law


class Survival:
    """Kaplan and Meier's estimate: E. L. Kaplan and P. Meier, J. Amer. Statist. Assoc. 53 (1958)."""

    def __init__(self, times: Seconds, seen: Flags) -> None:
        """`seen` tells which of the times ended; the others were cut off."""
        order = np.argsort(times, kind="stable")
        times, seen = times[order], seen[order]
        self.at, first = np.unique(times, return_index=True)
        """Times, rising, at which anything ended or was cut off."""
        at_risk = len(times) - first
        ended = np.add.reduceat(seen.astype(np.float64), first) if len(times) else np.zeros(0)
        self.at_risk = at_risk
        with np.errstate(divide="ignore", invalid="ignore"):
            self.value: Seconds = np.asarray(np.cumprod(1 - ended / at_risk), dtype=np.float64)
            """The share that outlives each of the times."""
            green = np.cumsum(ended / (at_risk * np.maximum(at_risk - ended, 0.5)))
        self.error = self.value * np.sqrt(green)
        """Greenwood's standard error of that."""

    def __call__(self, times: Seconds | float) -> Seconds:
        """The share that outlives times, in seconds."""
        place = np.searchsorted(self.at, times, side="right")
        return np.asarray(np.concatenate([[1.0], self.value])[place], dtype=np.float64)

    def error_at(self, times: Seconds | float) -> Seconds:
        place = np.searchsorted(self.at, times, side="right")
        return np.asarray(np.concatenate([[0.0], self.error])[place], dtype=np.float64)

    @property
    def left(self) -> float:
        """The share that is left where fewer than ten are still at risk: it never ends, as far as is known."""
        enough = np.flatnonzero(self.at_risk >= 10)
        return float(self.value[enough[-1]]) if len(enough) else 1.0

    def quantiles(self, n: int, at_least: int = 10) -> Seconds:
        """n times that are as likely as each other: NEVER for those beyond what so many at risk tell."""
        shares = 1 - (np.arange(n) + 0.5) / n
        place = np.searchsorted(-self.value, -shares, side="left")
        at = np.append(self.at, NEVER)
        enough = np.append(self.at_risk >= at_least, False)
        place = np.minimum(place, len(self.at))
        return np.where(enough[place], at[place], NEVER)

    def mean(self) -> float:
        """The mean of what ends before the last time at which anything did."""
        steps = np.diff(np.concatenate([[0.0], self.at]))
        return float(steps @ np.concatenate([[1.0], self.value[:-1]])) if len(self.at) else 0.0


def _negative_log_likelihood(log_pdf: Any, log_sf: Any, seen: Flags) -> float:
    total = -float(log_pdf[seen].sum() + log_sf[~seen].sum())
    return total if math.isfinite(total) else 1e12


def _maximised(seen: Flags, start: list[float], model: Callable[[Seconds], tuple[Any, Any]]) -> tuple[Seconds, float]:
    """The parameters at which what was seen is likeliest, and its negative log likelihood."""
    from scipy.optimize import minimize

    def unlikely(theta: Any) -> float:
        return _negative_log_likelihood(*model(theta), seen)

    done = minimize(
        unlikely,
        np.array(start),
        method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-6, "maxiter": 2000},
    )
    return done.x, float(done.fun)


class _Likeliest(NamedTuple):
    """The law of one family under which the times are likeliest."""

    law: str
    parameters: dict[str, float]
    least: float
    """Minus the logarithm of their likelihood."""
    sf: Seconds
    """Its survival at the points of the grid."""
    mean: float
    cv: float


def tried_laws(times: Seconds, seen: Flags, survival: Survival, *, whole: bool) -> list[Fit]:
    """The laws that were fitted, each with why it is refused, if it is.

    `whole` says that times are of what is seen to its end, whose mean and cv a law must have.
    """
    times = np.maximum(times, 0.5)
    if int(seen.sum()) < 10:
        return []
    grid = _grid(survival)
    tried = [_exponential(times, seen, grid), _weibull(times, seen, grid)]
    if whole:
        tried += [_lognormal(times, grid), _gamma(times, grid)]
    tried += _hyperexponential(times, seen, grid)
    found = []
    for one in tried:
        distance = np.abs(one.sf - survival(grid))
        ks = float(distance.max()) if len(distance) else 0.0
        refused = ""
        if whole:
            refused = _refused_whole(one, times, ks)
        elif len(distance) and (distance > np.maximum(3 * survival.error_at(grid), 0.02)).any():
            refused = f"its survival is {ks:.3f} off"
        aic = 2 * len(one.parameters) + 2 * one.least
        found.append(Fit(one.law, one.parameters, aic, ks, one.mean, one.cv, refused))
    return found


def _refused_whole(one: _Likeliest, times: Seconds, ks: float) -> str:
    """Why a law of times that are seen to their end is refused, if it is."""
    mean, cv = float(times.mean()), float(times.std() / times.mean())
    for what, its, theirs in (("mean", one.mean, mean), ("cv", one.cv, cv)):
        if not math.isfinite(its) or abs(its / theirs - 1) > OFF:
            return f"its {what} is {its / theirs - 1:+.0%} off"
    if ks > max(KS / math.sqrt(len(times)), NEAR):
        return f"it is {ks:.3f} from the data at its worst (KS)"
    return ""


def _exponential(times: Seconds, seen: Flags, grid: Seconds) -> _Likeliest:
    n_seen = int(seen.sum())
    rate = n_seen / float(times.sum())
    least = n_seen - n_seen * math.log(rate)
    return _Likeliest("exponential", {"mean": 1 / rate}, least, np.exp(-grid * rate), 1 / rate, 1.0)


def _weibull(times: Seconds, seen: Flags, grid: Seconds) -> _Likeliest:
    def density(theta: Seconds) -> tuple[Any, Any]:
        shape, scale = np.exp(np.clip(theta, -20, 20))
        power = (times / scale) ** shape
        return np.log(shape / scale) + (shape - 1) * np.log(times / scale) - power, -power

    (shape, scale), least = _maximised(seen, [0.0, math.log(float(times.sum()) / int(seen.sum()))], density)
    shape, scale = math.exp(shape), math.exp(scale)
    mean, cv = scale * math.gamma(1 + 1 / shape), math.inf
    if shape > 0.05:
        cv = math.sqrt(max(math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2 - 1, 0))
    return _Likeliest("weibull", {"mean": mean, "shape": shape}, least, np.exp(-((grid / scale) ** shape)), mean, cv)


def _lognormal(times: Seconds, grid: Seconds) -> _Likeliest:
    from scipy import special

    log = np.log(times)
    mu, sigma = float(log.mean()), float(log.std())
    least = float((log + 0.5 * math.log(2 * math.pi) + math.log(sigma) + (log - mu) ** 2 / (2 * sigma**2)).sum())
    mean, cv = math.exp(mu + sigma**2 / 2), math.sqrt(math.expm1(sigma**2))
    with np.errstate(divide="ignore"):
        sf = 1 - special.ndtr((np.log(grid) - mu) / sigma)
    return _Likeliest("lognormal", {"mean": mean, "cv": cv}, least, sf, mean, cv)


def _gamma(times: Seconds, grid: Seconds) -> _Likeliest:
    from scipy import special

    log, mean = np.log(times), float(times.mean())
    s = math.log(mean) - float(log.mean())
    shape = (3 - s + math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s) if s > 1e-9 else 1e6
    for _ in range(20):
        shape -= (math.log(shape) - special.digamma(shape) - s) / (1 / shape - special.polygamma(1, shape))
        shape = max(float(shape), 1e-3)
    least = -float(
        ((shape - 1) * log - times * shape / mean).sum()
        - len(times) * (special.gammaln(shape) + shape * math.log(mean / shape))
    )
    sf = np.asarray(1 - special.gammainc(shape, grid * shape / mean), dtype=np.float64)
    return _Likeliest("gamma", {"mean": mean, "cv": shape**-0.5}, least, sf, mean, shape**-0.5)


def _hyperexponential(times: Seconds, seen: Flags, grid: Seconds) -> list[_Likeliest]:
    """One, or none where the likeliest is no mixture of two."""
    from scipy import special

    def density(theta: Seconds) -> tuple[Any, Any]:
        share = special.expit(theta[0])
        one, other = np.exp(np.clip(theta[1:], -5, 15))
        first, second = share * np.exp(-times / one), (1 - share) * np.exp(-times / other)
        return np.log(first / one + second / other + 1e-300), np.log(first + second + 1e-300)

    middle, twice = float(np.median(times[seen])), float(times.sum()) / int(seen.sum()) * 2
    theta, least = _maximised(seen, [0.0, math.log(middle), math.log(max(twice, middle * 4))], density)
    share, one, other = float(special.expit(theta[0])), math.exp(min(theta[1], 15)), math.exp(min(theta[2], 15))
    if min(share, 1 - share) <= 1e-3 or max(one, other) >= 30 * NEVER:
        return []
    mean = share * one + (1 - share) * other
    square = 2 * (share * one**2 + (1 - share) * other**2) / mean**2
    sf = share * np.exp(-grid / one) + (1 - share) * np.exp(-grid / other)
    parameters = {"share": share, "one": one, "other": other}
    return [_Likeliest("hyperexponential", parameters, least, sf, mean, math.sqrt(max(square - 1, 0)))]


def _grid(survival: Survival) -> Seconds:
    """The times at which survivals are compared: where at least ten are at risk."""
    enough = survival.at[survival.at_risk >= 10]
    if len(enough) > 2000:
        enough = enough[np.linspace(0, len(enough) - 1, 2000).astype(np.int64)]
    return enough


def fitted_work(what: str, of: str, times: Seconds) -> Fitted:
    """The law of times that are all seen to their end."""
    n = len(times)
    mean = float(times.mean())
    cv = float(times.std(ddof=1) / mean) if n > 1 else 0.0
    half = CI * mean * cv / math.sqrt(n)
    cv_half = CI * _error_of_cv(times) if n > 3 else math.inf
    survival = Survival(times, np.ones(n, dtype=np.bool_))
    tried = tried_laws(times, np.ones(n, dtype=np.bool_), survival, whole=True) if n >= FEW and cv > 0 else []
    return Fitted(
        what, of, n, 0, mean, mean - half, mean + half, cv, max(cv - cv_half, 0.0), cv + cv_half, tried, np.sort(times)
    )


def _error_of_cv(times: Seconds) -> float:
    """The standard error of a cv, by leaving out one time after the other."""
    n, total, square = len(times), times.sum(), (times**2).sum()
    mean = (total - times) / (n - 1)
    variance = np.maximum((square - times**2) / (n - 1) - mean**2, 0)
    cv = np.sqrt(variance) / mean
    return float(np.sqrt((n - 1) / n * ((cv - cv.mean()) ** 2).sum()))


def fitted_censored(what: str, of: str, times: Seconds, seen: Flags) -> tuple[Fitted, Survival]:
    """The law of times of which some were cut off before their end."""
    survival = Survival(times, seen)
    tried = tried_laws(times, seen, survival, whole=False)
    n_seen = int(seen.sum())
    mean = float(times.sum() / max(n_seen, 1))
    half = CI / math.sqrt(max(n_seen, 1))
    low, high = mean * math.exp(-half), mean * math.exp(half)
    found = Fitted(
        what,
        of,
        n_seen,
        len(times) - n_seen,
        mean,
        low,
        high,
        math.nan,
        math.nan,
        math.nan,
        tried,
        survival.quantiles(FINE),
    )
    return found, survival
