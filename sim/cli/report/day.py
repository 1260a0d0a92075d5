"""One day of a run as small JSON, which `day.js` plays, and the same hour by hour for who does not see it.

It is made from the tables of the day, be they read back from a folder or just made:

    told = day_json(day_told(day), {one.name: one.records for one in sim.tables.by_time.tables_of_day(day)})
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.cli.report.results import Folder
from sim.tables.by_time import TABLES_OF_DAY

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
    """An hour of the day in figures: the most at any time of it."""

    hour: str
    came: int | None
    """None where only some tips are told."""
    waiting: int
    busy: list[tuple[int, int]]
    """Of each pool the people busy and on duty, when most were busy."""
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

    Times are tenths of a minute since midnight, those before it 0, and NOT_YET where something never came. `pools` and
    `targets` are lists of what is so from each of their times `from` on.
    """
    visits, pools, broken = (list(tables.get(table.name, ())) for table in TABLES_OF_DAY)
    stages = [one for one in told.get("stages", ()) if isinstance(one, str)] if _is_list(told.get("stages")) else []
    if not stages or not pools:
        return None
    by_pool = _series(pools, "pool", {"staff": "staff", "busy": "busy", "waiting": "waiting_tips"})
    by_target = _series(broken, "target", {"broken": "broken_tips"})
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
    known = list(by_pool)
    return {
        "date": str(told.get("date", "")),
        "length": 24 * 60 * TENTHS,
        # Not before most tips wait.
        "peak": math.ceil(TENTHS * max(_number(told.get("peak_min")) or 0, 0)),
        "of": int(_number(told.get("tips")) or len(tips)),
        "stages": [
            {"name": one, "pool": known.index(pool_of[one]) if pool_of.get(one) in by_pool else NOT_YET}
            for one in stages
        ],
        "pools": [{"name": name, **of} for name, of in by_pool.items()],
        "targets": [{"name": name, **of} for name, of in by_target.items()],
        "kinds": list(kinds),
        "tips": tips,
        "visits": sorted(rows, key=lambda row: row[2]),
    }


def day_shown(folder: Folder, room: int = LARGEST) -> DayShown | None:
    """The day of a folder in at most so many bytes; None where it has none, or it does not fit."""
    told = folder.manifest.get("day")
    if not isinstance(told, Mapping):
        return None
    names = [table.name for table in TABLES_OF_DAY if table.name in folder.tables]
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


def _series(rows: Sequence[Mapping[str, Any]], by: str, heads: Mapping[str, str]) -> dict[str, dict[str, list[int]]]:
    """Columns of numbers under their names, with the times from which they hold, by what the rows are of."""
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        of = found.setdefault(str(row.get(by)), {name: [] for name in ("from", *heads)})
        of["from"].append(max(_tenths(row.get("from_min")), 0))
        for name, head in heads.items():
            of[name].append(int(_number(row.get(head)) or 0))
    return found


def _at(series: Mapping[str, list[int]], time: int) -> int:
    """Which of the rows of a series holds at a time; the first before it begins."""
    return max(bisect_right(series["from"], time) - 1, 0)


def _hours(day: Mapping[str, Any]) -> list[Hour]:
    """The day hour by hour."""
    first_seen: dict[int, int] = {}
    for tip, _, enter, *_ in day["visits"]:
        first_seen.setdefault(tip, enter)
    known = len(day["tips"]) >= day["of"]
    found = []
    for hour in range(24):
        begin, end = 60 * TENTHS * hour, 60 * TENTHS * (hour + 1)
        times = {begin} | {time for pool in day["pools"] for time in pool["from"] if begin <= time < end}
        waiting = max(sum(pool["waiting"][_at(pool, time)] for pool in day["pools"]) for time in times)
        busy = []
        for pool in day["pools"]:
            busiest = max((_at(pool, time) for time in times), key=lambda row: (pool["busy"][row], pool["staff"][row]))
            busy.append((pool["busy"][busiest], pool["staff"][busiest]))
        broken = sum(one["broken"][_at(one, end - 1)] - one["broken"][_at(one, begin - 1)] for one in day["targets"])
        came = sum(begin <= seen < end and seen > 0 for seen in first_seen.values())
        found.append(Hour(f"{hour:02d}:00", came if known else None, waiting, busy, broken))
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
