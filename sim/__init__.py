"""Tip lines, simulated: whether their published promises can all be true at once, and with what staff.

The pipeline, one step a name; nothing is imported before it is asked for:

    scenario = sim.load("scenarios/national.yaml")
    replication = sim.draw(scenario, index=0)
    log = sim.simulate(replication)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sim.draw import draw as draw
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.faults import ScenarioError as ScenarioError
    from sim.scenario.loading import load as load
    from sim.scenario.schema import Scenario as Scenario

__version__ = "0.1.0"

__all__ = ["Scenario", "ScenarioError", "__version__", "draw", "load", "simulate"]

_HOMES = {
    "load": "sim.scenario.loading",
    "draw": "sim.draw",
    "Scenario": "sim.scenario.schema",
    "ScenarioError": "sim.scenario.faults",
}


def simulate(replication: Replication, engine: Literal["compiled", "reference"] = "compiled") -> Log:
    """The log of a replication: what happened to every tip, by either engine and the same by both."""
    if engine not in ("compiled", "reference"):
        raise ValueError(f"the engines are compiled and reference (got {engine!r})")
    log: Log = import_module(f"sim.dynamics.{engine}").simulate(replication)
    return log


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
