"""One day of a run as small JSON, which `day.js` plays, and the same hour by hour for who does not see it.

It is made from the tables of the day, be they read back from a folder or just made:

    told = day_json(day_told(day), {one.name: one.records for one in sim.tables.day.every(day)})
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.cli.report.results import Folder
from sim.tables.day import EVERY

LARGEST: Final = 150_000
"""Bytes of the days of a page together; of a day that would take more fewer tips are shown."""

ENDS: Final = ("served", "gave up", "turned away", "merged", "open")
"""How a visit may end, by the number that stands for it."""

TENTHS: Final = 10
"""Times are whole tenths of a minute."""

NOT_YET: Final = -1
"""In place of a time that never came."""

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day in figures: the most at any of its steps."""

    hour: str
    came: int | None
    """None where only some tips are told."""
    waiting: int
    busy: list[str]
    """Of each pool the people busy and on duty, at the step at which most were busy."""
    broken: int
    """Promises that broke in it."""


@dataclass(frozen=True, slots=True)
class DayShown:
    """A day in a page."""

    script_data: str
    """JSON in which no end of an element can be."""
    says: list[str]
    pools: list[str]
    hours: list[Hour]
    files: list[str]


def day_json(told: Mapping[str, Any], tables: Mapping[str, Rows]) -> dict[str, Any] | None:
    """What `showDay` of `day.js` takes: None where there is no day, or its tables are not as declared.

    Times are tenths of a minute since midnight, those before it 0, and NOT_YET where something never came. `pools` have
    their numbers at every step of `step` minutes; `targets` how many promises broke by then.
    """
    visits, pools, broken = (list(tables.get(table.name, ())) for table in EVERY)
    stages = [one for one in told.get("stages", ()) if isinstance(one, str)] if _is_list(told.get("stages")) else []
    if not stages or not pools:
        return None
    by_pool = _series(pools, "pool", ("staff", "busy", "waiting_tips"))
    times = sorted({time for row in pools if (time := _number(row.get("time_min"))) is not None})
    step = times[1] - times[0] if len(times) > 1 else 5.0
    names: dict[int, int] = {}
    kinds: dict[str, int] = {}
    tips: list[list[int]] = []
    rows: list[list[int]] = []
    pool_of: dict[str, str] = {}
    for row in visits:
        number, enter, stage = _number(row.get("tip")), _number(row.get("enter_min")), row.get("stage")
        if number is None or enter is None or stage not in stages:
            continue
        tip = int(number)
        if tip not in names:
            kind = ", ".join(str(row.get(name)) for name in ("channel", "risk"))
            names[tip] = len(tips)
            tips.append([tip, kinds.setdefault(kind, len(kinds)), _tenths(row.get("broke_min"))])
        pool_of[str(stage)] = str(row.get("pool") or "")
        ends = ENDS.index(row["ends"]) if row.get("ends") in ENDS else 0
        moments = (_tenths(row.get(f"{name}_min")) for name in ("enter", "start", "end"))
        rows.append([names[tip], stages.index(str(stage)), *moments, ends])
    series = [*by_pool.values(), *(by_target := _series(broken, "target", ("broken_tips",))).values()]
    if len({len(column) for each in series for column in each}) != 1:
        return None
    known = list(by_pool)
    return {
        "date": str(told.get("date", "")),
        "length": 24 * 60 * TENTHS,
        "peak": max(_tenths(told.get("peak_min")), 0),
        "step": step,
        "of": int(_number(told.get("tips")) or len(tips)),
        "stages": [
            {"name": one, "pool": known.index(pool_of[one]) if pool_of.get(one) in by_pool else NOT_YET}
            for one in stages
        ],
        "pools": [
            {"name": name, **dict(zip(("staff", "busy", "waiting"), of, strict=True))} for name, of in by_pool.items()
        ],
        "targets": [{"name": name, "broken": of} for name, (of,) in by_target.items()],
        "kinds": list(kinds),
        "tips": tips,
        "visits": sorted(rows, key=lambda row: row[2]),
    }


def day_shown(folder: Folder, room: int = LARGEST) -> DayShown | None:
    """The day of a folder in at most so many bytes; None where it has none, or it does not fit."""
    told = folder.manifest.get("day")
    if not isinstance(told, Mapping):
        return None
    names = [table.name for table in EVERY if table.name in folder.tables]
    day = day_json(told, {name: folder.tables[name].records for name in names})
    while day is not None and len(_text(day)) > room:
        day = _fewer(day)
    if day is None:
        return None
    says = [one for one in told["says"] if isinstance(one, str)] if _is_list(told.get("says")) else []
    if len(day["tips"]) < day["of"]:
        says.append(f"{len(day['tips']):,} of the {day['of']:,} tips are shown one by one; what is counted is of all.")
    pools = [str(pool["name"]) for pool in day["pools"]]
    return DayShown(_text(day), says, pools, _hours(day), [f"{name}.csv" for name in names])


def _text(day: Mapping[str, Any]) -> str:
    return json.dumps(day, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _fewer(day: dict[str, Any]) -> dict[str, Any] | None:
    """The same with every second tip; None where there is none left to do without."""
    if len(day["tips"]) < 2:
        return None
    visits = [[row[0] // 2, *row[1:]] for row in day["visits"] if row[0] % 2 == 0]
    return day | {"tips": day["tips"][::2], "visits": visits}


def _series(rows: Sequence[Mapping[str, Any]], by: str, heads: Sequence[str]) -> dict[str, list[list[int]]]:
    """Columns of numbers, one after the other, by what the rows are of."""
    found: dict[str, list[list[int]]] = {}
    for row in rows:
        of = found.setdefault(str(row.get(by)), [[] for _ in heads])
        for column, head in zip(of, heads, strict=True):
            column.append(int(_number(row.get(head)) or 0))
    return found


def _hours(day: Mapping[str, Any]) -> list[Hour]:
    """The day hour by hour."""
    a_step = max(round(60 / day["step"]), 1)
    n_steps = max((len(pool["waiting"]) for pool in day["pools"]), default=0)
    first_seen: dict[int, int] = {}
    for tip, _, enter, *_ in day["visits"]:
        first_seen.setdefault(tip, enter)
    found = []
    for hour in range(24):
        begin, end = hour * a_step, min((hour + 1) * a_step, n_steps)
        if begin >= end:
            break
        every = [sum(pool["waiting"][step] for pool in day["pools"]) for step in range(begin, end)]
        busy = []
        for pool in day["pools"]:
            step = max(range(begin, end), key=lambda step: (pool["busy"][step], pool["staff"][step]))
            busy.append(f"{pool['busy'][step]} of {pool['staff'][step]}")
        until = min(end, n_steps - 1)
        broken = sum(one["broken"][until] - one["broken"][begin] for one in day["targets"])
        came = sum(hour == seen // (60 * TENTHS) and seen > 0 for seen in first_seen.values())
        known = len(day["tips"]) >= day["of"]
        found.append(Hour(f"{hour:02d}:00", came if known else None, max(every), busy, broken))
    return found


def _tenths(value: Any) -> int:
    number = _number(value)
    return NOT_YET if number is None else max(round(TENTHS * number), 0)


def _number(value: Any) -> float | None:
    """A finite number, else None."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_one else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
