"""Hostile documents by the thousand, drawn from the JSON Schemas of the grammar, so that keys added later are in them.

    python -m tests.faults 1000000 --seed 7              documents, ledgers and studies
    python -m tests.faults 1000 --seed 7 --only ledger   one kind of them

A try is a document that loads, with parts added to it, or values put in place of others, at random and with extremes.
What loads is described, sized, and where it is small drawn and run on both engines, whose logs must be equal; what does
not must say so as a ScenarioError. Anything else has fallen: another exception, a warning of a library, more than five
seconds, more than a gigabyte. Each that fell is printed with the number that makes it again.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.dynamics.log import differences
from sim.measures.frame import Frame
from sim.measures.measures import measure
from sim.measures.sample import Sample
from sim.measures.targets import joint, results
from sim.scenario.describe import describe
from sim.scenario.editors import json_schema, ledger_schema
from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import load_ledger
from sim.scenario.loading import read
from sim.scenario.schema import Scenario
from sim.scenario.size import VISITS, size
from sim.studies.study import json_schema as study_schema
from sim.studies.study import read_study

CHAIN: Final = 12
"""Documents after which one begins anew."""

MOST_SECONDS: Final = 5
MOST_BYTES: Final = 1_000_000_000
MOST_TIPS: Final = 400
"""Tips of what is run: the engine that is written to be read does some ten thousand a second."""

TEXTS: Final = (
    *("0 s", "1 ms", "1 s", "90 s", "7 min", "1 h", "24 h", "1 d", "36500 d", "0 %", "1e-9 %", "50 %", "100 %"),
    *(
        "150 %",
        "-1 %",
        "0/h",
        "3/h",
        "1e9/s",
        "1/year",
        "00:00",
        "07:30",
        "23:59",
        "24:00",
        "mon",
        "mon-fri",
        "sat,sun",
    ),
    *("2025-01-06 00:00", "2025-01-07 03:30", "2024-02-29 12:00", "1900-01-01", "9999-12-31 23:59", "2025-01-07"),
    *(
        "",
        "x",
        "arrival",
        "leave",
        "lost",
        "answer.start",
        "answer.end",
        "sort.end",
        "act.end",
        "act.merged",
        "sorted",
        "é" * 80,
    ),
    *(
        "day",
        "week",
        "Europe/Berlin",
        "America/New_York",
        "Nowhere/At_all",
        "DE",
        "US-NY",
        "none",
        "null",
        "a.b",
        "../x",
    ),
)
NUMBERS: Final = (0, 1, 2, 3, 7, 19, 20, 21, 100, 101, 1000, 100_000, -1, 10**18, 2**63, 0.5, 1e-200, 1e-12, 1e6, 1e308)
ODD: Final = (None, True, "", [], {}, [[]], {"": 1}, 1e400, -0.0, float("nan"), "\ud800", "9" * 500, {"by": None}, [1])

NAMES: Final = {
    "pool": ("desk", "night"),
    "to": ("night", "desk", "act.end", "sort.end", "answer.start"),
    "from": ("arrival", "answer.end", "sorted"),
    "channel": ("call", "web"),
    "risk": ("high", "low"),
    "tier": ("urgent", "calm"),
    "category": ("fraud", "other"),
    "stage": ("answer", "sort", "act"),
    "back_to": ("answer", "sort"),
    "label": ("clerk",),
    "by": ("channel", "risk", "tier", "category"),
    "subject": ("calls", "texts"),
    "clock": ("waiting",),
    "source": ("report",),
    "repeats": ("first",),
}
"""Names that the documents below have, by the key under which they are asked for."""

SCENARIO: Final = """
scenario: Small
run: {start: 2025-01-06 00:00, length: 2 d, replications: 2}
demand:
  volume: 4/h
  channels: {call: 40 %, web: 60 %}
  risk: {high: 10 %, low: 90 %}
  incidents: {fire: {rate: 3/d, tips: 3, over: {uniform: {from: 0 s, to: 20 min}}}}
  categories: {fraud: 30 %, other: 70 %}
labels: {clerk: {assigns: {high: {urgent: 90 %, calm: 10 %}, low: {urgent: 5 %, calm: 95 %}}}}
pools:
  desk: {staff: 2, serve_first: [{tier: urgent}]}
  night: {shifts: [{from: "22:00", to: "06:00", staff: 1}]}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: {exponential: {mean: 5 min}}, patience: 10 min}
  - {name: sort, pool: desk, service: {lognormal: {mean: 3 min, cv: 1}}, label: clerk, merge: {repeat: 1 min}}
  - {name: act, for: {tier: urgent}, pool: night, service: 20 min, overflow: {to: desk, after: 5 min}}
milestones: {sorted: [sort.end, sort.merged]}
targets: {quick: {of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 90 %}}
"""

LEDGER: Final = """
ledger: Claims
sources: {report: {title: A report}}
subjects: {calls: {says: calls}, texts: {says: texts}}
clocks: {waiting: {says: from arrival to the answer}}
claims:
  first:
    source: report
    says: Calls are answered within a minute.
    kind: mean
    subject: calls
    clock: waiting
    quantity: 1 min
    readings: {moderate: {target: {from: arrival, to: answer.start, mean: 1 min}}}
