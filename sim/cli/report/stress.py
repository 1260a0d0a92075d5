"""The items of the STRESS-DES checklist, filled from a scenario: what a simulation study has to say to be repeated.

T. Monks, C. S. M. Currie, B. S. Onggo, S. Robinson, M. Kunc, S. J. E. Taylor: Strengthening the reporting of empirical
simulation studies: introducing the STRESS guidelines. Journal of Simulation 13 (2019). Where the scenario is silent, so
is the item; what the program does whatever the scenario says is told as the program's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.dynamics.clock import MINUTE
from sim.scenario.describe import describe
from sim.scenario.pools import filter_words, rank_words
from sim.scenario.together import not_poisson
from sim.text import words
from sim.text.scenario import demand_words, labeller_words, pool_words, run_words

if TYPE_CHECKING:
    from sim.scenario.distributions import Law
    from sim.scenario.schema import Scenario
    from sim.scenario.stages import LawByAttribute, Stage

NOT_STATED: Final = "not stated"

SECTIONS: Final = ("Objectives", "Logic", "Data", "Experimentation", "Implementation", "Code access")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist."""

    number: str
    name: str
    says: tuple[str, ...]
    """Sentences or entries; empty where nothing is stated."""

    @property
    def section(self) -> str:
        """The section of the checklist that it stands in."""
        return SECTIONS[int(self.number[0]) - 1]


def items(scenario: Scenario, manifest: Mapping[str, Any], purpose: Sequence[str] = ()) -> list[Item]:
    """Every item in the order of the checklist. `purpose` is what a study adds to what the scenario says of itself."""
    return [Item(number, name, tuple(says)) for number, name, says in _items(scenario, manifest, purpose)]


def _items(
    scenario: Scenario, manifest: Mapping[str, Any], purpose: Sequence[str]
) -> Iterator[tuple[str, str, Sequence[str]]]:
    described = describe(scenario)
    yield "1.1", "Purpose of the model", [text for text in (*purpose, scenario.about) if text]
    yield "1.2", "Model outputs", [f"{name}: {one.words}" for name, one in scenario.targets.items()]
    yield "1.3", "Aims of experimentation", [f"variant {name}" for name in scenario.variants]
    yield (
        "2.1",
        "Overview of the base model",
        [" → ".join(["arrival", *(one.name for one in scenario.stages), "leave"])],
    )
    yield "2.2", "Logic of the base model", [f"{one.stage}: {one.who}: {one.does}" for one in described.stages]
    yield "2.3", "Logic of the scenarios", [_variant(name, changes) for name, changes in scenario.variants.items()]
    yield "2.4", "Algorithms", [*_ranks(scenario), *_ALGORITHMS]
    yield "2.5.1", "Entities", ["tips", *demand_words(scenario)]
    yield "2.5.2", "Activities", [_activity(stage) for stage in scenario.stages]
    yield (
        "2.5.3",
        "Resources",
        [f"{name}: {'; '.join(pool_words(scenario, name))}" for name in scenario.pools],
    )
    yield "2.5.4", "Queues", list(_queues(scenario))
    yield "2.5.5", "Entry and exit points", list(_ends(scenario))
    yield "3.1", "Data sources", list(_sources(scenario))
    yield "3.2", "Pre-processing", []
    yield "3.3", "Input parameters", list(_parameters(scenario))
    yield "3.4", "Assumptions", list(_ASSUMPTIONS)
    yield "4.1", "Initialisation", list(_initialisation(scenario))
    yield "4.2", "Run length", run_words(scenario)[:1]
    yield "4.3", "Estimation approach", [run_words(scenario)[1], *_ESTIMATION]
    yield "5.1", "Software", _versions(manifest)
    yield "5.2", "Random sampling", [f"seed {manifest.get('seed', scenario.run.seed)}", *_SAMPLING]
    yield "5.3", "Model execution", [_EXECUTION, *([f"engine {manifest['engine']}"] if "engine" in manifest else [])]
    yield "5.4", "System specification", [str(manifest["platform"])] if "platform" in manifest else []
    yield "6.1", "Sharing of the model", [_SHARED, f"SHA-256 of this scenario: {scenario.hash}"]


