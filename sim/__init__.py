"""Tip lines, simulated: whether their published promises can all be true at once, and with what staff.

The pipeline, one step a name; nothing is imported before it is asked for:

    scenario = sim.load("scenarios/national.yaml")    # or its text, or a mapping; sim.to_yaml(scenario) gives it back
    replication = sim.draw(scenario, 0)               # every random choice of replication 0
    log = sim.simulate(replication)                   # what happened; sim.visits(...) as a frame
    one = sim.measure(log, replication, scenario)     # what that came to

Questions, each as the command of that name asks it; answers have their tables as frames (`answer.targets`), and
`answer.plot()`, `answer.save(folder)`, `answer.sentences()`:

    sim.check(scenario)       what does the document mean, and what may not be meant?
    sim.run(scenario)         are the targets met, alone and together?
    sim.staff(scenario)       with what staff would they be, at least cost?
    sim.compare(scenario)     what do its variants change, and what is noise?
    sim.map(scenario, x, y)   where do all hold over two ranges, and what fails first?
    sim.sensitivity(scenario) which of the plausible ranges decides that?
    sim.plausibility(scenario) in which plausible worlds does some staffing hold, and with how many people?
    sim.runway(scenario)      how many years of growth does the staffing bear?
    sim.calibrate(log)        which line reproduces a log, and what could the log not tell?
    sim.claims(ledger, scenario)  what do arithmetic and simulation say of published claims?
    sim.validate(scenario)    does it come to what was observed, and what does it predict?
    sim.explain(scenario, 7)  what became of tip 7, and why did it wait?
    sim.report(folder)        a folder of results as one page
    sim.export(folder, "xes") what a run left, for other tools: xes, ocel, vidigi, xlsx, csv
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.version import __version__ as __version__

if TYPE_CHECKING:
    from sim.api import Replications as Replications
    from sim.api import calibrate as calibrate
    from sim.api import check as check
    from sim.api import claims as claims
    from sim.api import compare as compare
    from sim.api import explain as explain
    from sim.api import export as export
    from sim.api import map as map
    from sim.api import measure as measure
    from sim.api import plausibility as plausibility
    from sim.api import report as report
    from sim.api import run as run
    from sim.api import runway as runway
    from sim.api import sensitivity as sensitivity
    from sim.api import single_run as single_run
    from sim.api import staff as staff
    from sim.api import to_yaml as to_yaml
    from sim.api import validate as validate
    from sim.api import visits as visits
    from sim.draw import draw as draw
    from sim.dynamics.engines import simulate as simulate
    from sim.scenario.faults import ScenarioError as ScenarioError
    from sim.scenario.loading import load as load
    from sim.scenario.schema import Scenario as Scenario

_IN_API = (
    "Replications",
    "calibrate",
    "check",
    "claims",
    "compare",
    "explain",
    "export",
    "map",
    "measure",
    "plausibility",
    "report",
    "run",
    "runway",
    "sensitivity",
    "single_run",
    "staff",
    "to_yaml",
    "validate",
    "visits",
)
_HOMES = {
    "load": "sim.scenario.loading",
    "Scenario": "sim.scenario.schema",
    "ScenarioError": "sim.scenario.faults",
    "draw": "sim.draw",
    "simulate": "sim.dynamics.engines",
} | dict.fromkeys(_IN_API, "sim.api")

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
