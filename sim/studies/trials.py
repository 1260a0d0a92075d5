"""Many variants of one scenario before the same tips: what compare, staff, map and their like are made of.

Tips are drawn once for all scenarios whose draws agree, and every replication of a scenario is measured once, however
often it is asked for. Nothing here decides which scenarios to try.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sim.draw import draw, draw_key, restaff
from sim.dynamics.replication import Replication
from sim.measures.frame import Frame
from sim.measures.measures import Measures, measure
from sim.measures.sample import Sample
from sim.studies.keeping import Kept, Piece
from sim.studies.replicate import Engine, One, Settings, _shared_out, simulate
from sim.studies.workers import Failure

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

MOST_KEPT_BYTES: Final = 400_000_000
"""Drawn tips are kept up to this many bytes, the latest used last thrown away."""


class TrialError(RuntimeError):
    """A replication that a study cannot do without has failed."""
