"""The scenarios that come with the program: what there is, and a copy of one with every file that it needs.

Nothing that is there already is written over: where one file stands in the way, none is written.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sim.cli.options import BAD_INPUT, DONE, say, show

_FIRST_COMMAND: Final = {"scenario": "run", "ledger": "check", "study": "study"}
"""The key that a document has its title under, and the command that it is given to."""


@dataclass(frozen=True, slots=True)
class Example:
    """A document that comes with the program."""

    name: str
    kind: str
    """The key that its title stands under: scenario, ledger or study."""
    title: str
    about: str


def examples(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The one to copy.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Copy it to this file; NAME.yaml.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy it into this folder.")] = None,
    every: Annotated[Path | None, typer.Option("--all", metavar="DIR", help="Copy all into this folder.")] = None,
) -> int:
    """List the example scenarios, or copy one with every file it needs; it never overwrites."""
    from sim.scenario.fields import hint

    folder = examples_folder()
    if every is not None:
        if name is not None or out is not None:
            raise typer.BadParameter("copies all, and takes neither a NAME nor --out", param_hint="--all")
        return _copy({path: every / path.relative_to(folder) for path in sorted(_files_in(folder))})
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name is None:
        if out is not None:
            raise typer.BadParameter("needs the NAME of one, or use --all DIR", param_hint="--out")
        _show([_example(path) for path in there.values()])
        return DONE
    shipped = there.get(name.removesuffix(".yaml"))
    if shipped is None:
        raise typer.BadParameter(f"there is no example '{name}'{hint(name, there)}", param_hint="NAME")
    if file is not None and out is not None:
        raise typer.BadParameter("say where once: FILE or --out DIR", param_hint="--out")
    if file is not None and file.is_dir():
        raise typer.BadParameter(f"is a folder; copy into it with --out {file}", param_hint="FILE")
    into = file.parent if file is not None else out or Path()
    own = file if file is not None else into / shipped.name
    copies = {path: into / path.relative_to(folder) for path in needed(shipped)}
    if own in copies.values():
        raise typer.BadParameter(f"'{own.name}' is a file that {shipped.stem} needs beside it", param_hint="FILE")
    code = _copy({shipped: own, **copies})
    if code == DONE:
        print(f"Next:\n  tipline {_FIRST_COMMAND[_example(shipped).kind]} {shlex.quote(str(own))}")
    return code


def examples_folder() -> Path:
    """Where the examples are: inside the installed package, or beside it in a working copy.

    FileNotFoundError where they are in neither place.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "examples", package.parent / "scenarios"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(2, "the examples did not come with this installation", str(package / "examples"))


def needed(file: Path) -> list[Path]:
    """The files that an example names, directly or by another that it names.

    Every text of the document is looked at word by word, since `extends`, traces, targets of a ledger, laws of time,
    variants and the commands of a study all name files: a word that names a file of the folder means that file.
    """
    from sim.scenario.folder import inside

    found = {file.resolve(): file}
    waiting = [file]
    while waiting:
        document = waiting.pop()
        for word in _words(_tree(document)) if document.suffix == ".yaml" else ():
            try:
                there = inside(file.parent, word, beside=document.parent)
            except ValueError:
                continue
            if there not in found:
                found[there] = file.parent / there.relative_to(file.parent.resolve())
                waiting.append(found[there])
    return sorted(path for path in found.values() if path != file)


def _example(file: Path) -> Example:
    tree = _tree(file)
    kind = next(key for key in _FIRST_COMMAND if key in tree)
    return Example(file.stem, kind, str(tree[kind]), str(tree.get("about", "")))


def _tree(file: Path) -> Any:
    from sim.scenario.tree import compose

    return compose(file.read_text(encoding="utf-8"), file.name).plain()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _words(child)
    elif isinstance(value, str):
        yield from {value, *value.split()}


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _show(found: list[Example]) -> None:
    """One line each, scenarios first, then ledgers and studies; what does not fit into it stands in the document."""
    from rich.text import Text

    from sim.text import page

    kinds = list(_FIRST_COMMAND)
    table = page.table("name", "what it is")
    for one in sorted(found, key=lambda one: kinds.index(one.kind)):
        kind = "" if one.kind == "scenario" else f"A {one.kind}. "
        end = "" if one.title.endswith("?") else "."
        said = page.text(f"{kind}{one.title}{end} {one.about}".strip())
        said.no_wrap, said.overflow = True, "ellipsis"
        table.add_row(Text(one.name, style="bold", no_wrap=True), said)
    more = "Copy one with the files it needs, or all:\n  tipline examples NAME\n  tipline examples --all DIR"
    show(table, "", more)


def _copy(copies: dict[Path, Path]) -> int:
    """Copy files, and say so. A copy that is there already, byte for byte, stays; anything else there stops it all."""
    contents = {target: source.read_bytes() for source, target in copies.items()}
    new = [target for target in contents if not os.path.lexists(target)]
    for target in contents.keys() - set(new):
        if not target.is_file() or target.read_bytes() != contents[target]:
            say(f"{target} is there already, and is left as it is; nothing was copied")
            return BAD_INPUT
    written: list[Path] = []
    try:
        for target in new:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                written.append(target)
                copy.write(contents[target])
    except OSError:
        for target in written:
            target.unlink(missing_ok=True)
        raise
    for target in contents:
        print(f"{target} is written." if target in written else f"{target} is there already, the same.")
    return DONE
