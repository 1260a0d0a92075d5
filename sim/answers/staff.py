"""What staff it takes: the cheapest staffing that meets all targets at once, with its certificate; and of a ledger of
claims what arithmetic and simulation say of each reading, and of all together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import claims as claims_tables
from sim.tables import staff as tables
from sim.text import claims as claims_words
from sim.text.staff import parts, sentences

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.choices import Per
    from sim.scenario.schema import Scenario
    from sim.studies.claims.audit import Audit
    from sim.studies.claims.laid import Laid
    from sim.studies.staff.staffed import Bounds
    from sim.studies.staff.staffing import StaffFound
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled


Pools = str | Sequence[str] | Mapping[str, "str | int | tuple[int, int] | None"]
"""Pools to decide, with bounds or without: "a,b=1..9", such texts one by one, or bounds by name."""


def bounds(pools: Pools | None) -> dict[str, Bounds] | None:
    """The bounds of each pool to decide, None where the search is to find them; ValueError where they are none.

    None where no pools are named.

    >>> bounds("analysts=1..9, call_takers"), bounds({"analysts": (1, 9), "desk": 3})
    ({'analysts': (1, 9), 'call_takers': None}, {'analysts': (1, 9), 'desk': (3, 3)})
    """
    if pools is None:
        return None
    if isinstance(pools, Mapping):
        return {name: _bounds(name, given) for name, given in pools.items()}
    found: dict[str, Bounds] = {}
    for part in ",".join([pools] if isinstance(pools, str) else pools).split(","):
        name, equals, given = (one.strip() for one in part.partition("="))
        found[name] = _bounds(name, given if equals else None)
    return found


def _bounds(name: str, given: str | int | tuple[int, int] | None) -> Bounds:
    if given is None or isinstance(given, tuple):
        return given
    least, dots, most = str(given).partition("..")
    try:
        return int(least), int(most if dots else least)
    except ValueError:
        raise ValueError(f"bounds are written {name}=1..9 (got '{name}={given}')") from None


class Staffing(Answer):
    """A search for staffing: `staffing` post by post, `staff_targets`, `staff_certificate`, `staff_tried`,
    `staff_pools`, and `frontier` where that was asked for."""

    found: StaffFound
    command = "staff"
    leaves = (
        tables.STAFFING,
        tables.STAFF_TARGETS,
        tables.CERTIFICATE,
        tables.TRIED,
        tables.STAFF_POOLS,
        tables.FRONTIER,
    )
    plots = (
        Plot(
            "staffing",
            "The cheapest staffing",
            "The people of the cheapest staffing found, at every post between the bounds of the search, and what one "
            "person less there would do.",
            "staffing:staffing",
            (tables.STAFFING, tables.STAFF_TARGETS, tables.CERTIFICATE, tables.STAFF_POOLS),
        ),
        Plot(
            "staff_tried",
            "What was tried",
            "Every staffing that the search ran: its cost, and how much of what it allows the worst target uses up.",
            "staffing:tried",
            (tables.TRIED,),
        ),
        Plot(
            "frontier",
            "Cost against promise",
            "What it costs to hold all targets in a larger share of the periods.",
            "staffing:frontier",
            (tables.FRONTIER,),
        ),
    )

    def __init__(self, found: StaffFound, asked: tuple[str, ...] | None = None):
        """`asked` are the options of the command with which it was asked for; None where that was done from Python."""
        super().__init__(found)
        self.asked = asked

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        trials: Trials,
        *,
        pools: Mapping[str, Bounds] | None = None,
        effort: float = 1.0,
        frontier: Per | None = None,
        allow_overload: bool = False,
        asked: tuple[str, ...] | None = None,
    ) -> Staffing:
        """Look for it, `effort` times as long as usual; ValueError where nothing can be decided.

        With `allow_overload` lines may grow without end and tips give up unminded.
        """
        from sim.studies.staff.staffing import found

        looked = found(
            scenario,
            trials,
            pools=pools,
            effort=effort,
            frontier=frontier,
            allow_overload=allow_overload,
        )
        return cls(looked, asked)

    @property
    def staffed(self) -> Scenario:
        """The scenario with the answer on duty; ValueError where no staffing was found."""
        from sim.studies.ranges import Variations

        answer = self.found.answer
        if answer.staffing is None:
            raise ValueError(f"there is no staffing: {answer.why}")
        return Variations(answer.scenario).at(answer.by_path)

    @property
    def holds(self) -> bool:
        """Whether a staffing was found and shown to meet every target on fresh seeds."""
        return self.found.answer.confirmed

    def filled(self) -> Iterable[Filled]:
        found, answer = self.found, self.found.answer
        there = (
            tables.STAFFING.of(tables.posts(answer) if answer.tried is not None else ()),
            tables.STAFF_TARGETS.of(tables.targets(answer)),
            tables.CERTIFICATE.of(tables.as_a_whole(answer)),
            tables.TRIED.of(tables.tried(answer)),
            tables.STAFF_POOLS.of(found.pools),
            tables.FRONTIER.of(tables.frontier(found)),
        )
        return [one for one in there if one.cells]

    def drawn(self) -> Iterator[Plot]:
        shown = (self.found.pools, self.found.answer.tried, self.found.frontier)
        return (plot for plot, there in zip(self.plots, shown, strict=True) if there)

    def sentences(self) -> list[str]:
        return sentences(self.found, self.asked)

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

    def head(self) -> dict[str, Any]:
        from sim.text import words

        found, answer = self.found, self.found.answer
        fresh, certificate, stretch = answer.confirmation, answer.certificate, found.stretch
        return super().head() | {
            "why_none": answer.why,
            "kept": answer.kept,
            "reliefs": {one.pool: one.targets for one in answer.reliefs},
            "overloaded": found.overloaded,
            "fresh_seed": fresh and fresh.seed,
            "not_shown_on_fresh_seeds": fresh.unproven if fresh else (),
            "all_held_on_fresh_seeds": {
                unit: {"share": held.share.value, "low": held.share.low, "high": held.share.high}
                for unit, held in (fresh.joint.shares.items() if fresh else ())
            },
            "cheaper_undecided": certificate and certificate.n_unsure,
            "cheaper_not_tried_and_no_better": certificate and certificate.n_outdone,
            "tells_against_the_certificate": [
                dict(zip((post.path for post in answer.posts), one, strict=True))
                for one in (certificate.against if certificate else ())
            ],
            "binding_hours": stretch
            and {
                "days": stretch.days,
                "from": words.clock(stretch.begins),
                "to": words.clock(stretch.ends),
                "share_of_failures": stretch.of_failures,
                "share_of_tips": stretch.of_tips,
            },
        }


class Claims(Answer):
    """An audit of claims: `claims` reading by reading, `claims_together`, and `relations` by arithmetic."""

    found: Audit
    command = "claims"
    leaves = (
        claims_tables.CLAIMS,
        claims_tables.TOGETHER,
        claims_tables.RELATIONS,
        claims_tables.SOURCES,
        claims_tables.FACTS,
    )
    plots = (
        Plot(
            "claims",
            "The claims",
            "Each claim under its lenient, moderate and strict reading: what arithmetic and what simulation say.",
            "claims:claims",
            (
                claims_tables.TOGETHER,
                claims_tables.CLAIMS,
                claims_tables.RELATIONS,
                claims_tables.SOURCES,
                claims_tables.FACTS,
            ),
        ),
    )

    @classmethod
    def ask(cls, laid: Laid, trials: Trials, *, allow_overload: bool = False) -> Claims:
        """Audit a ledger that was laid on a scenario.

        With `allow_overload` lines may grow without end in staffings that are searched for, and tips give up unminded.
        """
        from sim.studies.claims.audit import audit

        return cls(audit(laid, trials, allow_overload=allow_overload))

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.found.together.values())

    def filled(self) -> Iterable[Filled]:
        ledger = self.found.laid.file.ledger
        return [
            claims_tables.CLAIMS.of(claims_words.told(self.found)),
            claims_tables.TOGETHER.of(claims_tables.as_a_whole(self.found)),
            claims_tables.RELATIONS.of(claims_tables.figures(self.found)),
            claims_tables.SOURCES.of(ledger.sources.items()),
            claims_tables.FACTS.of(ledger.facts.items()),
        ]

    def sentences(self) -> list[str]:
        return claims_words.answer(self.found)

    def parts(self) -> list[RenderableType]:
        return claims_words.parts(self.found)

    def head(self) -> dict[str, Any]:
        ledger = str(self.found.laid.file.path)
        return super().head() | {"ledger": ledger, "replications": self.found.n_replications}
