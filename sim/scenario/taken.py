"""Targets that a scenario takes from a ledger of claims, written out in place of what names them.

    targets: {from: claims.yaml, reading: moderate, only: [A06, A18], A19: strict, lost: {lost: 5 %}}

takes A06 and A18 in the moderate reading and A19 in the strict one, and adds a target of the scenario's own. Without
`only` every claim is taken that is a target in that reading; one that repeats another is taken once. A target is named
as its claim says (`target_name: day`), or as the claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.scenario.choices import READINGS, ReadingName
from sim.scenario.faults import Fault, Mark, ScenarioError, at, shown
from sim.scenario.fields import hint
from sim.scenario.folder import inside
from sim.scenario.paths import Change
from sim.scenario.tree import Node, with_child

if TYPE_CHECKING:
    from sim.scenario.ledger import LedgerFile

KEYS: Final = ("from", "reading", "only")
"""What stands among the targets and is none."""


def says_what_is_taken(change: Change) -> bool:
    """Whether a change is of the ledger, of a reading or of the claims that are taken, not of a target."""
    first, *rest = change.path.split(".")
    if first != "targets":
        return False
    return not rest or rest[0] in KEYS or (len(rest) == 1 and isinstance(change.node.value, str))


class Taken:
    """Writes out the targets of one document, and remembers what it wrote: a study asks for the same many times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str | None, tuple[Node, Node]] = {}

    def written_out(self, root: Node, reading: str | None) -> Node:
        """The tree with the targets of claims in it, all in this reading if one is given; ScenarioError with faults."""
        targets = root.child("targets")
        if targets is None or not isinstance(targets.value, dict) or not {*KEYS} & {*targets.value}:
            if reading is not None:
                raise ScenarioError([at(_option(reading), (), _NO_LEDGER)])
            return root
        known = self._known.get(reading)
        if known is None or known[0] is not targets:
            self._known[reading] = known = (targets, _written(targets, self.folder, _name(reading)))
        return with_child(root, "targets", known[1], known[1].mark)


_NO_LEDGER: Final = "the targets of this document come from no ledger: targets: {from: claims.yaml, reading: moderate}"


def _option(reading: str) -> Mark:
    return Mark(f"--reading {reading}")


def _name(reading: str | None) -> ReadingName | None:
    found = next((name for name in READINGS if name == reading), None)
    if reading is not None and found is None:
        raise ScenarioError(
            [at(_option(reading), (), f"a reading is {' or '.join(READINGS)}{hint(reading, READINGS)}")]
        )
    return found


def _written(targets: Node, folder: Path, reading: ReadingName | None) -> Node:
    """The targets of a document with those of its ledger among them."""
    file = _ledger(targets, folder)
    assert isinstance(targets.value, dict)
    faults: list[Fault] = []
    found: dict[str, Node] = {}
    asked = {name: node for name, node in targets.value.items() if isinstance(node.value, str) and name not in KEYS}
    common = _common(targets, faults)
    for claim in _only(targets, file, asked, common, faults):
        assert common is not None
        _take(file, claim, reading or common, found)
    for claim, node in asked.items():
        if claim not in file.ledger.claims:
            rule = f"there is no claim '{claim}' in {file.path.name}{hint(claim, file.ledger.claims)}"
            faults.append(at(targets.keys[claim], ("targets", claim), rule))
        elif node.value not in READINGS:
            rule = "a claim is taken in a reading: lenient, moderate or strict"
            faults.append(at(node.mark, ("targets", claim), rule, shown(node.value)))
        elif not _take(file, claim, reading or _reading(node), found):
            faults.append(at(node.mark, ("targets", claim), _why_not(file, claim, reading or _reading(node))))
    if faults:
        raise ScenarioError(faults)
    own = {name: node for name, node in targets.value.items() if name not in KEYS and name not in asked}
    for name in own:
        taken = _claim(found.get(name))
        if taken is not None and taken != name:
            rule = f"claim '{taken}' of {file.path.name} is taken as the target '{name}'; this needs another name"
            raise ScenarioError([at(targets.keys[name], ("targets", name), rule)])
    values = {**found, **own}
    keys = {name: targets.keys.get(name, node.mark) for name, node in values.items()}
    return Node(values, targets.mark, keys, 1 + sum(node.size for node in values.values()))