"""

STUDY: Final = """
study: A study
sets: {more: {pools.desk.staff: 3}}
steps: {base: {title: The base, command: run small.yaml, with: more}}
"""


class FellError(AssertionError):
    """What should not have happened with a document."""


class TooLateError(FellError):
    """It took too long."""


@dataclass
class Told:
    """What became of the tries of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    fallen: list[tuple[int, str, str]] = field(default_factory=list)
    """Number of the try, what was raised, and the document."""
    slowest: float = 0.0
    most_bytes: int = 0


class Grammar:
    """Values by a JSON Schema, extremes among them."""

    def __init__(self, schema: dict[str, Any], luck: random.Random) -> None:
        self.schema, self.luck = schema, luck

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """A node without references and without choices: one of them is taken."""
        while True:
            if "$ref" in node:
                node = self.schema["$defs"][node["$ref"].rpartition("/")[2]]
            elif "else" in node:
                node = node["else"]
            elif choices := node.get("anyOf") or node.get("oneOf"):
                if "properties" in node:
                    return node
                node = self.luck.choice(choices)
            else:
                return node

    def value(self, node: Any, key: str = "", depth: int = 0) -> Any:
        """A value that a node describes, or now and then one that none does."""
        luck = self.luck
        if luck.random() < 0.02:
            return copy.deepcopy(luck.choice(ODD))
        if key in NAMES and luck.random() < 0.7:
            return luck.choice(NAMES[key])
        node = self.resolved(node) if isinstance(node, dict) else {}
        if "enum" in node or "const" in node:
            return luck.choice(node.get("enum") or [node["const"]])
        kind = node.get("type")
        if isinstance(kind, list):
            kind = luck.choice(kind)
        if kind == "object" or "properties" in node:
            return self.mapping(node, depth)
        if kind == "array":
            items = node.get("items", {})
            many = luck.choice((node.get("minItems", 1), 1, 2, 7, 24))
            return [self.value(items, key, depth + 1) for _ in range(many if depth < 4 else 1)]
        if kind in ("integer", "number"):
            return luck.choice(NUMBERS)
        if kind == "boolean":
            return luck.random() < 0.5
        if kind == "null":
            return None
        return luck.choice(node["examples"]) if "examples" in node and luck.random() < 0.7 else luck.choice(TEXTS)

    def mapping(self, node: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        """A mapping with what it needs, and some of what it may have."""
        known: dict[str, Any] = node.get("properties", {})
        needed = node.get("required", [])
        chance = 0.4 / (1 + depth)
        keys = [key for key in known if key in needed or self.luck.random() < chance]
        one_of = list(known) if node.get("maxProperties") == 1 else []
        for rule in node.get("allOf", ()):
            one_of = rule["else"]["propertyNames"]["enum"]
            keys = ["by", *(key for key in keys if key not in one_of and key != "by")]
        if one_of and self.luck.random() < (0.95 if "maxProperties" in node else 0.6):
            return {(key := self.luck.choice(one_of)): self.value(known[key], key, depth + 1)}
        found = {key: self.value(known[key], key, depth + 1) for key in keys}
        others = node.get("additionalProperties")
        if isinstance(others, dict) and (not known or self.luck.random() < chance):
            names = self.luck.choice(list(NAMES.values()))
            found |= {name: self.value(others, "", depth + 1) for name in names}
        return found

    def places(self, node: Any, value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """Every place of a document, and the node that describes what stands there."""
        yield above, node
        node = self.resolved(node) if isinstance(node, dict) else {}
        if isinstance(value, dict):
            known = node.get("properties", {})
            for key, child in value.items():
                yield from self.places(known.get(key, node.get("additionalProperties")), child, (*above, key))
        elif isinstance(value, list):
            for index, child in enumerate(value):
                yield from self.places(node.get("items"), child, (*above, index))

    def changed(self, document: Any) -> Any:
        """The document with one thing added, put in place of another, or taken away."""
        document = copy.deepcopy(document)
        path, node = self.luck.choice(list(self.places(self.schema, document)))
        there = document
        for key in path:
            there = there[key]
        resolved = self.resolved(node) if isinstance(node, dict) else {}
        if isinstance(there, dict) and resolved.get("properties") and self.luck.random() < 0.8:
            key = self.luck.choice(list(resolved["properties"]))
            there[key] = self.value(resolved["properties"][key], key, len(path))
        elif isinstance(there, list) and self.luck.random() < 0.5:
            there.append(self.value(resolved.get("items"), "", len(path)))
        elif path:
            holder = document
            for key in path[:-1]:
                holder = holder[key]
            if self.luck.random() < 0.1:
                del holder[path[-1]]
            else:
                holder[path[-1]] = self.value(node, str(path[-1]), len(path))
        return document


@contextlib.contextmanager
def watched(told: Told) -> Iterator[None]:
    """Let nothing take longer than MOST_SECONDS or MOST_BYTES more than before, or warn."""

    def late(*_: object) -> None:
        raise TooLateError(f"took more than {MOST_SECONDS} s")

    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    plain = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, plain)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        told.slowest = max(told.slowest, time.process_time() - begun)
        told.most_bytes = max(told.most_bytes, grown)
    if grown > MOST_BYTES:
        raise FellError(f"took {grown / 1e6:.0f} MB")


def look(scenario: Scenario) -> str:
    """Look at a scenario, and run it on both engines where it is small; what was done."""
    found = describe(scenario)
    str(found)
    taken = size(scenario)
    if not (found.tips <= MOST_TIPS and taken.bytes < 3e7 and taken.seconds < 0.05):
        return "looked at"
    if taken.number(VISITS) > 10 * MOST_TIPS:
        return "looked at"
    if taken.number("people x dates") > 1000:
        return "looked at"
    frame = Frame(scenario)
    sample = Sample(frame)
    for index in range(2):
        replication = draw(scenario, index)
        if len(replication.tips) > 3 * MOST_TIPS or len(replication.visits) > 30 * MOST_TIPS:
            return "drawn"
        log = simulate(replication, "compiled")
        if found_apart := differences(log, simulate(replication, "reference")):
            raise FellError(f"the engines differ: {found_apart}")
        sample.add(measure(log, replication, frame))
    results(sample)
    joint(sample)
    return "run"


def scenario_tried(file: Path) -> str:
    """What becomes of a file as a scenario."""
    return look(read(file).scenario())


def ledger_tried(file: Path) -> str:
    """What becomes of a file as a ledger."""
    load_ledger(file)
    return "loaded"


def study_tried(file: Path) -> str:
    """What becomes of a file as a study."""
    read_study(file)
    return "loaded"


KINDS: Final[dict[str, tuple[str, Callable[[], dict[str, Any]], Callable[[Path], str]]]] = {
    "scenario": (SCENARIO, json_schema, scenario_tried),
    "ledger": (LEDGER, ledger_schema, ledger_tried),
    "study": (STUDY, study_schema, study_tried),
}


def written(document: Any, file: Path) -> None:
    """Write a document as JSON, which is YAML, with what JSON has no words for as YAML has them."""
    text = json.dumps(document, indent=1).replace("NaN", ".nan").replace("Infinity", ".inf")
    file.write_text(text, encoding="utf-8")


def tried(kind: str, n: int, seed: int, folder: Path, first: int = 0) -> Told:
    """Try so many documents of a kind from the first on: each goes on from the last that loaded, or begins anew.

    Where the first is a multiple of CHAIN, they are those that a try from 0 on comes to.
    """
    base, schema_of, work = KINDS[kind]
    plain = YAML(typ="safe", pure=True).load(base)
    plain = json.loads(json.dumps(plain, default=str))
    schema, told, document, age = schema_of(), Told(), plain, 0
    file = folder / f"{kind}.yaml"
    written(plain, file)
    work(file)  # what is compiled and imported once is not the fault of the first
    for number in range(first, first + n):
        if age >= CHAIN:
            document, age = plain, 0
        grammar = Grammar(schema, random.Random(f"{kind} {seed} {number}"))
        age += 1
        new = grammar.changed(document)
        written(new, file)
        try:
            try:
                with watched(told):
                    became = work(file)
            except TooLateError:
                with watched(told):  # what it is the first to need may have had to be compiled
                    became = work(file)
            told.counts[became] += 1
            document = new
        except ScenarioError as error:
            told.counts["refused"] += 1
            if not str(error).strip():
                told.fallen.append((number, "a fault without words", json.dumps(new)))
        except Exception as error:
            told.counts["fell"] += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            told.fallen.append((number, what, json.dumps(new)))
    return told


def main() -> int:
    """Try as many as are asked for, tell what became of them, and exit 1 where any fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(KINDS))
    asked = parser.parse_args()
    fell = 0
    print(f"{'kind':10}{'tried':>9}{'refused':>9}{'loaded':>9}{'run':>9}{'fell':>7}  slowest   memory")
    for kind in [asked.only] if asked.only else KINDS:
        with tempfile.TemporaryDirectory() as folder:
            told = tried(kind, asked.n, asked.seed, Path(folder))
        loaded = sum(told.counts[name] for name in ("looked at", "drawn", "run", "loaded"))
        numbers = f"{asked.n:>9}{told.counts['refused']:>9}{loaded:>9}{told.counts['run']:>9}{told.counts['fell']:>7}"
        print(f"{kind:10}{numbers}  {told.slowest:5.1f} s  {told.most_bytes / 1e6:4.0f} MB", flush=True)
        seen: set[str] = set()
        for number, what, document in told.fallen:
            if what not in seen and len(seen) < 20:
                seen.add(what)
                print(f"  {number}: {what}\n    {document[:1500]}")
        fell += len(told.fallen)
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
