"""Random small documents that use every rule of calendars, and a dull second reading of those rules, minute by minute.

The second reading knows nothing of ticks or windows: it asks `zoneinfo` what the clock shows in each minute of the run,
and applies the rules as they are written to that minute alone.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE
from sim.scenario.dates import holidays_in

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

STARTS = (
    ("Europe/London", "2025-03-28"),
    ("Europe/Berlin", "2025-10-24"),
    ("America/New_York", "2025-03-08"),
    ("America/New_York", "2025-11-01"),
    ("Australia/Lord_Howe", "2025-04-04"),
    ("Australia/Lord_Howe", "2025-10-04"),
    ("America/Havana", "2025-03-08"),
    (None, "2024-12-23"),
    (None, "2025-12-30"),
    ("Europe/London", "2025-04-17"),
)
"""Zones and dates, most of them shortly before the clock is put forward or back."""

MINUTES_A_DAY = 1440

HALF = 5
"""So many minutes in which no clock is changed: runs start at multiples of them."""


# --- Documents --------------------------------------------------------------------------------------------------------


class Writer:
    """One document, and how often it uses each rule."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = np.random.default_rng(seed)
        self.used: Counter[str] = Counter()
        self.zone, first = STARTS[int(self.rng.integers(len(STARTS)))]
        self.first = date.fromisoformat(first) + timedelta(days=int(self.rng.integers(0, 2)))
        self.folder = folder

    def chance(self, share: float, rule: str = "") -> bool:
        """True with that probability; then the rule is used."""
        found = bool(self.rng.random() < share)
        if found and rule:
            self.used[rule] += 1
        return found

    def pick(self, *some: Any) -> Any:
        return some[int(self.rng.integers(len(some)))]

    def time(self) -> str:
        return f"{self.rng.integers(24):02}:{self.pick('00', '00', '30', '10')}"

    def a_date(self) -> str:
        return str(self.first + timedelta(days=int(self.rng.integers(-1, 7))))

    def dates(self, closed: str = "") -> list[Any]:
        """Ways to name dates."""
        found: list[Any] = []
        while not found:
            if self.chance(0.6, "a date"):
                found.append(self.a_date())
            if self.chance(0.3, "a range of dates"):
                begin, end = sorted((self.a_date(), self.a_date()))
                found.append({"from": begin, "to": end})
            if self.chance(0.3, "holidays"):
                found.append({"holidays": self.pick("GB-ENG", "DE", "US", "CU")})
            if closed and self.chance(0.3, "closed as a calendar is"):
                found.append({"closed": closed})
        return found

    def days(self) -> Any:
        return self.pick("daily", "mon-fri", ["sat", "sun"], "fri-mon", self.pick(*NAMES))

    def row(self, what: str, closed: str = "") -> dict[str, Any]:
        """A row of a calendar or a roster."""
        found: dict[str, Any] = {"from": self.time(), "to": self.time()}
        if self.chance(0.15, f"{what}: a row of 24 h"):
            found["to"] = found["from"]
        if self.chance(0.15, f"{what}: a row about the change of clocks"):
            found |= {"from": self.pick("01:30", "02:10", "02:30"), "to": self.pick("02:30", "03:00", "03:30")}
        if self.chance(0.25, f"{what}: a row with on"):
            found["on"] = self.dates(closed)
        elif self.chance(0.7, f"{what}: a row with days"):
            found["days"] = self.days()
        if found["to"] < found["from"]:
            self.used[f"{what}: a row past midnight"] += 1
        return found

    def calendars(self) -> dict[str, Any]:
        some = {}
        for name, other in (("a", ""), ("b", "a")):
            rows = [self.row("calendar", other) for _ in range(int(self.rng.integers(1, 4)))]
            if all("on" in row for row in rows):
                rows.append({"from": "08:00", "to": "18:00", "days": "daily"})
            some[name] = {"open": rows}
            if self.chance(0.6, "closed dates") or name == "a":
                some[name]["closed"] = self.dates(other)
        return some

    def profile(self, n: int) -> list[float]:
        numbers = self.rng.integers(0, 4, n).astype(float)
        numbers[int(self.rng.integers(n))] += 1
        return [float(number) for number in numbers]

    def by_hour(self) -> Any:
        n = int(self.pick(24, 24, 48, 96, 288))
        self.used[f"{n} numbers a day"] += 1
        if self.chance(0.4, "numbers by day"):
            m = int(self.pick(24, 48))
            return {"mon-fri": self.profile(n), "sat": self.profile(m), "sun": [0.0] * 24}
        return self.profile(n)

    def demand(self, horizon_days: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        kind = self.pick("shares", "volumes", "counts", "week")
        channels: dict[str, Any] = {"call": {}, "mail": {}}
        for name, share in (("call", "60 %"), ("mail", "40 %")):
            if self.chance(0.5, "a channel with opening hours"):
                channels[name]["open"] = self.pick("a", "b")
            if self.chance(0.2, "a channel with a profile of its own"):
                channels[name]["by_hour"] = [float(n + 1) for n in range(24)]
            if kind == "volumes":
                rate = self.pick("4/h", "60/d", "400/week")
                self.used["a volume by the hour" if rate == "4/h" else "a volume by longer units"] += 1
                channels[name]["volume"] = rate
            else:
                channels[name]["share"] = share
        if kind == "shares":
            found["volume"] = self.pick("5/h", "100/d")
            self.used["a volume for all"] += 1
        found["channels"] = channels
        if self.chance(0.5):
            found["by_hour"] = self.by_hour()
        if self.chance(0.3, "numbers by weekday"):
            found["by_weekday"] = [1.0, 2, 1, 3, 1, 2, 1]
        if self.chance(0.6):
            found["by_date"] = []
            for _ in range(int(self.rng.integers(1, 4))):
                row: dict[str, Any] = {"on": self.dates("a")}
                if self.chance(0.7, "dates with a factor"):
                    row["factor"] = self.pick("0 %", "50 %", "200 %")
                if "factor" not in row or self.chance(0.4):
                    row["like"] = self.pick("sun", "mon")
                    self.used["dates like another day"] += 1
                found["by_date"].append(row)
        if kind in ("counts", "week"):
            found["counts"] = self.counts(kind, horizon_days, channels)
        return found

    def counts(self, kind: str, horizon_days: int, channels: dict[str, Any]) -> str:
        """Write a file of counted tips; gives its name."""
        step = int(self.pick(30, 60))
        apart = self.chance(0.5, "counts by channel")
        gaps = self.chance(0.5, "counts with gaps")
        rows: list[list[Any]] = []
        if kind == "week":
            self.used["counts of a week"] += 1
            begins = [(day, minute) for day in range(7) for minute in range(0, MINUTES_A_DAY, step)]
            heads = [[NAMES[day], f"{minute // 60:02}:{minute % 60:02}"] for day, minute in begins]
        else:
            self.used["counts by date"] += 1
            first = datetime.combine(self.first - timedelta(days=2), datetime.min.time())
            n = (horizon_days + 6) * MINUTES_A_DAY // step
            heads = [[(first + timedelta(minutes=step * row)).isoformat(" ")] for row in range(n)]
        for number, head in enumerate(heads):
            # Whole stretches of the middle are left out, never the ends.
            if gaps and number % 17 in (5, 6, 7, 8) and 20 < number < len(heads) - 20:
                continue
            for name in channels if apart else [None]:
                if not (apart and self.rng.random() < 0.2):
                    tips = "" if self.rng.random() < 0.1 or self._skipped(head) else int(self.rng.integers(0, 6))
                    rows.append([*head, tips, *([name] if apart else [])])
        titles = ["day", "time"] if kind == "week" else ["from"]
        with (self.folder / "offered.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([[*titles, "tips", *(["channel"] if apart else [])], *rows])
        return "offered.csv"

    def _skipped(self, head: list[str]) -> bool:
        """Whether the clock never shows the time of a row."""
        if len(head) > 1 or self.zone is None:
            return False
        at = datetime.fromisoformat(head[0])
        again = at.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC).astimezone(ZoneInfo(self.zone))
        return again.replace(tzinfo=None, fold=0) != at

    def document(self) -> dict[str, Any]:
        days = int(self.rng.integers(2, 5))
        run: dict[str, Any] = {
            "start": f"{self.first} {self.pick('00:00', '00:00', '02:30', '09:45')}",
            "warm_up": self.pick("0 d", "1 d", "5 h"),
            "length": f"{days - 1} d",
            "replications": 2,
        }
        if self.zone is not None:
            run["zone"] = self.zone
            self.used["a zone"] += 1
        if self.chance(0.5):
            run["cool_down"] = self.pick("1 d", "7 h")
        shifts = [self.row("roster") | {"staff": int(self.rng.integers(0, 3))} for _ in range(3)]
        stages: list[dict[str, Any]] = [
            {"name": "answer", "pool": "desk", "service": {"exponential": {"mean": "9 min"}}}
        ]
        if self.chance(0.5, "patience behind a gate"):
            stages[0] |= {"patience": {"exponential": {"mean": "3 h"}}}
            stages[0] |= {"retry": {"share": "80 %", "after": "2 h", "at_most": 2}}
        if self.chance(0.5, "a gate by a calendar"):
            stages[0]["open"] = self.pick("a", "b")
        if self.chance(0.4, "a gate by the time of day"):
            stages[0]["every"] = self.pick("1 h", "90 min", "8 h")
            if "open" in stages[0]:
                self.used["a gate by both"] += 1
        stages.append(
            {"name": "post", "delay": "10 min", **({"open": "b"} if self.chance(0.3, "a delay by a calendar") else {})}
        )
        targets = {}
        if self.chance(0.7, "a target with a clock"):
            targets["clocked"] = {
                "from": "arrival",
                "to": "answer.start",
                "share": "50 %",
                "within": self.pick("30 min", "3 h"),
                "clock": self.pick("a", "b"),
            }
            if "cool_down" not in run:
                self.used["a cool-down by a clock"] += 1
        if not targets:
            run.setdefault("cool_down", "1 d")
        return {
            "scenario": "Calendars",
            "run": run,
            "calendars": self.calendars(),
            "demand": self.demand(days + 12),
            "pools": {
                "desk": {
                    "staff": int(self.rng.integers(0, 2)),
                    "shifts": shifts,
                    "at_shift_end": self.pick("finish", "resume"),
                }
            },
            "stages": stages,
            "targets": targets,
        }


# --- The second reading -----------------------------------------------------------------------------------------------


class Dull:
    """A document read minute by minute."""

    def __init__(self, document: Mapping[str, Any], horizon: int) -> None:
        self.document = document
        run = document["run"]
        zone = None if "zone" not in run else ZoneInfo(run["zone"])
        start = datetime.fromisoformat(run["start"])
        self.n = -(-horizon // MINUTE)
        self.before = 3 * MINUTES_A_DAY
        zero = _first_shown(start, zone)
        many = range(-self.before, self.n + 3 * MINUTES_A_DAY)
        # Clocks are changed at full half hours alone.
        self.shown = [_shown(zero + timedelta(minutes=minute), zone) for minute in many[::HALF]]
        """What the clock shows in every fifth minute, from three days before the run to three days after it."""
        self.first: dict[datetime, int] = {}
        for minute, at in zip(many[::HALF], self.shown, strict=True):
            self.first.setdefault(at, minute)
        self.begins, self.ends = self.shown[0], self.shows(many[-1])
        self.dates = sorted({at.date() for at in [*self.shown, self.ends]})[1:-1]

    def shows(self, minute: int) -> datetime:
        """What the clock shows in a minute of the run."""
        after = minute + self.before
        return self.shown[after // HALF] + timedelta(minutes=after % HALF)

    def exists(self, at: datetime) -> bool:
        """Whether the clock ever shows a time."""
        return self.begins <= at <= self.ends and at - timedelta(minutes=at.minute % HALF) in self.first

    def minute(self, at: datetime) -> int:
        """The first minute in which the clock shows a time, or the next that it does."""
        while not self.exists(at):
            at += timedelta(minutes=1)
        return self.first[at - timedelta(minutes=at.minute % HALF)] + at.minute % HALF

    def named(self, some: Sequence[Any], day: date) -> bool:
        """Whether a date is one of those that are named."""
        for one in some:
            if isinstance(one, str):
                found = day == date.fromisoformat(one)
            elif "holidays" in one:
                found = day in holidays_in(one["holidays"], day.year)
            elif "closed" in one:
                found = self.named(self.document["calendars"][one["closed"]].get("closed", []), day)
            else:
                found = date.fromisoformat(one["from"]) <= day <= date.fromisoformat(one["to"])
            if found:
                return True
        return False

    def places(self, rows: Sequence[Mapping[str, Any]], closed: Sequence[Any] = ()) -> list[list[tuple[int, int]]]:
        """For each row the stretches of minutes in which it takes place."""
        found: list[list[tuple[int, int]]] = [[] for _ in rows]
        for day in self.dates:
            if self.named(closed, day):
                continue
            special = any(self.named(row.get("on", []), day) for row in rows)
            for number, row in enumerate(rows):
                here = (
                    self.named(row["on"], day) if "on" in row else not special and _is_of(row.get("days", "daily"), day)
                )
                if not here:
                    continue
                begin, end = _at(day, row["from"]), _at(day, row["to"])
                if end <= begin:
                    end += timedelta(days=1)
                if end in (self.ends, begin) or end.date() > self.dates[-1]:
                    continue
                first, last = self.minute(begin), self.minute(end)
                if first < last:
                    found[number].append((first, last))
        return found

    def open(self, name: str) -> NDArray[np.bool_]:
        """(n,) whether a calendar is open in each minute of the run."""
        calendar = self.document["calendars"][name]
        found = np.zeros(self.n, dtype=bool)
        for stretches in self.places(calendar["open"], calendar.get("closed", [])):
            for first, last in stretches:
                found[max(first, 0) : max(last, 0)] = True
        return found

    def people(self) -> NDArray[np.int64]:
        """(n,) people on duty at the desk in each minute of the run."""
        pool = self.document["pools"]["desk"]
        found = np.full(self.n, pool["staff"])
        for row, stretches in zip(pool["shifts"], self.places(pool["shifts"]), strict=True):
            for first, last in stretches:
                found[max(first, 0) : max(last, 0)] += row["staff"]
        return found

    def passes(self, stage: Mapping[str, Any]) -> NDArray[np.bool_]:
        """(n,) whether the gate of a stage is open in each minute; with `every` only at its very beginning."""
        found = self.open(stage["open"]) if "open" in stage else np.ones(self.n, dtype=bool)
        if "every" in stage:
            number, unit = stage["every"].split()
            every = int(number) * {"h": 60, "min": 1}[unit]
            times = np.zeros(self.n, dtype=bool)
            for day in self.dates:
                for minute in range(0, MINUTES_A_DAY, every):
                    at = self.minute(datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute))
                    if 0 <= at < self.n:
                        times[at] = True
            found &= times
        return found

    def level(self, channel: str, minutes: Sequence[int], read: Sequence[Mapping[str, str]]) -> list[float]:
        """Tips a minute that are expected on a channel in some minutes; `read` are the rows of the counts."""
        demand = self.document["demand"]
        own = demand["channels"][channel]
        by_hour = own.get("by_hour", demand.get("by_hour"))
        shown = self.open(own["open"]) if "open" in own else None
        rates = self._counted(channel, read) if "counts" in demand else None
        scale = self._scale(channel)
        relative = _relative(by_hour, demand.get("by_weekday"))
        of_date: dict[date, tuple[int, float]] = {}
        found = []
        for minute in minutes:
            at = self.shows(minute)
            if at.date() not in of_date:
                of_date[at.date()] = self._weekday_and_factor(at.date())
            weekday, factor = of_date[at.date()]
            time = at.hour * 60 + at.minute
            level = rates(minute, weekday, time) if rates is not None else scale * relative(weekday, time)
            if shown is not None and not shown[minute]:
                level = 0.0
            found.append(level * factor)
        return found

    def _weekday_and_factor(self, day: date) -> tuple[int, float]:
        """The day of the week like which a date is, and by how much more or less comes on it."""
        weekday, factor = day.weekday(), 1.0
        for row in self.document["demand"].get("by_date", []):
            if self.named(row["on"], day):
                factor *= float(row.get("factor", "100 %").removesuffix(" %")) / 100
                weekday = NAMES.index(row["like"]) if "like" in row else weekday
        return weekday, factor

    def _scale(self, channel: str) -> float:
        """Tips a minute at a profile of 1, so that the mean of a plain week is what the document says."""
        demand = self.document["demand"]
        own = demand["channels"][channel]
        given = own.get("volume", demand.get("volume"))
        if given is None:
            return 0.0
        number, unit = given.split("/")
        share = float(own["share"].removesuffix(" %")) / 100 if "share" in own else 1.0
        a_minute = float(number) * share / {"h": 60, "d": 1440, "week": 7 * 1440}[unit]
        open_, area = 0, 0.0
        plain = np.zeros(7 * MINUTES_A_DAY, dtype=bool)
        rows = self.document["calendars"][own["open"]]["open"] if "open" in own else [{"from": "00:00", "to": "00:00"}]
        for row in rows:
            for day in range(7):
                if "on" not in row and _is_of(row.get("days", "daily"), date(2025, 1, 6) + timedelta(days=day)):
                    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (row["from"], row["to"]))
                    length = (end - begin) % MINUTES_A_DAY or MINUTES_A_DAY
                    plain[(day * MINUTES_A_DAY + begin + np.arange(length)) % len(plain)] = True
        by_hour = own.get("by_hour", demand.get("by_hour"))
        relative = _relative(by_hour, demand.get("by_weekday"))
        for start, n in enumerate(plain.reshape(-1, 5).sum(axis=1).tolist()):
            open_ += n
            area += n * relative(5 * start // MINUTES_A_DAY, 5 * start % MINUTES_A_DAY)
        return a_minute * (open_ if unit == "h" else len(plain)) / area

    def _counted(self, channel: str, read: Sequence[Mapping[str, str]]) -> Any:
        own = self.document["demand"]["channels"][channel]
        apart = "channel" in read[0]
        share = 1.0 if apart else float(own["share"].removesuffix(" %")) / 100
        mine: dict[Any, float] = {}
        every = []
        for row in read:
            if "from" in row and self._near(row["from"]) and not self.exists(datetime.fromisoformat(row["from"])):
                continue
            if "from" in row:
                key: Any = self.minute(datetime.fromisoformat(row["from"])) if self._near(row["from"]) else None
                wall = datetime.fromisoformat(row["from"])
            else:
                hours, minutes = row["time"].split(":")
                key = NAMES.index(row["day"]) * MINUTES_A_DAY + int(hours) * 60 + int(minutes)
                wall = datetime(2025, 1, 6) + timedelta(minutes=key)
            every.append((wall, key))
            if row.get("channel", channel) == channel and key is not None:
                mine[key] = mine.get(key, 0.0) + float(row["tips"] or 0)
        walls = sorted({wall for wall, _ in every})
        step = Counter(later - wall for wall, later in pairwise(walls)).most_common(1)[0][0]
        where = dict(every)
        stretches = []
        for number, wall in enumerate(walls):
            later = walls[number + 1] if number + 1 < len(walls) else wall + step
            begin = where[wall]
            if begin is None:
                continue
            end = where.get(later) if later - wall <= step else None
            if end is None or end <= begin:
                end = begin + int(step.total_seconds() // 60)
            stretches.append((begin, end, mine.get(begin, 0.0)))

        def rate(minute: int, weekday: int, time: int) -> float:
            at = minute if "from" in read[0] else weekday * MINUTES_A_DAY + time
            return share * sum(tips / (end - begin) for begin, end, tips in stretches if begin <= at < end)

        return rate

    def _near(self, text: str) -> bool:
        at = datetime.fromisoformat(text)
        return self.begins <= at < self.ends - timedelta(hours=3)


def _relative(by_hour: Any, by_weekday: Any) -> Callable[[int, int], float]:
    """A profile by day of the week and minute of the day, of mean 1 in a plain week unless days are all 0."""
    lists = by_hour if isinstance(by_hour, dict) else {"daily": by_hour or [1.0]}
    by_day = [next(some for name, some in lists.items() if _is_of(name, date(2025, 1, 6 + day))) for day in range(7)]
    means = [sum(some) / len(some) for some in by_day]

    def relative(weekday: int, time: int) -> float:
        some = by_day[weekday]
        mean = means[weekday] if by_weekday is not None else sum(means) / 7
        weight = 1.0 if by_weekday is None else by_weekday[weekday] / (sum(by_weekday) / 7)
        return float(weight * some[time * len(some) // MINUTES_A_DAY] / (mean or 1.0))

    return relative


def _is_of(days: Any, day: date) -> bool:
    for one in [days] if isinstance(days, str) else days:
        first, _, last = one.partition("-")
        if one == "daily":
            return True
        at, end = NAMES.index(first), NAMES.index(last or first)
        while at != end:
            if at == day.weekday():
                return True
            at = (at + 1) % 7
        if end == day.weekday():
            return True
    return False


def _at(day: date, text: str) -> datetime:
    return datetime.combine(day, datetime.strptime(text, "%H:%M").time())


def _shown(moment: datetime, zone: ZoneInfo | None) -> datetime:
    return (moment if zone is None else moment.astimezone(zone)).replace(tzinfo=None, fold=0)


def _first_shown(at: datetime, zone: ZoneInfo | None) -> datetime:
    """The first moment at which the clock shows a time or a later one, looking from a day before."""
    if zone is None:
        return at.replace(tzinfo=UTC)
    moment = (at - timedelta(hours=30)).replace(tzinfo=UTC)
    while _shown(moment, zone) < at:
        moment += timedelta(minutes=HALF)
    return moment
