"""Claims in plain words, an article for each: its own words and its source, what it would mean, what it came to in each
reading, what stands beside it, and what would have to be disclosed.

Everything is read off the tables that `claims` leaves; a folder of an older program has none of it. What a table holds
is shown, never trusted: an address that is none of the web is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sim.cli.report.results import Folder, anchor
from sim.scenario.readings import READINGS
from sim.scenario.sources import is_address
from sim.studies.claims.audit import STATUSES, Status

NOT_KNOWN: Final = "not known"

NEEDED: Final = frozenset(
    {"claim", "reading", "source", "says", "quotation", "link", "means", "asks", "plainly", "status"}
)
"""Columns without which there are no articles."""

_MARKED: Final[dict[str, tuple[Status, ...]]] = {
    "met": ("held", "staff", "given"),
    "missed": ("beyond bounds", "beyond staff", "not given"),
    "undecided": ("open",),
}
_MARKS: Final = {STATUSES[status]: mark for mark, statuses in _MARKED.items() for status in statuses}
"""How what a reading came to is coloured; what is not tested is not."""

_RESTS: Final = {
    "implied": "Follows by arithmetic from",
    "vacuous": "Says nothing by arithmetic beside",
    "at odds": "Cannot hold by arithmetic beside",
}
_SAME: Final = "one figure"


@dataclass(frozen=True, slots=True)
class SourceShown:
    """A source, as far as it is known."""

    name: str
    rows: list[tuple[str, str]]
    """What is known of it, under its heads; what is not is said."""
    link: str
    """An address of the web, or ""."""
    known: str


@dataclass(frozen=True, slots=True)
class ReadingShown:
    """Readings that ask and came to the same."""

    label: str
    asks: str
    came_to: str
    mark: str
    """met, missed or undecided; "" where nothing was tested."""


@dataclass(frozen=True, slots=True)
class BesideShown:
    """What arithmetic says of a claim beside others."""

    lead: str
    others: list[tuple[str, str]]
    """The words of the claims or the names of facts, with the place of those that have one."""
    only: str
    says: str


@dataclass(slots=True)
class ClaimShown:
    """The article of one claim."""

    name: str
    place: str
    """Its address in the page."""
    says: str
    quotation: str
    where: str
    source: SourceShown | None
    means: str
    unclear: str
    readings: list[ReadingShown]
    beside: list[BesideShown] = field(default_factory=list)
    against: list[tuple[str, str]] = field(default_factory=list)
    """Claims that say they cannot hold beside it, with their places."""
    repeats: tuple[str, str] | None = None
    """The claim that it says again, with its place."""


@dataclass(frozen=True, slots=True)
class FactShown:
    """What is known from elsewhere."""

    name: str
    place: str
    says: str
    source: str
    link: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The articles of a ledger."""

    lead: str
    """What all claims came to at once, in every reading; "" where that is not recorded."""
    claims: list[ClaimShown]
    sources: list[SourceShown]
    facts: list[FactShown]


def dossier(folder: Folder) -> Dossier | None:
    """The articles of the claims that a folder has; None where it has none, or only those of an older program."""
    table = folder.tables.get("claims")
    if table is None or not set(table.records.heads) >= NEEDED:
        return None
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in table.records:
        rows.setdefault(_text(row, "claim"), []).append(row)
    places = _places("claim", rows)
    words = {name: (_sentence(_text(some[0], "says")), places[name]) for name, some in rows.items()}
    sources = {one.name: one for one in _sources(folder)}
    found = {name: _claim(name, some, words, sources) for name, some in rows.items()}
    facts = _facts(folder)
    _relate(folder, found, {one.name: (_sentence(one.says), one.place) for one in facts} | words)
    return Dossier(next(iter(folder.answer("claims")), ""), list(found.values()), list(sources.values()), facts)


def _places(what: str, names: Iterable[str]) -> dict[str, str]:
    """The address of each claim or fact in the page: `claim-A19`; numbered where two would have one."""
    found: dict[str, str] = {}
    for name in names:
        place = wanted = anchor(what, name)
        number = 2
        while place in found.values():
            place, number = f"{wanted}-{number}", number + 1
        found[name] = place
    return found


