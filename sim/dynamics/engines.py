"""The choice of an engine by name; neither is imported before it is needed."""

from __future__ import annotations

from typing import Literal

from sim.dynamics.log import Log
from sim.dynamics.replication import Replication

Engine = Literal["compiled", "reference"]


def simulate(replication: Replication, engine: Engine = "compiled") -> Log:
    """The log of a replication by one of the two engines, which agree on every stamp; ValueError for a third."""
    if engine == "compiled":
        from sim.dynamics import compiled

        return compiled.simulate(replication)
    if engine == "reference":
        from sim.dynamics import reference

        return reference.simulate(replication)
    raise ValueError(f"an engine is compiled or reference (got {engine!r})")
