"""The command `claims`: a ledger of claims audited on a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.options import DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.measures.targets import TargetResult
    from sim.scenario.ledger import Ledger
    from sim.scenario.readings import Reading
    from sim.studies.claims.audit import Audit, Outcome, Together
    from sim.studies.claims.findings import Finding
    from sim.studies.staff.staffing import Answer
    from sim.text.claims import Row

TABLES: Final = ("claims.csv", "claims_together.csv", "relations.csv")

LedgerPath = Annotated[Path, typer.Argument(metavar="LEDGER", help="A ledger of claims.", show_default=False)]


def claims(ledger: LedgerPath, file: File, options: Options) -> int:
    """Audit a ledger of claims: what arithmetic and simulation say of each, and of all together.

    Every claim has up to three readings. Each is judged as the line is staffed, with unlimited staff, and with the
    cheapest staffing that meets it alone.
    """
    from sim.cli.claims_table import claims as claims_table
    from sim.cli.claims_table import relations as relations_table
    from sim.cli.claims_table import together as together_table
    from sim.cli.studying import noted, shown_below, study
    from sim.plots.claims import claims as plotted
    from sim.plots.style import save
    from sim.scenario.ledger import is_ledger, read_ledger
    from sim.scenario.loading import read
    from sim.scenario.paths import changes_of
    from sim.studies.claims.audit import audit
    from sim.studies.claims.laid import lay
    from sim.studies.frames import write_csv
    from sim.studies.trials import TrialError
    from sim.text.claims import closing

    own = {"run.seed": options.seed, "run.replications": options.replications}
    if is_ledger(file) and not is_ledger(ledger):
        raise typer.BadParameter(f"the ledger comes first: tipline claims {file} {ledger}", param_hint="LEDGER")
    changes = {change.path: change.node.plain() for change in changes_of(options.changes)}
    changes |= {path: value for path, value in own.items() if value is not None}
    laid = lay(read_ledger(ledger), read(file), variant=options.one_variant, changes=changes)
    try:
        with study("claims", laid.scenario, options) as under_way:

            def told(what: str, done: int, steps: int) -> None:
                under_way.at(f"{done} of {steps}: {what}")

            found = audit(laid, under_way.trials, told)
            folder = under_way.folder
            write_csv(folder / "claims.csv", claims_table(found))
            write_csv(folder / "claims_together.csv", together_table(found))
            write_csv(folder / "relations.csv", relations_table(found))
            (folder / "plots").mkdir(exist_ok=True)
            save(plotted(found), folder / "plots", "claims")
    except TrialError as error:
        say(f"tipline claims: {error}")
        return SOME_FAILED
    data = noted("claims", laid.scenario, claims_data(found, folder), folder)
    if options.json:
        print_data([data], [file])
    elif not options.quiet:
        show_audit(found)
        shown_below(closing(found), folder, (*TABLES, "plots/claims.png", "plots/claims.svg"))
    return NOT_MET if options.strict and not all(one.holds for one in found.together.values()) else DONE


def show_ledger(ledger: Ledger, file: Path) -> None:
    """A ledger in short: how many claims of which kinds, and what is left open."""
    from collections import Counter

    from rich.text import Text

    from sim.cli.options import show
    from sim.text import page

    kinds = Counter[str](claim.kind for claim in ledger.claims.values())
    forms = Counter[str](reading.form for reading in _readings(ledger))
    show(
        Text.assemble((ledger.ledger, "bold"), f"  ({file})"),
        page.text(ledger.about),
        "",
        page.facts(
            [
                ("Claims", f"{len(ledger.claims)}: {_counted(kinds)}"),
                ("Readings", f"{sum(forms.values())}: {_counted(forms)}"),
                ("Besides", f"{len(ledger.facts)} facts, {len(ledger.subjects)} subjects, {len(ledger.clocks)} clocks"),
            ]
        ),
        "",
        page.text(f"Audit it on a scenario: tipline claims {file} SCENARIO"),
    )


def ledger_data(ledger: Ledger, file: Path) -> dict[str, Any]:
    """A ledger in short, as data."""
    forms = [reading.form for reading in _readings(ledger)]
    return {
        "file": str(file),
        "ledger": ledger.ledger,
        "claims": {name: claim.kind for name, claim in ledger.claims.items()},
        "readings": {form: forms.count(form) for form in dict.fromkeys(forms)},
        "faults": [],
    }


def _readings(ledger: Ledger) -> Iterator[Reading]:
    for claim in ledger.claims.values():
        yield from claim.readings.given.values()


def _counted(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in kinds.items())


def show_audit(found: Audit) -> None:
    """The audit on the terminal: every claim with its readings, then the letters of the conditions."""
    from rich.text import Text

    from sim.cli.options import show
    from sim.text import page
    from sim.text.claims import legend, rows
    from sim.text.words import count

    ledger, scenario = found.laid.file.ledger, found.scenario
    shown = list(rows(found))
    show(
        Text.assemble((ledger.ledger, "bold"), f"  ({found.laid.file.path})"),
        page.text(
            f"on {scenario.scenario} ({scenario.path}), {found.fte:.1f} FTE: {count(len(ledger.claims))} claims, "
            f"{count(found.n_replications)} replications, seed {scenario.run.seed}."
        ),
        *_blocks(found, shown),
        "",
        page.text(
            f"Arithmetic holds {letters}; else the claims are independent."
            if (letters := legend(shown))
            else "Arithmetic holds as it stands."
        ),
    )


def _blocks(found: Audit, shown: list[Row]) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from sim.text import page
    from sim.text.claims import arithmetic, simulation, staffing

    claims, facts = found.laid.file.ledger.claims, found.laid.file.ledger.facts
    for number, (claim, said) in enumerate(claims.items()):
        table = Table(box=None, show_header=number == 0, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
        for title, width in (("reading", 10), ("arithmetic", 23), ("simulation", 33), ("staffing", 10)):
            table.add_column(title, width=width, vertical="top")
        for row in shown:
            if row.claim == claim:
                table.add_row(
                    row.label,
                    page.text(arithmetic(row.findings, facts)),
                    page.text(simulation(row.outcome)),
                    page.text(staffing(row.outcome)),
                )
        yield ""
        yield Text.assemble((claim, "bold"), "  ", page.text(said.says))
        yield table


def claims_data(found: Audit, folder: Path) -> dict[str, Any]:
    """The audit as data."""
    from sim.text.claims import closing

    return {
        "file": str(found.scenario.path),
        "scenario": found.scenario.scenario,
        "variant": found.scenario.variant,
        "hash": found.scenario.hash,
        "ledger": str(found.laid.file.path),
        "seed": found.scenario.run.seed,
        "replications": found.n_replications,
        "fte": found.fte,
        "readings": [_reading_data(found, one) for one in found.outcomes.values()],
        "findings": [_finding_data(one) for one in found.findings],
        "together": {name: _together_data(one) for name, one in found.together.items()},
        "answer": closing(found),
        "folder": str(folder),
    }


def _reading_data(found: Audit, one: Outcome) -> dict[str, Any]:
    from sim.text.claims import asks, simulation

    claim = found.laid.file.ledger.claims[one.claim]
    data: dict[str, Any] = {
        "claim": one.claim,
        "reading": one.key[1],
        "says": claim.says,
        "kind": claim.kind,
        "form": one.reading.form,
        "asks": asks(one),
        "status": one.status,
        "simulation": simulation(one),
    }
    if one.tested is not None:
        data["as_staffed"] = _result_data(one.tested.staffed)
        data["with_unlimited_staff"] = _result_data(one.tested.limit.result) | {
            "beyond_staff": one.tested.limit.beyond_staff,
            "in_the_way": [
                {"kind": way.kind, "name": way.name, "share": way.share} for way in one.tested.limit.hindrances
            ],
        }
        data["cheapest"] = _answer_data(one.tested.answer)
    if one.weighed is not None:
        data["ratio"] = {"value": one.weighed.value, "limit": one.weighed.limit, "holds": one.weighed.holds}
    return data


def _result_data(one: TargetResult) -> dict[str, Any]:
    figures = {name: one.in_unit(getattr(one, name)) for name in ("threshold", "value", "low", "high")}
    return {"unit": one.unit, **figures, "verdict": one.verdict}


def _answer_data(one: Answer | None) -> dict[str, Any] | None:
    if one is None:
        return None
    found = {"people": one.by_path, "why_none": one.why}
    if one.staffing is None:
        return found
    confirmed = one.confirmation.verdict if one.confirmation is not None else None
    return found | {"fte": one.fte, "cost_a_week": one.cost, "on_fresh_seeds": confirmed}


def _finding_data(one: Finding) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one) | {"on_own_clocks": one.on_own_clocks}


def _together_data(one: Together) -> dict[str, Any]:
    return {
        "holds": one.holds,
        "targets": [limit.name for limit in one.limits],
        "beyond_staff": list(one.beyond_staff),
        "broken_bounds": list(one.broken),
        "inputs": one.inputs.changes,
        "conflicts": list(one.inputs.conflicts),
        "as_staffed": one.staffed.verdict if one.staffed is not None else None,
        "cheapest": _answer_data(one.answer),
    }
