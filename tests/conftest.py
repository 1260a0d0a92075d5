"""What every test may ask for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

# numba looks at the file of a cached kernel, not at those of the functions that it calls: a cache of its own for each
# state of the sources keeps the tests from running what the code no longer says.
_ROOT = Path(__file__).parents[1]
_SOURCES = sorted([*_ROOT.glob("sim/dynamics/*.py"), *_ROOT.glob("sim/measures/*.py")])
_STATE = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()[:16]
os.environ["NUMBA_CACHE_DIR"] = str(_ROOT / ".pytest_cache" / f"kernels-{_STATE}")

from sim.dynamics import compiled, reference  # noqa: E402
from sim.dynamics.log import Log  # noqa: E402
from sim.dynamics.replication import Replication  # noqa: E402

Engine = Callable[[Replication], Log]


@pytest.fixture(params=[reference.simulate, compiled.simulate], ids=["reference", "compiled"])
def simulate(request: pytest.FixtureRequest) -> Engine:
    """Each of the two engines in turn."""
    return request.param
