"""The plausibility answer in words: in which worlds some staffing holds, with how many people, what decides it, and how
far that hangs on the distributions that are declared."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sim.measures.estimates import by_size
from sim.scenario.choices import UNITS
from sim.scenario.plausible import SPREAD_WORDS
from sim.text import page
from sim.text.ranges import Wording, wording
from sim.text.staff import kept_words
from sim.text.words import count, length, listed, percent, so_many

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.measures.estimates import Estimate
    from sim.studies.plausibility import PlausibilityFound, Reweighted, Third
    from sim.studies.sensitivity import PlausibleRange
    from sim.studies.worlds import WorldOutcome

MOST_RANKED: Final = 8
"""Unknowns on the terminal; the tables have all."""
MOST_TOLD: Final = 3
"""Unknowns of which it is told how they decide."""


def said(found: PlausibilityFound, unknown: PlausibleRange) -> Wording:
    """How an unknown is spoken of, names of the document as words."""
    one = wording(found.scenario, unknown.path, unknown.unit)
    return replace(one, label=one.label.replace("_", " "), said=one.said.replace("_", " "))


def about(number: float) -> str:
    """A number of people with the digits that assumptions bear: two.

    >>> about(24.31), about(7.449), about(138.2), about(0.62)
    ('24', '7.4', '140', '0.62')
    """
    return f"{float(f'{number:.2g}'):g}"


def outcome_words(found: PlausibilityFound) -> dict[WorldOutcome, str]:
    """What each outcome says of a world, in a few words."""
    return {
        "held": f"held with at most {about(found.more_than)} FTE",
        "more": f"takes more than {about(found.more_than)} FTE" if not found.bounded else "takes more people",
        "no staff": "no staff can",
        "undecided": "undecided",
        "impossible": "not allowed by the document",
    }


def share_words(one: Estimate) -> str:
    """A share of worlds in whole percents, which is what some hundred of them bear, with its interval.

    >>> from sim.measures.estimates import Estimate
    >>> share_words(Estimate(0.411, 0.352, 0.473)), share_words(Estimate(0.004, 0.0, 0.02))
    ('41 % (35 to 47)', '0.4 % (0 to 2)')
    """
    value, low, high = (100 * part for part in (one.value, one.low, one.high))
    shown = f"{value:.0f}" if value >= 1 or value == 0 else f"{value:.1g}"
    return f"{shown} % ({low:.0f} to {high:.0f})"


def finding(found: PlausibilityFound) -> str:
    """What a fair reading says first, in one sentence without its end."""
    n, held = len(found.possible), found.count("held")
    if not n:
        return "The document allows none of the worlds"
    what = f"some staffing of at most {about(found.more_than)} FTE meets {_all(found)}"
    if not held:
        return f"In none of {count(n)} plausible worlds is it shown that {what}{_others(found)}"
    if held == n:
        return f"In every one of {count(n)} plausible worlds {what}"
    return f"In about {_whole(held / n)} of the plausible worlds {what}{_others(found)}"


def people_finding(found: PlausibilityFound) -> str:
    """How many people it takes, in one sentence without its end; empty where it holds nowhere."""
    if not found.quantiles:
        return ""
    five, lower, middle, upper, most = (one.fte.value for one in found.quantiles)
    told = []
    if len(found.held) >= 4 and about(lower) != about(upper):
        told.append(f"{about(lower)} to {about(upper)} in half of these worlds")
    if len(found.held) >= 20 and about(five) != about(most):
        told.append(f"{about(five)} to {about(most)} in nine of ten{'' if told else ' of these worlds'}")
    return f"Where it holds, it takes about {about(middle)} FTE{': ' if told else ''}{', '.join(told)}"


def answer(found: PlausibilityFound) -> Iterator[str]:
    """What the study says, in sentences."""
    yield f"{finding(found)}."
    if people := people_finding(found):
        middle = found.quantiles[2].on_duty.value
        yield f"{people}; in the middle {about(middle)} people are on duty at a time, on average over the week."
    yield from _intervals(found)
    yield from _kills(found)
    yield from _decides(found)
    yield from _people_decided(found)
    yield from _hangs(found)
    yield from _kept_in(found)
    yield from _how(found)


def parts(found: PlausibilityFound) -> list[RenderableType]:
    """The tables on the terminal."""
    from sim.studies.worlds import OUTCOMES

    told = page.table("outcome", "worlds", "share of the worlds", numbers=(1,))
    words = outcome_words(found)
    for outcome in OUTCOMES:
        n = found.count(outcome)
        if outcome == "impossible" and not n:
            continue
        share = share_words(found.share(outcome)) if outcome != "impossible" and found.possible else ""
        told.add_row(words[outcome], count(n), page.text(share))
    best = page.table("target", "asked", "missed in worlds", "first in", numbers=(2, 3))
    for name, (every, first) in found.kills.items():
        best.add_row(name, page.text(found.scenario.targets[name].asked), count(every), count(first))
    shown: list[RenderableType] = [
        page.title(found.scenario.scenario, found.scenario.path, found.scenario.variant),
        told,
    ]
    ranked = page.table("unknown", "spread", "held in its thirds", "explains", numbers=(3,))
    effects = found.explained[found.decides]
    for i in found.ranked[:MOST_RANKED]:
        unknown = found.unknowns[i]
        mine = [one.held.value for one in found.thirds if one.unknown is unknown]
        thirds = ", ".join(_whole(one) for one in mine)
        value = effects.share[i].value
        explains = "" if math.isnan(value) else f"{100 * value:.0f} %{'' if effects.beyond_chance[i] else ' ?'}"
        ranked.add_row(
            page.text(said(found, unknown).label),
            page.text(unknown.range.words),
            page.text(thirds),
            page.text(explains),
        )
    return [
        *shown,
        page.heading("With unlimited staff"),
        best,
        page.heading("What is not known, and what it decides (? where chance may)"),
        ranked,
    ]


def _all(found: PlausibilityFound) -> str:
    n = len(found.scenario.targets)
    return f"all {n} targets" if n > 1 else "the target"


def _whole(share: float) -> str:
    value = 100 * share
    if 0 < value < 1:
        return "under 1 %"
    return "over 99 %" if 99 < value < 100 else f"{value:.0f} %"


def _others(found: PlausibilityFound) -> str:
    n = len(found.possible)
    told = []
    for outcome, words in (
        ("no staff", "no staff can in {}"),
        ("more", "{} take more people"),
        ("undecided", "{} are undecided"),
    ):
        if worlds := found.count(outcome):  # type: ignore[arg-type]
            told.append(words.format(_whole(worlds / n)))
    return f"; {listed(told)}" if told else ""


def _intervals(found: PlausibilityFound) -> Iterator[str]:
    n = len(found.possible)
    if not n:
        return
    sure = f"with {percent(found.confidence)} confidence"
    told = f"Of {count(n)} worlds it holds in {share_words(found.share('held'))} {sure}"
    if found.count("undecided"):
        both = found.share("held", "undecided")
        told += f", and in {share_words(both)} if all that is undecided did"
    yield f"{told}; no staff can in {share_words(found.share('no staff'))}."
    if found.count("impossible"):
        yield f"{count(found.count('impossible'))} worlds that the document does not allow are left out."


def _kills(found: PlausibilityFound) -> Iterator[str]:
    told = sorted(((first, every, name) for name, (every, first) in found.kills.items() if every), reverse=True)
    if told:
        each = [f"{name} in {count(every)} worlds (first in {count(first)})" for first, every, name in told]
        yield f"What unlimited staff does not mend: {listed(each)}."


def _decides(found: PlausibilityFound) -> Iterator[str]:
    effects = found.explained[found.decides]
    deciding = [i for i in found.ranked if effects.beyond_chance[i]]
    what = "whether it holds" if found.decides == "holds" else "how far unlimited staff is from holding"
    if not deciding:
        yield f"Which unknown decides {what} is not told beyond chance by so few worlds."
        return
    shares = [f"{said(found, found.unknowns[i]).label}, {_whole(effects.share[i].value)}" for i in deciding]
    yield f"What decides {what}, by the part that each explains alone: {'; '.join(shares)}."
    for i in deciding[:MOST_TOLD]:
        thirds = [one for one in found.thirds if one.unknown is found.unknowns[i]]
        yield _third_words(found, found.unknowns[i], thirds)


def _third_words(found: PlausibilityFound, unknown: PlausibleRange, thirds: Sequence[Third]) -> str:
    words = said(found, unknown)
    each = [f"from {words.number(_short(one.low))} to {words.number(_short(one.high))}" for one in thirds]
    if found.decides == "holds":
        told = [f"{values} in {_whole(one.held.value)}" for values, one in zip(each, thirds, strict=True)]
        return f"By {words.label} it holds {', '.join(told)} of the worlds."
    told = [f"{values} {_times(one.worst)}" for values, one in zip(each, thirds, strict=True)]
    return f"By {words.label} the worst target uses up, of what it allows, {', '.join(told)} with unlimited staff."


def _times(used: float) -> str:
    return f"{used:.2g} times as much" if used < 100 else "over 100 times as much"


def _short(number: float) -> float:
    return float(f"{number:.3g}")


def _people_decided(found: PlausibilityFound) -> Iterator[str]:
    effects = found.explained["FTE"]
    told = []
    for i in by_size(effects.share):
        if effects.beyond_chance[i]:
            way = "more" if found.correlation("FTE", i).value > 0 else "fewer"
            told.append(
                f"{said(found, found.unknowns[i]).label} ({_whole(effects.share[i].value)}; {way} people the higher)"
            )
    if told:
        yield f"How many people it takes hangs on {'; '.join(told[:MOST_TOLD])}."


def _hangs(found: PlausibilityFound) -> Iterator[str]:
    by_spread = Counter(unknown.range.spread for unknown in found.unknowns)
    n = len(found.unknowns)
    each = [f"{count(many)} {'is' if many == 1 else 'are'} {SPREAD_WORDS[name]}" for name, many in by_spread.items()]
    if len(by_spread) == 1:
        [spread] = by_spread
        yield f"Every unknown is {SPREAD_WORDS[spread]}, as declared."
    else:
        yield f"Of {count(n)} unknowns {listed(each)}, as declared."
    single = [one for one in found.reweighted if not isinstance(one.which, str) and one.enough]
    if single:
        least, most = (pick(single, key=lambda one: one.held.value) for pick in (min, max))
        yield (
            f"Were any one of them uniform or log-uniform over its range, it would hold in {_whole(least.held.value)} "
            f"({_otherwise(found, least)}) to {_whole(most.held.value)} ({_otherwise(found, most)})."
        )
    for one in found.reweighted:
        if isinstance(one.which, str) and (one.which == "deciding" or n > 1):
            who = "those that decide" if one.which == "deciding" else "all of them"
            worth = f"the same worlds {'are' if one.enough else 'would be'} worth {about(one.effective)}"
            if one.enough:
                yield f"Were {who} {one.spread}, it would hold in {share_words(one.held)}; for that {worth}."
            else:
                yield f"Were {who} {one.spread}, {worth}: too few to say."


def _otherwise(found: PlausibilityFound, one: Reweighted) -> str:
    assert not isinstance(one.which, str)
    return f"{said(found, one.which).label} {one.spread}"


def _kept_in(found: PlausibilityFound) -> Iterator[str]:
    for one in found.periods:
        told = [
            f"{_whole(share.share.value)} of {period}s"
            for period in UNITS[1:]
            if (share := one.shares[period]).whole and share.n_judged
        ]
        if told and not one.target:
            assert found.median is not None
            yield (
                f"In the world in the middle, with its {about(found.median.fte)} FTE, all targets are kept in "
                f"{listed(told)}."
            )


def _how(found: PlausibilityFound) -> Iterator[str]:
    if found.kept:
        yield kept_words(found.kept)
    runs = f"{so_many(found.replications, 'replication')} of {length(found.length)}"
    yield (
        f"Each world is run for {runs} at first, and for more where these do not decide. Its staffing is the cheapest "
        "that a short search finds, which nothing speaks against on fresh seeds; that none is cheaper is not shown."
    )
