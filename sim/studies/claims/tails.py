"""What the mean of a time says of its tail, and the tail of the mean: Markov's inequality, and the usual shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from sim.dynamics.clock import MINUTE
from sim.studies.claims.findings import Figure, Finding, minutes, percent, three, time_text, times
from sim.studies.claims.pairs import Pair
from sim.studies.claims.shapes import COMMON_CVS, exponential_mean, least_shares, lognormal_of_cv

LEAST_RATIO: Final = 0.1
"""A threshold below this part of a mean is not looked at: nobody takes the two for one clock."""


def tails_found(pair: Pair) -> Iterator[Finding]:
    """Markov's inequality and its reverse; where it says nothing, what usual shapes say."""
    first, second, share = pair.first, pair.second, pair.share.figure
    over = first.ticks / (share * second.ticks)
    if over < 1 or (second.form == "some" and over <= 1):
        yield _markov(pair, over)
    elif second.form == "share" and second.share > 0 and second.ticks >= LEAST_RATIO * first.ticks:
        yield _same_law(pair)
    if second.form == "share" and 0 < second.share < 1:
        yield from _edge_of_tail(pair)


def _markov(pair: Pair, over: float) -> Finding:
    first, second = pair.first, pair.second
    figures = [percent("share over the threshold at most", over), percent("share within at least", 1 - over)]
    says = (
        f"a mean of {time_text(first.ticks / MINUTE)} leaves at most {three(100 * over)} % over "
        f"{time_text(second.ticks / MINUTE)}"
    )
    formula = "P(T > w) <= E[T] / w" if not pair.is_part else "P(T > w | class) <= E[T] / (s w)"
    relation = "mean bounds tail"
    if second.form == "some":
        return pair.found(relation, "implied", formula, figures, f"{says}, so some take no longer")
    if second.share <= 1 - over:
        return pair.found(relation, "implied", formula, figures, f"{says}; {second} asks less")
    if pair.is_part:
        return pair.found(relation, "independent", formula, figures, f"{says}; {second} asks more")
    least = least_shares(second.ticks / first.ticks)
    ratio = second.ticks / first.ticks
    for law, one in least.items():
        figures.append(percent(f"least share within, {law}", one.share))
        figures.append(Figure("at sigma" if law == "lognormal" else f"at {law} shape", one.shape, ""))
    figures.append(percent("share within, exponential", -math.expm1(-ratio)))
    smallest = min(one.share for one in least.values())
    if smallest >= second.share:
        return pair.found(
            relation,
            "implied",
            f"{formula}; least over lognormal, gamma and Weibull shapes",
            figures,
            f"{says}; of usual shapes none has less than {three(100 * smallest)} % within",
            "usual shape",
        )
    return pair.found(relation, "independent", formula, figures, f"{says}; {second} asks more")


def _same_law(pair: Pair) -> Finding:
    """A threshold so far below the mean that Markov's inequality says nothing."""
    first, second, share = pair.first, pair.second, pair.share.figure
    figures: list[Figure] = []
    ratio = second.ticks / first.ticks
    if second.share < 1:
        needed = exponential_mean(second.ticks, second.share)
        figures.append(minutes("exponential mean needed", needed))
    figures += [percent(f"share within, lognormal of cv {cv:g}", lognormal_of_cv(ratio, cv)) for cv in COMMON_CVS]
    says = (
        f"a mean of {time_text(first.ticks / MINUTE)} says nothing of {time_text(second.ticks / MINUTE)}: lognormal "
        f"times of cv 1 would have {three(100 * lognormal_of_cv(ratio, 1.0))} % within"
    )
    if pair.is_part and share < 1 and share * second.ticks <= first.ticks:
        rest = (first.ticks - share * second.ticks) / (1 - share)
        figures += [percent("share of the class", share), minutes("mean of the rest at most", rest)]
        says += f"; with the class at {time_text(second.ticks / MINUTE)} the rest may take {time_text(rest / MINUTE)}"
    return pair.found("usual shapes at a mean", "independent", "P(T <= w) by law and cv at E[T]", figures, says)


def _edge_of_tail(pair: Pair) -> Iterator[Finding]:
    """Only just so many within a threshold: how long that makes the mean at least."""
    first, second, share = pair.first, pair.second, pair.share.figure
    least = share * (1 - second.share) * second.ticks
    figures = [
        minutes("mean at least, if only just met", least),
        times("times the mean claimed", least / first.ticks),
    ]
    if not pair.is_part:
        figures.append(percent("share within that the mean allows", max(1 - first.ticks / second.ticks, 0.0)))
        law = exponential_mean(second.ticks, second.share)
        figures.append(minutes("mean of an exponential law with that share", law))
    formula = "E[T] >= (1 - p) w" if not pair.is_part else "E[T] >= s (1 - p) w"
    where = f"if only just {three(100 * second.share)} % are within {time_text(second.ticks / MINUTE)}, the mean"
    if least > first.ticks:
        yield pair.found(
            "tail bounds mean",
            "at odds",
            formula,
            figures,
            f"{where} is at least {time_text(least / MINUTE)}, {three(least / first.ticks)} times what {first} says",
            "levels",
        )
    elif not pair.is_part:
        yield pair.found(
            "tail bounds mean",
            "independent",
            formula,
            figures,
            f"{where} is at least {time_text(least / MINUTE)}, and may be as long as you like",
        )
