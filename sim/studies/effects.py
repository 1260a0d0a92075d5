"""How much each of several unknowns decides a result: first-order and total effects of a plain function of points.

Points lie in the unit cube, one coordinate an unknown. Nothing here knows a scenario.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from sim.measures.estimates import Estimate

Floats = NDArray[np.float64]

N_RESAMPLES: Final = 2000
"""Resamples of the points for an interval: its ends move by less than a hundredth of its width from seed to seed."""

LEAST_ROWS: Final = 8
"""Rows of a design from which the effects of several unknowns are told: resamples of fewer are often all alike, and
their interval then is a point."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of the unknowns on one result, in their order, as shares of its variance."""

    first: tuple[Estimate, ...]
    """First-order: what would be gone on average if this unknown alone were known."""
    total: tuple[Estimate, ...]
    """Total: what would be left on average if all but this one were known; above the first where unknowns interact."""
    rows: int
    """Rows of the design that were used."""

    @property
    def known(self) -> bool:
        """Whether the result varied at all, over rows enough to tell."""
        return self.rows > 0


class Design:
    """Points of the unit cube from which effects can be told: two samples, and the one with columns of the other.

    Row by row: a point a, a point b, and for each unknown i the point a with coordinate i of b. The two samples are one
    scrambled Sobol sequence in twice as many dimensions.

    Source: A. Saltelli et al., Computer Physics Communications 181 (2010), for the design; A. B. Owen, J. Complexity
    14 (1998), for the scrambling.

    >>> Design(n_unknowns=2, n_rows=8, seed=1).points.shape
    (8, 4, 2)
    """

    def __init__(self, n_unknowns: int, n_rows: int, seed: int):
        """`n_rows` is a power of 2, for the balance of the sequence; ValueError where it is not."""
        if n_unknowns < 1 or n_rows < 2 or n_rows & (n_rows - 1):
            raise ValueError(f"a design has 1 unknown or more, and 2, 4, 8, ... rows (got {n_unknowns}, {n_rows})")
        self.seed = seed
        both = qmc.Sobol(2 * n_unknowns, scramble=True, seed=seed).random(n_rows)
        a, b = both[:, :n_unknowns], both[:, n_unknowns:]
        mixed = [np.where(np.arange(n_unknowns) == i, b, a) for i in range(n_unknowns)]
        self.points: Floats = np.stack([a, b, *mixed], axis=1)
        """(n_rows, n_unknowns + 2, n_unknowns) in [0, 1)."""

    @property
    def n_unknowns(self) -> int:
        return int(self.points.shape[2])

    def results(self, function: Callable[[Floats], float]) -> Floats:
        """A function at every point: (n_rows, n_unknowns + 2)."""
        return np.apply_along_axis(function, 2, self.points)

    def effects(self, results: Floats, confidence: float = 0.95) -> Effects:
        """The effects on results at the points, (n_rows, n_unknowns + 2), with intervals of the confidence each.

        Rows in which a result is NaN are left out. Effects are NaN where the results do not vary, and of several
        unknowns where fewer than `LEAST_ROWS` rows are left. The intervals come
        from resampling the rows (percentiles); the points fill the cube more evenly than chance would, so they err on
        the wide side.

        Both rest on how alike the results at two points with one, or all but one, coordinate in common are. By chance
        the two independent samples are a little alike too, and what that lends is taken off, so that an unknown without
        effect has none to the last digit.

        Source: G. Glen and K. Isaacs, Environmental Modelling & Software 37 (2012); the variance is that of the pair
        (A. Janon et al., ESAIM: Probability and Statistics 18, 2014).

        >>> design = Design(n_unknowns=2, n_rows=256, seed=1)
        >>> found = design.effects(design.results(lambda point: 3 * point[0] + point[1]))
        >>> [round(one.value, 1) for one in found.first], [round(one.value, 1) for one in found.total]
        ([0.9, 0.1], [0.9, 0.1])
        """
        if results.shape != self.points.shape[:2]:
            raise ValueError(f"one result a point is needed (got {results.shape} for {self.points.shape[:2]})")
        used = results[np.isfinite(results).all(axis=1)]
        if len(used) < (2 if self.n_unknowns == 1 else LEAST_ROWS) or np.ptp(used) == 0:
            unknown = (Estimate(np.nan, np.nan, np.nan),) * self.n_unknowns
            return Effects(unknown, unknown, 0)
        if self.n_unknowns == 1:
            return Effects((Estimate(1.0, 1.0, 1.0),), (Estimate(1.0, 1.0, 1.0),), len(used))
        used = (used - used.mean()) / used.std()
        a, b = used[:, 0], used[:, 1]
        generator = np.random.default_rng(self.seed)
        weights = generator.multinomial(len(used), np.full(len(used), 1 / len(used)), N_RESAMPLES) / len(used)
        every = np.concatenate([np.full((1, len(used)), 1 / len(used)), weights])
        chance = _alike(every, a, b)
        first, total = [], []
        for mixed in used[:, 2:].T:
            with_b, with_a = _alike(every, b, mixed), _alike(every, a, mixed)
            first.append(_apart(with_b, with_a, chance))
            total.append(1 - _apart(with_a, with_b, chance))
        return Effects(_estimates(first, confidence), _estimates(total, confidence), len(used))


