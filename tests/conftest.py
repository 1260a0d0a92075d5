"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.dynamics import compiled, reference
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication

Engine = Callable[[Replication], Log]


@pytest.fixture(autouse=True)
def _each_world_its_own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has compiled before does not decide what is tested."""
    monkeypatch.setattr(compiled, "borrows", False)


@pytest.fixture(params=[reference.simulate, compiled.simulate], ids=["reference", "compiled"])
def simulate(request: pytest.FixtureRequest) -> Engine:
    """Each of the two engines in turn."""
    return request.param
