"""What is said to those who come to the code is so: the guide, the changelog, the citation, the lowest versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.scenario.tree import compose
from tests.test_house import LAYERS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_guide_names_the_rooms_in_their_order() -> None:
    assert tuple(re.findall(r"^\| `(\w+)/` \|", GUIDE, re.MULTILINE)) == LAYERS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([.\w/]*[./][\w*./]+)`", GUIDE)) - {"app.py", "..."}))
def test_what_the_guide_names_is_there(name: str) -> None:
    assert list(ROOT.glob(name)) or list((ROOT / "sim").glob(name))


def test_the_version_has_its_part_of_the_changelog() -> None:
    parts = re.findall(r"^## \[(.+?)\]", CHANGES, re.MULTILINE)
    assert parts[0] == "Unreleased"
    assert parts[1] == sim.__version__


def test_the_citation_is_of_this_version() -> None:
    told = compose((ROOT / "CITATION.cff").read_text(encoding="utf-8"), "CITATION.cff").plain()
    assert told["version"] == sim.__version__
    assert told["license"] == PROJECT["project"]["license"]
    assert told["authors"] == PROJECT["project"]["authors"]


def test_the_lowest_versions_are_those_that_are_allowed() -> None:
    """Of all that the program needs, and of what its tests need beside the linters."""
    pins = dict(re.findall(r"^([\w.-]+)==([\d.]+)$", (ROOT / ".ci" / "lowest.txt").read_text("utf-8"), re.MULTILINE))
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    bounds = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?>=([\d.]+)$", "\n".join(asked), re.MULTILINE))
    assert set(PROJECT["project"]["dependencies"]) <= {f"{name}>={low}" for name, low in bounds.items()}
    for name in ("ruff", "mypy"):
        del bounds[name]
    assert set(pins) == set(bounds) | {"distributed"}
    for name, low in bounds.items():
        pin, least = ([int(part) for part in version.split(".")] for version in (pins[name], low))
        assert pin == least + [0] * (len(pin) - len(least)), name
