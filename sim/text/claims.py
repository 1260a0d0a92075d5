"""What an audit of claims says, in words: cells of its table, and the closing paragraph."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.scenario.readings import READINGS, ReadingName
from sim.studies.claims.audit import ALL, Audit, Outcome, Together
from sim.studies.claims.findings import CONDITIONS, Condition, Finding, Verdict
from sim.studies.claims.laid import input_text
from sim.text.words import count, percent, span, target_words

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.studies.staff.staffing import Answer
    from sim.studies.unlimited import Hindrance, Limit

LETTERS: Final[dict[Condition, str]] = {
    "one clock": "c",
    "levels": "l",
    "usual shape": "s",
    "one thing": "t",
    "out of reach": "r",
    "lost count": "n",
}
"""How a condition is noted behind a verdict."""

MOST_ASKED: Final = 8
"""Claims of which the closing paragraph says what is open; the others are in the table."""

_RANK: Final[dict[Verdict, int]] = {"at odds": 0, "vacuous": 1, "implied": 2, "independent": 3}
_SAYS: Final[dict[str, str]] = {
    "at odds": "at odds with",
    "vacuous": "says nothing beside",
    "implied": "follows from",
    "independent": "independent of",
}


_IS: Final[dict[str, str]] = {**_SAYS, "at odds": "is at odds with"}
_ARE: Final[dict[str, str]] = {"at odds": "are at odds with", "vacuous": "say nothing beside", "implied": "follow from"}
"""The same in a sentence, of one claim and of several."""


@dataclass(frozen=True, slots=True)
class Row:
    """The readings of one claim that came to the same."""

    claim: str
    readings: tuple[ReadingName, ...]
    outcome: Outcome
    findings: tuple[Finding, ...]
    """Those told here: each once, in the first row of a reading that it is about."""

    @property
    def label(self) -> str:
        """The readings in words."""
        return "all three" if len(self.readings) == len(READINGS) else ", ".join(self.readings)


def rows(found: Audit) -> Iterator[Row]:
    """The rows of the table, claim by claim."""
    for claim in found.laid.file.ledger.claims:
        outcomes = [found.outcomes[claim, name] for name in READINGS if (claim, name) in found.outcomes]
        groups: list[list[Outcome]] = []
        for one in outcomes:
            same = next((group for group in groups if _alike(found, group[0], one)), None)
            if same is None:
                groups.append([one])
            else:
                same.append(one)
        told = _told(found, claim)
        for group in groups:
            names = tuple(one.key[1] for one in group)
            mine = [one for one in told if {*one.readings} & {*names}] if group is not groups[0] else []
            if group is groups[0]:
                later = {name for other in groups[1:] for one in other for name in [one.key[1]]}
                mine = [one for one in told if {*one.readings} & {*names} or not {*one.readings} & later]
            told = [one for one in told if one not in mine]
            yield Row(claim, names, group[0], tuple(mine))


def _alike(found: Audit, one: Outcome, other: Outcome) -> bool:
    """Whether two readings of a claim are one and came to the same."""
    if one.tested is not None or other.tested is not None:
        return found.laid.tested_as.get(one.key) == found.laid.tested_as.get(other.key)
    return (one.status, one.says) == (other.status, other.says)


def _told(found: Audit, claim: str) -> list[Finding]:
    """What the table says of a claim: verdicts that are one, the gravest first, each once."""
    telling = [one for one in found.findings if one.about == claim and one.verdict != "independent"]
    seen: dict[tuple[object, ...], Finding] = {}
    for one in sorted(telling, key=lambda one: (_RANK[one.verdict], len(one.conditions))):
        seen.setdefault((one.verdict, one.rests_on, one.conditions, one.readings), one)
    return list(seen.values())


def arithmetic(findings: Sequence[Finding], facts: Collection[str] = ()) -> str:
    """What arithmetic says, short: the verdict, on what claims it rests, and the letters of its conditions.

    Facts are set in quotes, to tell them from claims.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        letters = "".join(LETTERS[condition] for condition in one.conditions)
        how = "repeats" if one.relation == "one figure" else _SAYS[one.verdict]
        rests = " with ".join(f"'{name}'" if name in facts else name for name in one.rests_on)
        groups.setdefault((how, letters), []).append(rests)
    return "; ".join(
        f"{how} {listed(list(dict.fromkeys(rests)), 'or')}{f' ({letters})' if letters else ''}"
        for (how, letters), rests in groups.items()
    )


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in a sentence.

    >>> listed(["A", "B", "C"]), listed(["A", "B"], "or")
    ('A, B and C', 'A or B')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def legend(shown: Sequence[Row]) -> str:
    """What the letters mean, of those that were used."""
    used = {condition for row in shown for one in row.findings for condition in one.conditions}
    return "; ".join(f"{letter} {CONDITIONS[one]}" for one, letter in LETTERS.items() if one in used)


