"""The site: built by one command, whole, and read from the disk without a network, at two widths.

    pip install -e '.[docs]'

is what it takes; without it these tests are skipped, and pytest says so.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.cli.lines import ROOT
from tests.cli.test_report import browsed, in_a_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("mkdocs") is None, reason="no mkdocs: pip install -e '.[docs]'"),
]


class Links(HTMLParser):
    """What a page has names for, leads to, and fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names, self.to, self.fetched = set[str](), set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.to.add(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.add(given.get("href", ""))
        elif "src" in given:
            self.fetched.add(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_link_of_the_site_is_dead_and_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 15
    dead = []
    for path, page in pages.items():
        assert [one for one in page.fetched if re.match(r"(https?:)?//", one)] == [], path
        for link in page.to | page.fetched:
            if re.match(r"https?:|mailto:|javascript:|data:", link):
                continue
            target, _, anchor = link.partition("#")
            there = (path.parent / unquote(target)).resolve() if target else path
            known = pages.get(there)
            if not there.exists() or (anchor and known is not None and unquote(anchor) not in known.names):
                dead.append(f"{path.name}: {link}")
    assert sorted(dead) == []


@in_a_browser
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", ["index", "tutorials/planner", "recipes/index", "reference/scenario", "verdicts"])
def test_a_browser_shows_a_page_from_the_disk_and_asks_no_network(
    site: Path, tmp_path: Path, page: str, width: int
) -> None:
    shot = tmp_path / "shot.png"
    size = (f"--window-size={width},1400", "--hide-scrollbars", f"--screenshot={shot}")
    _, complaints, asked = browsed(site / f"{page}.html", tmp_path, *size)
    assert (complaints, asked) == ("", [])
    assert shot.stat().st_size > 30_000


@in_a_browser
def test_search_works_from_the_disk(site: Path, tmp_path: Path) -> None:
    start = tmp_path / "start.html"
    asks = (site / "index.html").as_uri() + "?q=holiday"
    start.write_text(f'<meta http-equiv="refresh" content="0; url={asks}">', encoding="utf-8")
    dom, _, asked = browsed(start, tmp_path, "--virtual-time-budget=10000", "--dump-dom")
    assert re.search(r"\d+ matching documents", dom)
    assert asked == []
