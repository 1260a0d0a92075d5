"""The commands that are nothing but their options: each reads what it is asked, and lets another room answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sim.cli.asking import ask, run_all, saved, shows_progress
from sim.cli.options import (
    BAD_INPUT,
    DONE,
    File,
    Files,
    Options,
    fault_data,
    print_data,
    say,
    show,
    tell_faults,
)
from sim.scenario.choices import ExportFormat, Per
from sim.scenario.faults import ScenarioError
from sim.scenario.units import duration

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

PathRange = Annotated[
    str, typer.Option(metavar="PATH=RANGE", help="Such as demand.volume=8000..60000/year:12.", show_default=False)
]
LedgerPath = Annotated[Path, typer.Argument(metavar="LEDGER", help="A ledger of claims.", show_default=False)]
Pools = Annotated[
    list[str],
    typer.Option(metavar="A,B=1..9", help="Decide these pools, at each shift within bounds.", show_default=False),
]
AllowOverload = Annotated[
    bool, typer.Option("--allow-overload", help="Lines may grow without end, and tips give up unminded.")
]

Given = TypeVar("Given")
Meant = TypeVar("Meant")


def _read(meaning: Callable[[Given], Meant], given: Given, option: str) -> Meant:
    """What the value of an option means; a fault of the command line where it means nothing."""
    try:
        return meaning(given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def check(
    files: Files,
    options: Options,
    diagram: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", help="Draw the way of a tip into this file.", show_default=False),
    ] = None,
) -> int:
    """Say every fault of scenario files (and of ledgers of claims), or what they mean in words."""
    from sim.answers.check import Check
    from sim.scenario.ledger import is_ledger, load_ledger
    from sim.text.model import ledger_data, ledger_parts

    if diagram is not None and (len(files) != 1 or diagram.suffix != ".svg"):
        why = "one file is drawn at a time, as SVG: --diagram way.svg"
        raise typer.BadParameter(f"{why} (got {diagram} for {len(files)} files)", param_hint="--diagram")
    code, data = DONE, []
    for number, file in enumerate(files):
        try:
            if is_ledger(file):
                if diagram is not None:
                    raise typer.BadParameter("a ledger of claims has no way to draw", param_hint="--diagram")
                ledger = load_ledger(file)
                data.append(ledger_data(ledger, file))
                if not (options.json or options.quiet):
                    show(*ledger_parts(ledger, file))
                continue
            answer = Check.ask(options.load(file))
            if diagram is not None:
                _draw(answer.scenario, diagram)
        except ScenarioError as error:
            code = BAD_INPUT
            if options.json:
                data.append({"file": str(file), "faults": [fault_data(fault) for fault in error.faults]})
            else:
                tell_faults(error)
            continue
        if options.json:
            data.append(answer.data())
        elif not options.quiet:
            show(*(["\n"] if number else []), *answer.parts())
    if options.json:
        print_data(data, files)
    return code


def _draw(scenario: Scenario, file: Path) -> None:
    """Write the flow diagram of a scenario."""
    from sim.studies.keeping import write_atomic
    from sim.text.diagram import diagram

    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, diagram(scenario).encode())


def explain(
    file: File,
    options: Options,
    tip: Annotated[str, typer.Option(metavar="N", help="Its number, or first-missed:TARGET.", show_default=False)],
    replication: Annotated[int, typer.Option(min=0, metavar="K", help="The replication that it is in.")] = 0,
) -> int:
    """Tell one tip's life line by line, and why it waited."""
    from sim.answers.run import Explanation
    from sim.studies.trials import QuestionError

    scenario = options.load(file)
    try:
        answer = Explanation.ask(scenario, tip, replication, options.engine)
    except QuestionError as error:
        raise typer.BadParameter(str(error), param_hint="--tip") from None
    if options.json:
        print_data([answer.data()], [file])
    else:
        show(*answer.parts())
    return DONE


def run(files: Files, options: Options) -> int:
    """Simulate scenarios and judge their targets: verdicts here, tables and plots in the results folder."""
    return run_all(files, options)


def compare(files: Files, options: Options) -> int:
    """Compare files, or a file with its variants, on the same tips: what matters, and what is noise.

    The first file as it stands is the base. One file without --variant is compared with all its variants.
    """
    from sim.answers.run import Comparison, contenders
    from sim.scenario.loading import read

    plain = replace(options, variant=[])
    scenarios = list(contenders([read(file) for file in files], options.variant, plain.of))
    return ask("compare", files[0], scenarios[0][1], options, lambda trials: Comparison.ask(scenarios, trials))


