"""What an audit of claims says, in words: what each reading came to, short, and the answer in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.scenario.readings import READINGS, ReadingName
from sim.studies.claims.audit import ALL, Audit, ReadingOutcome, Together
from sim.studies.claims.laid import fixed_words
from sim.studies.claims.statements import CONDITIONS, Condition, Finding, Standing
from sim.studies.staff.staffed import people_words
from sim.tables.claims import ReadingTold
from sim.text import page
from sim.text.dossier import lead, meaning, plainly, value
from sim.text.words import count, listed, percent, so_many

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.staff.limits import Hindrance, Limit

LETTERS: Final[dict[Condition, str]] = {
    "one clock": "c",
    "levels": "l",
    "same years": "y",
    "usual shape": "s",
    "one thing": "t",
    "out of reach": "r",
    "lost count": "n",
}
"""How a condition is noted behind a verdict."""

MOST_ASKED: Final = 8
"""Claims of which the answer says what is open; the others are in the table."""

COLUMNS: Final = (("reading", 10), ("arithmetic", 23), ("simulation", 33), ("staffing", 10))
"""Of the table of each claim, with their widths, so that those of all claims stand below each other."""

_GRAVEST: Final[tuple[Standing, ...]] = ("at odds", "vacuous", "implied", "independent")
_ARE: Final = {"at odds": "are at odds with", "vacuous": "say nothing beside", "implied": "follow from"}
_IS: Final = {"at odds": "is at odds with", "vacuous": "says nothing beside", "implied": "follows from"}
"""A verdict in a sentence, of several claims and of one; of one it is said without its "is" where room is short."""


# Each reading


@dataclass(frozen=True, slots=True)
class AlikeReadings:
    """The readings of one claim that came to the same."""

    claim: str
    readings: tuple[ReadingName, ...]
    outcome: ReadingOutcome
    findings: tuple[Finding, ...]
    """Those told here: each once, beside the first of the readings that it is about."""

    @property
    def label(self) -> str:
        """The readings in words."""
        return "all three" if len(self.readings) == len(READINGS) else ", ".join(self.readings)


def rows(found: Audit) -> Iterator[AlikeReadings]:
    """What there is to show, claim by claim."""
    for claim in found.laid.file.ledger.claims:
        groups: dict[object, list[ReadingOutcome]] = {}
        for name in READINGS:
            if (one := found.outcomes.get((claim, name))) is not None:
                # Readings that are one target, or of which the same is said, came to the same.
                same = found.laid.tested_as[one.key] if one.tested is not None else (one.status, one.says)
                groups.setdefault(same, []).append(one)
        names = [tuple(one.key[1] for one in group) for group in groups.values()]
        told: list[list[Finding]] = [[] for _ in names]
        for finding in _telling(found, claim) if names else ():
            told[next((at for at, own in enumerate(names) if {*own} & {*finding.readings}), 0)].append(finding)
        for group, own, findings in zip(groups.values(), names, told, strict=True):
            yield AlikeReadings(claim, own, group[0], tuple(findings))


def _telling(found: Audit, claim: str) -> list[Finding]:
    """What is told of a claim: verdicts that are one, the gravest first, each once."""
    telling = [one for one in found.findings if one.about == claim and one.verdict != "independent"]
    seen: dict[tuple[object, ...], Finding] = {}
    for one in sorted(telling, key=lambda one: (_GRAVEST.index(one.verdict), len(one.conditions))):
        seen.setdefault((one.verdict, one.rests_on, one.conditions, one.readings), one)
    return list(seen.values())


def told(found: Audit) -> Iterator[ReadingTold]:
    """Every reading with what is said of it, as the table has it."""
    ledger = found.laid.file.ledger
    findings = {(row.claim, name): row.findings for row in rows(found) for name in row.readings}
    for key, one in found.outcomes.items():
        said = arithmetic(findings[key], ledger.facts)
        claim = ledger.claims[one.claim]
        yield ReadingTold(
            claim=claim,
            source=ledger.sources.get(claim.source),
            outcome=one,
            asks=asks(one),
            arithmetic=said,
            simulation=simulation(one),
            means=meaning(ledger, one.claim),
            plainly=plainly(one),
        )


def asks(one: ReadingOutcome) -> str:
    """What a reading asks, in a sentence without a subject."""
    if one.tested is not None:
        return one.tested.staffed.target.words
    return one.says if one.reading.bound is None else one.reading.bound.words


def arithmetic(findings: Sequence[Finding], facts: Collection[str] = ()) -> str:
    """What arithmetic says, short: the verdict, on what claims it rests, and the letters of its conditions.

    Facts are set in quotes, to tell them from claims.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        letters = "".join(LETTERS[condition] for condition in one.conditions)
        how = "repeats" if one.relation == "one figure" else _IS[one.verdict].removeprefix("is ")
        groups.setdefault((how, letters), []).append(_rests_on(one, facts))
    return "; ".join(
        f"{how} {listed(list(dict.fromkeys(rests)), 'or')}{f' ({letters})' if letters else ''}"
        for (how, letters), rests in groups.items()
    )