def _ledger(targets: Node, folder: Path) -> LedgerFile:
    # The models of claims take their time to build, and most documents name no ledger.
    from sim.scenario.ledger import read_ledger

    named = targets.child("from")
    if named is None:
        key = next(key for key in KEYS if targets.child(key) is not None)
        raise ScenarioError([at(targets.keys[key], ("targets", key), f"`{key}` needs a ledger: from: claims.yaml")])
    try:
        if not isinstance(named.value, str):
            raise ValueError("must name one file, a ledger of claims")
        beside = folder.resolve() / Path(named.mark.file).parent.relative_to(folder) if _is_in(named, folder) else None
        path = inside(folder, named.value, beside)
    except ValueError as error:
        raise ScenarioError([at(named.mark, ("targets", "from"), str(error), shown(named.value))]) from None
    return read_ledger(path, str(Path(named.mark.file).parent / named.value))


def _is_in(named: Node, folder: Path) -> bool:
    """Whether a value was written in a file of the folder, and not on a command line."""
    return named.mark.line > 0 and Path(named.mark.file).is_relative_to(folder)


def _common(targets: Node, faults: list[Fault]) -> ReadingName | None:
    """The reading of all claims that are given none of their own."""
    node = targets.child("reading")
    if node is not None and node.value not in READINGS:
        rule = f"must be one of {', '.join(READINGS)}"
        faults.append(at(node.mark, ("targets", "reading"), rule, shown(node.value)))
        return None
    return None if node is None else _reading(node)


def _reading(node: Node) -> ReadingName:
    return next(name for name in READINGS if name == node.value)


def _only(
    targets: Node, file: LedgerFile, asked: dict[str, Node], common: ReadingName | None, faults: list[Fault]
) -> Iterator[str]:
    """The claims to take in the common reading."""
    node = targets.child("only")
    if node is None:
        if common is not None:
            yield from (claim for claim in file.ledger.claims if claim not in asked)
        return
    items = node.value if isinstance(node.value, list) else [node]
    if targets.child("reading") is None:
        faults.append(at(targets.keys["only"], ("targets", "only"), "`only` needs a `reading` for the claims it names"))
        return
    for item in items:
        if not isinstance(item.value, str) or item.value not in file.ledger.claims:
            rule = f"there is no such claim in {file.path.name}{hint(str(item.value), file.ledger.claims)}"
            faults.append(at(item.mark, ("targets", "only"), rule, shown(item.value)))
        elif common is not None:
            found = file.ledger.reading(item.value, common)
            if found is None or found.target is None:
                faults.append(at(item.mark, ("targets", "only"), _why_not(file, item.value, common)))
            else:
                yield item.value


def _take(file: LedgerFile, claim: str, reading: ReadingName, found: dict[str, Node]) -> bool:
    """Add a claim's target unless it has none, or repeats one that is there; whether it has one."""
    sense = file.ledger.reading(claim, reading)
    if sense is None or sense.target is None:
        return False
    repeated = file.ledger.claims[claim].repeats
    if repeated is not None and repeated in map(_claim, found.values()):
        same = file.ledger.reading(repeated, reading)
        if same is not None and same.target == sense.target:
            return True
    node = file.node(claim, reading)
    target = node.child("target") if node is not None else None
    assert target is not None
    found[file.ledger.claims[claim].target_name or claim] = with_child(
        target, "claim", Node(claim, target.mark), target.mark
    )
    return True


def _claim(target: Node | None) -> object:
    """The claim that a target was taken from."""
    node = None if target is None else target.child("claim")
    return None if node is None else node.value


def _why_not(file: LedgerFile, claim: str, reading: ReadingName) -> str:
    sense = file.ledger.reading(claim, reading)
    if sense is None:
        return f"claim '{claim}' has no {reading} reading"
    what = {"input": "an input", "bound": "a bound on two quantities"}.get(sense.form, "for arithmetic only")
    return f"claim '{claim}' is no target in the {reading} reading, but {what}"
