"""What values of paths of the document do, in words: a plausibility map, sensitivity over plausible ranges, a runway of
growth; first of all what a reader calls `pools.analysts.staff` or `demand.volume`, and their values.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.scenario.plausible import SPREAD_WORDS
from sim.studies.ranges import rounded
from sim.studies.runway import VOLUME
from sim.text import page
from sim.text.run import limit_words
from sim.text.staff import kept_words
from sim.text.words import PERIODS, clock, count, listed, number_text, percent, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.measures.estimates import Estimate
    from sim.scenario.schema import Scenario
    from sim.studies.map import Cell, MapFound
    from sim.studies.ranges import Axis
    from sim.studies.runway import Course, GrowthYear, Need, Needs, RunwayFound
    from sim.studies.sensitivity import Along, PlausibleRange, SensitivityFound


_EACH: Final = {"h": "an hour", "hour": "an hour", "d": "a day", "min": "a minute", "wk": "a week", "yr": "a year"}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a path is spoken of."""

    label: str
    """As the title of an axis, with its unit: "tips a year", "true share of high (%)"."""
    said: str
    """A value in a sentence, its number where the braces are: "{} tips a year"."""
    unit: str

    def value(self, number: float | str) -> str:
        """A value in a sentence; a share is given as a fraction."""
        return self.said.format(self.number(number))

    def number(self, number: float | str) -> str:
        """A value alone, in the unit of the label."""
        if isinstance(number, str):
            return number
        return number_text(100 * number if self.unit == "%" else number)


def wording(scenario: Scenario, path: str, unit: str) -> Wording:
    """The words for a path whose values are in a unit."""
    label, said = _words(scenario, path.split("."), unit)
    return Wording(label, said, unit)


def _words(scenario: Scenario, path: list[str], unit: str) -> tuple[str, str]:
    """The label, and the pattern of a value in a sentence."""
    match path:
        case ["demand", "volume"] if unit:
            period = _EACH.get(unit[1:], f"a {unit[1:]}")
            return f"tips {period}", f"{{}} tips {period}"
        case ["demand", "risk", risk]:
            return f"true share of {risk} (%)", f"{{}} % truly {risk}"
        case ["demand", "risk", channel, risk]:
            return f"true share of {risk} by {channel} (%)", f"{{}} % truly {risk} by {channel}"
        case ["pools", pool, "staff"]:
            return f"people at {pool}, around the clock", f"{{}} at {pool}"
        case ["pools", pool, "shifts", number, "staff"] if number.isdigit():
            shift = scenario.pools[pool].shifts[int(number)]
            hours = f"from {clock(shift.from_)} to {clock(shift.to)}"
            return f"people at {pool} {hours}", f"{{}} at {pool} {hours}"
        case ["labels", labeller, "decides"]:
            return f"share of tips that {labeller} labels (%)", f"{labeller} labelling {{}} %"
        case ["labels", labeller, "assigns", risk, tier]:
            return (
                f"share of {risk} tips that {labeller} labels {tier} (%)",
                f"{labeller} labelling {{}} % of {risk} {tier}",
            )
        case ["stages", stage, ("service" | "delay" | "wrap_up" | "patience") as what, of, _, "mean"] if unit:
            return f"mean {what} at {stage}, {of} ({unit})", f"a mean {what} of {{}} {unit} at {stage}, {of}"
        case ["stages", stage, ("service" | "delay" | "wrap_up" | "patience") as what, *_, "mean"] if unit:
            return f"mean {what} at {stage} ({unit})", f"a mean {what} of {{}} {unit} at {stage}"
        case ["stages", stage, ("service" | "delay" | "wrap_up" | "patience") as what] if unit:
            return f"{what} at {stage} ({unit})", f"a {what} of {{}} {unit} at {stage}"
        case ["stages", stage, "after", _, "plus"] if unit:
            return f"time until {stage} begins ({unit})", f"{{}} {unit} until {stage} begins"
        case ["stages", stage, "every"] if unit:
            return f"time between openings at {stage} ({unit})", f"{{}} {unit} between openings at {stage}"
        case ["stages", stage, "retry", "share"] if unit == "%":
            return f"share of those who give up at {stage} that try again (%)", f"{{}} % trying again at {stage}"
        case ["demand", "channels", channel, *_] if unit == "%":
            return f"share of tips by {channel} (%)", f"{{}} % by {channel}"
        case ["demand", "attributes", name, value] if unit == "%":
            return f"share of tips with {name} {value} (%)", f"{{}} % with {name} {value}"
        case ["demand", "incidents", name, "rate"] if unit:
            period = _EACH.get(unit[1:], f"a {unit[1:]}")
            return f"times {period} that {name} happens", f"{{}} times {period} that {name} happens"
        case ["demand", "busyness_cv"]:
            return "how much busy and quiet days differ (cv)", "days that differ by a cv of {}"
        case ["pools", pool, "shrinkage"] if unit == "%":
            return f"share of paid time off at {pool} (%)", f"{{}} % of paid time off at {pool}"
        case ["run", "shrinkage"] if unit == "%":
            return "share of paid time off (%)", "{} % of paid time off"
        case ["centres"]:
            return "centres", "{} centres"
    name = ".".join(path)
    return (f"{name} ({unit})", f"{name} {{}} {unit}") if unit else (name, f"{name} {{}}")