def _alike(weights: Floats, one: Floats, other: Floats) -> Floats:
    """How alike the results at pairs of points are, as a share of their variance, for each row of weights: (n,)."""
    mean = weights @ (one + other) / 2
    variance = weights @ (one**2 + other**2) / 2 - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(variance > 1e-12, (weights @ (one * other) - mean**2) / variance, np.nan))


def _apart(alike: Floats, otherwise: Floats, chance: Floats) -> Floats:
    """How alike results are, less what they owe to being like a third that is alike by chance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance**2 < 1 - 1e-12, (alike - chance * otherwise) / (1 - chance**2), np.nan))


def _estimates(effects: list[Floats], confidence: float) -> tuple[Estimate, ...]:
    """Each effect and its interval, cut to between 0 and 1, where effects lie."""
    found = []
    for value, *resampled in effects:
        ends = (1 - confidence) / 2, (1 + confidence) / 2
        low, high = np.nanquantile(resampled, ends)
        found.append(Estimate(*(float(np.clip(number, 0, 1)) for number in (value, min(low, value), max(high, value)))))
    return tuple(found)


# Effects on results at points at hand, which no design has arranged


MOST_GROUPS: Final = 8
"""Groups of points by the value of an unknown, at most."""
LEAST_IN_GROUP: Final = 16
"""Points that a group has at least, where there are more than three groups."""
N_SHUFFLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Explained:
    """How much of a result each unknown explains by itself, at points at hand."""

    share: tuple[Estimate, ...]
    """Of the variance of the result, in the order of the unknowns; NaN where it does not vary."""
    beyond_chance: tuple[bool, ...]
    """Whether that is more than the most that any of them explains by chance, with the confidence asked for."""
    points: int
    """That were used."""

    @property
    def known(self) -> bool:
        """Whether the result varied at all."""
        return any(one.value == one.value for one in self.share)


def explained(points: Floats, result: Floats, confidence: float = 0.95, seed: int = 0) -> Explained:
    """The share of the variance of a result, (n,), that each unknown, a column of the (n, n_unknowns) points, explains.

    Points are put into groups of like size by the rank of the unknown; the share is that of the variance between groups
    (epsilon squared, which is 0 on average where there is no effect). Results that are NaN are left out. Intervals come
    from resampling the points, moved by what resampling adds on average. Beyond chance is what few shuffles of the
    results exceed with any unknown, so that it holds for all unknowns together.

    Source: T. L. Kelley, PNAS 21 (1935), for epsilon squared.

    >>> x = np.random.default_rng(1).random((256, 2))
    >>> found = explained(x, x[:, 0] > np.median(x[:, 0]))
    >>> [round(one.value, 1) for one in found.share], found.beyond_chance
    ([1.0, 0.0], (True, False))
    """
    result = np.asarray(result, dtype=float)
    used = np.isfinite(result)
    points, result = points[used], result[used]
    n, n_unknowns = points.shape
    if n < 2 * 3 or np.ptp(result) == 0:
        return Explained((Estimate(np.nan, np.nan, np.nan),) * n_unknowns, (False,) * n_unknowns, n)
    groups = [_groups(column, n_groups(n)) for column in points.T]
    generator = np.random.default_rng(seed)
    shuffled = np.stack([result, *(generator.permutation(result) for _ in range(N_SHUFFLES))], axis=1)
    plain = np.ones((n, 1))
    by_chance = np.stack([_between(one, shuffled, plain) for one in groups])
    limit = float(np.quantile(by_chance[:, 1:].max(axis=0), confidence))
    weights = generator.multinomial(n, np.full(n, 1 / n), N_SHUFFLES).T.astype(float)
    shares = []
    for one, value in zip(groups, by_chance[:, 0], strict=True):
        resampled = _between(one, result[:, None], weights)
        resampled += value - resampled.mean()
        low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
        shares.append(Estimate(*(float(np.clip(x, 0, 1)) for x in (value, min(low, value), max(high, value)))))
    return Explained(tuple(shares), tuple(bool(value > limit) for value in by_chance[:, 0]), n)


def n_groups(n: int) -> int:
    """Into how many groups so many points are put.

    >>> n_groups(20), n_groups(80), n_groups(256)
    (3, 5, 8)
    """
    return max(3, min(MOST_GROUPS, n // LEAST_IN_GROUP))


def ranks(values: Floats) -> Floats:
    """The ranks of values, from 0; those that are equal share the mean of theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values) - 1)


