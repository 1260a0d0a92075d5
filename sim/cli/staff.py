"""The command `staff`: the cheapest staffing that meets all targets at once, with its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from sim.cli.options import DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from sim.cli.studying import Study
    from sim.studies.staff.bounds import Bounds
    from sim.studies.staff.staffing import Answer
    from sim.studies.staff.tried import Outcome
    from sim.text.staff import Found

TABLES: Final = (
    "staffing.csv",
    "staff_targets.csv",
    "staff_certificate.csv",
    "staff_tried.csv",
    "staff_pools.csv",
    "frontier.csv",
)
FIGURES: Final = ("staffing", "staff_tried", "frontier")
"""What a search may leave; what an earlier one left and this one does not is taken away."""

TIPS_FOR_HOURS: Final = 300_000
"""So many tips of the answer are looked at to see at which hours of the week they fail."""


def staff(
    file: File,
    options: Options,
    pools: Annotated[
        list[str],
        typer.Option(metavar="A,B=1..9", help="Decide these pools, at each shift within bounds.", show_default=False),
    ] = [],  # noqa: B006 (typer takes a list as the default of several)
    frontier: Annotated[bool, typer.Option("--frontier", help="Also what a share of good periods costs.")] = False,
    per: Annotated[Literal["run", "month", "week", "day"], typer.Option(help="The periods of --frontier.")] = "week",
    effort: Annotated[float, typer.Option(min=0.01, max=1000, help="Search so many times as long.")] = 1.0,
) -> int:
    """Find the cheapest staffing that meets all targets, and say what was excluded and how.

    Without --pools the pools are decided whose staff has a `plausible:` range, or all of them where none has.
    """
    from sim.cli.report.staff_page import show_answer
    from sim.cli.studying import noted, shown_below, study
    from sim.studies.staff.staffing import MOST_EFFORT
    from sim.studies.staff.staffing import staff as search
    from sim.studies.trials import TrialError
    from sim.text.staff import sentences

    scenario = options.load(file)
    wanted = _pools(pools)
    try:
        with study("staff", scenario, options) as under_way:
            try:
                answer = search(
                    scenario,
                    pools=wanted,
                    trials=under_way.trials,
                    most_effort=effort * MOST_EFFORT,
                    expect=under_way.expect,
                )
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--pools" if wanted else None) from None
            found = _followed(answer, options.asked, under_way, per if frontier else None)
            written = _write(found, under_way.folder)
            folder = under_way.folder
    except TrialError as error:
        say(f"tipline staff: {error}")
        return SOME_FAILED
    told = noted("staff", scenario, answer_data(found, folder), folder)
    if options.json:
        print_data([told], [file])
    elif not options.quiet:
        show_answer(found)
        shown_below(sentences(found), folder, ["staff.json", *written])
    return NOT_MET if options.strict and answer.staffing is None else DONE


def _pools(given: list[str]) -> dict[str, Bounds] | None:
    """The pools that are decided, with their bounds or None; None where none was named."""
    found: dict[str, Bounds] = {}
    for text in (part.strip() for one in given for part in one.split(",")):
        name, equals, bounds = (part.strip() for part in text.partition("="))
        if not equals:
            found[name] = None
            continue
        least, dots, most = bounds.partition("..")
        try:
            found[name] = (int(least), int(most if dots else least))
        except ValueError:
            rule = f"bounds are written {name}=1..9 (got '{text}')"
            raise typer.BadParameter(rule, param_hint="--pools") from None
    return found or None


def _followed(
    answer: Answer, asked: tuple[str, ...], under_way: Study, per: Literal["run", "month", "week", "day"] | None
) -> Found:
    """The answer, with a full run of it and the frontier where it is asked for."""
    from sim.studies import tables
    from sim.studies.binding import ENOUGH_UNITS, worst_stretch
    from sim.studies.replicate import Settings, run
    from sim.studies.staff.frontier import points, walk
    from sim.text.staff import Found

    confirmation, tried = answer.confirmation, answer.tried
    if answer.staffing is None or confirmation is None or tried is None:
        return Found(answer, asked)
    settings = under_way.trials.settings
    tips = max(float(confirmation.sample.arrived.mean()), 1.0)
    n = min(confirmation.n_replications, max(int(TIPS_FOR_HOURS / tips) + 1, ENOUGH_UNITS))
    alike = Settings(engine=settings.engine, jobs=settings.jobs, cluster=settings.cluster)
    followed = run(answer.staffed, replications=n, seed=confirmation.seed, settings=alike).sample
    binding = list(answer.scenario.targets).index(confirmation.joint.binding) if confirmation.joint.binding else None
    stretch = None if binding is None else worst_stretch(followed.failing[:, binding])
    if per is not None:
        walk(tried, answer.staffing, per)
    return Found(
        answer,
        asked,
        tables.pools(confirmation.sample),
        stretch,
        points(tried, per) if per is not None else (),
        per or "week",
    )


def _write(found: Found, folder: Path) -> list[str]:
    """Leave the tables and pictures in the folder; gives their names."""
    from sim.plots import staffing as plots
    from sim.plots.style import save
    from sim.studies.frames import write_csv
    from sim.studies.staff import tables

    answer = found.answer
    folder.mkdir(parents=True, exist_ok=True)
    frames, figures = {}, {}
    if answer.tried is not None:
        frames = {"staffing.csv": tables.staffing(answer), "staff_tried.csv": tables.tried(answer)}
    if answer.limits or answer.confirmation is not None:
        frames["staff_targets.csv"] = tables.targets(answer)
    if answer.certificate is not None:
        frames["staff_certificate.csv"] = tables.certificate(answer)
    if answer.tried is not None:
        figures["staff_tried"] = plots.tried(found)
    if found.pools is not None:
        frames["staff_pools.csv"] = found.pools
        figures["staffing"] = plots.staffing(found)
    if found.frontier:
        frames["frontier.csv"] = tables.frontier(answer, found.frontier, found.per)
        figures["frontier"] = plots.frontier(found)
    gone = [name for name in TABLES if name not in frames]
    gone += [f"plots/{name}.{form}" for name in FIGURES if name not in figures for form in ("png", "svg")]
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    for name, frame in frames.items():
        write_csv(folder / name, frame)
    if figures:
        (folder / "plots").mkdir(exist_ok=True)
    for name, figure in figures.items():
        save(figure, folder / "plots", name)
    return [*frames, *(f"plots/{name}.png" for name in figures)]


def answer_data(found: Found, folder: Path) -> dict[str, Any]:
    """The answer as data."""
    from sim.text.staff import sentences

    answer = found.answer
    confirmation = answer.confirmation
    return {
        "file": str(answer.scenario.path),
        "scenario": answer.scenario.scenario,
        "variant": answer.scenario.variant,
        "hash": answer.scenario.hash,
        "seed": answer.scenario.run.seed,
        "staffing": answer.by_path,
        "why_none": answer.why,
        "cost_a_week": answer.cost,
        "paid_hours_a_week": answer.paid_hours if answer.staffing is not None else None,
        "fte": answer.fte if answer.staffing is not None else None,
        "bounds": {post.path: {"least": post.least, "most": post.most, "from": post.source} for post in answer.posts},
        "unlimited_staff": {one.name: _limit_data(one) for one in answer.limits},
        "confirmation": None
        if confirmation is None
        else {
            "seed": confirmation.seed,
            "replications": confirmation.n_replications,
            "confidence": confirmation.confidence,
            "verdict": confirmation.joint.word,
            "not_shown": list(confirmation.unproven),
            "targets": _targets_data(confirmation.joint.results),
            "all_held": {
                unit: {"share": held.share.value, "low": held.share.low, "high": held.share.high}
                for unit, held in confirmation.joint.shares.items()
            },
        },
        "certificate": _certificate_data(answer),
        "refused_on_fresh_seeds": [_by_path(answer, one) for one in answer.rejected],
        "most_people": None if answer.top is None else _targets_data(answer.top.results),
        "reliefs": {one.pool: list(one.targets) for one in answer.reliefs},
        "tried": 0 if answer.tried is None else len(answer.tried.outcomes),
        "overloaded": list(found.overloaded),
        "binding": found.binding,
        "binding_hours": None
        if found.stretch is None
        else {
            "days": found.stretch.days,
            "from_hour": found.stretch.first_hour,
            "to_hour": found.stretch.last_hour,
            "share_of_failures": found.stretch.of_failures,
            "share_of_tips": found.stretch.of_tips,
        },
        "pools": [] if found.pools is None else found.pools.to_dict("records"),
        "frontier": [
            {
                "staffing": _by_path(answer, one.outcome.staffing),
                "cost_a_week": one.outcome.cost,
                "share": one.share,
                "low": one.low,
                "high": one.high,
                "worth_its_cost": one.best,
            }
            for one in found.frontier
        ],
        "answer": sentences(found),
        "folder": str(folder),
    }


def _certificate_data(answer: Answer) -> dict[str, Any] | None:
    certificate = answer.certificate
    if certificate is None:
        return None
    rest = certificate.remainder
    return {
        "one_less": {
            post.path: None if less is None else _outcome_data(less)
            for post, less in zip(answer.posts, certificate.neighbours, strict=True)
        },
        "within_bounds": certificate.n_within,
        "cheaper": rest.cheaper,
        "cheaper_open": rest.open,
        "counted_exactly": rest.exactly,
        "most_that_open_ones_save": answer.cost - rest.least_cost if rest.open else 0.0,
        "shown_to_fail": certificate.n_failed,
        "cheaper_undecided": certificate.n_unsure,
        "confidence_of_each_verdict": answer.scenario.run.confidence,
        "assumes": "more people at one post and no fewer at any other never make a target worse on average",
        "tells_against_it": [_by_path(answer, one) for one in certificate.against],
    }


def _outcome_data(one: Outcome) -> dict[str, Any]:
    return {
        "verdict": one.verdict,
        "replications": one.n_replications,
        "targets": _targets_data(one.results),
    }


def _targets_data(results: Any) -> dict[str, Any]:
    return {
        one.name: {
            "value": one.in_unit(one.value),
            "low": one.in_unit(one.low),
            "high": one.in_unit(one.high),
            "threshold": one.in_unit(one.threshold),
            "unit": one.unit,
            "verdict": one.word,
        }
        for one in results
    }


def _limit_data(one: Any) -> dict[str, Any]:
    return {
        **_targets_data([one.result])[one.name],
        "beyond_staff": one.beyond_staff,
        "in_the_way": [{"kind": way.kind, "name": way.name, "share": way.share} for way in one.hindrances],
    }


def _by_path(answer: Answer, staffing: tuple[int, ...]) -> dict[str, int]:
    return {post.path: people for post, people in zip(answer.posts, staffing, strict=True)}
