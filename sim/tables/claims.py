"""The tables of an audit of claims: each reading of each claim, each reading as a whole, each figure of arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.scenario.readings import READINGS
from sim.scenario.targets import Timed
from sim.studies.claims.audit import ALL, STATUSES
from sim.studies.claims.laid import fixed_words
from sim.studies.claims.statements import CONDITIONS
from sim.studies.staff.staffed import people_words
from sim.tables.declared import Column, Table, came_columns, number, of, text, whole

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.scenario.claims import Claim, Fact
    from sim.scenario.readings import ReadingName
    from sim.scenario.sources import Source
    from sim.studies.claims.audit import Audit, ReadingOutcome, Together
    from sim.studies.claims.statements import FigureFound, Finding
    from sim.studies.staff.limits import Limit
    from sim.studies.staff.staffing import StaffAnswer


def _needs(get: Callable[[Any], StaffAnswer | None], before: str) -> tuple[Column[Any], ...]:
    """The staff that something needs; heads begin with `before`."""
    return (
        number(f"{before}fte", "", of(get, lambda one: one.fte), "full-time equivalents, overtime apart"),
        number(f"{before}cost_a_week", "", of(get, lambda one: one.cost), "paid hours times the prices"),
        text(
            f"{before}people",
            of(get, lambda one: people_words(one.posts, one.staffing)),
            "by pool, shift by shift in the order of its roster",
        ),
    )


@dataclass(frozen=True, slots=True)
class ReadingTold:
    """A reading of a claim with what is said of it."""

    claim: Claim
    source: Source | None
    """None where the ledger describes none of that name."""
    outcome: ReadingOutcome
    asks: str
    arithmetic: str
    simulation: str
    means: str
    plainly: str

    @property
    def staffed(self) -> TargetResult | None:
        """What its target came to as the line is staffed."""
        return self.outcome.tested.staffed if self.outcome.tested is not None else None

    @property
    def limit(self) -> Limit | None:
        """What its target comes to with unlimited staff."""
        return self.outcome.tested.limit if self.outcome.tested is not None else None

    @property
    def needs(self) -> StaffAnswer | None:
        """The cheapest staffing that meets its target alone."""
        return self.outcome.tested.found if self.outcome.tested is not None else None

    @property
    def judged(self) -> tuple[str, float, float] | None:
        """Unit, threshold and value of its target or of its bound; None where nothing was judged."""
        if (one := self.staffed) is not None:
            return one.unit, one.in_unit(one.threshold), one.in_unit(one.value)
        bound = self.outcome.weighed
        return None if bound is None or math.isnan(bound.value) else (bound.unit, bound.limit, bound.value)

    @property
    def why_none(self) -> str | None:
        """Why there is no staffing for its target."""
        if self.outcome.status == "beyond staff":
            return "beyond staff"
        answer = self.outcome.tested.answer if self.outcome.tested is not None else None
        return answer.why if answer is not None else None

    @property
    def searched(self) -> float | None:
        """The share that was searched for in place of all, which nothing can show."""
        tested = self.outcome.tested
        return ALL if tested is not None and tested.found is not None and tested.allows_none else None


def _most_in_the_way(one: Limit) -> str | None:
    return f"{one.hindrances[0].kind}: {one.hindrances[0].name}" if one.hindrances else None


CLAIMS: Final = Table[ReadingTold](
    "claims",
    "a reading of a claim: what simulation says, and the staff it takes",
    "The claims, reading by reading",
    (
        text("claim", lambda row: row.outcome.claim, "its name in the ledger"),
        text("reading", lambda row: row.outcome.key[1], "lenient, moderate or strict"),
        text("source", lambda row: row.claim.source, "where it is claimed"),
        text("says", lambda row: row.claim.says, "the claim in words"),
        text("quotation", lambda row: row.claim.quotation, "the claim word for word, as its source has it"),
        text("place", lambda row: where(row.claim), "the page and the place in the source"),
        text("link", of(lambda row: row.source, lambda one: one.url), "the address of the source"),
        text("means", lambda row: row.means, "what it would mean if it held, in plain words"),
        text("kind", lambda row: row.claim.kind, "what kind of claim it is"),
        text("repeats", lambda row: row.claim.repeats, "the claim that it says again"),
        text("form", lambda row: row.outcome.reading.form, "target, input, bound or arithmetic_only"),
        text("sense", lambda row: row.outcome.reading.says, "what the ledger says of the reading besides"),
        text("asks", lambda row: row.asks, "the reading in words"),
        text("arithmetic", lambda row: row.arithmetic, "what arithmetic says, with the letters of its conditions"),
        text("status", lambda row: STATUSES[row.outcome.status], "what it came to"),
        text("simulation", lambda row: row.simulation, "what simulation says"),
        text("plainly", lambda row: row.plainly, "what it came to, in a sentence without names of claims"),
        text(
            "unit", of(lambda row: row.judged, lambda one: one[0]), "of threshold, values and interval: share, or min"
        ),
        number("threshold", "", of(lambda row: row.judged, lambda one: one[1]), "what is asked, in the unit"),
        number("value", "", of(lambda row: row.judged, lambda one: one[2]), "what it came to as staffed, in the unit"),
        *came_columns(lambda row: row.staffed)[1:],
        number(
            "unlimited_value",
            "",
            of(lambda row: row.limit, lambda one: one.result.in_unit(one.result.value)),
            "with unlimited staff",
        ),
        text(
            "unlimited_verdict", of(lambda row: row.limit, lambda one: one.result.verdict), "met, missed or undecided"
        ),
        text("in_the_way", of(lambda row: row.limit, _most_in_the_way), "what hinders it most with unlimited staff"),
        *_needs(lambda row: row.needs, "needs_"),
        number("searched", "share", lambda row: row.searched, "searched for in place of all"),
        text("no_staffing_because", lambda row: row.why_none, "beyond staff, beyond bounds or not confirmed"),
        text("unclear", lambda row: row.claim.unclear, "what would have to be disclosed"),
    ),
)


def where(one: Claim | Source) -> str:
    """The page and the place at which a claim stands, or of which a source is."""
    return ", ".join(part for part in (one.page and f"page {one.page}", one.place) if part)


SOURCES: Final[Table[tuple[str, Source]]] = Table(
    "claims_sources",
    "a source of claims: what is known of it; what is not known is empty",
    "Where the claims were read",
    (
        text("source", lambda row: row[0], "its name in the ledger"),
        text("title", lambda row: row[1].title, "what it is called"),
        text("says", lambda row: row[1].says, "what it is, in words of the ledger"),
        text("publisher", lambda row: row[1].publisher, "who published it"),
        text("link", lambda row: row[1].url, "its address; never fetched"),
        text("date", lambda row: row[1].date, "when it was published"),
        text("accessed", lambda row: row[1].accessed, "when it was read"),
        text("place", lambda row: where(row[1]), "the page and the place in it"),
        text("quotation", lambda row: row[1].quotation, "what it says, word for word"),
        text("copy", lambda row: row[1].kept, "the kept copy that every quotation was held against"),
        text("sha256", lambda row: row[1].sha256, "the SHA-256 of an archived copy"),
        text("known", lambda row: row[1].known, "what is known of it and of its publisher besides"),
    ),
)


FACTS: Final[Table[tuple[str, Fact]]] = Table(
    "claims_facts",
    "a fact from elsewhere that claims are held against: it is not judged",
    "What is known from elsewhere",
    (
        text("fact", lambda row: row[0], "its name in the ledger"),
        text("says", lambda row: row[1].says, "what it says, in words"),
        text("kind", lambda row: row[1].kind, "what kind of fact it is"),
        text("source", lambda row: row[1].source, "where it is known from"),
        text("link", lambda row: row[1].url, "the address of that; never fetched"),
    ),
)


@dataclass(frozen=True, slots=True)
class ReadingAsAWhole:
    """All claims in one reading, on a line with its staff."""

    together: Together
    staffed_fte: float


_HOLDS: Final = {True: "yes", False: "no", None: "undecided"}

TOGETHER: Final = Table[ReadingAsAWhole](
    "claims_together",
    "a reading of all claims: whether it can hold at once, what stands against it, what the rest needs",
    "Each reading as a whole",
    (
        text("reading", lambda row: row.together.reading, "lenient, moderate or strict"),
        text("holds", lambda row: _HOLDS[row.together.holds], "whether one staffing meets all: yes, no or undecided"),
        text("as_staffed", lambda row: row.together.staffed and row.together.staffed.verdict, "the verdict on all"),
        whole("targets", "", lambda row: len(row.together.limits), "targets of the claims, equal ones once"),
        text("out_of_reach", lambda row: ", ".join(row.together.beyond_staff), "claims that no staffing meets"),
        text("not_so", lambda row: ", ".join(row.together.broken), "claims of bounds that do not hold"),
        text("conflicts", lambda row: "; ".join(row.together.inputs.conflicts), "inputs that claims fix differently"),
        text("inputs", lambda row: "; ".join(fixed_words(row.together.inputs.changes)), "what the claims fix"),
        text(
            "set_aside",
            lambda row: "; ".join(row.together.inputs.set_aside.values()),
            "what claims fix and is not laid on it: demand is one at a time",
        ),
        whole(
            "other_targets", "", lambda row: len(row.together.limits) - len(row.together.beyond_staff), "within reach"
        ),
        *_needs(lambda row: row.together.found, "others_need_"),
        number("staffed_fte", "", lambda row: row.staffed_fte, "full-time equivalents of the line as it is"),
    ),
)


@dataclass(frozen=True, slots=True)
class FigureTold:
    """A figure of a finding, or a finding without figures."""

    number: int
    finding: Finding
    figure: FigureFound | None
    one_clock_in: tuple[ReadingName, ...]
    """The readings in which both claims count between the same moments of the scenario."""


RELATIONS: Final = Table[FigureTold](
    "relations",
    "a relation between claims: the figures, the formula, the verdict",
    "What arithmetic says of the claims",
    (
        whole("finding", "", lambda row: row.number, "its number; each of its figures has a row"),
        text("relation", lambda row: row.finding.relation, "the rule that found it"),
        text("about", lambda row: row.finding.about, "the claim that the verdict is on"),
        text("rests_on", lambda row: ", ".join(row.finding.rests_on), "the claims and facts that speak for it"),
        text("verdict", lambda row: row.finding.verdict, "implied, vacuous, at odds or independent"),
        text("only", lambda row: " and ".join(CONDITIONS[one] for one in row.finding.conditions), "on what it rests"),
        text("on_own_clocks", lambda row: row.finding.on_own_clocks, "the verdict if each counts by its own clock"),
        text("clocks", lambda row: ", ".join(row.finding.clocks), "those compared, that of `about` last"),
        text("one_clock_in_readings", lambda row: ", ".join(row.one_clock_in), "readings in which both clocks are one"),
        text("readings", lambda row: ", ".join(row.finding.readings), "those that say so; stated: the source's figure"),
        text("formula", lambda row: row.finding.formula, "how the figures are come by"),
        text("says", lambda row: row.finding.says, "the finding in one sentence"),
        text("plainly", lambda row: row.finding.plainly, "the same, with claims by their words"),
        text("figure", of(lambda row: row.figure, lambda one: one.what), "what the figure is of"),
        number("value", "", of(lambda row: row.figure, lambda one: one.value), "the figure, in its unit"),
        text("unit", of(lambda row: row.figure, lambda one: one.unit), "%, min, times, a year, years, surges or money"),
    ),
)


def as_a_whole(found: Audit) -> Iterator[ReadingAsAWhole]:
    """Each reading as a whole."""
    return (ReadingAsAWhole(one, found.fte) for one in found.together.values())


def figures(found: Audit) -> Iterator[FigureTold]:
    """Each figure of each finding."""
    for index, one in enumerate(found.findings, 1):
        for figure in one.figures or (None,):
            yield FigureTold(index, one, figure, _one_clock_in(found, one))


def _one_clock_in(found: Audit, one: Finding) -> tuple[ReadingName, ...]:
    if not one.clocks or not one.rests_on:
        return ()
    ends = {name: _ends(found, one.about, name) for name in READINGS}
    return tuple(name for name in READINGS if ends[name] and ends[name] == _ends(found, one.rests_on[0], name))


def _ends(found: Audit, claim: str, name: ReadingName) -> tuple[str, str] | None:
    outcome = found.outcomes.get((claim, name))
    target = outcome.reading.target if outcome is not None else None
    return (target.from_name, target.to_name) if isinstance(target, Timed) else None