def map(
    file: File,
    options: Options,
    x: PathRange,
    y: PathRange,
    per: Annotated[Per, typer.Option(help="Count the runs, or the periods, that hold.")] = "run",
    every_cell: Annotated[bool, typer.Option("--every-cell", help="Run the cells too that others tell of.")] = False,
) -> int:
    """Map where all targets hold over two ranges, and which one fails first.

    A range is PATH=FROM..TO, with :N for N points and a word log to spread them by ratios (FROM..TO:12 log), or a list
    PATH=A,B,C. Few replications are run far from the line, and at most --replications near it. Along a range of people,
    where more cannot hurt, what lies between two cells that came to the same is inferred from them and not run.
    """
    from sim.answers.ranges import Map
    from sim.studies.ranges import axis

    scenario = options.load(file)
    x_axis, y_axis = _read(axis, x, "--x"), _read(axis, y, "--y")
    return ask(
        "map",
        file,
        scenario,
        options,
        lambda trials: Map.ask(scenario, trials, x=x_axis, y=y_axis, per=per, every_cell=every_cell),
    )


def sensitivity(
    file: File,
    options: Options,
    points: Annotated[
        int,
        typer.Option(
            min=4,
            max=65536,
            metavar="N",
            help="Rows of the design, up to a power of 2, of ranges + 2 points; 8 tell what decides.",
        ),
    ] = 64,
    with_staff: Annotated[bool, typer.Option("--with-staff", help="Take ranges of staff in, too.")] = False,
) -> int:
    """Find which plausible range decides the verdict, and in how much of the ranges all targets hold.

    Of each of N rows 2 points are spread over the ranges under `plausible:`, and 1 a range mixes these two: N x
    (ranges + 2) points on the same tips, 4 replications each unless --replications says otherwise. Along each range
    the value is looked for at which the verdict turns: there with all replications of the scenario, where few do not
    decide.
    """
    from sim.answers.ranges import Sensitivity

    scenario = options.load(file)
    return ask(
        "sensitivity",
        file,
        scenario,
        options,
        lambda trials: Sensitivity.ask(
            scenario, trials, rows=points, replications=options.replications, with_staff=with_staff
        ),
    )


def plausibility(
    file: File,
    options: Options,
    worlds: Annotated[int, typer.Option(min=1, max=65536, metavar="N", help="So many plausible worlds.")] = 256,
    more_than: Annotated[
        float, typer.Option(min=0.1, metavar="FTE", help="Look for no staffing of more full-time equivalents.")
    ] = 100.0,
    length: Annotated[
        str | None, typer.Option(metavar="TIME", help="Measure a world so long; 28 d, or less if the file says so.")
    ] = None,
    pools: Pools = [],  # noqa: B006 (typer takes a list as the default of several)
    allow_overload: AllowOverload = False,
) -> int:
    """Tell in which plausible worlds some staffing meets all targets, with how many people, and what decides it.

    Each world draws every unknown under `plausible:` but staff from its declared distribution. In each, unlimited staff
    is tried first; then the cheapest staffing is searched, with 4 replications at first unless --replications says
    otherwise. Without --pools every pool that a target depends on is decided.
    """
    from sim.answers.plausibility import Plausibility
    from sim.answers.staff import bounds

    scenario = options.load(file)
    decided = _read(bounds, pools, "--pools") if pools else None
    if length is not None:
        _read(duration, length, "--length")
    return ask(
        "plausibility",
        file,
        scenario,
        options,
        lambda trials: Plausibility.ask(
            scenario,
            trials,
            worlds=worlds,
            replications=options.replications,
            length=length,
            more_than=more_than,
            pools=decided,
            allow_overload=allow_overload,
        ),
    )


def runway(
    file: File,
    options: Options,
    growth: Annotated[
        str, typer.Option(metavar="A,B", help="Rates of growth a year.", show_default=True)
    ] = "15 %,20 %,25 %,40 %",
    years: Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Look so many years ahead.")] = 10,
    staff_years: Annotated[
        int, typer.Option(min=0, max=50, metavar="N", help="Find the staff of so many years; 0 for none.")
    ] = 3,
    pools: Pools = [],  # noqa: B006 (typer takes a list as the default of several)
    allow_overload: AllowOverload = False,
) -> int:
    """Tell how many years of growth the present staffing bears, and the staff that each further year needs.

    The volume grows by each rate, year after year; a year is run as the file says, until one is missed.
    """
    from sim.answers.ranges import Runway, rates
    from sim.answers.staff import bounds

    scenario = options.load(file)
    growths = _read(rates, growth.split(","), "--growth")
    decided = _read(bounds, pools, "--pools") if pools else None
    return ask(
        "runway",
        file,
        scenario,
        options,
        lambda trials: Runway.ask(
            scenario,
            trials,
            growth=growths,
            years=years,
            staff_years=staff_years,
            pools=decided,
            allow_overload=allow_overload,
        ),
    )