def _rests_on(one: Finding, facts: Collection[str]) -> str:
    return " with ".join(f"'{name}'" if name in facts else name for name in one.rests_on)


def legend(shown: Sequence[AlikeReadings]) -> str:
    """What the letters mean, of those that were used."""
    used = {condition for row in shown for one in row.findings for condition in one.conditions}
    return "; ".join(f"{letter} {CONDITIONS[one]}" for one, letter in LETTERS.items() if one in used)


_UNTESTED: Final = {"input": "fixed", "given": "holds", "not given": "does not hold", "open": "open"}


def simulation(one: ReadingOutcome) -> str:
    """What simulation says of a reading, short."""
    if one.tested is None:
        return f"{_UNTESTED.get(one.status, 'not tested')}: {one.says}"
    tested = one.tested
    now, best = value(tested.staffed), value(tested.limit.result)
    match one.status:
        case "held":
            return f"holds: {now}"
        case "staff":
            return f"{'missed' if tested.staffed.verdict == 'missed' else 'open'} as staffed: {now}; at best {best}"
        case "beyond staff":
            way = f" ({_hindrance(tested.limit.hindrances[0])})" if tested.limit.hindrances else ""
            return f"out of reach: {now}, at best {best}{way}"
        case "beyond bounds":
            return f"missed within the bounds: {now}; at best {best}"
    if tested.allows_none:
        return f"{now} as staffed; at best {best}, which no run can show to be all"
    return f"open: {now}"


def staffing(one: ReadingOutcome) -> str:
    """The staffing that a reading needs, short."""
    if one.status == "beyond staff":
        return "none"
    if one.tested is None or one.tested.answer is None:
        return ""
    if one.tested.found is None:
        return "none found"
    share = f" for {percent(ALL)}" if one.tested.allows_none else ""
    return f"{one.tested.found.fte:.1f} FTE{share}"


def _hindrance(one: Hindrance) -> str:
    """What stands in the way of a target that no staffing meets."""
    match one.kind:
        case "label":
            return f"{one.name} labels them otherwise"
        case "way":
            return f"they do not come to {one.name}"
        case _:
            return f"{one.kind} at {one.name}"


# On the terminal


def parts(found: Audit) -> list[RenderableType]:
    """Every claim with its readings, then the letters of the conditions."""
    ledger, scenario = found.laid.file.ledger, found.scenario
    shown = list(rows(found))
    letters = legend(shown)
    return [
        page.title(ledger.ledger, found.laid.file.path),
        page.text(
            f"on {scenario.scenario} ({scenario.path}), {found.fte:.1f} FTE: {so_many(len(ledger.claims), 'claim')}, "
            f"{so_many(found.n_replications, 'replication')}, seed {scenario.run.seed}."
        ),
        *_blocks(found, shown),
        "",
        page.text(
            f"Arithmetic holds {letters}; else the claims are independent."
            if letters
            else "Arithmetic holds as it stands."
        ),
    ]