def simulation(one: Outcome) -> str:
    """What simulation says of a reading, short."""
    if one.tested is None:
        return {"input": "fixed: ", "given": "holds: ", "not given": "does not hold: ", "open": "open: "}.get(
            one.status, "not tested: "
        ) + one.says
    tested = one.tested
    now, best = value(tested.staffed), value(tested.limit.result)
    match one.status:
        case "held":
            return f"holds: {now}"
        case "staff":
            return f"{'missed' if tested.staffed.verdict == 'missed' else 'open'} as staffed: {now}; at best {best}"
        case "beyond staff":
            return f"out of reach: {now}, at best {best}{_in_the_way(tested.limit)}"
        case "beyond bounds":
            return f"missed within the bounds: {now}; at best {best}"
    if tested.allows_none:
        return f"{now} as staffed; at best {best}, which no run can show to be all"
    return f"open: {now}"


def staffing(one: Outcome) -> str:
    """The staffing that a reading needs, short."""
    answer = one.tested.answer if one.tested is not None else None
    if one.status == "beyond staff":
        return "none"
    if answer is None or answer.staffing is None:
        return "none found" if answer is not None else ""
    share = f" for {percent(ALL)}" if one.tested is not None and one.tested.allows_none else ""
    return f"{answer.fte:.1f} FTE{share}"


def value(one: TargetResult) -> str:
    """The value of a target, short.

    A share near all of them is told by as many digits as set it apart.
    """
    if math.isnan(one.value):
        return "nothing counted"
    if one.unit == "min":
        return ("more than " if one.lower_bound else "") + span(one.value)
    near = min(one.value, 1 - one.value)
    digits = 1 if near >= 0.0005 or near == 0 else 3
    return f"{100 * one.value:.{digits}f} %"


def asks(one: Outcome) -> str:
    """What a reading asks, in a sentence without a subject."""
    reading = one.reading
    if one.tested is not None:
        return target_words(one.tested.staffed.target)
    if reading.bound is not None:
        return f"{reading.bound.of} {reading.bound.sense} {reading.bound.text} of {reading.bound.to}"
    return one.says


def _in_the_way(limit: Limit) -> str:
    """What stands most in the way of a target that no staffing meets."""
    return f" ({_hindrance(limit.hindrances[0])})" if limit.hindrances else ""


def _hindrance(one: Hindrance) -> str:
    match one.kind:
        case "label":
            return f"{one.name} labels them otherwise"
        case "way":
            return f"they do not come to {one.name}"
        case _:
            return f"{one.kind} at {one.name}"


def people(answer: Answer) -> str:
    """A staffing by pool, shift by shift.

    Posts of one pool are in the order of its roster, as 3+2+1.
    """
    by_pool: dict[str, list[int]] = {}
    for post, n in zip(answer.posts, answer.staffing or (), strict=False):
        by_pool.setdefault(post.pool, []).append(n)
    return ", ".join(f"{pool} {'+'.join(map(str, posts))}" for pool, posts in by_pool.items())


def closing(found: Audit) -> list[str]:
    """The answer in plain words: what can hold together, at what staffing, and what would have to be disclosed."""
    joint = [_joint(found, found.together[name]) for name in READINGS if _has_any(found, name)]
    return [*joint, *_by_arithmetic(found), *_to_disclose(found)]


def _has_any(found: Audit, name: ReadingName) -> bool:
    return any(key[1] == name for key in found.outcomes)