def staff(
    file: File,
    options: Options,
    pools: Pools = [],  # noqa: B006 (typer takes a list as the default of several)
    frontier: Annotated[bool, typer.Option("--frontier", help="Also what a share of good periods costs.")] = False,
    per: Annotated[Per, typer.Option(help="The periods of --frontier.")] = "week",
    allow_overload: AllowOverload = False,
    effort: Annotated[float, typer.Option(min=0.01, max=1000, help="Search so many times as long.")] = 1.0,
) -> int:
    """Find the cheapest staffing that meets all targets, and say what was excluded and how.

    Without --pools the pools are decided whose staff has a `plausible:` range, or all of them where none has. With
    --strict it exits 1 where no staffing is found, or none that is shown to hold on fresh seeds.
    """
    from sim.answers.staff import Staffing, bounds

    scenario = options.load(file)
    decided = _read(bounds, pools, "--pools") if pools else None
    return ask(
        "staff",
        file,
        scenario,
        options,
        lambda trials: Staffing.ask(
            scenario,
            trials,
            pools=decided,
            effort=effort,
            frontier=per if frontier else None,
            allow_overload=allow_overload,
            asked=options.asked,
        ),
    )


def claims(
    ledger: LedgerPath,
    file: File,
    options: Options,
    allow_overload: AllowOverload = False,
) -> int:
    """Audit a ledger of claims: what arithmetic and simulation say of each, and of all together.

    Every claim has up to three readings. Each is judged as the line is staffed, with unlimited staff, and with the
    cheapest staffing that meets it alone.
    """
    from sim.answers.staff import Claims
    from sim.scenario.ledger import is_ledger, read_ledger
    from sim.scenario.loading import read
    from sim.scenario.paths import changes_of
    from sim.studies.claims.laid import lay

    if is_ledger(file) and not is_ledger(ledger):
        raise typer.BadParameter(f"the ledger comes first: tipline claims {file} {ledger}", param_hint="LEDGER")
    own = {"run.seed": options.seed, "run.replications": options.replications}
    changes = {change.path: change.node.plain() for change in changes_of(options.changes)}
    changes |= {path: value for path, value in own.items() if value is not None}
    laid = lay(read_ledger(ledger), read(file), variant=options.one_variant, changes=changes)
    return ask(
        "claims", file, laid.scenario, options, lambda trials: Claims.ask(laid, trials, allow_overload=allow_overload)
    )


def validate(file: File, options: Options) -> int:
    """Hold a scenario against what was observed of the real line, fit what is to be fitted, and predict the rest.

    Reproduced is what lies within its tolerance with its whole interval, on both sides; not reproduced what lies
    outside with all of it. What unknowns under `fit:` were fitted to is told apart from what they predict.
    """
    from sim.answers.validate import Validation
    from sim.scenario.loading import read

    document = read(file)
    scenario = options.of(document)
    return ask(
        "validate",
        file,
        scenario,
        options,
        lambda trials: Validation.ask(lambda variant: options.of(document, variant), trials),
    )


