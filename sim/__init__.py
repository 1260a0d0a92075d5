"""Tip lines, simulated: whether their published promises can all be true at once, and with what staff.

The pipeline, one step a name; nothing is imported before it is asked for:

    scenario = sim.load("scenarios/national.yaml")
    replication = sim.draw(scenario, index=0)
    log = sim.simulate(replication)
    answer = sim.run(scenario)

Each command is a function too: `check`, `run`, `explain`, `runway`, `report`. It gives an object that holds its tables
as data frames, speaks as text, and is shown by a notebook.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.version import __version__ as __version__

if TYPE_CHECKING:
    from sim.api import Run as Run
    from sim.api import check as check
    from sim.api import explain as explain
    from sim.api import report as report
    from sim.api import run as run
    from sim.api import runway as runway
    from sim.draw import draw as draw
    from sim.dynamics.engines import simulate as simulate
    from sim.scenario.faults import ScenarioError as ScenarioError
    from sim.scenario.loading import load as load
    from sim.scenario.schema import Scenario as Scenario

__all__ = [
    "Run",
    "Scenario",
    "ScenarioError",
    "__version__",
    "check",
    "draw",
    "explain",
    "load",
    "report",
    "run",
    "runway",
    "simulate",
]

_HOMES = {
    "load": "sim.scenario.loading",
    "draw": "sim.draw",
    "simulate": "sim.dynamics.engines",
    "check": "sim.api",
    "run": "sim.api",
    "explain": "sim.api",
    "runway": "sim.api",
    "report": "sim.api",
    "Run": "sim.api",
    "Scenario": "sim.scenario.schema",
    "ScenarioError": "sim.scenario.faults",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