# A map


def map_finding(found: MapFound) -> str:
    """What the map says, in one sentence."""
    n_cells, n_hold = len(list(found)), sum(found.holds(cell) for cell in found)
    wanted, periods = percent(found.wanted), PERIODS[found.per]
    if not n_hold:
        best = max(found, key=lambda cell: (cell.share.value == cell.share.value, cell.share.value))
        return f"Nowhere here do all targets hold in {wanted} of the {periods}: at best in {percent(best.share.value)}"
    if n_hold == n_cells:
        return f"All targets hold everywhere here, in at least {wanted} of the {periods}"
    return f"All targets hold in at least {wanted} of the {periods} in {n_hold} of {n_cells} cells"


def wordings(found: MapFound) -> tuple[Wording, Wording]:
    """How the two ranges are spoken of."""
    x, y = (wording(found.scenario, axis.path, axis.unit) for axis in (found.x, found.y))
    return x, y


def failing_first(found: MapFound) -> list[tuple[str, int]]:
    """The targets that fail first where not all hold, and in how many cells, most first."""
    order = list(found.scenario.targets)
    many = Counter(cell.first for cell in found if not found.holds(cell) and cell.first is not None)
    return sorted(many.items(), key=lambda item: (-item[1], order.index(item[0])))


def map_answer(found: MapFound) -> Iterator[str]:
    """What the map says, in sentences."""
    yield f"{map_finding(found)}."
    if found.n_inferred:
        yield (
            f"{count(found.n_inferred)} of {count(len(list(found)))} cells were not run: each lies between two that "
            "came to the same, with fewer and with more people, of whom more do not hurt here (--every-cell runs all)."
        )
    if first := failing_first(found):
        yield "Where they do not, what fails first: " + ", ".join(f"{name} in {n} cells" for name, n in first) + "."
    x, y = wordings(found)
    column, row = found.nearest
    if column is not None and row is not None:
        cell = found.cells[row][column]
        on_grid = all(place == round(place) for place in found.present if place is not None)
        where = f"{x.value(number_of(found.x, column))} and {y.value(number_of(found.y, row))}"
        yield f"{'As it is' if on_grid else 'Nearest to what is'}, with {where}: {_cell_words(found, cell)}."
    if row is not None:
        along = [found.holds(cell) for cell in found.cells[row]]
        yield f"With {y.value(number_of(found.y, row))}, all hold {_along(along, found.x, x)}."
    if column is not None:
        along = [found.holds(cells[column]) for cells in found.cells]
        yield f"With {x.value(number_of(found.x, column))}, all hold {_along(along, found.y, y)}."


def _cell_words(found: MapFound, cell: Cell) -> str:
    share = with_interval(cell.share.value, cell.share.low, cell.share.high)
    fails = f"; {cell.first} fails first" if not found.holds(cell) and cell.first else ""
    told = "inferred, not run: " if cell.inferred else ""
    return f"{told}together {cell.verdict}, all hold in {share} of the {PERIODS[found.per]}{fails}"


