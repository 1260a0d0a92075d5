"""The document behind a live page: what a page may move in it, the scenario that a state of the page is, the command
that comes to the same, and saved variants.

A state becomes shared options of a command, and these a scenario, as in every command. Nothing here simulates.
"""

from __future__ import annotations

import io
import math
import os
import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from sim.cli.options import Options
from sim.scenario.faults import Fault, Mark, ScenarioError, at, shown
from sim.scenario.fields import Name, hint
from sim.scenario.folder import text
from sim.scenario.loading import Document, read
from sim.scenario.paths import changes_of
from sim.scenario.readings import READINGS
from sim.scenario.schema import Scenario
from sim.scenario.size import Budget, cores
from sim.scenario.taken import KEYS
from sim.studies.ranges import Variations, in_unit
from sim.studies.staff import staffed

STEPS: Final = 100
"""About so many steps has a slider between its ends."""

MOST_VALUES: Final = 500
"""Values that a state may have."""


class StateError(ScenarioError):
    """What a page asks for makes no sense: every fault with its place, rule and value."""


def _fault(place: str, rule: str, value: object = "") -> StateError:
    return StateError([at(Mark(place), (), rule, shown(value) if value != "" else "")])


@dataclass(frozen=True, slots=True)
class PageChoices:
    """What is chosen on a page; all else is as the file says."""

    variant: str | None = None
    reading: str | None = None
    until_decided: bool = False
    values: tuple[tuple[str, float], ...] = ()
    """By the path of a control, in the order in which they were moved first."""

    @classmethod
    def of(cls, given: object) -> PageChoices:
        """The state that a page sends; StateError with the place, the rule and the value that is at fault."""
        if not isinstance(given, Mapping):
            raise _fault("state", "must be a mapping", given)
        for key in given:
            if key not in ("variant", "reading", "until_decided", "values"):
                raise _fault(f"state.{shown(key)[1:-1]}", "is not known")
        names = {}
        for key in ("variant", "reading"):
            names[key] = given.get(key)
            if not isinstance(names[key], str | None):
                raise _fault(f"state.{key}", "must be a name, or nothing", names[key])
        until, values = given.get("until_decided", False), given.get("values", {})
        if not isinstance(until, bool):
            raise _fault("state.until_decided", "must be true or false", until)
        if not isinstance(values, Mapping) or len(values) > MOST_VALUES:
            raise _fault("state.values", f"must be a mapping of at most {MOST_VALUES} values", values)
        faults: list[Fault] = []
        for path, value in values.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value) or abs(value) > 1e15:
                faults += _fault(f"state.values.{path[:200]}", "must be a number", value).faults
        if faults:
            raise StateError(faults)
        return cls(names["variant"], names["reading"], until, tuple((path, value) for path, value in values.items()))


@dataclass(frozen=True, slots=True)
class Control:
    """A slider with a number beside it."""

    path: str
    """Where the document has the value; of a stretch of levels, the first of them."""
    label: str
    group: str
    """What it stands with: the pool of a post; "" for other ranges."""
    unit: str
    """As written after the number, "people" of a post; "" for plain numbers."""
    low: float
    high: float
    step: float
    whole: bool
    source: str
    """Where its bounds come from."""

    def written(self, number: float) -> str:
        """What the path is set to, as on a command line; StateError where it takes whole numbers only."""
        if self.whole or self.unit == "people":
            if number != round(number):
                raise _fault(self.path, "takes whole numbers only", number)
            return str(round(number))
        told = f"{number:.10g}"
        return f"{told}{self.unit}" if self.unit.startswith("/") else f"{told} {self.unit}".strip()


@dataclass(frozen=True)
class Base:
    """What a state starts from: the scenario of a variant and a reading, before a slider is moved."""

    scenario: Scenario
    controls: tuple[Control, ...]
    posts: tuple[staffed.Post, ...]

    @cached_property
    def by_path(self) -> dict[str, Control]:
        return {one.path: one for one in self.controls}


