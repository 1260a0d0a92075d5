"""Counts by interval, profiles of a day, and tables by month: how many came, and nothing of what each did."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.logs import times as t
from sim.logs.calls import TOLD_UTC, Cleaned, Cleaning
from sim.logs.files import LogError, Raw
from sim.logs.map import ColumnMap

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CI: Final = 1.96
"""Standard errors on either side of a 95 % interval, here and wherever a log is told."""


@dataclass(slots=True)
class IntervalCounts:
    """How many came by interval, in order of time."""

    raw: Raw
    map: ColumnMap
    begins: Floats
    """(n,) seconds since 1970-01-01 of the local clock; of a profile, since midnight."""
    step: float
    """Seconds of an interval."""
    count: Floats
    channels: dict[str, Floats]
    """(n,) by channel, where they are counted apart."""
    answered: Floats | None
    given_up: Floats | None
    met: Floats | None
    cleaned: list[Cleaned]
    notes: list[str]
    cannot: list[str]

    @property
    def shape(self) -> str:
        return self.map.shape

    @property
    def lost(self) -> Floats | None:
        """(n,) how many gave up: as counted, or else those that were not answered; None where neither is told."""
        if self.given_up is not None:
            return self.given_up
        return None if self.answered is None else np.maximum(self.count - self.answered, 0.0)

    @property
    def given_up_share(self) -> tuple[float, float, float]:
        """The share that gave up, with its interval (Wilson's); NaN where it is not told."""
        if self.lost is None:
            return math.nan, math.nan, math.nan
        some = np.isfinite(self.lost)
        n, lost = float(self.count[some].sum()), float(self.lost[some].sum())
        if n <= 0:
            return math.nan, math.nan, math.nan
        share = min(lost / n, 1.0)
        middle = (share + CI**2 / (2 * n)) / (1 + CI**2 / n)
        half = CI * math.sqrt(share * (1 - share) / n + CI**2 / (4 * n * n)) / (1 + CI**2 / n)
        return share, max(middle - half, 0.0), min(middle + half, 1.0)

    @property
    def given_up_by_hour(self) -> tuple[Floats, float]:
        """(24,) the share that gave up by hour of the day, NaN where nothing came, and the p-value of one for all."""
        assert self.lost is not None
        some = np.isfinite(self.lost)
        hour = (self.begins[some] % t.DAY // 3600).astype(np.int64)
        n, lost = (np.bincount(hour, one[some], minlength=24) for one in (self.count, self.lost))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(n > 0, lost / n, np.nan)
        every = float(lost.sum() / n.sum()) if n.sum() > 0 else math.nan
        enough = n * min(every, 1 - every) >= 5
        if enough.sum() < 2:
            return share, math.nan
        from scipy.stats import chi2

        statistic = ((lost - n * every) ** 2)[enough] / (n * every * (1 - every))[enough]
        return share, float(chi2.sf(float(statistic.sum()), int(enough.sum()) - 1))


def read_counts(raw: Raw, made: ColumnMap) -> IntervalCounts:
    """The counts of a log with a row an interval; LogError where it has no times or no counts."""
    made.must_name("time", "count", of=raw)
    look = Cleaning(raw, made)
    if made.shape == "profile":
        begins = _of_day(look.texts("time"), made.columns["time"])
    elif made.shape == "months":
        begins = _of_month(look)
    else:
        found = look.times("time")
        assert found is not None
        begins = found.seconds
        if not found.dated:
            date_of = look.times("date")
            if date_of is None:
                raise LogError(f"{raw.path}: '{made.columns['time']}' has no dates; map the column `date` too")
            begins = begins + np.floor(date_of.seconds / t.DAY) * t.DAY
    count = _count(look, "count")
    look.say("no time or no count", np.isnan(begins) | np.isnan(count), "left out", drop=True)
    look.say("negative counts", count < 0, "left out", drop=True)
    if not look.kept.any():
        raise LogError(f"{raw.path}: no row has a time and a count")
    return _laid(look, begins, count)


def _count(look: Cleaning, role: str) -> Floats:
    return t.numbers(look.texts(role))


def _laid(look: Cleaning, begins: Floats, count: Floats) -> IntervalCounts:
    import pandas as pd

    made, keep = look.map, look.kept
    frame = pd.DataFrame({"at": begins, "count": count})
    frame["channel"] = look.texts("channel") if made.get("channel") else ""
    for role in ("answered", "given_up", "met"):
        frame[role] = _count(look, role) if made.get(role) else np.nan
    frame = frame[keep]
    more = frame["answered"].fillna(0) + frame["given_up"].fillna(0) > frame["count"] + 0.5
    look.say("intervals in which more were answered or gave up than came", int(more.sum()), "kept: they came before")
    twice = frame.duplicated(["at", "channel"])
    look.say("intervals that are there twice", int(twice.sum()), "added up")
    whole = frame.groupby("at")[["count", "answered", "given_up", "met"]].sum(min_count=1).sort_index()
    at = whole.index.to_numpy(dtype=np.float64)
    if len(at) < 2:
        raise LogError(f"{look.raw.path}: has one interval only; one ends where the next begins")
    steps = np.diff(at)
    step = float(np.median(steps[steps > 0]))
    channels = {}
    if made.get("channel") and frame["channel"].nunique() > 1:
        table = frame.pivot_table(index="at", columns="channel", values="count", aggfunc="sum", fill_value=0)
        channels = {str(name): table[name].to_numpy(dtype=np.float64) for name in table.columns[:12]}
    cannot = ["It has counts only: nothing of how long anybody waits, works or bears to wait, and nothing of staff."]
    if made.shape == "profile":
        cannot.append("It has one usual day: nothing of weekdays, seasons, or how much one day differs from another.")
    if made.shape == "months":
        cannot.append("It has long periods only: nothing of weekdays, hours or busy days.")
    if made.shape == "counts" and step >= t.DAY:
        cannot.append("It counts whole days: nothing of hours.")
    values = {
        role: whole[role].to_numpy(dtype=np.float64) if made.get(role) else None
        for role in ("answered", "given_up", "met")
    }
    if look.told_utc and not look.zone:
        look.notes.append(TOLD_UTC)
        hour = at % t.DAY / 3600
        night, noon = (hour >= 1) & (hour < 5), (hour >= 10) & (hour < 14)
        if (
            night.any()
            and noon.any()
            and whole["count"].to_numpy()[night].mean() > 0.8 * whole["count"].to_numpy()[noon].mean()
        ):
            look.notes.append("WARNING: the night (1:00 to 5:00) is as busy as noon: these may be times of UTC")
    return IntervalCounts(
        look.raw, made, at, step, whole["count"].to_numpy(dtype=np.float64), channels, values["answered"],
        values["given_up"], values["met"], look.cleaned, look.notes, cannot,
    )  # fmt: skip


_HOUR = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::00)?\s*([AaPp])?[Mm]?")


def _of_day(texts: pd.Series[str], name: str) -> Floats:
    """Seconds since midnight at which intervals of a day begin: `13`, `13:00`, `1PM-2PM`."""
    found = []
    for text in texts:
        hit = _HOUR.match(text)
        if hit is None:
            raise LogError(f"the column '{name}' names no time of day: {text[:30]!r}")
        hour = int(hit[1])
        half = (hit[3] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        found.append((hour % 24) * 3600.0 + int(hit[2] or 0) * 60.0)
    return np.array(found)


def _of_month(look: Cleaning) -> Floats:
    """When months begin; `2017-03`, `Mar-17`, `201703` and whole dates."""
    import pandas as pd

    texts = look.texts("time")
    name = look.map.columns["time"]
    short = texts.str.fullmatch(r"\d{4}[-/.]?\d{1,2}|[A-Za-z]{3,9}[ -]\d{2,4}|\d{4}")
    if short.mean() < 0.5:
        found = t.times(texts, look.map.dates, name)
        return found.seconds
    given = texts.str.replace(r"^(\d{4})(\d{2})$", r"\1-\2", regex=True).str.replace("/", "-", regex=False)
    parsed = pd.to_datetime(given, errors="coerce", format="mixed").to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(parsed), np.nan, parsed.astype(np.float64))
