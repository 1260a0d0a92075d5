"""Documents in words, before anything is simulated: what `check` shows of a scenario or a ledger without faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import RenderableType
from rich.text import Text

from sim.scenario.cost import money
from sim.scenario.size import size_words
from sim.text import page
from sim.text.scenario import calendar_words, demand_words, labeller_words, pool_words, run_words
from sim.text.words import count

if TYPE_CHECKING:
    from sim.scenario.describe import Description, PoolLoad
    from sim.scenario.ledger import Ledger
    from sim.scenario.schema import Scenario


_HOURS: Final = ("seat_hours", "paid_hours", "fte")


def parts(scenario: Scenario, description: Description) -> list[RenderableType]:
    """The model in words: what comes, its way, who is there, what it is judged by, and every warning."""
    return [
        page.title(scenario.scenario, scenario.path),
        *([scenario.about] if scenario.about else []),
        "",
        page.facts(_facts(scenario, description)),
        page.heading("The way of a tip"),
        _way(description),
        page.heading("Who is there, in an average week"),
        _pools(description),
        "",
        page.facts((name, pool_words(scenario, name)) for name in scenario.pools),
        *_cost(scenario, description),
        page.heading("Targets"),
        _targets(scenario),
        *_unknowns(scenario),
        "",
        *_notes(description),
        page.warned(description.warnings) if description.warnings else "No warnings.",
    ]


def _facts(scenario: Scenario, description: Description) -> Iterator[tuple[str, list[str] | str]]:
    yield "Demand", list(demand_words(scenario))
    tips = f"{count(description.tips)} tips a replication, {count(description.cohort)} of them measured"
    yield "Run", [*run_words(scenario), tips]
    if scenario.calendars:
        yield "Calendars", list(calendar_words(scenario))
    yield "Work", size_words(scenario)
    if scenario.labels:
        yield "Labels", [labeller_words(*one) for one in scenario.labels.items()]
    if scenario.variant:
        yield "Variant", scenario.variant
    elif scenario.variants:
        yield "Variants", ", ".join(scenario.variants)


def _way(description: Description) -> RenderableType:
    table = page.table("", "stage", "visits\na tip", "what happens to whom", numbers=(0, 2))
    for number, stage in enumerate(description.stages, 1):
        begins = f"; {stage.begins}" if stage.begins else ""
        table.add_row(str(number), stage.stage, f"{stage.visits:.3f}", page.text(f"{stage.who}: {stage.does}{begins}"))
    return table


def _pools(description: Description) -> RenderableType:
    titles = ("pool", "offered\nerlangs", "servers\non duty", "offered\n/ duty", "seat\nhours", "paid\nhours", "FTE")
    table = page.table(*titles, numbers=range(1, len(titles)))
    for pool in description.pools:
        table.add_row(*_pool(pool), style=page.LOUD if pool.overloaded else "")
    if len(description.pools) > 1:
        seat, paid, fte = (sum(getattr(pool, key) for pool in description.pools) for key in _HOURS)
        table.add_row("all together", "", "", "", f"{seat:,.1f}", f"{paid:,.1f}", f"{fte:.1f}")
    return table


def _notes(description: Description) -> Iterator[RenderableType]:
    if description.notes:
        yield from (page.facts([("Mind", list(description.notes))]), "")


def _cost(scenario: Scenario, description: Description) -> Iterator[RenderableType]:
    """What these hours cost, where the document says anything of money."""
    if scenario.run.currency is not None or any("price" in pool.model_fields_set for pool in scenario.pools.values()):
        cost = money(scenario, sum(pool.cost_a_week for pool in description.pools))
        yield from ("", page.facts([("Cost", f"{cost}, overtime apart")]))


def _pool(pool: PoolLoad) -> list[str]:
    ratio = f"{100 * pool.offered / pool.servers:.0f} %" if pool.servers else "no staff"
    hours = [f"{pool.seat_hours:,.1f}", f"{pool.paid_hours:,.1f}", f"{pool.fte:.1f}"]
    return [pool.pool, f"{pool.offered:.2f}", f"{pool.servers:.2f}", ratio, *hours]


def _targets(scenario: Scenario) -> RenderableType:
    if not scenario.targets:
        return Text("none: a run measures, and judges nothing")
    table = page.table("", "")
    for name, target in scenario.targets.items():
        claim = f" ({target.claim})" if target.claim not in (None, name) else ""
        table.add_row(f"{name}{claim}", page.text(target.words))
    return table


def _unknowns(scenario: Scenario) -> Iterator[RenderableType]:
    """The ranges of what is not known, and how their values are spread."""
    if scenario.plausible:
        yield page.heading("What is not known")
        yield page.facts((path, one.words) for path, one in scenario.plausible.items())


# A ledger


def ledger_parts(ledger: Ledger, file: Path) -> list[RenderableType]:
    """How many claims of which kinds there are, and in which forms their readings."""
    kinds = Counter[str](claim.kind for claim in ledger.claims.values())
    forms = _forms(ledger)
    return [
        page.title(ledger.ledger, file),
        page.text(ledger.about),
        "",
        page.facts(
            [
                ("Claims", f"{kinds.total()}: {_counted(kinds)}"),
                ("Quoted", _quoted(ledger)),
                ("Readings", f"{forms.total()}: {_counted(forms)}"),
                ("Besides", f"{len(ledger.facts)} facts, {len(ledger.subjects)} subjects, {len(ledger.clocks)} clocks"),
            ]
        ),
        "",
        page.text(f"Audit it on a scenario: tipline claims {file} SCENARIO"),
    ]


def ledger_data(ledger: Ledger, file: Path) -> dict[str, Any]:
    """The same as data."""
    return {
        "file": str(file),
        "ledger": ledger.ledger,
        "claims": {name: claim.kind for name, claim in ledger.claims.items()},
        "quoted": [name for name, claim in ledger.claims.items() if claim.quotation],
        "held_against_copies": _held(ledger),
        "readings": dict(_forms(ledger)),
        "faults": [],
    }


def _held(ledger: Ledger) -> list[str]:
    """The claims whose quotation was found in a kept copy."""
    kept = {name for name, source in ledger.sources.items() if source.kept}
    return [name for name, claim in ledger.claims.items() if claim.quotation and claim.source in kept]


def _quoted(ledger: Ledger) -> str:
    quoted = sum(bool(claim.quotation) for claim in ledger.claims.values())
    if not quoted:
        return "no claim word for word"
    held = len(_held(ledger))
    copies = "all found in kept copies" if held == quoted else f"{held or 'none'} held against a kept copy"
    return f"{quoted} of {len(ledger.claims)} claims, {copies}"


def _forms(ledger: Ledger) -> Counter[str]:
    return Counter(one.form for claim in ledger.claims.values() for one in claim.readings.given.values())


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in kinds.items())
