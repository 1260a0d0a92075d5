"""The maker of pages, which belongs to the documents and is no part of the package."""

from __future__ import annotations

import importlib.util
from functools import cache
from types import ModuleType

from tests.cli.lines import ROOT

DOCS = ROOT / "docs"


@cache
def made() -> ModuleType:
    """The maker of pages, which belongs to the documents and is no part of the package."""
    spec = importlib.util.spec_from_file_location("pages", DOCS / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