def _along(along: Sequence[bool], axis: Axis, words: Wording) -> str:
    """Along which values of a range all targets hold."""
    if not any(along):
        return "nowhere in the range"
    if all(along):
        return "in the whole range"
    parts = []
    for first, last in _stretches(along):
        least, most = (words.value(number_of(axis, at)) for at in (first, last))
        if first == last:
            parts.append(f"with {least}")
        elif first == 0:
            parts.append(f"up to {most}")
        elif last == len(along) - 1:
            parts.append(f"from {least} on")
        else:
            parts.append(f"from {words.number(number_of(axis, first))} to {most}")
    return " and ".join(parts)


def _stretches(along: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last place of each run of places that hold."""
    begin = None
    for at, one in enumerate([*along, False]):
        if one and begin is None:
            begin = at
        elif not one and begin is not None:
            yield begin, at - 1
            begin = None


def number_of(axis: Axis, at: int) -> float | str:
    """A value of an axis as a number in its unit, or as the name that it is."""
    return axis.numbers[at] if axis.numbers else str(axis.values[at])


# Sensitivity


def sensitivity_finding(found: SensitivityFound) -> str:
    """How much of the ranges holds, in one sentence without its end."""
    if found.changes:
        return f"All targets hold in {percent(round(found.share.value, 3))} of the ranges"
    return f"The verdict never changes over the ranges: {_what(holds=found.holds_everywhere)} at every point"


def said(found: SensitivityFound, unknown: PlausibleRange) -> Wording:
    """How a range is spoken of."""
    return wording(found.scenario, unknown.path, unknown.unit)


def deciding_on(found: SensitivityFound) -> str:
    """What the ranges are ranked by."""
    return "whether all targets hold" if found.changes else f"the margin of {found.binding}"


def sensitivity_answer(found: SensitivityFound) -> Iterator[str]:
    """What the study says, in sentences."""
    sampled = found.sampled
    if found.changes:
        interval = with_interval(found.share.value, found.share.low, found.share.high)
        yield f"All targets hold in {interval} of the plausible ranges ({_points(found, len(sampled))})."
    else:
        holds = found.holds_everywhere
        most, other = (1 - found.share.low, "they fail") if holds else (found.share.high, "all hold")
        points, share = _points(found, len(found.every)), percent(round(most, 3))
        yield f"{sensitivity_finding(found)} ({points}; {other} in at most {share} of the ranges)."
    if found.n_impossible:
        yield f"{count(found.n_impossible)} points that the document does not allow are left out."
    undecided = sum(one.verdict == "undecided" for one in sampled)
    if undecided:
        yield (
            f"At {count(undecided)} of {count(len(sampled))} points the targets' intervals leave the verdict open; "
            f"they are counted by what {count(found.replications)} replications came to."
        )
    yield _spreads(found)
    yield from _decides(found)
    yield from (_turn(found, along) for along in found.along)


def _spreads(found: SensitivityFound) -> str:
    """How the points are spread over the ranges, so that none is uniform in silence."""
    by_spread = Counter(unknown.range.spread for unknown in found.unknowns)
    if len(by_spread) == 1:
        [spread] = by_spread
        return f"The points are spread over each range as it is declared: {SPREAD_WORDS[spread]}."
    each = [f"{count(n)} {SPREAD_WORDS[spread]}" for spread, n in by_spread.items()]
    return f"The points are spread over the ranges as they are declared: {listed(each)}."


def _points(found: SensitivityFound, n: int) -> str:
    """How many points something is said of; what a caller asks for is rows."""
    return f"{count(n)} points, from {count(found.n_rows)} rows of the design"


def _decides(found: SensitivityFound) -> Iterator[str]:
    if len(found.unknowns) == 1:
        path = found.unknowns[0].path
        fails = f"; what fails first at most points is {found.binding}" if found.binding else ""
        yield f"There is one range, {path}, and so nothing to rank{fails}."
        return
    if not found.deciding.known:
        from sim.studies.effects import LEAST_ROWS

        if found.n_rows < LEAST_ROWS:
            yield f"What decides is not told: {count(found.n_rows)} rows are too few, {count(LEAST_ROWS)} the least."
        else:
            yield "Nothing decides: no result varies over the ranges."
        return
    first, *others = found.ranked
    effects = found.deciding
    yield (
        f"What decides {deciding_on(found)} most is {found.unknowns[first].path}: {_effect(effects.total[first])} of "
        f"its variance in all, {_effect(effects.first[first])} by itself."
    )
    told = [f"{found.unknowns[i].path} {_effect(effects.total[i])}" for i in others]
    yield f"Then, in all: {'; '.join(told)}."


def _effect(effect: Estimate) -> str:
    if math.isnan(effect.value):
        return "not told by so few points"
    value, low, high = (round(100 * part) for part in (effect.value, effect.low, effect.high))
    return f"{value} % ({low} to {high})"


def _turn(found: SensitivityFound, along: Along) -> str:
    words = said(found, along.unknown)
    path = along.unknown.path
    alone = "" if len(found.unknowns) == 1 else ", the others as they are,"
    if not along.turns:
        low, high = (words.number(end) for end in (along.unknown.range.from_, along.unknown.range.to))
        what = _what(holds=all(along.holds_at_ends))
        return f"{path}{alone} never turns the verdict: {what} from {low} to {high}{_unit(words)}."
    parts = []
    for turn in along.turns:
        side, value = _side(
            words, turn.below, turn.above, holds_below=turn.holds_below, whole=along.unknown.range.whole
        )
        fails = f", {turn.first} fails first on the other side" if turn.first else ""
        parts.append(f"at {value}{_unit(words)} (all hold {side}{fails})")
    return f"{path}{alone} turns the verdict {' and '.join(parts)}."


def _what(*, holds: bool) -> str:
    return "all targets hold" if holds else "some target fails"


def _side(words: Wording, below: float, above: float, *, holds_below: bool, whole: bool) -> tuple[str, str]:
    """On which side all targets hold, and the value at which that ends: of whole numbers the last that holds."""
    if whole:
        return ("up to it", words.number(below)) if holds_below else ("from it on", words.number(above))
    return "below" if holds_below else "above", words.number(rounded((below + above) / 2, 3))


def _unit(words: Wording) -> str:
    return f" {words.unit}" if words.unit and not words.unit.startswith("/") else words.unit


# A runway


def runway_answer(found: RunwayFound, needs: Needs) -> Iterator[str]:
    """What the runway says, in sentences."""
    yield from (_now(found), *(_course(found, course) for course in found.courses), *_staff(needs))


def runway_finding(found: RunwayFound) -> str:
    """How long the staffing lasts, in one sentence without its end."""
    now = found.courses[0].years[0]
    if now.verdict == "missed":
        return f"The present staffing misses its targets already: {now.first} first"
    state = (
        "The present staffing meets its targets now"
        if now.verdict == "met"
        else "Whether its targets are met is open now"
    )
    missed = [course.missed_from for course in found.courses]
    times = sorted(year.year for year in missed if year is not None)
    if not times:
        return f"{state}; no growth looked at makes it a miss in {_years(found.courses[0].most_years)}"
    if len(times) < len(missed):
        return f"{state}; they are missed after {_years(times[0])} of growth or later"
    span = _years(times[0]) if times[0] == times[-1] else f"{times[0]:g} to {_years(times[-1])}"
    return f"{state}; they are missed after {span} of growth"


def runway_parts(found: RunwayFound, needs: Needs) -> list[RenderableType]:
    """The staff of the years to come on the terminal, against that of now."""
    if not needs.years:
        return []
    words = wording(found.scenario, VOLUME, found.unit)
    table = page.table(
        "growth", "year", words.label, "FTE", "people more (+) and fewer (-) than now", numbers=(1, 2, 3)
    )
    table.add_row("now", "", words.number(found.courses[0].years[0].volume), f"{needs.full_time_now:.1f}", "")
    for one in needs.years:
        figures = (percent(one.growth) if one.year else "needed", str(one.year), words.number(one.volume))
        if one.answer.staffing is None:
            table.add_row(*figures, "-", page.text(_WHY[one.answer.why or ""]))
        else:
            table.add_row(*figures, f"{one.full_time:.1f}", page.text(changes(needs, one)))
    return [page.heading("The cheapest staff found that meets every target"), table]


def changes(needs: Needs, one: Need) -> str:
    """How the people of a year differ from those of now."""
    from sim.studies.staff.staffed import post_words

    scenario = one.answer.scenario
    runway_parts = []
    for post in one.answer.posts:
        more = one.people[post.path] - needs.now[post.path]
        if more:
            runway_parts.append(f"{post_words(scenario, post)} {more:+d}")
    return ", ".join(runway_parts) or "the same people"


_WHY = {
    "beyond bounds": "none within the bounds of the document",
    "not confirmed": "none found that held on fresh seeds",
    "beyond staff": "no staff can",
    "closed": "the posts are closed too long",
}


def _now(found: RunwayFound) -> str:
    now = found.courses[0].years[0]
    words = wording(found.scenario, VOLUME, found.unit)
    state = {"met": "all targets are met", "undecided": "the verdict is open", "missed": "targets are missed"}
    said = f"Now, at {words.value(now.volume)}, {state[now.verdict]} with the present staffing"
    return f"{said}." if now.verdict == "met" else f"{said}{_first(now)}."


def _course(found: RunwayFound, course: Course) -> str:
    rate = f"At {percent(course.growth)} growth a year"
    met, opened, missed = course.met_until, course.open_from, course.missed_from
    words = wording(found.scenario, VOLUME, found.unit)
    if opened is None:
        last = course.every[-1]
        return f"{rate} all are met in the {_years(last.year)} looked at, to {words.value(last.volume)}."
    runway_parts = []
    if met is not None:
        until = (
            f"for {_years(met.year)}, to {words.value(met.volume)}" if met.year else "now, and no tenth of a year on"
        )
        runway_parts.append(f"all are met {until}")
    if opened.verdict == "undecided":
        runway_parts.append(f"the verdict is open from {_at(opened)} on{_first(opened)}")
    if missed is None:
        runway_parts.append(f"none is missed in the {_years(course.every[-1].year)} looked at")
    else:
        when = f"from {_at(missed)} on, at {words.value(missed.volume)}" if missed.year else "already"
        runway_parts.append(f"they are missed {when}{_first(missed)}")
    return f"{rate} {'; '.join(runway_parts)}."


def _at(year: GrowthYear) -> str:
    return f"year {year.year:g}" if year.year else "now"


def _first(year: GrowthYear) -> str:
    return f" ({year.first} first)" if year.first else ""


def _staff(needs: Needs) -> Iterator[str]:
    if needs.beyond_staff:
        yield (
            f"No staff can meet {listed(needs.beyond_staff)}, so none is searched for; name the targets that staff "
            "can meet with --targets."
        )
        return
    if needs.closed:
        yield "No staffing is searched for, since no number of people on the posts there are can meet all targets:"
        for limit in needs.closed:
            yield f"{limit_words(limit)}."
        return
    if needs.kept:
        yield kept_words(needs.kept)
    for one in _found(needs, 0):
        yield f"Today's volume needs {one.full_time:.1f} FTE; now there are {needs.full_time_now:.1f}."
    for year in sorted({one.year for one in needs.years if one.year}):
        told = [f"{one.full_time:.1f} FTE at {percent(one.growth)}" for one in _found(needs, year)]
        if told:
            yield f"Year {year} needs {listed(told)}."
    lacking = [one for one in needs.years if one.answer.staffing is None]
    if lacking:
        named = [f"year {one.year} at {percent(one.growth)}" if one.year else "today" for one in lacking]
        yield f"No staffing was found for {listed(named)}."


def _found(needs: Needs, year: int) -> list[Need]:
    return [one for one in needs.years if one.year == year and one.answer.staffing is not None]


def _years(number: float) -> str:
    return f"{number:g} year{'' if number == 1 else 's'}"
