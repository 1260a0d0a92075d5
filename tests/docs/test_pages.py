"""Nothing that a reader may write, ask or find stands in no document: keys, columns, commands, options, exit codes.

The pages are made from the code; what is looked for here is read off the code in another way, and everything has to say
what it means. Each test of that kind is shown failing on something that is added for the purpose.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

import sim
from sim.cli import options
from sim.cli.app import app
from sim.scenario.editors import schema_of
from sim.scenario.fields import Length, Part
from sim.scenario.schema import World
from sim.tables.declared import number
from sim.tables.run import TARGETS
from tests.cli.lines import ROOT
from tests.docs.made import DOCS, made


@cache
def pages() -> dict[str, str]:
    """Every page, made or written, by its place."""
    written = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}
    return {**written, **made().pages()}


@pytest.mark.parametrize("kind", ["scenario", "ledger", "study"])
def test_every_key_stands_in_its_page_with_a_meaning_and_an_example(kind: str) -> None:
    model, _ = made().documents()[kind]
    assert made().missing_keys(kind, model, pages()[f"reference/{kind}.md"]) == []


class Added(Part):
    """A part that nobody has told of."""

    said: Length = 0
    """So long."""
    unsaid: Length = 0
    without_example: Any = None
    """Anything."""


class WithMore(World):
    """A scenario with a key more."""

    added: Added | None = None


def test_a_key_that_is_added_without_a_word_is_found() -> None:
    page = made().keys_page("scenario", schema_of(WithMore, "scenario"))
    found = made().missing_keys("scenario", WithMore, page)
    assert found == ["scenario.added", "Added.unsaid", "Added.without_example (no example)"]
    plain = pages()["reference/scenario.md"]
    assert "Added.said" in made().missing_keys("scenario", WithMore, plain), "one that its page has not"


def test_every_table_and_column_stands_in_its_page() -> None:
    known = made().tables()
    assert len(known) > 25
    assert {table.name for command in made().left_by() for table in [known[command]]} <= set(known)
    assert made().missing_columns(known, pages()["reference/results.md"]) == []


def test_a_column_that_is_added_without_a_word_is_found() -> None:
    silent, told = number("silent", "min", float, ""), number("told", "min", float, "how long")
    known = {"targets": replace(TARGETS, columns=(*TARGETS.columns, silent, told))}
    page = made().results_page(known)
    assert made().missing_columns(known, page) == ["targets.silent_min"]
    assert made().missing_columns(known, pages()["reference/results.md"]) == ["targets.silent_min", "targets.told_min"]


def test_every_command_and_option_stands_in_its_page() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert made().missing_options(commands, pages()["reference/commands.md"]) == []


def test_an_option_that_is_added_without_a_word_is_found() -> None:
    more = typer.Typer()

    @more.callback()
    def top() -> None:
        """A program."""

    @more.command()
    def new(loud: bool = False, told: Annotated[bool, typer.Option(help="Say it.")] = False) -> None:
        """Do something."""

    commands = get_command(more).commands  # type: ignore[attr-defined]
    page = made().commands_page(commands)
    assert [one for one in made().missing_options(commands, page) if "told" not in one] == ["new --loud"]
    assert "new" in made().missing_options(commands, pages()["reference/commands.md"])


def test_every_exit_code_stands_in_its_page() -> None:
    codes = {value for name, value in vars(options).items() if name.isupper() and type(value) is int}
    assert set(made().exit_codes()) == codes - ({options.JSON_FORMAT} - {options.NOT_MET})
    assert made().missing_codes(pages()["reference/commands.md"]) == []
    assert made().missing_codes("| 2 | |") == sorted(codes)


def test_every_name_of_the_package_stands_in_its_page() -> None:
    page = pages()["reference/python.md"]
    assert [
        name
        for name in sim.__all__
        if name != "__version__" and not re.search(rf"^::: sim\.[\w.]*\b{name}$", page, re.M)
    ] == []


def test_every_page_stands_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert set(re.findall(r"[\w/]+\.md", menu)) == set(pages())


# Links


def slug(heading: str) -> str:
    """The anchor of a heading, as the site makes it."""
    if given := re.search(r"\{#([\w-]+)\}\s*$", heading):
        return given[1]
    plain = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)


def without_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    return {slug(heading) for heading in headings} | set(re.findall(r'id="([^"]+)"', text))


def dead_links(place: Path, text: str, known: dict[str, str]) -> list[str]:
    """Links of a page, relative to its place, that lead to no page, file or heading."""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (place.parent / target).resolve() if target else place
        page = known.get(str(path.relative_to(DOCS))) if path.is_relative_to(DOCS) else None
        there = page if target else text
        if there is None:
            there = (
                path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "" if path.exists() else None
            )
        if there is None or (anchor and anchor not in anchors(there)):
            found.append(link)
    return found


def test_no_link_is_dead() -> None:
    known = pages()
    places = {DOCS / name: text for name, text in known.items()}
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md"):
        places[ROOT / name] = (ROOT / name).read_text(encoding="utf-8")
    assert {
        str(place.relative_to(ROOT)): dead for place, text in places.items() if (dead := dead_links(place, text, known))
    } == {}


def test_a_dead_link_would_be_found() -> None:
    text = "# One\n[a](#one) [b](#two) [c](index.md) [d](nowhere.md) [e](methods.md#nothing-there)"
    assert dead_links(DOCS / "page.md", text, pages()) == ["#two", "nowhere.md", "methods.md#nothing-there"]