def _blocks(found: Audit, shown: Sequence[AlikeReadings]) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    ledger = found.laid.file.ledger
    for number, (claim, said) in enumerate(ledger.claims.items()):
        table = Table(box=None, show_header=number == 0, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
        for title, width in COLUMNS:
            table.add_column(title, width=width, vertical="top")
        for row in shown:
            if row.claim == claim:
                cells = (arithmetic(row.findings, ledger.facts), simulation(row.outcome), staffing(row.outcome))
                table.add_row(row.label, *map(page.text, cells))
        yield ""
        yield Text.assemble((claim, "bold"), "  ", page.text(said.says))
        yield table


# The answer


def finding(found: Audit) -> str:
    """In which readings the claims can hold, in one sentence without its end."""
    held = [name for name in READINGS if found.together[name].holds]
    if len(held) == len(READINGS):
        return "The claims can hold at once in every reading"
    if held:
        return f"The claims can hold at once in their {listed(held)} readings, in no others"
    return "In no reading can the claims all hold at once"


def answer(found: Audit) -> list[str]:
    """What can hold together, at what staffing, what arithmetic says, and what would have to be disclosed.

    The first sentence gives every reading, so that who takes one alone takes none that flatters.
    """
    there = {name for _, name in found.outcomes}
    joint = [_joint(found, found.together[name]) for name in READINGS if name in there]
    return [lead(found), *joint, *_by_arithmetic(found), *_to_disclose(found)]


def _joint(found: Audit, one: Together) -> str:
    n_targets = len(one.limits)
    if not n_targets and not one.weighed:
        return f"The {one.reading} readings are inputs or arithmetic: there is nothing to test."
    against = [*_out_of_reach(one), *(f"{claim} is not so ({one.weighed[claim].says})" for claim in one.broken)]
    against += [f"claims fix one input differently ({conflict})" for conflict in one.inputs.conflicts]
    with_staff = _with_staff(found, one)
    if one.holds:
        return f"The {one.reading} readings can all hold at once{f', with {with_staff}' if with_staff else ''}."
    if not against:
        why = "no staffing within the bounds meets them" if one.holds is False else "that is not decided"
        return f"The {one.reading} readings all at once: {why}."
    n_rest = n_targets - len(one.beyond_staff)
    rest = ""
    if with_staff:
        others = "other target holds" if n_rest == 1 else f"other {count(n_rest)} targets hold together"
        rest = f" The {others} with {with_staff}."
    elif n_rest:
        others = "other target" if n_rest == 1 else f"other {count(n_rest)} targets together"
        rest = f" For the {others} no staffing was found."
    return f"The {one.reading} readings cannot all hold at once: {'; '.join(against)}.{rest}"


def _with_staff(found: Audit, one: Together) -> str:
    """The cheapest staffing for what any staff can meet, at what the claims fix otherwise than the scenario has it."""
    if one.found is None:
        return ""
    own = {path: value for path, value in one.inputs.changes.items() if _differs(found, path, value)}
    fixed = f", at {listed(fixed_words(own))}" if own else ""
    if one.inputs.set_aside:
        fixed += f" (demand one at a time: {'; '.join(one.inputs.set_aside.values())})"
    people = people_words(one.found.posts, one.found.staffing or ())
    return f"{one.found.fte:.1f} FTE ({people}){fixed}; the line has {found.fte:.1f} FTE"


def _differs(found: Audit, path: str, value: object) -> bool:
    node: object = found.laid.scenario.tree
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return str(node) != str(value)


def _out_of_reach(one: Together) -> Iterator[str]:
    if beyond := [limit for limit in one.limits if limit.beyond_staff]:
        yield f"no staffing meets {', '.join(f'{limit.name} (at best {_at_best(limit)})' for limit in beyond)}"


def _at_best(limit: Limit) -> str:
    best = value(limit.result)
    return f"{best}; {_hindrance(limit.hindrances[0])}" if limit.hindrances else best


def _by_arithmetic(found: Audit) -> Iterator[str]:
    """What follows from the figures as the sources give them, a sentence for each set of conditions."""
    facts = found.laid.file.ledger.facts
    groups: dict[tuple[Condition, ...], dict[tuple[Standing, str], list[str]]] = {}
    for one in sorted(found.findings, key=lambda one: (len(one.conditions), _GRAVEST.index(one.verdict))):
        if one.verdict == "independent" or one.relation == "one figure" or "stated" not in one.readings:
            continue
        about = groups.setdefault(one.conditions, {}).setdefault((one.verdict, _rests_on(one, facts)), [])
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


def _fate(one: ReadingOutcome) -> str:
    return "held" if one.status == "given" else one.status
