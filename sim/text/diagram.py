"""The way of a tip as a flow diagram: an SVG text drawn from the scenario, with how many tips take every way.

Stages lie in layers, each below all that leads to it. Nothing is simulated, and no figure of matplotlib is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sim.scenario.branches import ARRIVAL
from sim.scenario.flow import Lead, leads
from sim.scenario.units import duration_text
from sim.text.page import GREY, INK

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario, Stage

LETTER: Final = 6.4
"""Pixels that a letter takes on average, at 12 pixels of type."""
SHARE: Final = 28
"""Pixels of its box for every line that reaches it: shares stand in two rows, and none on another."""
HIGH: Final = 40
WIDEST: Final = 210
ROW: Final = 96
GAP: Final = 36
EDGE: Final = 24
"""Pixels: the height of a box and its largest width, from one layer to the next, between boxes, around all."""

STAFFED: Final = "#e8f1f8"
ALONE: Final = "#f4f4f4"


@dataclass(slots=True)
class _Node:
    """A box, or a bend of a line that passes a layer."""

    stage: int | None
    layer: int
    lines: tuple[str, ...] = ()
    x: float = 0.0
    wide: float = 8.0
    above: list[_Node] = field(default_factory=list)

    @property
    def y(self) -> float:
        return EDGE + HIGH / 2 + self.layer * ROW


def diagram(scenario: Scenario) -> str:
    """The flow diagram of a scenario as SVG."""
    ways = leads(scenario)
    nodes = _boxes(scenario, [one for one in ways if not one.back])
    layers: dict[int, list[_Node]] = {}
    for node in nodes.values():
        layers.setdefault(node.layer, []).append(node)
    paths = [(one, _path(one, nodes, layers)) for one in ways]
    _place(layers)
    wide = max(node.x + node.wide / 2 for nodes in layers.values() for node in nodes) + EDGE + 60
    high = EDGE + HIGH + max(layers) * ROW + EDGE
    ports = _ports([path for one, path in paths if not one.back])
    drawn = [_line(one, path, ports) for one, path in paths]
    drawn += [_box(scenario, node) for node in nodes.values()]
    title = escape(f"The way of a tip: {scenario.scenario}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
        f'viewBox="0 0 {wide:.0f} {high:.0f}" role="img" font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f"<title>{title}</title>\n"
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{GREY}"/></marker></defs>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _boxes(scenario: Scenario, ways: Sequence[Lead]) -> dict[int, _Node]:
    """The arrival and every stage, each in the layer below all that leads to it."""
    layer = {ARRIVAL: 0}
    for number in range(len(scenario.stages)):
        before = [layer[one.of] for one in ways if one.to == number and one.of in layer]
        layer[number] = 1 + max(before, default=0)
    found = {}
    for number, at in layer.items():
        lines = ("arrival",) if number == ARRIVAL else _words(scenario.stages[number])
        coming = sum(one.to == number for one in ways)
        wide = max(max(len(line) for line in lines) * LETTER + 20, (coming + 1) * SHARE if coming > 1 else 0.0)
        found[number] = _Node(number, at, lines, wide=wide)
    return found


def _words(stage: Stage) -> tuple[str, ...]:
    most = int((WIDEST - 20) / LETTER)
    who = stage.pool or "no staff"
    label = f", labels: {stage.label}" if stage.label else ""
    return tuple(line if len(line) <= most else f"{line[: most - 1]}…" for line in (stage.name, f"{who}{label}"))


def _path(way: Lead, nodes: dict[int, _Node], layers: dict[int, list[_Node]]) -> list[_Node]:
    """The boxes at the ends of a way, and a bend for every layer that it passes."""
    first, last = nodes[way.of], nodes[way.to]
    path = [first]
    for layer in range(first.layer + 1, last.layer) if not way.back else ():
        bend = _Node(None, layer)
        bend.above.append(path[-1])
        layers.setdefault(layer, []).append(bend)
        path.append(bend)
    if not way.back:
        last.above.append(path[-1])
    return [*path, last]


def _place(layers: dict[int, list[_Node]]) -> None:
    """Put the boxes of a layer side by side, each as near as may be to the middle of what leads to it."""
    for layer in sorted(layers):
        row = layers[layer]
        wanted = {id(one): sum(up.x for up in one.above) / len(one.above) if one.above else 0.0 for one in row}
        row.sort(key=lambda one: (wanted[id(one)], one.stage is None, one.stage or 0))
        at = -1e9
        for one in row:
            one.x = max(wanted[id(one)], at + one.wide / 2)
            at = one.x + one.wide / 2 + GAP
        shift = sum(wanted[id(one)] - one.x for one in row) / len(row)
        for one in row:
            one.x += shift
    left = min(one.x - one.wide / 2 for row in layers.values() for one in row) - EDGE
    for row in layers.values():
        for one in row:
            one.x -= left


def _ports(paths: Sequence[Sequence[_Node]]) -> dict[tuple[int, bool], tuple[float, int]]:
    """Where along its box a line begins or ends, by the id of its path and whether it begins; and its place there."""
    found = {}
    ends: dict[tuple[int, bool], list[tuple[float, Sequence[_Node]]]] = {}
    for path in paths:
        ends.setdefault((id(path[0]), True), []).append((path[1].x, path))
        ends.setdefault((id(path[-1]), False), []).append((path[-2].x, path))
    for (_, upper), mine in ends.items():
        for nth, (_, path) in enumerate(sorted(mine, key=lambda one: one[0])):
            box = path[0] if upper else path[-1]
            found[id(path), upper] = box.x + box.wide * 0.8 * ((nth + 1) / (len(mine) + 1) - 0.5), nth
    return found


def _line(way: Lead, path: Sequence[_Node], ports: dict[tuple[int, bool], tuple[float, int]]) -> str:
    dashed = ' stroke-dasharray="5 3"' if way.what in ("in vain", "instead") else ""
    first, last = path[0], path[-1]
    if way.back:
        # Up along the right side of the boxes.
        side = max(first.x + first.wide / 2, last.x + last.wide / 2) + 26
        begin, end = first.x + first.wide / 2, last.x + last.wide / 2
        low = 8 if first is last else 0
        text_at = side + 4, (first.y + last.y) / 2
        d = f"M{begin:.1f} {first.y + low:.1f} H{side:.1f} V{last.y - low:.1f} H{end:.1f}"
        anchor = "start"
    else:
        (leaves, _), (comes, nth) = ports[id(path), True], ports[id(path), False]
        edge = HIGH / 2 - (6 if first.stage == ARRIVAL else 0)
        points = [(leaves, first.y + edge), *((one.x, one.y) for one in path[1:-1]), (comes, last.y - HIGH / 2)]
        d = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for (x, y), (to_x, to_y) in pairwise(points):
            middle = (y + to_y) / 2
            d += f" C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        text_at = points[-1][0], points[-1][1] - 12 - 11 * (nth % 2)
        anchor = "middle"
    said = _said(way)
    return (
        f'<path d="{d}" fill="none" stroke="{GREY}"{dashed} marker-end="url(#tip)"/>'
        f'<text x="{text_at[0]:.1f}" y="{text_at[1]:.1f}" font-size="10" fill="{GREY}" '
        f'text-anchor="{anchor}" paint-order="stroke" stroke="white" stroke-width="3">{escape(said)}</text>'
    )


def _said(way: Lead) -> str:
    """What is written at a line: the moment, where it is no end, and the share of the tips."""
    share = way.what if way.what in ("in vain", "instead") else f"{100 * way.share:.3g} %"
    if way.back:
        return f"back {share}"
    if way.what == "start":
        return f"start{f' + {duration_text(way.plus)}' if way.plus else ''} {share}"
    return share


def _box(scenario: Scenario, node: _Node) -> str:
    x, y, wide = node.x - node.wide / 2, node.y - HIGH / 2, node.wide
    if node.stage == ARRIVAL or node.stage is None:
        return (
            f'<rect x="{x:.1f}" y="{y + 6:.1f}" width="{wide:.1f}" height="{HIGH - 12}" rx="14" fill="white" '
            f'stroke="{INK}"/><text x="{node.x:.1f}" y="{node.y + 4:.1f}" text-anchor="middle">arrival</text>'
        )
    staffed = scenario.stages[node.stage].pool is not None
    lines = "".join(
        f'<text x="{node.x:.1f}" y="{node.y + dy:.1f}" text-anchor="middle" {style}>{escape(line)}</text>'
        for line, dy, style in zip(
            node.lines, (-4, 12), ('font-weight="bold"', f'font-size="10.5" fill="{GREY}"'), strict=True
        )
    )
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{HIGH}" rx="3" '
        f'fill="{STAFFED if staffed else ALONE}" stroke="{INK}"/>{lines}'
    )