@dataclass(frozen=True, slots=True)
class Asked:
    """A state with what it means."""

    state: PageChoices
    base: Base
    scenario: Scenario
    options: Options
    file: Path
    """The file that it is a scenario of: the one that was given, or that of saved variants."""

    @property
    def words(self) -> tuple[str, ...]:
        """The command that comes to the same."""
        until = ("--until-decided",) if self.state.until_decided else ()
        return ("tipline", "run", str(self.file), *self.options.asked, *until)

    @property
    def command(self) -> str:
        return shlex.join(self.words)

    @property
    def values(self) -> dict[str, float | None]:
        """What every control stands at, None where the document says nothing of it."""
        moved, variations = dict(self.state.values), Variations(self.scenario)
        levels = {one.path: one for one in self.base.posts if one.level is not None}
        found: dict[str, float | None] = {}
        for path, control in self.base.by_path.items():
            if path in moved:
                found[path] = moved[path]
            elif path in levels:
                found[path] = float(staffed.present(self.base.scenario, [levels[path]])[0])
            else:
                found[path] = _number(variations.value(path), control.unit)
        return found


def _number(written: Any, unit: str) -> float | None:
    """A value of a document as its slider shows it."""
    if written is None or isinstance(written, bool):
        return None
    try:
        number = in_unit(written, "" if unit == "people" else unit)
    except ValueError:
        return None
    # A share is a fraction to the program, and a number of per cents on a page.
    return float(f"{number * 100:.12g}") if unit == "%" else float(number)