_ALGORITHMS: Final = (
    "the program's: the next event is taken in the order shift, end, arrival, abandonment within one tick of a "
    "microsecond; lines are served by rank, then by the earliest entry",
)
_ASSUMPTIONS: Final = (
    "the program's: people of a pool are interchangeable, and work as fast when it is busy as when it is not",
    "the program's: times of work are independent of each other and of the time of day",
    "those of the scenario stand as remarks in its file, which a resolved scenario does not carry",
)
_ESTIMATION: Final = (
    "the program's: intervals are over replications, and simultaneous where all targets are judged at once",
    "the program's: variants are compared on the same tips",
)
_SAMPLING: Final = (
    "the program's: SFC64 generators in streams that are keyed by seed, replication and name, one row a tip",
    "the program's: arrivals by inversion of the cumulative rate",
)
_EXECUTION: Final = "the program's: the next event first; two engines that agree on every stamp of every tip"
_SHARED: Final = "the program is free software under the MIT licence; scenario and command lie beside the results"


def _variant(name: str, changes: Mapping[str, Any]) -> str:
    return f"{name}: {', '.join(f'{path} = {_value(value)}' for path, value in changes.items())}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return "nothing" if value is None else str(value)


def _ranks(scenario: Scenario) -> Iterator[str]:
    for name, pool in scenario.pools.items():
        if pool.serve_first:
            yield f"{name} serve first {', then '.join(rank_words(one) for one in pool.serve_first)}"
        if pool.preempt:
            yield f"{name} interrupt work for {' and '.join(filter_words(one) for one in pool.preempt)}"


def _activity(stage: Stage) -> str:
    return f"{stage.name}: {_laws(stage.time)}{f', by {stage.pool}' if stage.pool else ', by nobody'}"


def _laws(time: LawByAttribute) -> str:
    if time.by is None:
        return _law(time.values[""])
    return f"by {time.by}: " + "; ".join(f"{name} {_law(law)}" for name, law in time.values.items())


def _law(law: Law) -> str:
    return f"{type(law).__name__.lower()}, {law.mean / MINUTE:.4g} min on average, cv {law.cv:.3g}"


def _queues(scenario: Scenario) -> Iterator[str]:
    each = "" if len(scenario.centres) == 1 else " in each centre, or one where it is shared"
    yield f"one line a pool{each}: {', '.join(scenario.pools)}"
    for stage in scenario.stages:
        if stage.patience is not None:
            again = f"; {words.percent(stage.retry.share)} come back" if stage.retry else ""
            yield f"{stage.name}: tips wait no longer than their patience ({_laws(stage.patience)}){again}"
        for one in stage.overflow:
            yield f"{stage.name}: also in the line of {one.to} after {words.length(one.after)}"
        if stage.gate:
            yield f"{stage.name}: released {stage.gate}"


def _ends(scenario: Scenario) -> Iterator[str]:
    arrive = (
        f"recorded in {scenario.demand.trace}" if scenario.demand.trace else "as a Poisson process at a varying rate"
    )
    if together := not_poisson(scenario.demand):
        arrive += f", given {words.listed(together)}"
    yield f"tips arrive {arrive}"
    yield f"they leave after the last stage that is for them; the last of all is {scenario.stages[-1].name}"
    if any(stage.patience is not None for stage in scenario.stages):
        yield "or they give up for good"


def _sources(scenario: Scenario) -> Iterator[str]:
    for path, one in scenario.plausible.items():
        if one.source:
            yield f"{path}: {one.source}"
    claims = {name: one.claim for name, one in scenario.targets.items() if one.claim}
    if claims:
        yield "targets from claims: " + ", ".join(f"{name} {claim}" for name, claim in claims.items())


def _parameters(scenario: Scenario) -> Iterator[str]:
    yield "every value stands in scenario.yaml"
    for path, one in scenario.plausible.items():
        yield f"{path}: {one.words}"
    for name, labeller in scenario.labels.items():
        yield labeller_words(name, labeller)


def _initialisation(scenario: Scenario) -> Iterator[str]:
    warm_up = scenario.warm_up
    yield (
        f"the line starts empty; {words.length(warm_up)} of warm-up" if warm_up else "the line starts empty, no warm-up"
    )
    for stage, n in (scenario.start_with.backlog if scenario.start_with else {}).items():
        yield f"{n} tips wait at {stage} when the run starts"


def _versions(manifest: Mapping[str, Any]) -> list[str]:
    versions = manifest.get("versions")
    return [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, Mapping) else []
