"""The table of inputs says what the scenario says."""

from __future__ import annotations

import re

from sim.scenario.loading import load
from tests.cli.lines import ROOT, SCENARIOS

ROW = re.compile(
    r"^\| `([\w.]+)` \| ([^|]+) \| ([^|]+) to ([^|]+) \| ((?:log-)?(?:triangular|uniform)) \|", re.MULTILINE
)


def test_every_unknown_stands_in_the_table_with_its_distribution() -> None:
    page = (ROOT / "results" / "inputs.md").read_text(encoding="utf-8")
    told = {path: (likely, low, high, spread) for path, likely, low, high, spread in ROW.findall(page)}
    unknown = {path: one for path, one in load(SCENARIOS / "described.yaml").plausible.items() if "pools" not in path}
    assert told == {
        path: (str(one.given_likely), one.from_text, one.to_text, one.spread) for path, one in unknown.items()
    }
