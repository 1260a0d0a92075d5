"""What a runway says, in sentences, and the staff of the years to come as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.studies.runway import VOLUME
from sim.text import page
from sim.text.paths import wording
from sim.text.run import limit_words
from sim.text.staff import kept_words
from sim.text.words import listed, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.runway import Course, Runway, Year
    from sim.studies.runway_staff import Need, Needs


def answer(found: Runway, needs: Needs) -> list[str]:
    """What the runway says, in sentences."""
    return [*_now(found), *(_course(found, course) for course in found.courses), *_staff(needs)]


def finding(found: Runway) -> str:
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


def parts(found: Runway, needs: Needs) -> list[RenderableType]:
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
    parts = []
    for post in one.answer.posts:
        more = one.people[post.path] - needs.now[post.path]
        if more:
            parts.append(f"{post_words(scenario, post)} {more:+d}")
    return ", ".join(parts) or "the same people"


_WHY = {
    "beyond bounds": "none within the bounds of the document",
    "not confirmed": "none found that held on fresh seeds",
    "beyond staff": "no staff can",
    "closed": "the posts are closed too long",
}


def _now(found: Runway) -> Iterator[str]:
    now = found.courses[0].years[0]
    words = wording(found.scenario, VOLUME, found.unit)
    state = {"met": "all targets are met", "undecided": "the verdict is open", "missed": "targets are missed"}
    said = f"Now, at {words.value(now.volume)}, {state[now.verdict]} with the present staffing"
    yield f"{said}." if now.verdict == "met" else f"{said}{_first(now)}."


def _course(found: Runway, course: Course) -> str:
    rate = f"At {percent(course.growth)} growth a year"
    met, opened, missed = course.met_until, course.open_from, course.missed_from
    words = wording(found.scenario, VOLUME, found.unit)
    if opened is None:
        last = course.every[-1]
        return f"{rate} all are met in the {_years(last.year)} looked at, to {words.value(last.volume)}."
    parts = []
    if met is not None:
        until = (
            f"for {_years(met.year)}, to {words.value(met.volume)}" if met.year else "now, and no tenth of a year on"
        )
        parts.append(f"all are met {until}")
    if opened.verdict == "undecided":
        parts.append(f"the verdict is open from {_at(opened)} on{_first(opened)}")
    if missed is None:
        parts.append(f"none is missed in the {_years(course.every[-1].year)} looked at")
    else:
        when = f"from {_at(missed)} on, at {words.value(missed.volume)}" if missed.year else "already"
        parts.append(f"they are missed {when}{_first(missed)}")
    return f"{rate} {'; '.join(parts)}."


def _at(year: Year) -> str:
    return f"year {year.year:g}" if year.year else "now"


def _first(year: Year) -> str:
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
