"""Theory beside simulation in words: on the terminal a row a quantity, and of each model what it leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from sim.dynamics.clock import MINUTE
from sim.scenario.units import WEEKDAYS
from sim.text import page
from sim.text.words import count, length, listed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.theory.beside import TheoryAndRun
    from sim.studies.theory.models import KnownValue
    from sim.studies.theory.selftest import TestedAnswer


def parts(found: Sequence[TheoryAndRun]) -> list[RenderableType]:
    """What theory has beside what the run came to, and what each model leaves out."""
    if not found:
        return [page.heading("Theory"), "No pool or delay to which tips come has a model with an exact answer."]
    table = page.table("place", "model", "quantity", "theory", "simulated", "apart", numbers=(3, 4, 5))
    for _, rows in groupby(found, lambda one: one.beside.place):
        for at, one in enumerate(rows):
            first = (one.beside.place, one.beside.model) if at == 0 else ("", "")
            table.add_row(*first, page.text(quantity_words(one.known)), *_figures(one))
    note = "Apart: by so many standard errors the run lies above theory; * marks more than 4."
    return [page.heading("Theory beside the run"), table, "", note, "", page.facts(_left_out(found))]


def quantity_words(known: KnownValue) -> str:
    """A quantity of some tips, at some time."""
    said = known.quantity
    if said == "not begun":
        said = f"not begun in {length(round(known.within * MINUTE))}" if known.within else "not begun at once"
    if known.hour is not None:
        day = f"{WEEKDAYS[known.hour // 24]}s, " if known.weekly else ""
        said = f"{said}, {day}{known.hour % 24}:00"
    return f"{said}, {known.of}" if known.of else said


def _figures(one: TheoryAndRun) -> tuple[str, str, str]:
    if math.isnan(one.simulated):
        return figure(one.known.value, one.known), "nothing counted", ""
    error = "" if math.isnan(one.error) else f" ± {figure(one.error, one.known, alone=False, digits=2)}"
    return (
        figure(one.known.value, one.known),
        f"{figure(one.simulated, one.known, alone=False)}{error}",
        "" if not math.isfinite(one.apart) else f"{one.apart:.1f}{'' if one.agrees else ' *'}",
    )


def figure(value: float, known: KnownValue, *, alone: bool = True, digits: int = 4) -> str:
    """A value in so many digits, with its unit where it stands alone; a share in percent."""
    if math.isinf(value):
        return "endless"
    unit = {"share": " %", "min": " min", "min2": " min²"}.get(known.unit, "") if alone else ""
    return f"{100 * value if known.unit == 'share' else value:.{digits}g}{unit}"


def _left_out(found: Sequence[TheoryAndRun]) -> Iterator[tuple[str, str]]:
    for place, rows in groupby(found, lambda one: one.beside.place):
        first = next(rows).beside
        if first.left_out:
            yield place, f"{first.model} leaves out that {listed(first.left_out)}"
        else:
            yield place, f"{first.model} leaves nothing of it out: they should agree"


def sentences(found: Sequence[TheoryAndRun]) -> list[str]:
    """Whether what should agree does."""
    exact = [one for one in found if not one.beside.left_out and not math.isnan(one.apart)]
    if not exact:
        return []
    off = [one for one in exact if not one.agrees]
    if not off:
        return [f"All {count(len(exact))} figures that theory knows exactly agree with it."]
    named = listed([f"{quantity_words(one.known)} of {one.beside.place}" for one in off])
    return [f"Of {count(len(exact))} figures that theory knows exactly {count(len(off))} differ from it: {named}."]


def selftest_parts(found: Sequence[TestedAnswer]) -> list[RenderableType]:
    """The known answers beside what the program comes to, and whether all is right."""
    table = page.table("line", "quantity", "known", "simulated", "apart", "", numbers=(2, 3, 4))
    for model, rows in groupby(found, lambda one: one.line.model):
        for at, one in enumerate(rows):
            known, simulated, apart = _figures(one.compared)
            right = page.text("right", "green") if one.right else page.text("WRONG", "bold red")
            table.add_row(
                model if at == 0 else "",
                quantity_words(one.compared.known),
                known,
                simulated,
                apart.removesuffix(" *"),
                right,
            )
    return [table, "", page.text(selftest_words(found))]


def selftest_words(found: Sequence[TestedAnswer]) -> str:
    """Whether the program is right, and by which measure."""
    wrong = [one for one in found if not one.right]
    lines = {one.line.name: one.engines_agree for one in found}
    apart = [name for name, agree in lines.items() if not agree]
    engines = "both engines agree on each line" if not apart else f"the engines differ on {listed(apart)}"
    most = found[0].limit if found else 0.0
    how = f"right is within {most:.1f} standard errors, which with one seed in 1,000 a right answer is not"
    if not wrong:
        return f"All {len(found)} answers are right, and {engines}. {how.capitalize()}."
    return f"{len(wrong)} of {len(found)} answers are WRONG; {engines}. {how.capitalize()}."