def _joint(found: Audit, one: Together) -> str:
    n_targets = len(one.limits)
    if not n_targets and not one.weighed:
        return f"The {one.reading} readings are inputs or arithmetic: there is nothing to test."
    against = [*_out_of_reach(one), *(f"{claim} is not so ({one.weighed[claim].says})" for claim in one.broken)]
    against += [f"claims fix one input differently ({conflict})" for conflict in one.inputs.conflicts]
    answer = one.answer
    with_staff = ""
    if answer is not None and answer.staffing is not None:
        with_staff = f"{answer.fte:.1f} FTE ({people(answer)}){_fixed(found, one)}"
        with_staff += f"; the line has {found.fte:.1f} FTE"
    if one.holds:
        return f"The {one.reading} readings can all hold at once{f', with {with_staff}' if with_staff else ''}."
    if not against:
        why = "no staffing within the bounds meets them" if one.holds is False else "that is not decided"
        return f"The {one.reading} readings all at once: {why}."
    n_rest = n_targets - len(one.beyond_staff)
    rest = ""
    if with_staff:
        rest = f" The other {count(n_rest)} targets hold together with {with_staff}."
    elif n_rest:
        rest = f" For the other {count(n_rest)} targets together no staffing was found."
    return f"The {one.reading} readings cannot all hold at once: {'; '.join(against)}.{rest}"


def _fixed(found: Audit, one: Together) -> str:
    """What the claims of a reading fix otherwise than the scenario has it."""
    changes = one.inputs.changes.items()
    named = [f"{path} = {input_text(value)}" for path, value in changes if _differs(found, path, value)]
    return f", at {listed(named)}" if named else ""


def _differs(found: Audit, path: str, value: object) -> bool:
    node: object = found.laid.scenario.tree
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return str(node) != str(value)


def _out_of_reach(one: Together) -> Iterator[str]:
    beyond = [limit for limit in one.limits if limit.beyond_staff]
    if beyond:
        told = ", ".join(f"{limit.name} (at best {value(limit.result)}{_why(limit)})" for limit in beyond)
        yield f"no staffing meets {told}"


def _why(limit: Limit) -> str:
    return f"; {_hindrance(limit.hindrances[0])}" if limit.hindrances else ""


def _by_arithmetic(found: Audit) -> Iterator[str]:
    """What follows from the figures as the sources give them, a sentence for each set of conditions."""
    facts = found.laid.file.ledger.facts
    groups: dict[tuple[Condition, ...], dict[tuple[Verdict, str], list[str]]] = {}
    for one in sorted(found.findings, key=lambda one: (len(one.conditions), _RANK[one.verdict])):
        if one.verdict == "independent" or one.relation == "one figure" or "stated" not in one.readings:
            continue
        rests = " with ".join(f"'{name}'" if name in facts else name for name in one.rests_on)
        about = groups.setdefault(one.conditions, {}).setdefault((one.verdict, rests), [])
        if one.about not in about:
            about.append(one.about)
    for conditions, said in groups.items():
        only = " and ".join(CONDITIONS[condition] for condition in conditions) or "whatever the words mean"
        told = [
            f"{listed(about)} {(_ARE if len(about) > 1 else _IS)[verdict]} {rests}"
            for (verdict, rests), about in said.items()
        ]
        yield f"By arithmetic, {only}: {'; '.join(told)}."


def _to_disclose(found: Audit) -> Iterator[str]:
    claims = found.laid.file.ledger.claims
    asked = [name for name in claims if claims[name].unclear and claims[name].repeats is None and _depends(found, name)]
    if asked:
        told = "; ".join(f"{name}: {claims[name].unclear}" for name in asked[:MOST_ASKED])
        more = f"; and {len(asked) - MOST_ASKED} more" if len(asked) > MOST_ASKED else ""
        yield f"To settle the rest, what would have to be disclosed is {told}{more}."


def _depends(found: Audit, claim: str) -> bool:
    """Whether what a claim comes to depends on how it is read."""
    outcomes = [found.outcomes[claim, name] for name in READINGS if (claim, name) in found.outcomes]
    return len({_fate(one) for one in outcomes if one.tested or one.weighed}) > 1


def _fate(one: Outcome) -> str:
    good = {"held": "holds", "given": "holds", "staff": "with staff"}
    return good.get(one.status, one.status)