def live(
    file: File,
    options: Options,
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Of 127.0.0.1; one that is free if 0.")] = 0,
) -> int:
    """Open a scenario as a page on this machine: sliders, and what comes of them while they are moved.

    The address that it prints is for whoever is to see the page. Nothing is fetched from elsewhere, and nothing is
    written but the variants that are saved there, into line.live.yaml beside line.yaml. Ctrl+C ends it.
    """
    try:
        from sim.cli.live.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        say("tipline live needs the extra: pip install 'tipline[live]'")
        return BAD_INPUT
    from sim.cli.live.world import LiveWorld
    from sim.scenario.size import Budget, cores

    if options.budget is not None:
        _read(Budget.read, options.budget, "--budget")

    def opened(address: str) -> None:
        if options.json:
            print_data([{"address": address, "file": str(file)}], [file])
        else:
            print(f"Open {address}" if not options.quiet else address)
        sys.stdout.flush()
        if not (options.quiet or options.json):
            say("It is on this machine alone, and for who has the address. Ctrl+C ends it.")

    serve(LiveWorld(file, options), options.jobs or cores(), port, opened)
    return DONE


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results.", show_default=False)],
    options: Options,
) -> int:
    """Make one HTML page of a folder of results: a run's, several, or a study's. It opens offline and prints well."""
    from sim.cli.report.page import page_of
    from sim.cli.report.results import NoResultsError

    try:
        page = page_of(folder)
    except NoResultsError as error:
        say(f"tipline report: {folder}: {error}")
        return BAD_INPUT
    file = page.save(options.out)
    for fault in page.left_out:
        say(f"tipline report: {fault}")
    if options.json:
        names = [one.name for one in page.results.folders]
        size = file.stat().st_size
        print_data([{"file": str(file), "bytes": size, "folders": names, "left_out": page.left_out}], [folder])
    elif not options.quiet:
        _say_written([file])
    return DONE


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results.", show_default=False)],
    options: Options,
    to: Annotated[
        ExportFormat,
        typer.Option(help="What for: process mining, animation, a workbook, plain tables.", show_default=False),
    ],
    replication: Annotated[
        str, typer.Option(metavar="K", help="The replication whose log is written, or `all`.")
    ] = "0",
) -> int:
    """Write what a run left for other tools: XES, OCEL 2.0, vidigi, an Excel workbook, or the log as CSV.

    Logs are those of `run --log`. Files go into DIR, or where --out says.
    """
    from sim.cli.exporting import export as exported

    def which(text: str) -> int | None:
        if text == "all":
            return None
        if not text.isdigit():
            raise ValueError(f"a replication is a number from 0, or `all` (got '{text}')")
        return int(text)

    number = _read(which, replication, "--replication")
    try:
        files = exported(folder, to, replication=number, out=options.out)
    except ValueError as error:
        say(f"tipline export: {folder}: {error}")
        return BAD_INPUT
    if options.json:
        print_data([{"files": [str(file) for file in files]}], [folder])
    elif not options.quiet:
        _say_written(files)
    return DONE


def _say_written(files: list[Path]) -> None:
    """Where files are, and how large."""
    for file in files:
        size = file.stat().st_size
        print(f"Written to {file} ({f'{size / 1e6:.1f} MB' if size >= 1e5 else f'{size / 1e3:.1f} kB'})")


def calibrate(
    file: Annotated[
        Path, typer.Argument(metavar="LOG", help="A log: csv, xlsx, parquet, XES, OCEL.", show_default=False)
    ],
    options: Options,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="What its columns mean; DIR/map.yaml.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on at once where there is no map yet.")] = False,
) -> int:
    """Turn a log into a line that reproduces it, and show how far it does.

    A first run drafts map.yaml: which column means what, and how sure that is. Look at it, and run the same again. The
    line is line.yaml; what the log could not tell is a range under its `plausible:`.
    """
    from sim.answers.answer import bar
    from sim.answers.calibrate import PAGE, CalibratedLine
    from sim.answers.store import BusyError, held
    from sim.calibration.beside import LINE
    from sim.cli.report.page import page_of
    from sim.logs.drafting import draft
    from sim.logs.files import LogError, read
    from sim.logs.map import read_map, written
    from sim.text.calibrate import draft_parts

    folder = options.out or Path("results") / (file.name.partition(".")[0] or "log")
    try:
        raw = read(file)
        there = map_file or folder / "map.yaml"
        if map_file is not None or there.exists():
            made = read_map(there, raw)
        else:
            made = draft(raw)
            if not yes:
                folder.mkdir(parents=True, exist_ok=True)
                there.write_text(written(made, raw), encoding="utf-8")
                if not options.quiet:
                    show(*draft_parts(raw, made, written(made, raw)))
                say(f"This is a draft, written to {there}. Look at it, mend it, then run the same again.")
                return DONE
        with held(folder) as place:
            with bar("calibrate", shown=shows_progress(options)) as told:
                answer = CalibratedLine.ask(raw, made, place.pieces("calibrate"), told.at)
            names = saved(answer, place, options)
        if not (folder / "map.yaml").exists():
            (folder / "map.yaml").write_text(answer.found.map_text, encoding="utf-8")
        page_of(folder).save(folder / PAGE)
    except (LogError, BusyError) as error:
        say(f"tipline calibrate: {error}")
        return BAD_INPUT
    if options.json:
        print_data([{**answer.data(), "folder": str(folder)}], [file])
    elif not options.quiet:
        show(
            *answer.parts(), "", *answer.sentences(), "", f"Written to {folder}/: {LINE}, {PAGE} and {len(names)} more"
        )
    return options.code(answer.holds)
