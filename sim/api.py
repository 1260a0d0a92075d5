"""The whole tool from Python: every command as a function that gives an answer, an object with its tables as frames.

What an answer is stands in `sim.answers`. Nothing here simulates or measures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.answers.check import Check
from sim.answers.plausibility import Plausibility
from sim.answers.ranges import Map, Runway, Sensitivity, rates
from sim.answers.run import Comparison, Explanation, RunAnswer, contenders
from sim.answers.staff import Claims, Pools, Staffing, bounds
from sim.answers.validate import Validation
from sim.dynamics.engines import Engine
from sim.scenario.faults import Mark
from sim.scenario.loading import Document, as_yaml, document_of, load, read
from sim.scenario.schema import Scenario
from sim.scenario.size import cores
from sim.scenario.tree import compose, of_plain

if TYPE_CHECKING:
    import pandas as pd

    from sim.answers.answer import Bar
    from sim.answers.calibrate import CalibratedLine
    from sim.cli.report.page import Page
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.choices import ExportFormat, Per
    from sim.studies.replicate import Settings
    from sim.studies.trials import Trials

World = Scenario | str | Path | Mapping[str, Any]
"""A scenario, its file, its text, or the mapping that it would be in a file."""


def to_yaml(scenario: World) -> str:
    """A scenario as resolved, after `extends`, the variant and the changes, as text that loads again.

    >>> import sim
    >>> sim.load(sim.to_yaml("scenarios/two_stage.yaml")).scenario
    'Two-stage line'
    """
    return as_yaml(_world(scenario, None, None))


def check(scenario: World) -> Check:
    """Look at a scenario before it is run, as `tipline check` does: loads, people, hours and every warning.

    The tables are `pool_loads`, `stage_loads` and `hour_loads`; as text it is the model in words. ScenarioError, with
    every fault, where the scenario has any.

    >>> import sim
    >>> sim.check("scenarios/two_stage.yaml").warnings
    ()
    """
    return Check.ask(_world(scenario, None, None))


def run(
    scenario: World,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine: Engine = "compiled",
    jobs: int | None = None,
    until_decided: bool = False,
    theory: bool = False,
    day: bool = False,
    progress: bool | None = None,
) -> RunAnswer:
    """Run a scenario and judge its targets, as `tipline run` does.

    The scenario's own replications and seed if none are given; `jobs` replications at a time (all cores if None), which
    changes nothing in what comes out. With `theory` the answer has beside its figures what theory knows of them (its
    table `theory` is there without, and made when it is asked for); with `day` one day tip by tip, in the tables `day`,
    `day_pools` and `day_broken`. RuntimeError when every replication failed.

    >>> import sim
    >>> found = sim.run("scenarios/two_stage.yaml", replications=2)
    >>> found.targets[["target", "threshold", "value", "low", "high", "verdict"]]  # doctest: +SKIP
    """
    world = _world(scenario, replications, seed)
    with _bar("run", progress, world.run.replications) as bar:
        settings = _settings(engine, jobs, bar)
        answer = RunAnswer.ask(world, settings, until_decided=until_decided, theory=theory, day=day)
    if not answer.filled():
        raise RuntimeError(f"every replication failed, the first with {next(iter(answer.failures.values()))}")
    return answer


def explain(
    scenario: World, tip: int | str, replication: int = 0, *, seed: int | None = None, engine: Engine = "compiled"
) -> Explanation:
    """Tell one tip's life, as `tipline explain` does; the tip by its number, or as `first-missed:TARGET`.

    The tables are `tip_events`, in order, with minutes since the start of the run, and `tip_targets`; as text it is the
    story line by line. ValueError where there is no such tip.

    >>> import sim
    >>> story = sim.explain("scenarios/two_stage.yaml", "first-missed:high")
    >>> story.tip_events["what"].iloc[0]
    'arrival'
    """
    return Explanation.ask(_world(scenario, None, seed), str(tip), replication, engine)


def report(folder: str | Path, out: str | Path | None = None) -> Page:
    """Make one HTML page of a folder of results, as `tipline report` does, and write it.

    It goes into the folder as `report.html`, or into the folder `out`, or to `out` where that ends in .html. A notebook
    shows it. ValueError where the folder holds no results.
    """
    from sim.cli.report.page import page_of

    page = page_of(folder)
    page.save(out)
    return page


def export(
    folder: str | Path, to: ExportFormat, *, replication: int | None = 0, out: str | Path | None = None
) -> list[Path]:
    """Write what a run left in a folder for other tools, as `tipline export` does; the files that were written.

    `to` is xes, ocel, vidigi, xlsx or csv. The log of one replication is written, of all where it is None. `out` is a
    folder, or a file. ValueError where the folder holds no such results.
    """
    from sim.cli.exporting import export as exported

    return exported(Path(folder), to, replication=replication, out=None if out is None else Path(out))


def runway(
    scenario: World,
    growth: Sequence[str | float] = ("15 %", "20 %", "25 %", "40 %"),
    *,
    years: int = 10,
    staff_years: int = 3,
    pools: Pools | None = None,
    allow_overload: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Runway:
    """Tell how many years of growth the present staffing bears, as `tipline runway` does.

    Rates are a year: "15 %" or 0.15. `pools` and `allow_overload` say of the staff of years to come what they say of
    `staff`. ValueError for a rate that is none, or a scenario in which nothing can grow.

    >>> import sim
    >>> found = sim.runway("scenarios/two_stage.yaml", ["20 %"], years=1, staff_years=0, replications=2)
    >>> found.runway_lengths  # doctest: +SKIP
    """
    world, decided = _world(scenario, replications, seed), bounds(pools)
    with _trials("runway", world, jobs, progress) as trials:
        return Runway.ask(
            world,
            trials,
            growth=rates(growth),
            years=years,
            staff_years=staff_years,
            pools=decided,
            allow_overload=allow_overload,
        )


def claims(
    ledger: str | Path,
    scenario: World,
    *,
    allow_overload: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Claims:
    """Audit the claims in a ledger's file on a scenario, as `tipline claims` does.

    The scenario's own targets are set aside; readings that do not fit it are told as not testable. ScenarioError with
    every fault of either document.

    >>> import sim
    >>> found = sim.claims("scenarios/claims.yaml", "scenarios/two_stage.yaml", replications=2)
    >>> found.claims_together[["reading", "holds", "out_of_reach", "others_need_fte"]]  # doctest: +SKIP
    """
    from sim.scenario.ledger import read_ledger
    from sim.studies.claims.laid import lay

    document = document_of(scenario) if isinstance(scenario, Scenario) else read(scenario)
    laid = lay(read_ledger(Path(ledger)), document, changes=_changes(replications, seed))
    with _trials("claims", laid.scenario, jobs, progress) as trials:
        return Claims.ask(laid, trials, allow_overload=allow_overload)


def compare(
    *scenarios: World,
    variants: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Compare scenarios, or one with its variants, on the same tips, as `tipline compare` does.

    The first as it stands is the base. Each is taken with all `variants` named, and one alone, where none is named,
    with every variant that it has. `labels` name the scenarios; the stems of their files if None. ValueError where
    there is nothing to compare.

    >>> import sim
    >>> base = "scenarios/two_stage.yaml"
    >>> more = sim.load(base, changes={"pools.review.staff": 20})
    >>> found = sim.compare(base, more, labels=["now", "two more"], replications=2)
    >>> found.compare[["scenario", "target", "difference", "real"]]  # doctest: +SKIP
    """
    changes = _changes(replications, seed)
    documents = [_document(one) for one in scenarios]
    given = list(
        contenders(documents, variants, lambda one, variant: one.scenario(variant=variant, changes=changes), labels)
    )
    if not given:
        raise ValueError("there is nothing to compare: give a scenario that has variants, or several")
    with _trials("compare", given[0][1], jobs, progress) as trials:
        return Comparison.ask(given, trials)


