"""What a study of sensitivity says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.studies.ranges import rounded
from sim.text.paths import Wording, wording
from sim.text.words import count, percent, with_interval

if TYPE_CHECKING:
    from sim.measures.estimates import Estimate
    from sim.studies.sensitivity import Along, SensitivityFound, Unknown


def answer(found: SensitivityFound) -> list[str]:
    """What the study says, in sentences."""
    return list(_answer(found))


def finding(found: SensitivityFound) -> str:
    """How much of the ranges holds, in one sentence without its end."""
    if found.changes:
        return f"All targets hold in {percent(round(found.share.value, 3))} of the ranges"
    return f"The verdict never changes over the ranges: {_what(holds=found.holds_everywhere)} at every point"


def said(found: SensitivityFound, unknown: Unknown) -> Wording:
    """How a range is spoken of."""
    return wording(found.scenario, unknown.path, unknown.unit)


def deciding_on(found: SensitivityFound) -> str:
    """What the ranges are ranked by."""
    return "whether all targets hold" if found.changes else f"the margin of {found.binding}"


def _answer(found: SensitivityFound) -> Iterator[str]:
    sampled = found.sampled
    if found.changes:
        interval = with_interval(found.share.value, found.share.low, found.share.high)
        yield f"All targets hold in {interval} of the plausible ranges ({_points(found, len(sampled))})."
    else:
        holds = found.holds_everywhere
        most, other = (1 - found.share.low, "they fail") if holds else (found.share.high, "all hold")
        yield (
            f"{finding(found)} ({_points(found, len(found.every))}; {other} in at most {percent(round(most, 3))} of "
            "the ranges)."
        )
    if found.n_impossible:
        yield f"{count(found.n_impossible)} points that the document does not allow are left out."
    undecided = sum(one.verdict == "undecided" for one in sampled)
    if undecided:
        yield (
            f"At {count(undecided)} of {count(len(sampled))} points the targets' intervals leave the verdict open; "
            f"they are counted by what {count(found.replications)} replications came to."
        )
    yield from _decides(found)
    yield from (_turn(found, along) for along in found.along)


def _points(found: SensitivityFound, n: int) -> str:
    """How many points something is said of; what a caller asks for is rows."""
    return f"{count(n)} points, from {count(found.n_rows)} rows of the design"


def _decides(found: SensitivityFound) -> Iterator[str]:
    if len(found.unknowns) == 1:
        path = found.unknowns[0].path
        fails = f"; what fails first at most points is {found.binding}" if found.binding else ""
        yield f"There is one range, {path}, and so nothing to rank{fails}."
        return
    if not found.deciding.known:
        yield "Nothing decides: no result varies over the ranges."
        return
    first, *others = found.ranked
    effects = found.deciding
    yield (
        f"What decides {deciding_on(found)} most is {found.unknowns[first].path}: {_effect(effects.total[first])} of "
        f"its variance in all, {_effect(effects.first[first])} by itself."
    )
    told = [f"{found.unknowns[i].path} {_effect(effects.total[i])}" for i in others]
    yield f"Then, in all: {'; '.join(told)}."


def _effect(effect: Estimate) -> str:
    value, low, high = (round(100 * part) for part in (effect.value, effect.low, effect.high))
    return f"{value} % ({low} to {high})"


def _turn(found: SensitivityFound, along: Along) -> str:
    words = said(found, along.unknown)
    path = along.unknown.path
    alone = "" if len(found.unknowns) == 1 else ", the others as they are,"
    if not along.turns:
        low, high = (words.number(end) for end in (along.unknown.range.from_, along.unknown.range.to))
        what = _what(holds=all(along.holds_at_ends))
        return f"{path}{alone} never turns the verdict: {what} from {low} to {high}{_unit(words)}."
    parts = []
    for turn in along.turns:
        side, value = _side(
            words, turn.below, turn.above, holds_below=turn.holds_below, whole=along.unknown.range.whole
        )
        fails = f", {turn.first} fails first on the other side" if turn.first else ""
        parts.append(f"at {value}{_unit(words)} (all hold {side}{fails})")
    return f"{path}{alone} turns the verdict {' and '.join(parts)}."


def _what(*, holds: bool) -> str:
    return "all targets hold" if holds else "some target fails"


def _side(words: Wording, below: float, above: float, *, holds_below: bool, whole: bool) -> tuple[str, str]:
    """On which side all targets hold, and the value at which that ends: of whole numbers the last that holds."""
    if whole:
        return ("up to it", words.number(below)) if holds_below else ("from it on", words.number(above))
    return "below" if holds_below else "above", words.number(rounded((below + above) / 2, 3))


def _unit(words: Wording) -> str:
    return f" {words.unit}" if words.unit and not words.unit.startswith("/") else words.unit
