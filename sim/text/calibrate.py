"""What a calibration says: what was read, what each part came to, whether the line reproduces its log, what it cannot
tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sim.calibration.calibrate import rows_of, shape_of
from sim.logs.calls import of_dates
from sim.logs.counts import IntervalCounts
from sim.text import page
from sim.text.words import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.calibration.beside import Beside, LogAndLine
    from sim.calibration.calibrate import Calibrated
    from sim.logs.files import Raw
    from sim.logs.map import ColumnMap

STYLES = {"reproduced": "green", "not reproduced": "bold red", "undecided": "yellow", "not known": "dim"}
LONG = 36_000.0
"""Seconds of the log from which a quantity is shown in hours."""
SHOWN = (
    "given_up",
    "wait_mean",
    "wait_served_mean",
    "wait_p50",
    "wait_p80",
    "wait_p95",
    "in_20_s",
    "work_mean",
    "occupancy",
)


def parts(found: Calibrated) -> list[RenderableType]:
    """What stands on the terminal: the reading, the cleaning, the line beside its log, and what it cannot tell."""
    calibration = found.calibration
    told: list[RenderableType] = [
        page.title(f"A line from {calibration.path.name}", calibration.path),
        page.text(f"{count(rows_of(calibration))} rows, {shape_of(calibration)}."),
    ]
    notes = calibration.log.notes
    told += [page.text(f"{one[0].upper()}{one[1:]}.") for one in notes if not one.startswith("WARNING")]
    if calibration.log.cleaned:
        told.append(page.heading("Cleaned"))
        table = page.table("", "", "", numbers=(0,))
        for one in calibration.log.cleaned:
            table.add_row(count(one.rows), page.text(one.what), page.text(one.done, "dim"))
        told.append(table)
    told += list(beside_parts(found.beside))
    cannot = [
        *calibration.log.cannot,
        *(f"{path}: {why}; {low} to {high} is plausible." for path, low, high, why in found.line.ranges),
    ]
    if cannot:
        told += [page.heading("Not told by the log"), *(page.text(one) for one in cannot)]
    warnings = [one.removeprefix("WARNING: ") for one in notes if one.startswith("WARNING")]
    if warnings:
        told += [Text(""), page.warned(warnings)]
    return told


def beside_parts(found: Beside | None) -> Iterator[RenderableType]:
    """What the line came to beside its log; nothing where it was not held against it."""
    if found is None:
        return
    names = [name for name in ("replay", "drawn") if name in found.runs]
    held = found.held_out
    yield page.heading("The line beside its log")
    titles = ["", "log", *names, *(["held out: log", "line"] if held else [])]
    table = page.table(*titles, numbers=range(1, len(titles)))
    runs = [{one.quantity.name: one for one in found.runs[name]} for name in names]
    late = {one.quantity.name: one for one in held}
    for quantity in SHOWN:
        cells: list[Text | str] = [quantity.replace("_", " "), page.text(figure(runs[0][quantity], log=True))]
        cells += [page.text(figure(some[quantity]), STYLES[some[quantity].verdict]) for some in runs]
        if held:
            one = late[quantity]
            cells += [page.text(figure(one, log=True)), page.text(figure(one), STYLES[one.verdict])]
        table.add_row(*cells)
    yield table


def figure(one: LogAndLine, *, log: bool = False) -> str:
    """A quantity of the log, or of a run with half of its interval and a sign of its verdict."""
    value = one.of_log if log else one.value
    if not math.isfinite(value):
        return "not known"
    size, unit, digits = (100.0, " %", 1) if one.quantity.unit == "share" else (1, f" {one.quantity.unit}".rstrip(), 1)
    if one.quantity.unit == "s" and one.of_log >= LONG:
        size, unit = 1 / 3600, " h"
    if log:
        return f"{size * value:,.{digits}f}{unit}"
    half = size * (one.high - one.low) / 2
    sign = {"reproduced": "", "not reproduced": " (no)", "undecided": " (?)", "not known": ""}[one.verdict]
    return f"{size * value:,.{digits}f} ± {half:.{digits}f}{unit}{sign}"


def answer(found: Calibrated) -> list[str]:
    """What it came to, in sentences."""
    return list(_sentences(found))


def _sentences(found: Calibrated) -> Iterator[str]:
    calibration = found.calibration
    demand = calibration.demand
    yield from _verdict(found)
    if demand is not None:
        value, low, high = demand.volume
        n = int(demand.known.sum())
        dates = f"{n} date{'s' if n != 1 else ''}"
        yield f"{count(value)} tips come on a date of the log, over {dates} ({count(low)} to {count(high)})."
        cv = demand.day_cv
        if math.isfinite(cv[0]):
            departure, p, where = demand.product_form
            handed = demand.correlation()
            on = "" if math.isnan(handed) else f", and hand {handed:.2f} on to the next"
            within = (
                f"; counts of {demand.step // 60} min vary {demand.dispersion:.2f} times as much as Poisson within days"
                if demand.tells_hours and math.isfinite(demand.dispersion)
                else ""
            )
            yield (
                f"Days differ from others of their weekday by a cv of {cv[0]:.3f} ({cv[1]:.3f} to {cv[2]:.3f})"
                f"{within}{on}."
            )
            if where:
                told = "depart" if p < 0.01 else "do not depart beyond chance"
                most = f"by {departure:+.0%} at most ({where}), p = {p:.2g}"
                yield f"Weekdays {told} from one profile of hours for all: {most}."
        if demand.odd:
            named = [one for one in demand.odd if one.name]
            of = f", {len(named)} of them public holidays of {demand.country}" if named else ""
            dates = "date lies" if len(demand.odd) == 1 else "dates lie"
            yield f"{len(demand.odd)} {dates} far from others of the weekday{of}."
    if calibration.apart is not None and len(calibration.apart.by_channel) > 1:
        split = calibration.apart
        how = "vary over the day, and each has its own profile" if split.differ else "are the same over the day"
        most = f": at most {split.departure:+.0%} ({split.where})" if split.where else ""
        yield f"Shares of channels {how}{most}, p = {split.p:.2g}."
    if demand is None and isinstance(calibration.log, IntervalCounts):
        yield from _without_dates(calibration.log)
    if isinstance(calibration.log, IntervalCounts):
        yield from _given_up(calibration.log)
        yield from _met(calibration.log)
    for stage in calibration.stages:
        if stage.patience:
            one = stage.patience[0]
            shares = ", ".join(f"{100 * one.at(s)[0]:.1f} % bear {s:.0f} s" for s in (60.0, 120.0, 300.0, 600.0))
            n_served = count(one.fitted.n_censored)
            yield f"Patience at {stage.name}: {shares}; {one.fitted.n} gave up and {n_served} were served before."
        if stage.work:
            one_work = stage.work[0]
            laws = sorted({fit.law for fit in (stage.work[1:] or stage.work)})
            of = f"{one_work.mean:.1f} s on average, cv {one_work.cv:.2f}"
            yield f"Work at {stage.name}: {of}; written as {', '.join(laws)}."
        if stage.group is not None:
            yield _staff(stage.name, stage.group.persons, stage.group)
    if calibration.retries is not None:
        one_retry = calibration.retries
        told = (
            ""
            if any(stage.retries is not None and stage.retries.told for stage in calibration.stages)
            else (", which is no more than chance: no `retry` is written")
        )
        yield (
            f"Of {one_retry.lost} who gave up, {one_retry.again} called again within an hour; of those served "
            f"{one_retry.by_chance:.1%} did{told}."
        )


def _given_up(log: IntervalCounts) -> Iterator[str]:
    """What counts tell of those who gave up: a target to hold against, which counts alone do not explain."""
    share, low, high = log.given_up_share
    if not math.isfinite(share):
        return
    whence = "" if log.given_up is not None else " (those who were not answered)"
    yield f"{share:.1%} gave up{whence}, {low:.1%} to {high:.1%}: a target of the line, which counts do not explain."
    by_hour, p = log.given_up_by_hour
    if math.isfinite(p):
        most, least = (int(place) for place in (np.nanargmax(by_hour), np.nanargmin(by_hour)))
        differ = "differ beyond chance" if p < 0.01 else "do not differ beyond chance"
        ends = f"{by_hour[most]:.1%} from {most}:00 on, {by_hour[least]:.1%} from {least}:00 on"
        yield f"Hours of the day {differ} in who gave up (p = {p:.2g}): {ends}."


def _without_dates(log: IntervalCounts) -> Iterator[str]:
    at = int(log.count.argmax())
    if log.shape == "profile":
        begins = int(log.begins[at] // 3600)
        most = f"from {begins}:00 on ({log.count[at]:.1f} an interval)"
        yield f"A usual day has {log.count.sum():,.0f} tips, most of them {most}."
        return
    total = count(float(log.count.sum()))
    yield f"{total} tips in {len(log.count)} periods, {log.count.mean():,.0f} in one on average."


def _met(log: IntervalCounts) -> Iterator[str]:
    if log.met is not None:
        share = float(log.met.sum() / log.count.sum())
        name = log.map.columns["met"]
        yield f"'{name}' is {share:.1%} of them: a target to hold against, which no volume alone explains."


def _staff(name: str, persons: int, group: object) -> str:
    share, on_line = getattr(group, "share", math.nan), getattr(group, "on_line", math.nan)
    gaps = getattr(group, "gaps", None)
    if not math.isfinite(share):
        return f"Staff of {name}: {getattr(group, 'from_whom', '')}."
    gap = (
        ""
        if gaps is None
        else f"; between services while callers wait {gaps.median:.0f} s pass, 5 % over {gaps.p95:.0f} s"
    )
    slots = getattr(group, "slots", 1)
    each = f"; each has {slots} in hand while callers wait" if slots > 1 else ""
    return f"Staff of {name}: {persons} people, there for {share:.0%} of {on_line:,.1f} h on line{each}{gap}."


def _verdict(found: Calibrated) -> Iterator[str]:
    if found.beside is None:
        visits = found.calibration.visits
        if visits is not None and any(stage.work for stage in found.calibration.stages) and of_dates(visits.arrival):
            yield "The line is not held against the log, which says on which date each came, and not when."
        elif visits is None or not any(stage.work for stage in found.calibration.stages):
            yield "The line is not held against the log, which does not tell waits, work and staff."
        else:
            yield "The line is not held against the log, which does not tell who served."
        return
    for name in ("replay", "drawn"):
        some = [one for one in found.beside.runs[name] if one.verdict != "not known"]
        good = [one for one in some if one.verdict == "reproduced"]
        bad = [one.quantity.name.replace("_", " ") for one in some if one.verdict == "not reproduced"]
        open_ = [one.quantity.name.replace("_", " ") for one in some if one.verdict == "undecided"]
        what = "The replay of the log" if name == "replay" else "The line as drawn"
        more = [f"not {', '.join(bad)}" if bad else "", f"undecided: {', '.join(open_)}" if open_ else ""]
        tail = "; ".join(one for one in more if one)
        yield f"{what} reproduces {len(good)} of {len(some)} quantities{f' ({tail})' if tail else ''}."
    if found.beside.held_out:
        some = [one for one in found.beside.held_out if one.verdict != "not known"]
        good = [one for one in some if one.verdict == "reproduced"]
        since = found.beside.held_from
        yield f"Of the dates from {since} on, which were held out, {len(good)} of {len(some)} are reproduced."
    yield found.beside.points_to


def holds(found: Calibrated) -> bool:
    """Whether nothing of the replay and of the line as drawn is shown to differ from the log."""
    if found.beside is None:
        return False
    return all(
        one.verdict in ("reproduced", "not known") for name in ("replay", "drawn") for one in found.beside.runs[name]
    )


def finding(found: Calibrated) -> str:
    """What came out, in one sentence."""
    return next(_sentences(found))


def draft_parts(raw: Raw, made: ColumnMap, text: str) -> list[RenderableType]:
    """A map that was drafted, to be confirmed."""
    told: list[RenderableType] = [
        page.text(f"{raw.path.name}: {count(len(raw))} rows, {len(raw.columns)} columns."),
        Text(""),
    ]
    told.append(Text(text))
    if made.doubtful:
        told.append(page.warned([f"{role}: {made.sure[role]}" for role in made.doubtful]))
    return told