class LiveWorld:
    """A scenario file, with the options of the command, as a live page sees it; several threads may ask at once."""

    def __init__(self, file: Path, options: Options) -> None:
        """ScenarioError with every fault of the file, of the options on it, and of saved variants."""
        self.file, self.options = file, options
        self.saved_file = file.with_name(f"{file.stem}.live.yaml")
        self._lock = threading.RLock()
        self._bases: dict[tuple[str | None, str | None], Base] = {}
        self._seen: list[tuple[int, int] | None] = []
        self._own: Document
        self._saved: Document | None = None
        self.refresh()
        self.first = self.asked(PageChoices(variant=options.one_variant, reading=options.reading))

    def refresh(self) -> None:
        """Read the files again where they are not as they were; ScenarioError with their faults."""
        with self._lock:
            seen = [_stamp(self.file), _stamp(self.saved_file)]
            if seen == self._seen:
                return
            own = read(self.file)
            saved = read(self.saved_file) if seen[1] is not None else None
            for one in filter(None, (own, saved)):
                one.scenario()
            self._own, self._saved, self._seen = own, saved, seen
            self._bases.clear()

    @property
    def variants(self) -> dict[str, str]:
        """The names of all variants, each with what is said of it: those of the file, then those that were saved."""
        own = dict.fromkeys(self._own.variants, "")
        saved = self._saved.variants if self._saved is not None else ()
        return own | {name: f"saved in {self.saved_file.name}" for name in saved if name not in own}

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings that may be chosen; none where the targets come from no ledger."""
        targets = self._own.root.child("targets")
        named = targets is not None and isinstance(targets.value, dict) and {*KEYS} & {*targets.value}
        return READINGS if named else ()

    def asked(self, state: PageChoices) -> Asked:
        """What a state means; ScenarioError with every fault of it."""
        with self._lock:
            document, file = self._document(state.variant)
            base = self._base(state.variant, state.reading)
            chosen = self._chosen(state.variant, state.reading)
            chosen = replace(chosen, changes=[*chosen.changes, *_changes(base, state)])
            scenario = chosen.of(document, chosen.one_variant)
        budget = Budget.usual() if chosen.budget is None else Budget.read(chosen.budget)
        budget.hold(scenario, scenario.run.replications, chosen.jobs or cores())
        return Asked(state, base, scenario, chosen, file)

    def _document(self, variant: str | None) -> tuple[Document, Path]:
        if variant is None or variant in self._own.variants:
            return self._own, self.file
        if self._saved is not None and variant in self._saved.variants:
            return self._saved, self.saved_file
        raise _fault("state.variant", f"there is no variant '{variant[:80]}'{hint(variant, self.variants)}")

    def _chosen(self, variant: str | None, reading: str | None) -> Options:
        if reading is not None and reading not in READINGS:
            raise _fault("state.reading", f"must be one of {', '.join(READINGS)}", reading)
        known = next((one for one in READINGS if one == reading), None)
        return replace(self.options, variant=[] if variant is None else [variant], reading=known)

    def _base(self, variant: str | None, reading: str | None) -> Base:
        key = variant, reading
        if key not in self._bases:
            document, _ = self._document(variant)
            scenario = self._chosen(variant, reading).of(document, variant)
            posts = tuple(
                staffed.post(scenario, name, shift, 0, 0, "")
                for name, pool in scenario.pools.items()
                for shift in staffed.posts_of(pool)
            )
            self._bases[key] = Base(scenario, tuple(_controls(scenario, posts)), posts)
        return self._bases[key]

    # Saved variants

    def save(self, name: object, state: PageChoices) -> str:
        """Save a state as a variant in the file of saved variants; its name. ScenarioError where that cannot be.

        The file is replaced whole or not at all, with everything that it had, comments too; the new one was read and
        gave the scenario of the state before it takes its place.
        """
        known = _name(name)
        with self._lock, _alone(self.file.parent):
            self._seen = []  # another server may have written
            self.refresh()
            if known in self.variants:
                raise _fault("name", "there is a variant of this name; choose another", known)
            asked = self.asked(state)
            for changes in (self._as_chosen(asked), _differences(self._own.scenario().tree, asked.scenario.tree)):
                if self._put(known, changes, asked.scenario):
                    self.refresh()
                    return known
        raise _fault("name", "this state cannot be told as changes by path, and so is no variant", known)

    def _as_chosen(self, asked: Asked) -> dict[str, Any]:
        """The changes of a state as they were chosen: by its variant, its reading, the command and its sliders."""
        found: dict[str, Any] = {}
        document, _ = self._document(asked.state.variant)
        if asked.state.variant is not None:
            node = document.root.child("variants")
            own = node.child(asked.state.variant) if node else None
            found |= own.plain() if own is not None else {}
        if asked.state.reading is not None:
            node = self._own.root.child("targets")
            targets = node.value if node is not None and isinstance(node.value, dict) else {}
            named = [one for one, held in targets.items() if one not in KEYS and isinstance(held.value, str)]
            found |= {
                f"targets.{one}": asked.state.reading
                for one in [*(["reading"] if "reading" in targets else []), *named]
            }
        for change in changes_of(asked.options.changes):
            found[change.path] = change.node.plain()
        run = {"run.seed": asked.options.seed, "run.replications": asked.options.replications}
        return found | {path: value for path, value in run.items() if value is not None}

    def _put(self, name: str, changes: dict[str, Any], wanted: Scenario) -> bool:
        """Write the file with one variant more, unless that does not come to the scenario that is wanted."""
        yaml = YAML()
        yaml.width = 120
        yaml.preserve_quotes = True
        if self._saved is None:
            tree = CommentedMap({"extends": self.file.name, "variants": CommentedMap()})
            tree.yaml_set_start_comment(
                f"Variants of {self.file.name} that were saved on its live page. To run one:\n"
                f"tipline run {self.saved_file.name} --variant NAME"
            )
        else:
            tree = yaml.load(text(self.saved_file, str(self.saved_file)))
        if not isinstance(tree.get("variants"), CommentedMap):
            tree["variants"] = CommentedMap()
        tree["variants"][name] = CommentedMap(changes)
        into = io.StringIO()
        yaml.dump(tree, into)
        with tempfile.NamedTemporaryFile(
            dir=self.file.parent, prefix=f".{self.saved_file.name}.", suffix=".yaml", delete=False
        ) as file:
            try:
                file.write(into.getvalue().encode())
                file.flush()
                os.fsync(file.fileno())
                if not _comes_to(Path(file.name), name, wanted):
                    Path(file.name).unlink()
                    return False
                os.chmod(file.name, 0o644)
                os.replace(file.name, self.saved_file)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        return True


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells a file from another version of it; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other servers that save beside the same file."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _name(given: object) -> str:
    """A name for a variant."""
    from pydantic import TypeAdapter, ValidationError

    if not isinstance(given, str) or not given.strip():
        raise _fault("name", "a variant needs a name", given)
    try:
        return TypeAdapter(Name).validate_python(given.strip())
    except ValidationError as error:
        rule = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise _fault("name", rule, given) from None


def _comes_to(file: Path, variant: str, wanted: Scenario) -> bool:
    """Whether a variant in a file is a scenario."""
    try:
        found = read(file).scenario(variant=variant).tree
    except ScenarioError:
        return False
    return {**found, "variants": None} == {**wanted.tree, "variants": None}


def _differences(base: Any, other: Any, path: str = "") -> dict[str, Any]:
    """What makes one tree of another, by path."""
    if isinstance(base, dict) and isinstance(other, dict):
        found: dict[str, Any] = {}
        for key in {**base, **other}:
            below = f"{path}.{key}" if path else key
            if below == "variants":
                continue
            if key not in other:
                found[below] = None
            elif key not in base:
                found[below] = other[key]
            else:
                found |= _differences(base[key], other[key], below)
        return found
    if isinstance(base, list) and isinstance(other, list) and len(base) == len(other):
        found = {}
        for number, (one, that) in enumerate(zip(base, other, strict=True)):
            found |= _differences(one, that, f"{path}.{number}")
        return found
    return {} if base == other else {path: other}


# Controls


def _controls(scenario: Scenario, posts: tuple[staffed.Post, ...]) -> Iterator[Control]:
    """A slider for every plausible range, then one for every post that has none."""
    of_posts = {one.path: one for one in posts}
    for path, given in scenario.plausible.items():
        size = 100 if given.unit == "%" else 1
        low, high = (float(f"{end * size:.12g}") for end in (given.from_, given.to))
        group, label, unit = "", path.replace(".", " ").replace("_", " "), given.unit
        if path in of_posts:
            group, label, unit = of_posts[path].pool, staffed.post_words(scenario, of_posts[path]), "people"
        step = 1.0 if given.whole else step_between(low, high)
        yield Control(path, label.replace("_", " "), group, unit, low, high, step, given.whole, given.source)
    for one in posts:
        if one.path not in scenario.plausible:
            (now,) = staffed.present(scenario, [one])
            most = float(max(2 * now, now + 3))
            label = staffed.post_words(scenario, one).replace("_", " ")
            yield Control(one.path, label, one.pool, "people", 0.0, most, 1.0, True, "")


def step_between(low: float, high: float) -> float:
    """A step of 1, 2 or 5 in some place that leads from one end of a range to the other; else a hundredth of it.

    >>> step_between(0.1, 14), step_between(8000, 60000), step_between(4, 12)
    (0.1, 500.0, 0.1)
    """
    width = high - low
    if width <= 0:
        return 1.0
    place = 10.0 ** math.floor(math.log10(width / STEPS))
    tried = [float(f"{size * place:.10g}") for size in (1, 2, 5, 10)]
    steps = [one for one in tried if abs(width / one - round(width / one)) < 1e-9]
    return min(steps, key=lambda one: abs(math.log(width / one / STEPS))) if steps else width / STEPS


def _changes(base: Base, state: PageChoices) -> list[str]:
    """The changes that the moved sliders make, as on a command line; StateError with every one that is at fault."""
    levels = {one.path: one for one in base.posts if one.level is not None}
    faults: list[Fault] = []
    found: list[str] = []
    heads: dict[staffed.Post, int] = {}
    for path, number in state.values:
        if path not in base.by_path:
            faults += _fault(path[:200], f"there is no such slider{hint(path, base.by_path)}", number).faults
            continue
        try:
            written = base.by_path[path].written(number)
        except StateError as error:
            faults += error.faults
            continue
        if path in levels:
            if number < 0:
                faults += _fault(path, "must be at least 0", number).faults
            heads[levels[path]] = round(number)
        else:
            found.append(f"{path}={written}")
    if faults:
        raise StateError(faults)
    if heads:
        pools = {one.pool for one in heads}
        posts = [one for one in base.posts if one.pool in pools and one.level is not None]
        now = staffed.present(base.scenario, posts)
        wanted = tuple(heads.get(one, many) for one, many in zip(posts, now, strict=True))
        found += [f"{path}={value}" for path, value in staffed.changes(base.scenario, posts, wanted).items()]
    return found
