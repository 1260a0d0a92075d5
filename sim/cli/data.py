"""What a run came to, as data: strict JSON, in which nothing stands for what is infinite or was not counted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.terminal import Result, asked, came_to
from sim.dynamics.clock import MINUTE

if TYPE_CHECKING:
    from sim.measures.targets import HeldShare, TargetResult
    from sim.studies.unlimited import Limit


def result_data(result: Result, folder: Path) -> dict[str, Any]:
    """The result as data."""
    done = result.done
    return {
        "file": str(done.scenario.path),
        "scenario": done.scenario.scenario,
        "variant": done.scenario.variant,
        "hash": done.scenario.hash,
        "seed": done.seed,
        "engine": done.engine,
        "replications": len(done.sample),
        "failed": {str(index): failure.error for index, failure in done.failures.items()},
        "targets": {one.name: _target_data(one) for one in result.targets},
        "together": {
            "verdict": result.joint.word,
            "binding": result.joint.binding,
            "held": {unit: _held_data(held) for unit, held in result.joint.shares.items()},
        },
        "unlimited_staff": {one.name: _limit_data(one) for one in result.limits},
        "notes": list(result.notes),
        "folder": str(folder),
    }


def _target_data(one: TargetResult) -> dict[str, Any]:
    scale, unit = (MINUTE, "min") if one.kind == "mean" else (1, "share")
    figures = {key: _finite(getattr(one, key) / scale) for key in ("value", "low", "high", "threshold")}
    keys = ("claim", "kind", "verdict", "lower_bound", "used", "counts", "unlabelled_lost", "unlabelled_open")
    own = {key: _finite(getattr(one, key)) for key in keys} | {"verdict": one.word}
    if one.recorded or one.given_arrivals:
        own["given"] = "this period" if one.recorded else "these arrivals"
    return {**own, "unit": unit, **figures, "asked": asked(one), "came_to": came_to(one)}


def _limit_data(one: Limit) -> dict[str, Any]:
    ways = [{"kind": way.kind, "name": way.name, "share": way.share} for way in one.hindrances]
    return {"came_to": came_to(one.result), "beyond_staff": one.beyond_staff, "in_the_way": ways}


def _held_data(held: HeldShare) -> dict[str, Any]:
    share = held.share
    return {
        "share": _finite(share.value),
        "low": _finite(share.low),
        "high": _finite(share.high),
        "judged": held.n_judged,
        "silent": held.n_silent,
        "whole": held.whole,
    }


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: nothing stands for them."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
