"""The house is as the README draws it: layers point one way, and each thing has one room."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sim.scenario.size import cores

SIM = Path(__file__).parents[1] / "sim"
LAYERS = (
    *("dynamics", "logs", "scenario", "draw", "measures", "studies", "calibration"),
    *("tables", "text", "plots", "answers", "cli"),
)
"""A folder imports only folders before it."""

FILES = sorted(SIM.rglob("*.py"))
NAMES = [str(path.relative_to(SIM)) for path in FILES]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """What a file imports, and whether it does so when it is itself imported; what only types need is left out."""

    def visit(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, at_once) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    yield inner if inner in MODULES else child.module, at_once
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from visit(child, at_once and not inside)

    return visit(ast.parse(path.read_text(encoding="utf-8")), True)


def layer_of(name: str) -> int:
    """Which layer a module or file of the package is in; the version is below all, the rest at the top above all."""
    first = re.split(r"[./]", name.removeprefix("sim.").removesuffix(".py"))[0]
    return -1 if first == "version" else LAYERS.index(first) if first in LAYERS else len(LAYERS)


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    return ".".join(["sim", *path.relative_to(SIM).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def needed(path: Path) -> set[str]:
    """The modules of the package that a file imports, at once or inside a function."""
    return {name for name, _ in imports(path) if name in MODULES} - {module_of(path)}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes on some circle of a graph, in its order; none where there is no circle."""
    left = dict(graph)
    while leaves := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in leaves:
            del left[name]
    while tops := left.keys() - set().union(*left.values()):
        for name in tops:
            del left[name]
    return [name for name in graph if name in left]


def packages(path: Path, *, at_once: bool = False) -> set[str]:
    """The packages that a file imports, or only those it imports when it is itself imported."""
    return {name.split(".")[0] for name, now in imports(path) if now or not at_once}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_layers_point_one_way(path: Path) -> None:
    own = layer_of(str(path.relative_to(SIM)))
    above = [name for name, _ in imports(path) if name.startswith("sim.") and layer_of(name) > own]
    assert not above


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nobody_within_imports_the_whole_package(path: Path) -> None:
    """`import sim` and its names hide what is needed; the version is at hand in a module of its own."""
    assert "sim" not in {name for name, _ in imports(path)}


def test_no_imports_run_in_a_circle() -> None:
    """Neither at once nor inside functions: each module can be understood without those that stand on it."""
    assert circle({name: needed(path) for name, path in MODULES.items()}) == []


def test_a_circle_would_be_noticed() -> None:
    graph = {"base": set(), "one": {"two", "base"}, "two": {"three"}, "three": {"one"}, "top": {"one", "side"}}
    assert circle(graph | {"side": {"base"}}) == ["one", "two", "three"]
    assert circle(graph | {"three": {"base"}}) == []
    assert "sim.studies.study" in needed(SIM / "cli" / "study.py"), "what is imported inside functions counts"


def test_the_engines_do_not_know_each_other() -> None:
    for one, other in (("reference", "compiled"), ("compiled", "reference")):
        assert f"sim.dynamics.{other}" not in {name for name, _ in imports(SIM / "dynamics" / f"{one}.py")}


def users_of(package: str) -> set[str]:
    return {name for name, path in zip(NAMES, FILES, strict=True) if package in packages(path)}


def test_only_the_plots_draw_pictures() -> None:
    assert all(name.startswith("plots/") for name in users_of("matplotlib"))


def test_the_dynamics_know_neither_tables_nor_documents() -> None:
    for path in (SIM / "dynamics").glob("*.py"):
        assert not packages(path) & {"pandas", "pydantic", "ruamel", "random"}


def test_only_one_file_makes_generators_for_tips() -> None:
    """What studies scatter are points of ranges and resamples, never tips."""
    makers = {
        name
        for name, path in zip(NAMES, FILES, strict=True)
        if not name.startswith("studies/")
        and re.search(r"\b(default_rng|SFC64|PCG64|Philox|RandomState)\s*\(", path.read_text(encoding="utf-8"))
    }
    assert makers == {"draw/streams.py"}


@pytest.mark.parametrize("package", ["numba", "distributed", "dask", "pandas", "matplotlib"])
def test_what_is_slow_to_import_is_imported_late_or_below_the_commands(package: str) -> None:
    """What `--help` and `check` need is imported at once by the command line; none of these may be."""
    early = {SIM / "cli" / "app.py", *(SIM / "scenario").glob("*.py"), *(SIM / "draw").glob("*.py")}
    assert not [path.name for path in early if package in packages(path, at_once=True)]


def test_cores_are_counted_in_one_place_and_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = {
        path.name for path in FILES if re.search(r"sched_getaffinity|cpu_count", path.read_text(encoding="utf-8"))
    }
    assert asking == {"size.py"}
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert cores() == 3


def test_only_the_commands_print() -> None:
    printing = [
        name
        for name, path in zip(NAMES, FILES, strict=True)
        if not name.startswith("cli/") and re.search(r"^\s*print\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not printing


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("__main__.py")])
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module("sim." + name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    assert doctest.testmod(module).failed == 0
