"""What claims about times say of each other: means and tails, classes and all, everything within a limit.

Every rule takes two statements: what the first says of its clock is a bound from above, and the question is what it
leaves of the second. That holds where both count by one clock, and where the first ends after the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Final

from sim.dynamics.clock import MINUTE
from sim.scenario.ledger import Ledger
from sim.studies.claims.findings import (
    Finding,
    by_margin,
    minutes,
    percent,
    three,
    time_text,
    times,
)
from sim.studies.claims.pairs import Pair
from sim.studies.claims.shapes import exponential_mean
from sim.studies.claims.statements import Range, Timed, common_readings, is_later, share_in, timed
from sim.studies.claims.tails import tails_found

PARTS_OF_A_MEAN: Final = (2, 4, 8, 24)
"""The mean of a class is also looked at where it is so many times shorter than claimed."""


def times_found(ledger: Ledger) -> Iterator[Finding]:
    """Every finding on two claims about times."""
    statements = timed(ledger)
    for first, second in permutations(statements, 2):
        readings = common_readings(first, second)
        if first.claim == second.claim or not readings:
            continue
        earlier = is_later(ledger, second.clock, first.clock)
        if earlier:
            if ledger.claims[first.claim].subject == ledger.claims[second.claim].subject:
                yield from _step_left(first, second, readings)
            continue
        share = share_in(ledger, second.subject, first.subject)
        if first.is_all and first.subject in ledger.within(second.subject):
            share = Range(0.0, 1.0, 1.0, ())  # what holds for all holds for any part, however large
        if share is None:
            continue
        supposed = first.clock != second.clock and not is_later(ledger, first.clock, second.clock)
        yield from _compared(Pair(first, second, share, readings, supposed))


def _compared(pair: Pair) -> Iterator[Finding]:
    first, second = pair.first, pair.second
    if first.is_all:
        yield from _all_within(pair)
    elif first.form == "mean" and second.form == "mean":
        yield from _mean_of_part(pair)
    elif first.form == "mean":
        yield from tails_found(pair)
    elif first.form == "share" and second.form == "mean":
        yield from _tail_and_mean_of_part(pair)
    elif first.form == "share":
        yield from _share_and_share(pair)


def _all_within(pair: Pair) -> Iterator[Finding]:
    """Everything within a limit: so is every part, and no mean is longer."""
    first, second = pair.first, pair.second
    if second.ticks < first.ticks:
        return
    limit = minutes("limit of all", first.ticks)
    if second.form == "mean":
        margin = second.ticks / first.ticks
        yield pair.found(
            "all within a limit",
            by_margin(margin),
            "T <= w for all  =>  E[T] <= w",
            [limit, minutes("mean claimed", second.ticks), times("implied so many times over", margin)],
            f"if all take at most {limit.text}, no mean is longer: {second} says {three(margin)} times that",
        )
    else:
        yield pair.found(
            "all within a limit",
            "implied",
            "T <= w for all  =>  P(T > w') = 0 for w' >= w",
            [limit, minutes("threshold", second.ticks), percent("share over the threshold", 0.0)],
            f"if all take at most {limit.text}, none takes longer than {time_text(second.ticks / MINUTE)}",
        )


def _mean_of_part(pair: Pair) -> Iterator[Finding]:
    """The mean of all bounds that of a part (or of the same), and the other way round."""
    first, second, share = pair.first, pair.second, pair.share.figure
    bound = first.ticks / share
    margin = second.ticks / bound
    figures = [
        percent("share of the class", share),
        minutes("mean of the class at most", bound),
        times("implied so many times over", margin),
        percent("share over the claimed mean at most", min(first.ticks / second.ticks, 1.0)),
    ]
    formula = "s E[T | class] <= E[T]" if pair.is_part else "E[T] <= m"
    whose = "the class" if pair.is_part else "the same tips"
    yield pair.found(
        "mean of a class" if pair.is_part else "two means",
        by_margin(margin),
        formula,
        figures,
        f"a mean of {time_text(first.ticks / MINUTE)} over all leaves {whose} at most "
        f"{time_text(bound / MINUTE)} on average, and {second} says {time_text(second.ticks / MINUTE)}",
    )
    overall = share * second.ticks
    if overall <= first.ticks:
        return
    shorter = [
        minutes(f"overall mean at least, with {time_text(second.ticks / part / MINUTE)}", overall / part)
        for part in PARTS_OF_A_MEAN
    ]
    yield pair.found(
        "mean of a class" if pair.is_part else "two means",
        "at odds",
        formula,
        [
            percent("share of the class", share),
            minutes("overall mean at least", overall),
            times("times the mean over all", overall / first.ticks),
            *(shorter if pair.is_part else []),
        ],
        f"a mean near {time_text(second.ticks / MINUTE)} alone makes the mean over all at least "
        f"{time_text(overall / MINUTE)}, {three(overall / first.ticks)} times what {first} says",
        "levels",
    )


def _tail_and_mean_of_part(pair: Pair) -> Iterator[Finding]:
    """So many of all within a threshold: how long the slow ones of a class must take for its mean."""
    first, second, share = pair.first, pair.second, pair.share.figure
    slow = (1 - first.share) / share if share else 1.0
    if slow >= 1 or second.ticks <= first.ticks:
        return
    fast_at_most = (second.ticks - (1 - slow) * first.ticks) / slow
    fast_at_once = second.ticks / slow
    whose = "of the class" if pair.is_part else "of them"
    yield pair.found(
        "tail and mean of a class" if pair.is_part else "tail and mean",
        "independent",
        "P(T > w | class) <= (1 - p) / s;  E[T | class] = q E[slow] + (1 - q) E[fast]",
        [
            percent("slow ones at most", slow),
            minutes("mean of the slow at least, the others at the threshold", fast_at_most),
            minutes("mean of the slow, the others at once", fast_at_once),
        ],
        f"at most {three(100 * slow)} % {whose} take longer than {time_text(first.ticks / MINUTE)}: for a mean of "
        f"{time_text(second.ticks / MINUTE)} these would take {time_text(fast_at_most / MINUTE)} or more",
    )


def _share_and_share(pair: Pair) -> Iterator[Finding]:
    """More of them sooner implies fewer of them later."""
    first, second, share = pair.first, pair.second, pair.share.figure
    if second.ticks < first.ticks or not share:
        return
    over = (1 - first.share) / share
    enough = over < 1 if second.form == "some" else over <= 1 - second.share + 1e-12
    if enough:
        yield pair.found(
            "share sooner",
            "implied",
            "P(T > w') <= P(T > w) for w' >= w" if not pair.is_part else "P(T > w' | class) <= (1 - p) / s for w' >= w",
            [percent("share over the threshold at most", over), minutes("threshold", first.ticks)],
            f"at most {three(100 * over)} % take longer than {time_text(first.ticks / MINUTE)}; {second} asks no more",
        )


def _step_left(first: Timed, second: Timed, readings: tuple[str, ...]) -> Iterator[Finding]:
    """Two clocks of which one ends later: what is left between the two thresholds."""
    if first.form != "share" or second.form != "share" or second.ticks <= first.ticks:
        return
    left = second.ticks - first.ticks
    figures = [minutes("time left for the steps between", left)]
    if 0 < second.share < 1:
        figures.append(minutes("exponential mean needed for the later", exponential_mean(second.ticks, second.share)))
    yield Finding(
        "time left between",
        second.claim,
        (first.claim,),
        "independent",
        "T' >= T",
        tuple(figures),
        f"after the {time_text(first.ticks / MINUTE)} of {first} there are {time_text(left / MINUTE)} left; {second} "
        f"bounds {first} by {time_text(second.ticks / MINUTE)} only, and {first} says nothing of {second}",
        (),
        (first.clock, second.clock),
        readings,
    )