def map(
    scenario: World,
    x: str,
    y: str,
    *,
    per: Per = "run",
    every_cell: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Map:
    """Map where all targets hold over two ranges, and which one fails first, as `tipline map` does.

    A range is a text: "pools.desk.staff=1..9", "demand.volume=8000..60000/year:12 log", or a list "path=a,b,c". Cells
    that others tell of are inferred (the column `inferred`), or run with `every_cell`. ValueError for a range that is
    none; ScenarioError where the document does not take a value.

    >>> import sim
    >>> found = sim.map("scenarios/two_stage.yaml", "pools.review.staff=18,20", "demand.volume=50,60/h", replications=2)
    >>> found.map[["pools.review.staff", "all_held_share", "first_to_fail"]]  # doctest: +SKIP
    """
    from sim.studies.ranges import axis

    world, x_axis, y_axis = _world(scenario, replications, seed), axis(x), axis(y)
    with _trials("map", world, jobs, progress) as trials:
        return Map.ask(world, trials, x=x_axis, y=y_axis, per=per, every_cell=every_cell)


def sensitivity(
    scenario: World,
    *,
    rows: int = 64,
    with_staff: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Sensitivity:
    """Find which range under `plausible:` decides the verdict, as `tipline sensitivity` does (`rows` is its --points).

    Each of the rows (up to a power of 2) has 2 points spread over the ranges and 1 more a range; 4 replications of each
    if no number is given. Ranges of staff are left out but with `with_staff`. ValueError where there is no range.

    >>> import sim
    >>> ranges = {"demand.volume": {"from": "40/h", "to": "90/h"}}
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"plausible": ranges})
    >>> found = sim.sensitivity(scenario, rows=4, replications=1)
    >>> found.sensitivity_share[["holding_share", "points"]]  # doctest: +SKIP
    """
    world = _world(scenario, replications, seed)
    with _trials("sensitivity", world, jobs, progress) as trials:
        return Sensitivity.ask(world, trials, rows=rows, replications=replications, with_staff=with_staff)


def plausibility(
    scenario: World,
    *,
    worlds: int = 256,
    more_than: float = 100.0,
    length: str | None = None,
    pools: Pools | None = None,
    allow_overload: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Plausibility:
    """Tell in which plausible worlds some staffing meets all targets, as `tipline plausibility` does.

    In each world the unknowns under `plausible:`, but staff, are drawn from their declared distributions, and a
    staffing of at most `more_than` full-time equivalents is looked for, by 4 replications of 28 d at first if no number
    and no `length` are given. `pools` and `allow_overload` say what they say of `staff`. ValueError where there is no
    target or no unknown.

    >>> import sim
    >>> ranges = {"demand.volume": {"low": "40/h", "likely": "50/h", "high": "90/h"}}
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"plausible": ranges})
    >>> found = sim.plausibility(scenario, worlds=4, length="1 d", replications=2)  # doctest: +SKIP
    >>> found.plausibility[["outcome", "worlds_share"]]  # doctest: +SKIP
    """
    world, decided = _world(scenario, replications, seed), bounds(pools)
    with _trials("plausibility", world, jobs, progress) as trials:
        return Plausibility.ask(
            world,
            trials,
            worlds=worlds,
            replications=replications,
            length=length,
            more_than=more_than,
            pools=decided,
            allow_overload=allow_overload,
        )


def staff(
    scenario: World,
    pools: Pools | None = None,
    *,
    frontier: Per | None = None,
    effort: float = 1.0,
    allow_overload: bool = False,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Staffing:
    """Find the cheapest staffing that meets all targets, with its certificate, as `tipline staff` does.

    `pools` names those to decide, with bounds or without: "analysts=1..9,desk", or {"analysts": (1, 9), "desk": None};
    if None those whose staff has a plausible range, or all. `frontier` names the periods ("week") of which it is also
    told what a larger share of good ones costs. With `allow_overload` lines may grow without end, and tips give up that
    no target judges. ValueError where nothing can be decided.

    >>> import sim
    >>> found = sim.staff("scenarios/two_stage.yaml", "review=4..8", replications=2)
    >>> found.staffing[["post", "people", "one_less_verdict"]]  # doctest: +SKIP
    >>> sim.run(found.staffed, replications=2).holds  # doctest: +SKIP
    """
    world, decided = _world(scenario, replications, seed), bounds(pools)
    with _trials("staff", world, jobs, progress) as trials:
        return Staffing.ask(
            world, trials, pools=decided, effort=effort, frontier=frontier, allow_overload=allow_overload
        )


def validate(
    scenario: World,
    *,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Validation:
    """Hold a scenario against what was observed of the real line, as `tipline validate` does.

    What is under `fit:` is fitted first. ValueError where nothing was observed, or what was cannot be measured.

    >>> import sim
    >>> seen = {"lost": {"quantity": {"stage": "answer", "abandoned": "5 %"}, "tolerance": "3 %", "source": "a report"}}
    >>> scenario = sim.load("scenarios/national.yaml", changes={"observed": seen, "run.length": "28 d"})
    >>> sim.validate(scenario, replications=2).validate[["quantity", "observed", "value", "verdict"]]  # doctest: +SKIP
    """
    document, changes = _whole_document(scenario), _changes(replications, seed)
    world = document.scenario(changes=changes)
    with _trials("validate", world, jobs, progress) as trials:
        return Validation.ask(lambda variant: document.scenario(variant=variant, changes=changes), trials)


def calibrate(
    log: str | Path, map: str | Path | None = None, *, out: str | Path | None = None, progress: bool | None = None
) -> CalibratedLine:
    """Turn a log into a line that reproduces it, as `tipline calibrate --yes` does.

    `map` is a file that says what the columns mean; if None they are taken as drafted. The answer's `scenario` is the
    line, `answer.line` its document, `answer.calibrate` the line beside the log; all of it is saved into the folder
    `out`, where there is one. LogError, a ValueError, where log or map are at fault.

    >>> import sim
    >>> found = sim.calibrate("calls.csv")  # doctest: +SKIP
    >>> found.calibrate[["run", "quantity", "log", "line", "verdict"]]  # doctest: +SKIP
    """
    import tempfile

    from sim.answers.calibrate import CalibratedLine
    from sim.logs.drafting import draft
    from sim.logs.files import read as read_file
    from sim.logs.map import read_map

    raw = read_file(Path(log))
    made = draft(raw) if map is None else read_map(Path(map), raw)
    place = tempfile.TemporaryDirectory(prefix="tipline-calibrate-")
    with _bar("calibrate", progress) as bar:
        found = CalibratedLine.ask(raw, made, Path(place.name), bar.at)
    found.place = place
    if out is not None:
        found.save(out)
    return found


def measure(log: Log, replication: Replication, scenario: Scenario) -> RunAnswer:
    """What one replication came to, as tables: a run of one, whose intervals tell nothing.

    >>> import sim
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"run.length": "1 d", "run.warm_up": "0 d"})
    >>> drawn = sim.draw(scenario, 3)
    >>> sim.measure(sim.simulate(drawn), drawn, scenario).replications["replication"].tolist()
    [3]
    """
    from sim.measures.frame import Frame
    from sim.measures.measures import measure as measured
    from sim.measures.sample import Sample
    from sim.measures.targets import joint, results
    from sim.studies.replicate import Done
    from sim.studies.result import Result

    frame = Frame(scenario)
    sample = Sample(frame)
    sample.add(measured(log, replication, frame))
    done = Done(scenario, scenario.run.seed, "compiled", sample, {})
    return RunAnswer(Result(done, results(sample), joint(sample), ()))


def single_run(scenario: World, index: int = 0, *, seed: int | None = None) -> dict[str, float]:
    """One replication by its index: what every target came to (a share, or minutes), and `all_held`, 1 or 0.

    What experiment tools take that ask for one replication after the other; see `Replications`.

    >>> import sim
    >>> sorted(sim.single_run("scenarios/two_stage.yaml", 2))[:2]  # doctest: +SKIP
    """
    from sim.draw import draw
    from sim.dynamics.engines import simulate

    world = _world(scenario, None, seed)
    drawn = draw(world, index)
    found = measure(simulate(drawn), drawn, world).found
    values = {one.name: one.in_unit(one.value) for one in found.targets}
    return values | {"all_held": float(found.joint.shares["run"].share.value)}


class Replications:
    """A scenario as a model of which single replications are asked for: `single_run(index)` gives a dict.

    This is the interface that `ReplicationsAlgorithm` of the package sim-tools takes.
    """

    def __init__(self, scenario: World, *, seed: int | None = None):
        self.scenario = _world(scenario, None, seed)

    def single_run(self, replication_number: int) -> dict[str, float]:
        """What every target came to in one replication."""
        return single_run(self.scenario, replication_number)


def visits(log: Log, replication: Replication, scenario: Scenario) -> pd.DataFrame:
    """A log as a frame, one row a visit to a stage: the columns of `events.parquet`, and the dates of the times.

    What never happened is missing (NaN, NaT); times are minutes since `run.start`.

    >>> import sim
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"run.length": "1 d", "run.warm_up": "0 d"})
    >>> drawn = sim.draw(scenario, 0)
    >>> frame = sim.visits(sim.simulate(drawn), drawn, scenario)
    >>> bool((frame["start_min"] >= frame["enter_min"]).all())
    True
    """
    import pandas as pd

    from sim.dynamics.clock import MINUTE
    from sim.studies.events import events

    frame: pd.DataFrame = events(log, replication, scenario).to_pandas()
    for name in ("enter", "start", "end"):
        ticks = (frame[f"{name}_min"] * MINUTE).round()
        frame[name] = pd.Timestamp(scenario.start) + pd.to_timedelta(ticks, unit="us")
    return frame


def _world(scenario: World, replications: int | None, seed: int | None) -> Scenario:
    """The scenario with the replications and the seed that are asked for."""
    given = _changes(replications, seed)
    if not isinstance(scenario, Scenario):
        return load(scenario, changes=given)
    if not given:
        return scenario
    from sim.studies.ranges import Variations

    return Variations(scenario).at(given)


def _changes(replications: int | None, seed: int | None) -> dict[str, int]:
    """What a document is to be changed in for the replications and the seed that are asked for."""
    return {f"run.{name}": n for name, n in (("replications", replications), ("seed", seed)) if n is not None}


def _document(scenario: World) -> Document:
    """The document of a scenario, with those of its variants that fit."""
    if isinstance(scenario, Scenario):
        return Document(scenario.path, compose(as_yaml(scenario), str(scenario.path)))
    return read(scenario)


def _whole_document(scenario: World) -> Document:
    """The document of a scenario, with all of its variants."""
    if isinstance(scenario, Scenario):
        return Document(scenario.path, of_plain(scenario.tree, Mark(str(scenario.path))))
    return read(scenario)


def _settings(engine: Engine, jobs: int | None, bar: Bar) -> Settings:
    from sim.studies.replicate import Settings

    return Settings(engine=engine, jobs=jobs or cores(), count=bar.count, expect=bar.expect, at=bar.at)


@contextmanager
def _trials(name: str, scenario: Scenario, jobs: int | None, progress: bool | None) -> Iterator[Trials]:
    from sim.studies.trials import Trials

    with _bar(name, progress) as bar:
        yield Trials(scenario.run.seed, _settings("compiled", jobs, bar))


@contextmanager
def _bar(of: str, progress: bool | None, total: int | None = None) -> Iterator[Bar]:
    """How far it has come, where that is asked for, and in a notebook unless it is not."""
    from sim.answers.answer import bar

    wanted = "ipykernel" in sys.modules if progress is None else progress
    with bar(of, total, shown=wanted) as shown:
        yield shown