def rank_correlation(one: Floats, other: Floats, confidence: float = 0.95) -> Estimate:
    """Spearman's correlation of ranks, with its interval; NaN where either does not vary or pairs are under 5.

    Source: D. G. Bonett and T. A. Wright, Psychometrika 65 (2000), for the standard error of its Fisher transform.

    >>> rank_correlation(np.arange(9.0), np.arange(9.0) ** 3).value
    1.0
    """
    from scipy.special import ndtri

    if len(one) < 5 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return Estimate(np.nan, np.nan, np.nan)
    value = float(np.clip(np.corrcoef(ranks(one), ranks(other))[0, 1], -1, 1))
    if abs(value) > 1 - 1e-12:
        return Estimate(value, value, value)
    reach = float(ndtri(0.5 + confidence / 2)) * np.sqrt((1 + value**2 / 2) / (len(one) - 3))
    return Estimate(value, float(np.tanh(np.arctanh(value) - reach)), float(np.tanh(np.arctanh(value) + reach)))


def _groups(values: Floats, n: int) -> Floats:
    """(n_points, n_groups) which group each point is in; equal values are in one."""
    place = np.minimum((ranks(values) * n / len(values)).astype(int), n - 1)
    return np.asarray(place[:, None] == np.unique(place), dtype=float)


def _between(groups: Floats, results: Floats, weights: Floats) -> Floats:
    """Epsilon squared of each column of results, (n_points, m) or (n_points, 1), under each column of weights."""
    count = groups.T @ np.broadcast_to(weights, (len(groups), weights.shape[1]))
    sums, total = groups.T @ (weights * results), (weights * results).sum(axis=0)
    size = weights.sum(axis=0)
    squares = (weights * results**2).sum(axis=0) - total**2 / size
    with np.errstate(invalid="ignore", divide="ignore"):
        between = np.where(count > 0, sums**2 / np.where(count > 0, count, 1), 0).sum(axis=0) - total**2 / size
        free = size - (count > 0).sum(axis=0)
        within = np.maximum(squares - between, 0) / free
        found = np.where(squares > 1e-12, 1 - within * (size - 1) / squares, 0.0)
    return np.asarray(found)