def _sources(folder: Folder) -> Iterable[SourceShown]:
    table = folder.tables.get("claims_sources")
    for row in table.records if table is not None else ():
        link = _text(row, "link")
        told = [
            ("title", _text(row, "title") or NOT_KNOWN),
            ("what it is", _text(row, "says")),
            ("published by", _text(row, "publisher") or NOT_KNOWN),
            ("published", _text(row, "date") or NOT_KNOWN),
            ("address", link or NOT_KNOWN),
            ("read there", _text(row, "accessed") or NOT_KNOWN),
            ("place", _text(row, "place")),
            ("says", _quoted(_text(row, "quotation"))),
            ("kept copy", _text(row, "copy") and f"{_text(row, 'copy')}; the quotations stand in it word for word"),
            ("archived copy", _text(row, "sha256") and f"SHA-256 {_text(row, 'sha256')}"),
        ]
        rows = [(head, value) for head, value in told if value]
        yield SourceShown(_text(row, "source"), rows, link if is_address(link) else "", _text(row, "known"))


def _facts(folder: Folder) -> list[FactShown]:
    table = folder.tables.get("claims_facts")
    rows = {_text(row, "fact"): row for row in table.records} if table is not None else {}
    places = _places("fact", rows)
    return [
        FactShown(
            name=name,
            place=places[name],
            says=_text(row, "says"),
            source=_text(row, "source"),
            link=link if is_address(link := _text(row, "link")) else "",
        )
        for name, row in rows.items()
    ]


def _claim(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    words: Mapping[str, tuple[str, str]],
    sources: Mapping[str, SourceShown],
) -> ClaimShown:
    first = rows[0]
    return ClaimShown(
        name=name,
        place=words[name][1],
        says=_text(first, "says"),
        quotation=_quoted(_text(first, "quotation")),
        where=_text(first, "place"),
        source=sources.get(_text(first, "source")),
        means=_text(first, "means"),
        unclear=_text(first, "unclear"),
        readings=_readings(rows),
        repeats=words.get(_text(first, "repeats")),
    )


def _readings(rows: Sequence[Mapping[str, Any]]) -> list[ReadingShown]:
    """Readings that ask the same and came to the same are one."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        sense, asks = _text(row, "sense"), _text(row, "asks").replace("_", " ")
        # What only an input or arithmetic says is not asked of the line.
        asked = asks if row.get("form") in ("target", "bound") else ""
        told = "; ".join(part for part in (sense, asked) if part)
        key = (told, _text(row, "plainly"), _MARKS.get(_text(row, "status"), ""))
        groups.setdefault(key, []).append(_text(row, "reading"))
    return [
        ReadingShown("in every reading" if len(names) == len(READINGS) else ", ".join(names), *key)
        for key, names in groups.items()
    ]


def _relate(folder: Folder, found: Mapping[str, ClaimShown], words: Mapping[str, tuple[str, str]]) -> None:
    """What arithmetic says of the claims, each relation once, told at the claim that it is about."""
    table = folder.tables.get("relations")
    seen: set[tuple[str, ...]] = set()
    for row in table.records if table is not None and "plainly" in table.records.heads else ():
        about, verdict, only = _text(row, "about"), _text(row, "verdict"), _text(row, "only")
        names = [name for name in _text(row, "rests_on").split(", ") if name]
        key = (about, verdict, only, *names)
        if about not in found or verdict not in _RESTS or key in seen:
            continue
        seen.add(key)
        same = row.get("relation") == _SAME
        lead = "Says no more than" if same else _RESTS[verdict]
        others = [words.get(name, (f"what is known of {name}", "")) for name in names]
        says = "" if same else _sentence(_text(row, "plainly"))
        found[about].beside.append(BesideShown(lead, others, only, says))
        if verdict == "at odds":
            for name in names:
                if name in found and words[about] not in found[name].against:
                    found[name].against.append(words[about])


def _text(row: Mapping[str, Any], head: str) -> str:
    given = row.get(head)
    return "" if given is None else str(given)


def _sentence(text: str) -> str:
    """A sentence without its end, as a part of another."""
    return text.strip().removesuffix(".")


def _quoted(text: str) -> str:
    return f"“{text}”" if text else ""
