"""A log on trial: how a law is put to it, and the error that names where it is broken."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from sim.dynamics.log import Log
from sim.dynamics.replication import Flags, Replication, Ticks
from sim.dynamics.waits import Attempts, Waits, attempts, waits, where

NOBODY: Final = -1
"""The visit, tip or stage of a fault that belongs to none."""


class LawError(AssertionError):
    """A law that a log breaks: a fault of ours, never of the scenario."""

    def __init__(self, law: str, *, tip: int, stage: int, tick: int, command: str):
        self.law, self.tip, self.stage, self.tick, self.command = law, tip, stage, tick, command
        again = f"; to reproduce: {command}" if command else ""
        super().__init__(f"law broken: {law} (tip {tip}, stage {stage}, tick {tick}){again}")


class Trial:
    """A log, what it is a log of, and the means to hold it to a law."""

    def __init__(self, log: Log, replication: Replication, command: str) -> None:
        self.log, self.replication, self.command = log, replication, command
        self.at = where(replication)
        self.horizon = replication.rules.horizon

    @cached_property
    def tried(self) -> Attempts:
        """The attempts made; to be read once their number is known to be one that the stages allow."""
        return attempts(self.log, self.replication, self.at)

    @cached_property
    def line(self) -> Waits:
        """The waits between them."""
        return waits(self.log, self.replication, self.at, self.tried)

    def hold(self, law: str, kept: Flags, visit: Ticks, tick: Ticks) -> None:
        """Raise for the first row that does not keep a law; each row has its visit and tick."""
        if not kept.all():
            row = int(np.argmin(kept))
            self.accuse(law, int(visit[row]), int(tick[row]))

    def accuse(self, law: str, visit: int, tick: int) -> None:
        """Raise for one visit, or NOBODY, at a tick."""
        known = visit != NOBODY
        tip = int(self.at.tip[visit]) if known else NOBODY
        stage = int(self.at.stage[visit]) if known else NOBODY
        raise LawError(law, tip=tip, stage=stage, tick=tick, command=self.command)
