"""The pages that are made from the code: keys, tables, columns, options, exit codes, shapes of JSON, recipes.

`mkdocs build` asks `on_files` for them. What they say stands in the code: keys in the docstrings under the fields of
the models, columns in the declared tables, options in the commands, exit codes beside the constants. What stands in no
page, or without a meaning, the functions `missing_...` say.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

DOCS: Final = Path(__file__).parent
RECIPES: Final = DOCS / "recipes"
BASE: Final = "small.yaml"
"""The scenario that every recipe is laid on."""


# Keys


def documents() -> dict[str, tuple[type[BaseModel], dict[str, Any]]]:
    """Each kind of file: the model that reads it, and its JSON Schema."""
    from sim.scenario.editors import json_schema, ledger_schema
    from sim.scenario.ledger import Ledger
    from sim.scenario.schema import World
    from sim.studies.study import Study
    from sim.studies.study import json_schema as study_schema

    return {
        "scenario": (World, json_schema()),
        "ledger": (Ledger, ledger_schema()),
        "study": (Study, study_schema()),
    }


INTRO: Final = {
    "scenario": "A scenario says what the world is. Only `scenario`, `run`, `demand`, `pools` and `stages` are needed; "
    "what is left out is the plain case. The grammar [in one page](grammar.md); whole examples under "
    "[I want to say ...](../recipes/index.md).",
    "ledger": "A ledger says what sources claim of a line, in words and in up to three formal readings. "
    "`tipline claims` judges it, and targets may be taken from it. How sources are quoted, and what follows from what: "
    "[What a line says of itself](../ledgers.md).",
    "study": "A study is commands in a file, done one after the other into one folder. `tipline study` does them.",
}


def keys_page(kind: str, schema: Mapping[str, Any]) -> str:
    """Every key of a kind of file: what it means, how it is written, what is so without it, and an example."""
    parts = {"": schema, **schema["$defs"]}
    used = _places(schema)
    lines = [f"# Keys of a {kind}", "", INTRO.get(kind, ""), ""]
    order = sorted((name for name in parts if name in used), key=lambda name: used[name][0])
    for name in order:
        part = parts[name]
        known = part.get("properties", {})
        if not known:
            continue
        title = "At the top" if not name else _spoken(name)
        lines += [f"## {title}", ""]
        if name:
            where = ", ".join(f"`{place}`" for place in dict.fromkeys(place for _, place in used[name]) if place)
            lines += [f"{part.get('description', '')} *At* {where}.", ""]
        lines += ['<div class="keys" markdown>', ""]
        lines += ["| key | what it means | written as | without it | example |", "|---|---|---|---|---|"]
        needed = _needed(name, schema)
        for key, one in known.items():
            anchor = f'<span id="{name or kind}.{key}"></span>'
            shown = ", ".join(f"`{example}`" for example in examples(one))
            cells = (_says(one), form(one, schema), default(key, one, needed), shown)
            lines.append(f"| {anchor}`{key}` | {' | '.join(map(_cell, cells))} |")
        lines += ["", "</div>", ""]
    return "\n".join(lines)


def _needed(name: str, schema: Mapping[str, Any]) -> Iterable[str]:
    """The keys of a part that a document must have; what extends another may leave those of the top to it."""
    whole = next((one for one in schema.get("anyOf", ()) if "properties" in one), {})
    if not name:
        return schema.get("required") or whole.get("required", ())
    own = schema["$defs"][name].get("required", ())
    return own or (whole["properties"]["run"]["required"] if name == "Run" and whole else ())


def _places(schema: Mapping[str, Any]) -> dict[str, list[tuple[int, str]]]:
    """By part, where it stands, in the order in which one comes to it from the top; paths as documents write them."""
    found: dict[str, list[tuple[int, str]]] = {}
    waiting: list[tuple[str, Any, str]] = [("", schema, "")]
    seen: set[tuple[str, str]] = set()
    count = 0
    while waiting:
        name, part, path = waiting.pop(0)
        if (name, path) in seen or len(found.get(name, ())) >= 6:
            continue
        seen.add((name, path))
        found.setdefault(name, []).append((count, path))
        count += 1
        for key, one in part.get("properties", {}).items():
            for ref, ending in _refs(one):
                waiting.append((ref, schema["$defs"][ref], f"{path}.{key}{ending}".lstrip(".")))
    return found


def _refs(one: Any, ending: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(one, dict):
        if "$ref" in one:
            yield one["$ref"].rpartition("/")[2], ending
        for key, below in one.items():
            if key in ("properties",):
                for name, child in below.items():
                    if name not in ("by", "other", "unlabelled"):
                        yield from _refs(child, f"{ending}.{name}")
            elif key in ("items",):
                yield from _refs(below, f"{ending}[]")
            elif key in ("additionalProperties", "else"):
                yield from _refs(below, f"{ending}.<name>" if key == "additionalProperties" else ending)
            elif key in ("anyOf", "oneOf", "allOf"):
                for child in below:
                    yield from _refs(child, ending)


def _spoken(name: str) -> str:
    """A class as a heading: "ShareTarget" becomes "Share target"."""
    words = re.findall(r"[A-Z][a-z]*", name)
    return " ".join(words).capitalize() or name


def _says(one: Mapping[str, Any]) -> str:
    text = str(one.get("description", ""))
    return text.partition(" Written as ")[0].partition(" Such as ")[0]


def form(one: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """How a value is written, in a few words."""
    from sim.scenario.fields import UNIT

    if UNIT in one:
        return str(one[UNIT])
    if "$ref" in one:
        return (
            "a mapping"
            if "properties" in schema["$defs"][one["$ref"].rpartition("/")[2]]
            else form(schema["$defs"][one["$ref"].rpartition("/")[2]], schema)
        )
    if "enum" in one:
        return "one of " + ", ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{one['const']}`"
    for forms in ("anyOf", "oneOf"):
        if forms in one:
            said = [form(each, schema) for each in one[forms] if each.get("type") != "null"]
            return "; or ".join(dict.fromkeys(said))
    kind = one.get("type")
    bounds = "".join(f" {word} {one[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in one)
    if kind == "array":
        return f"a list: {form(one.get('items', {}), schema)}"
    if kind == "object":
        others = one.get("additionalProperties")
        if not isinstance(others, dict):
            return "a mapping"
        return f"by name: {form(others.get('else', others), schema)}"
    named = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    if isinstance(kind, list):
        return " or ".join(named.get(each, each) for each in kind)
    return named.get(str(kind), "any value") + bounds


def default(key: str, one: Mapping[str, Any], needed: Iterable[str]) -> str:
    """What is so where a key is left out."""
    from sim.scenario.editors import flow

    if key in needed:
        return "**needed**"
    return f"`{flow(one['default'])}`" if "default" in one else "nothing"


def examples(one: Mapping[str, Any]) -> list[str]:
    """Examples as a document writes them; of lists and mappings the first."""
    from sim.scenario.editors import flow

    shown = [flow(value) for value in one.get("examples", ())][:3]
    shown += [snippet["label"] for snippet in one.get("defaultSnippets", ())][:2]
    if not shown and one.get("type") == "boolean":
        shown = ["true"]
    return shown or [str(value) for value in one.get("enum", ())][:2] or ([one["const"]] if "const" in one else [])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def fields(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """Every field of a model and of the models within it, with the key that documents write, each once.

    Read off the models themselves, not off their schema.
    """
    from sim.scenario.targets import KINDS, Target

    waiting: list[Any] = [model]
    seen: set[Any] = set()
    while waiting:
        one = waiting.pop(0)
        if one is Target:
            waiting += list(KINDS.values())
            continue
        if get_args(one) and not (isinstance(one, type) and issubclass(one, BaseModel)):
            waiting += [child for child in get_args(one) if isinstance(child, type) or get_origin(child) is not None]
            continue
        if not (isinstance(one, type) and issubclass(one, BaseModel)) or one in seen:
            continue
        seen.add(one)
        for name, field in one.model_fields.items():
            yield one, field.alias or name
            waiting.append(field.annotation)


WRITTEN_OTHERWISE: Final = frozenset(
    {
        *(
            "Count.exactly",
            "Deterministic.value",
            "Levels.blocks",
            "Levels.csv",
            "LostTips.how",
            "LostTips.left_out_before",
            "Milestone.name",
        ),
        *(
            "Milestone.moments",
            "Milestone.first_of",
            "Milestone.all_of",
            "Cue.stage",
            "Cue.what",
            "Cue.plus",
            "Moment.stage",
            "Moment.what",
            "Volume.a_day",
            "Volume.of_open",
        ),
        *("Window.from_", "Window.to"),
    }
)
"""Fields that documents write in a form of their own, which the key above them describes."""


# Tables and shapes of JSON


def tables() -> dict[str, Any]:
    """Every declared table, by name."""
    from sim.tables import declared

    package = import_module("sim.tables")
    found = {}
    for info in iter_modules(package.__path__, "sim.tables."):
        for one in vars(import_module(info.name)).values():
            if isinstance(one, declared.Table):
                found[one.name] = one
    return found


def left_by() -> dict[str, list[str]]:
    """By table, the commands that leave it."""
    from sim.answers import every

    found: dict[str, list[str]] = {}
    for answer in every():
        for table in answer.leaves:
            found.setdefault(table.name, []).append(answer.command)
    return found


def results_page(known: Mapping[str, Any]) -> str:
    """Every table with its columns."""
    from sim.tables.declared import Column

    by = left_by()
    lines = [
        "# Tables and columns",
        "",
        (DOCS / "reference" / "_results.txt").read_text(encoding="utf-8"),
        "| file | left by | one row |",
        "|---|---|---|",
    ]
    places = {name: place for place, name in enumerate(by)}
    order = sorted(known, key=lambda name: ("run" not in by.get(name, ()), places.get(name, len(by)), name))
    for name in order:
        file = f"{name}.csv" if name in by else name
        lines.append(
            f"| [`{file}`](#{name}) | {', '.join(f'`{one}`' for one in by.get(name, ())) or '`--json` alone'} "
            f"| {_cell(known[name].one_row)} |"
        )
    lines.append("")
    for name in order:
        table = known[name]
        lines += [f"## `{name}` {{#{name}}}", "", f"One row: {table.one_row}.", ""]
        lines += ["| column | unit | holds | says |", "|---|---|---|---|"]
        for column in table.columns:
            if isinstance(column, Column):
                lines.append(f"| `{column.head}` | {column.unit} | {column.holds} | {_cell(column.says)} |")
            else:
                heads = ", ".join(f"`{head}`" for head in column.pattern.split(", "))
                lines.append(f"| {heads} | | once for each | {_cell(column.says)} |")
        lines.append("")
    return "\n".join(lines)


def json_page() -> str:
    """What `--json` prints, command by command."""
    import json

    from sim.answers import ANSWERS, schema_of_answers
    from sim.cli.options import JSON_FORMAT

    lines = [
        "# JSON",
        "",
        "`--json` prints what was asked and answered, as strict JSON: one mapping for one file, a list for several. "
        f"`format` is the form of it all, {JSON_FORMAT} now; it becomes higher when a key is renamed or "
        "goes, and stays when one is added. What is infinite or was not counted is `null`.",
        "",
        "`tipline schema COMMAND` prints the JSON Schema of a command with tables; their rows have the columns of "
        "[the CSV files](results.md).",
        "",
    ]
    for command in ANSWERS:
        schema = schema_of_answers(command)
        lines += [f"## `{command}`", "", "| key | holds |", "|---|---|"]
        for key, one in schema["properties"].items():
            says = one["description"]
            rows = f" ([columns](results.md#{key}))" if one.get("type") == "array" and key != "answer" else ""
            lines.append(f"| `{key}` | {_cell(says)}{rows} |")
        lines.append("")
    shapes = _shapes()
    for command, shape in shapes.items():
        lines += [
            f"## `{command}`",
            "",
            "As it is printed, shortened:",
            "",
            "```json",
            json.dumps(shape, indent=2),
            "```",
            "",
        ]
    return "\n".join(lines)


_SHORT: Final = ("--set", "run.length=1 d", "--set", "run.warm_up=0 d")


def _shapes() -> dict[str, Any]:
    """What commands without tables print of the small line, cut to the first of every list."""
    import contextlib
    import io
    import json

    from sim.cli.app import app

    found = {}
    asked = {
        "check": ["check", str(RECIPES / BASE)],
        "explain": ["explain", str(RECIPES / BASE), "--tip", "3", "--engine", "reference", *_SHORT],
    }
    for command, words in asked.items():
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            app([*words, "--json"], prog_name="tipline")
        found[command] = _cut(json.loads(said.getvalue()))
    return found


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: BASE if key == "file" else _cut(one) for key, one in list(value.items())[:30]}
    return [_cut(one) for one in value[:1]] + (["..."] if len(value) > 1 else []) if isinstance(value, list) else value


# Commands


def program() -> Any:
    """The commands as the program has them."""
    from typer.main import get_command

    from sim.cli.app import app

    return get_command(app)


def exit_codes() -> dict[int, str]:
    """Every exit code with what it means: the docstrings of the constants."""
    from sim.cli import options

    tree = ast.parse(inspect.getsource(options))
    values = {name: value for name, value in vars(options).items() if name.isupper() and type(value) is int}
    found = {}
    for one, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not (isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id in values):
            continue
        if one.target.id == "JSON_FORMAT":
            continue
        told = after.value if isinstance(after, ast.Expr) else None
        found[values[one.target.id]] = str(told.value) if isinstance(told, ast.Constant) else ""
    return found


def commands_page(known: Mapping[str, Any]) -> str:
    """Every command with its arguments, options and examples; and the exit codes."""
    from sim.cli.told import EXAMPLES

    lines = ["# Commands and exit codes", "", (DOCS / "reference" / "_commands.txt").read_text(encoding="utf-8")]
    lines += ["## Exit codes", "", "| code | means |", "|---|---|"]
    lines += [f"| {code} | {says} |" for code, says in exit_codes().items()]
    lines += ["", "## The program", "", *_options(program()), ""]
    for name, command in known.items():
        lines += [f"## `tipline {name}`", "", inspect.cleandoc(command.help or ""), ""]
        if shown := EXAMPLES.get(name):
            lines += ["```bash", *(f"{line}   # {does}" for line, does in shown), "```", ""]
        lines += [*_options(command), ""]
    return "\n".join(lines)


def _options(command: Any) -> list[str]:
    lines = ["| argument or option | takes | says |", "|---|---|---|"]
    for one in command.params:
        if not getattr(one, "hidden", False):
            names = ", ".join(f"`{name}`" for name in _names(one))
            lines.append(f"| {names} | {_cell(_takes(one))} | {_cell((one.help or '') + _usual(one))} |")
    return lines


def _names(one: Any) -> list[str]:
    return list(one.opts) if one.param_type_name == "option" else [one.metavar or one.name]


def _takes(one: Any) -> str:
    """What an option is given; "" where it is given alone, or is an argument."""
    if getattr(one, "is_flag", False) or one.param_type_name == "argument":
        return ""
    of = getattr(one, "type_descriptor", None)  # newer versions of typer have no types of click
    choices = get_args(of.annotation) if of is not None else getattr(one.type, "choices", ())
    words = [str(choice) for choice in choices if isinstance(choice, str)]
    return one.metavar or ", ".join(words) or "a number"


def _usual(one: Any) -> str:
    usual = one.default
    if one.param_type_name == "argument" or not isinstance(usual, str | int | float | Path) or usual is False:
        return ""
    return f" Without it: {usual}."


# Recipes


def recipes() -> dict[str, tuple[str, str, str]]:
    """By name of the file: the sentence that it says, what is to be known of it, and its text."""
    from sim.scenario.tree import compose

    found = {}
    for file in sorted(RECIPES.glob("*.yaml")):
        if file.name == BASE:
            continue
        text = file.read_text(encoding="utf-8")
        tree = compose(text, file.name).plain()
        found[file.stem] = (str(tree["scenario"]), str(tree["about"]), text)
    return found


GROUPS: Final = {
    "calendar": "Days and hours",
    "people": "People",
    "line": "The line",
    "come": "What comes in",
    "way": "The way of a tip",
    "target": "Promises",
    "ask": "Asking",
}
"""What the names of recipes begin with, and the heading above them."""


def recipes_page(known: Mapping[str, tuple[str, str, str]]) -> str:
    """All recipes with their files."""
    base = (RECIPES / BASE).read_text(encoding="utf-8")
    lines = [
        "# I want to say ...",
        "",
        f"Each of these {len(known)} is a file that can be run: it is laid on the small line at the end of this page "
        "(`extends: small.yaml`) and changes only what it is about. They stand in `docs/recipes`; tests load and check "
        "every one of them.",
        "",
    ]
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in known:
        groups[name.partition("_")[0]].append(name)
    for group, names in groups.items():
        lines += [f"* **{GROUPS[group]}**: " + "; ".join(f"[{known[name][0]}](#{name})" for name in names), ""]
    for group, names in groups.items():
        lines += [f"## {GROUPS[group]}", ""]
        for name in names:
            title, about, text = known[name]
            # The title and what is to be known stand above it.
            body = re.sub(r"^(scenario|about):.*\n(?: +.*\n)*", "", text, flags=re.MULTILINE)
            lines += [
                f"### ... {title} {{#{name}}}",
                "",
                about,
                "",
                f'```yaml title="{name}.yaml"',
                body.strip(),
                "```",
                "",
            ]
    lines += ["## The small line", "", f'```yaml title="{BASE}"', base.strip(), "```", ""]
    return "\n".join(lines)


# Sources


def sources() -> list[tuple[str, str]]:
    """What each docstring of the package names as its source, with where it stands."""
    package = DOCS.parent / "sim"
    found = []
    for file in sorted(package.rglob("*.py")):
        for one in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(one, ast.FunctionDef | ast.ClassDef | ast.Module):
                continue
            text = ast.get_docstring(one) or ""
            for said in re.findall(r"\bSources?: (.*?)(?:\n\n|\n *>>>|\Z)", text, re.DOTALL):
                name = "" if isinstance(one, ast.Module) else f" `{one.name}`"
                found.append((f"`{file.relative_to(package.parent)}`{name}", " ".join(said.split())))
    return found


def sources_table() -> str:
    """The sources as rows."""
    rows = [f"| {where} | {_cell(said)} |" for where, said in sources()]
    return "\n".join(["| in the code | source |", "|---|---|", *rows])


# The notebook


def notebook(page: str) -> str:
    """A page as a notebook: its words and its blocks of Python, cell by cell."""
    import json

    cells = []
    for number, part in enumerate(re.split(r"^```python\n(.*?)^```\n", page, flags=re.MULTILINE | re.DOTALL)):
        lines = part.strip("\n").splitlines(keepends=True)
        if not lines:
            continue
        code = {"outputs": [], "execution_count": None} if number % 2 else {}
        kind = "code" if number % 2 else "markdown"
        cells.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines, **code})
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def names_of_the_package() -> str:
    """What is to be shown of each name that `sim` has."""
    import sim

    lines = []
    for name, home in sim._HOMES.items():
        lines += [f"::: {home}.{name}", *(["    options: {members: false}"] if name[0].isupper() else []), ""]
    return "\n".join(lines)


# All of them


def pages() -> dict[str, str]:
    """Every made page by its place below `docs`."""
    found = {f"reference/{kind}.md": keys_page(kind, schema) for kind, (_, schema) in documents().items()}
    found["reference/results.md"] = results_page(tables())
    found["reference/json.md"] = json_page()
    found["reference/commands.md"] = commands_page(program().commands)
    found["recipes/index.md"] = recipes_page(recipes())
    for place, mark, made in (
        ("methods.md", "<!-- sources -->", sources_table),
        ("reference/python.md", "<!-- names -->", names_of_the_package),
    ):
        found[place] = (DOCS / place).read_text(encoding="utf-8").replace(mark, made())
    return found


def missing_keys(kind: str, model: type[BaseModel], page: str) -> list[str]:
    """Keys of a model that stand in no row of a page, or in one without a meaning or an example."""
    found = []
    rows = dict(re.findall(r'^\| <span id="([^"]+)"></span>(.*)$', page, re.MULTILINE))
    for part, key in fields(model):
        at = f"{kind if part is model else part.__name__}.{key}"
        if at in WRITTEN_OTHERWISE or part.__name__.partition("[")[0].endswith("ByAttribute"):
            continue
        cells = re.split(r"(?<!\\)\|", rows.get(at, ""))
        if len(cells) < 5 or len(cells[1].strip()) < 3:
            found.append(at)
        elif not cells[4].strip() and "mapping" not in cells[2] and "by name" not in cells[2]:
            found.append(f"{at} (no example)")
    return found


def missing_columns(known: Mapping[str, Any], page: str) -> list[str]:
    """Columns that stand in no row below the heading of their table, or say nothing."""
    found = []
    for name, table in known.items():
        below = page.partition(f"{{#{name}}}")[2].partition("\n## ")[0]
        for column in table.columns:
            heads = [column.head] if hasattr(column, "head") else column.pattern.split(", ")
            said = len(column.says) >= 3
            found += [f"{name}.{head}" for head in heads if f"`{head}`" not in below or not said]
    return found


def missing_options(known: Mapping[str, Any], page: str) -> list[str]:
    """Commands and options that stand in no row, or say nothing."""
    found = []
    for name, command in known.items():
        below = page.partition(f"## `tipline {name}`")[2].partition("\n## ")[0]
        rows = [line.split(" | ") for line in below.splitlines() if line.startswith("| `")]
        said = {word for names, *_, says in rows if len(says) > 4 for word in re.findall(r"`([^`]+)`", names)}
        found += [] if len((command.help or "").strip()) > 2 and below else [name]
        found += [
            f"{name} {word}"
            for one in command.params
            if not getattr(one, "hidden", False)
            for word in _names(one)
            if word not in said or not (one.help or "").strip()
        ]
    return found


def missing_codes(page: str) -> list[int]:
    """Exit codes that stand in no row, or without a meaning."""
    said = {int(code): says for code, says in re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)}
    return [code for code in exit_codes() if len(said.get(code, "").strip()) < 3]


def on_files(files: Any, config: Any) -> Any:
    """What mkdocs asks for before it builds."""
    from mkdocs.structure.files import File

    for place, text in pages().items():
        if written := files.get_file_from_path(place):
            files.remove(written)
        files.append(File.generated(config, place, content=text))
    return files


def on_post_page(output: str, page: Any, config: Any) -> str:
    """The theme asks the network for one script, by which search works from the disk; ours lies beside the pages."""
    from mkdocs.utils import get_relative_url

    return output.replace("https://unpkg.com/iframe-worker/shim", get_relative_url("disk.js", page.url))


def on_env(env: Any, config: Any, files: Any) -> Any:
    """The page that is shown for pages that are not there asks the network for nothing either."""
    config.theme.static_templates.discard("404.html")
    return env


if __name__ == "__main__":
    researcher = DOCS / "tutorials" / "researcher"
    text = researcher.with_suffix(".md").read_text(encoding="utf-8")
    researcher.with_suffix(".ipynb").write_text(notebook(text), encoding="utf-8")
