"""A row a call: what was cleaned, and what is left as visits to a line. Nothing is dropped without a count.

All times are seconds since 1970-01-01 00:00 of the local clock.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.logs import times as t
from sim.logs.files import LogError, Raw
from sim.logs.map import UNITS, ColumnMap

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Seconds = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Codes = NDArray[np.int64]

NOBODY: Final = -1
ROUNDING: Final = 5.0
"""Seconds by which two clocks of one log may differ: a start so little before the entry is a start at once."""
MOST_CHANNELS: Final = 12
HEAPED: Final = 0.05
"""So many at second 0 are more than chance: a sixtieth would be there."""

MOST_TALKED: Final = 0.5
"""Of those said to have given up, so many with a length of work are no slips."""
MOVED: Final = 0.05
"""Lengths far from the rest that move their mean by more than this share are warned of."""
LONGEST_LOGIN: Final = 16 * 3600.0
"""Seconds: who is logged in for longer has forgotten to log off."""
ALONE: Final = 45.0
FEW_ALONE: Final = 0.02
"""Less than this share of the times, so many days from all others, are slips of the clock."""
MENU_LEFT: Final = "hung up in the menu, or before the line"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One thing that was found in the rows, and what was done about it."""

    what: str
    rows: int
    done: str


TOLD_UTC: Final = "its times are marked as UTC, and are taken as local ones: name a `zone` if they are not"


@dataclass(slots=True)
class CodedNames:
    """Texts as codes; NOBODY where there is none."""

    code: Codes
    names: tuple[str, ...]

    @classmethod
    def none(cls, n: int) -> CodedNames:
        """So many that have none."""
        return cls(np.full(n, NOBODY, dtype=np.int64), ())

    def take(self, rows: Flags | Codes) -> CodedNames:
        return CodedNames(self.code[rows], self.names)


@dataclass(slots=True)
class LoggedVisits:
    """What came to a line, (n,) each, in order of joining it."""

    arrival: Seconds
    """When the case arrived; the same as `enter` where a log knows one stage."""
    enter: Seconds
    start: Seconds
    """NaN where nobody took it."""
    end: Seconds
    """NaN where that is not known."""
    left: Seconds
    """When it left the line: at `start`, or giving up; NaN where that is not known."""
    gave_up: Flags
    wrap_up: Seconds
    """Seconds; NaN where that is not known."""
    channel: CodedNames
    stage: CodedNames
    pool: CodedNames
    person: CodedNames
    priority: CodedNames
    caller: Codes
    case: Codes
    first: Flags
    """Whether it is the first visit of its case."""

    def __len__(self) -> int:
        return len(self.enter)

    @property
    def served(self) -> Flags:
        return ~self.gave_up

    @property
    def wait(self) -> Seconds:
        """Seconds in line; NaN where that is not known."""
        return np.maximum(self.left - self.enter, 0)

    @property
    def work(self) -> Seconds:
        """Seconds of talk; NaN where that is not known."""
        return self.end - self.start

    def take(self, rows: Flags | Codes) -> LoggedVisits:
        """Some of the visits."""
        columns: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            column = getattr(self, name)
            columns[name] = column.take(rows) if isinstance(column, CodedNames) else column[rows]
        return LoggedVisits(**columns)


@dataclass(slots=True)
class Logins:
    """When people were logged in, (n,) spans, those of one person apart from each other."""

    person: Codes
    """As in the visits."""
    since: Seconds
    until: Seconds

    def __len__(self) -> int:
        return len(self.person)

    def of(self, persons: Codes) -> Logins:
        """The spans of some people."""
        rows = np.isin(self.person, persons)
        return Logins(self.person[rows], self.since[rows], self.until[rows])


@dataclass(slots=True)
class CleanedLog:
    """A log that was read: its visits, what was cleaned, and what it cannot tell."""

    raw: Raw
    map: ColumnMap
    visits: LoggedVisits
    cleaned: list[Cleaned]
    notes: list[str]
    cannot: list[str]
    """What such a log cannot tell, in sentences."""
    logins: Logins | None = None
    """When people were logged in; None where it does not say."""

    @property
    def days(self) -> Codes:
        """The dates on which something came, as days since 1970-01-01."""
        return np.unique(np.floor(self.visits.arrival / t.DAY)).astype(np.int64)


class Cleaning:
    """The rows of a log while they are looked through."""

    def __init__(self, raw: Raw, made: ColumnMap) -> None:
        self.raw, self.map = raw, made
        self.cleaned = [Cleaned(what, n, "passed over") for what, n in raw.dropped.items()]
        self.notes = list(raw.notes)
        guessed = [
            f"'{made.columns[role]}' is {role} ({made.sure[role][7:]})" if role in made.columns else made.sure[role][7:]
            for role in made.doubtful
        ]
        if guessed:
            self.notes.append(f"WARNING: guessed and not confirmed: {'; '.join(guessed)}; look at map.yaml")
        self.cannot: list[str] = []
        self.n = len(raw)
        self.kept: Flags = np.ones(self.n, dtype=np.bool_)
        self.zone = made.zone or raw.clock.get("zone", "")
        if self.zone:
            t.zone_of(self.zone)
        self.told_utc = False

    def say(self, what: str, which: Flags | int, done: str, *, drop: bool = False) -> None:
        """Count what was found, among the rows that are still there; and drop them where that is done."""
        many = which if isinstance(which, int) else int((which & self.kept).sum())
        if many:
            self.cleaned.append(Cleaned(what, many, done))
            if drop and not isinstance(which, int):
                self.kept &= ~which

    def texts(self, role: str) -> pd.Series[str]:
        name = self.map.get(role)
        assert name is not None
        return self.raw.texts(name)

    def times(self, role: str) -> t.TimeColumn | None:
        """The times of a role by the local clock; None where it has no column."""
        name = self.map.get(role)
        if name is None:
            return None
        texts = self.texts(role)
        found = t.times(texts, self.map.dates, name)
        self.notes += found.notes
        if found.bad:
            self.say(f"no time in '{name}', such as {found.example[:30]!r}", found.bad, "read as missing")
        if found.utc is not None:
            if self.zone:
                found.seconds = t.local(found.utc, self.zone)
            elif found.offsets == "offset":
                if max(found.apart) - min(found.apart) > 3600:
                    told = ", ".join(f"{one / 3600:+g} h" for one in found.apart[:5])
                    raise LogError(
                        f"the times of '{name}' are of clocks that differ by more than one hour ({told}); say in the "
                        "map which one is meant: `zone: Europe/London`"
                    )
            else:
                self.told_utc = True
        return found

    def names(self, role: str, most: int = 10**6) -> CodedNames:
        """The words of a role as codes, in order of frequency; those beyond `most` are one, called `other`."""
        if self.map.get(role) is None:
            return CodedNames.none(self.n)
        return as_names(self.texts(role), most)


def as_names(texts: pd.Series[str], most: int = 10**6) -> CodedNames:
    """Texts as codes, the commonest first; what stands for nothing is NOBODY."""
    import pandas as pd

    gone = t.empty(texts) | texts.str.lower().isin(["no_server", "no server", "none", "nobody"]).to_numpy()
    counts = texts[~gone].value_counts()
    order = sorted(counts.index, key=lambda one: (-int(counts[one]), str(one)))
    names = [str(one) for one in order[:most]]
    codes = pd.Series({one: min(at, most) for at, one in enumerate(order)}, dtype="int64")
    found = np.full(len(texts), NOBODY, dtype=np.int64)
    if len(order):
        found[~gone] = texts[~gone].map(codes).to_numpy(dtype=np.int64)
    return CodedNames(found, (*names, "other") if len(order) > most else tuple(names))


def read_calls(raw: Raw, made: ColumnMap) -> CleanedLog:
    """The visits of a log with a row a call; LogError where it cannot be told when anything came."""
    look = Cleaning(raw, made)
    if made.get("arrival") is None and made.get("enter") is None:
        raise LogError(f"{raw.path}: the map names no column for `arrival` or `enter`")
    _rows_that_are_none(look)
    told = {role: look.times(role) for role in ("arrival", "menu_end", "enter", "start", "end", "left")}
    arrival = told["arrival"] or told["enter"]
    assert arrival is not None
    date_of = look.times("date")
    at, zeros = _dated(look, told, arrival, None if date_of is None else date_of.seconds)
    length = {role: _length(look, role) for role in ("menu", "wait", "work", "wrap_up")}
    look.say("zeros that stand for no time", int(zeros.any(axis=0).sum()) if zeros.size else 0, "read as missing")
    look.say("no time of arrival", np.isnan(at["arrival"]), "left out", drop=True)
    if not look.kept.any():
        raise LogError(f"{raw.path}: no row has a time of arrival in '{made.get('arrival')}'")
    unread = [name for name in raw.columns if name not in made.columns.values() and t.tells(raw.texts(name)) == t.BOTH]
    if unread:
        look.notes.append(
            f"not read are the times of {', '.join(map(repr, unread))[:200]}, for which the map has no role: further "
            "stages are told by a log with a row an event"
        )
    log = _visits(look, at, length)
    if made.get("login") and made.get("person"):
        log.logins = _logged_in(look, at["arrival"], log.visits)
    return log


def _logged_in(look: Cleaning, arrival: Seconds, visits: LoggedVisits) -> Logins | None:
    """When people were logged in, by columns that stand beside each call that they took."""
    person = look.names("person").code
    told: list[Seconds] = []
    for role, later in (("login", False), ("logout", True)):
        found = look.times(role)
        if found is None:
            told.append(np.full(look.n, np.nan))
            continue
        seconds = found.seconds.copy()
        if not found.dated:
            # A log-in comes before the call was taken and a log-off after it came, within a day of it.
            seconds += np.floor(arrival / t.DAY) * t.DAY
            if later:
                seconds = np.where(seconds < arrival, seconds + t.DAY, seconds)
            else:
                seconds = np.where(seconds > arrival + t.DAY / 12, seconds - t.DAY, seconds)
        told.append(seconds)
    rows = look.kept & (person != NOBODY) & np.isfinite(told[0])
    until = np.where(np.isnan(told[1][rows]), np.inf, told[1][rows])  # no NaN is like another
    spans = np.unique(np.stack([person[rows].astype(np.float64), told[0][rows], until], axis=1), axis=0)
    return logins_of(look, spans[:, 0].astype(np.int64), spans[:, 1], spans[:, 2], visits)


def logins_of(look: Cleaning, person: Codes, since: Seconds, until: Seconds, visits: LoggedVisits) -> Logins | None:
    """Spans of being logged in, a person's in one where they touch; None where there is none.

    One without an end, or of more than LONGEST_LOGIN, ends with the last service of its person before the next one
    begins; spans of people who never served anybody are counted and left out.
    """
    served = np.isfinite(visits.end) & (visits.person.code != NOBODY)
    look.say("log-offs before their log-ins", int((until < since).sum()), "read as missing")
    open_ = ~(until >= since) | (until - since > LONGEST_LOGIN)
    look.say(
        f"log-ins without a log-off within {LONGEST_LOGIN / 3600:.0f} h", int(open_.sum()), "end with the last service"
    )
    order = np.lexsort((since, person))
    found: list[list[float]] = []
    strangers = set()
    for at, who in zip(order.tolist(), person[order].tolist(), strict=True):
        mine = served & (visits.person.code == who)
        if not mine.any():
            strangers.add(who)
            continue
        begin, end = float(since[at]), float(until[at])
        if open_[at]:
            later = since[(person == who) & (since > begin)]
            limit = min(float(later.min()) if len(later) else math.inf, begin + LONGEST_LOGIN)
            some = mine & (visits.start >= begin - ROUNDING) & (visits.start < limit)
            if not some.any():
                continue
            end = float(visits.end[some].max())
        if found and found[-1][0] == who and begin <= found[-1][2]:
            found[-1][2] = max(found[-1][2], end)
        else:
            found.append([who, begin, end])
    look.say("people who logged in and never served anybody", len(strangers), "left out of the staff")
    if not found:
        return None
    table = np.array(found)
    return Logins(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


def _rows_that_are_none(look: Cleaning) -> None:
    """Rows that are there twice, and those that the map leaves out."""
    arrival = look.map.get("arrival") or look.map.get("enter") or ""
    if look.map.get("date") is None and t.tells(look.raw.texts(arrival)) == t.DAYS:
        look.say("alike in every column to another", twice(look.raw), "kept: dates alone do not tell tips apart")
    else:
        look.say("there twice, alike in every column", twice(look.raw), "left out but one", drop=True)
    for name, values in look.map.leave_out.items():
        texts = look.raw.texts(name)
        for value in values:
            look.say(f"{name} is {value}", (texts == value).to_numpy(), "left out, as the map says", drop=True)
    if not look.kept.any():
        raise LogError(f"{look.raw.path}: the map leaves out every row")


def twice(raw: Raw) -> Flags:
    """Which rows are alike in every column to an earlier one; told by 64 bits of each."""
    import pandas as pd

    total = np.zeros(len(raw), dtype=np.uint64)
    for name in raw.columns:
        # A column at a time: all of them as texts of Python would take a gigabyte.
        total = total * np.uint64(1_099_511_628_211) + pd.util.hash_array(raw.texts(name).to_numpy(), categorize=True)
    return np.asarray(pd.Series(total).duplicated(), dtype=np.bool_)


def _dated(
    look: Cleaning, told: dict[str, t.TimeColumn | None], arrival: t.TimeColumn, dates: Seconds | None
) -> tuple[dict[str, Seconds], NDArray[np.bool_]]:
    """Times of every role with their dates; and which zeros stood for nothing."""
    at: dict[str, Seconds] = {}
    zeros = []
    base = arrival.seconds
    if not arrival.dated:
        base = t.with_dates(base, dates, date(1970, 1, 5), look.notes, look.map.get("arrival") or "")
        if dates is None:
            look.cannot.append("It has no dates: its first day is called 1970-01-05, a Monday.")
    at["arrival"] = base
    for role in ("menu_end", "enter", "start", "end", "left"):
        found = told[role]
        if found is None:
            at[role] = np.full(look.n, np.nan)
            continue
        seconds = found.seconds.copy()
        if not found.dated:
            # Midnight among times of a whole day is one second of 86,400; more of them stand for nothing.
            zero = seconds == 0
            if zero.mean() > 0.002:
                seconds[zero] = np.nan
                zeros.append(zero)
            seconds += np.floor(base / t.DAY) * t.DAY
            seconds = np.where(seconds < base - t.DAY / 2, seconds + t.DAY, seconds)
        at[role] = seconds
    return at, np.array(zeros) & look.kept if zeros else np.zeros((0, look.n), dtype=np.bool_)


_UNIT_IN_NAME: Final = (
    r"(?:^|[ _(\[.,/])(?:in |en )?(?:(?P<ms>ms|msecs?|millis|milliseconds|milisegundos)"
    r"|(?P<s>s|secs?|seconds|sek\.?|sekunden|segundos|seg|secondes)|(?P<min>mins?\.?|minutes|minuten|minutos)"
    r"|(?P<h>h|hrs?|hours|stunden|horas|heures)|(?P<d>d|days|tage|d(í|i)as|jours))[)\]]?$"
)
"""The unit of the lengths in a column, where its name ends with one; else that of the map."""


def _length(look: Cleaning, role: str) -> Seconds:
    """Lengths of a role in seconds, NaN where there is none or it is negative."""
    name = look.map.get(role)
    if name is None:
        return np.full(look.n, np.nan)
    texts = look.texts(role)
    told = re.search(_UNIT_IN_NAME, name, re.IGNORECASE)
    unit = look.map.unit if told is None else next(one for one, found in told.groupdict().items() if found)
    found = t.lengths(texts, UNITS[unit])
    if told is None and np.isfinite(t.numbers(texts)).any():
        look.notes.append(f"'{name}' names no unit: its numbers are read in {unit}, the map's `unit`")
    look.say(f"no length in '{name}'", np.isnan(found) & ~t.empty(texts), "read as missing")
    look.say(f"negative lengths in '{name}'", found < 0, "read as missing")
    found[found < 0] = np.nan
    return found


def _visits(look: Cleaning, at: dict[str, Seconds], length: dict[str, Seconds]) -> CleanedLog:
    made, nothing = look.map, np.full(look.n, np.nan)
    known_line = any(made.get(role) for role in ("enter", "wait", "left", "start"))
    served, gave_up = _outcome(look, at, length)
    arrival = at["arrival"]
    menu_end = np.where(np.isfinite(at["menu_end"]), at["menu_end"], arrival + np.nan_to_num(length["menu"]))
    enter = at["enter"]
    if made.get("enter") and (made.get("menu_end") or made.get("menu")):
        direct = np.isnan(enter) & served
        enter = np.where(direct, np.where(np.isfinite(menu_end), menu_end, arrival), enter)
        look.say(MENU_LEFT, gave_up & np.isnan(enter), "counted apart: they never joined the line", drop=True)
    enter = np.where(np.isnan(enter), menu_end, enter)
    start = np.where(np.isnan(at["start"]) & served, enter + length["wait"], at["start"])
    if not made.get("wait") and not made.get("start") and made.get("left"):
        start = np.where(served, at["left"], nothing)
    end = np.where(np.isnan(at["end"]), start + length["work"], at["end"])
    if made.get("work") and not made.get("start") and made.get("end"):
        start = np.where(np.isnan(start), end - length["work"], start)
    _swapped(look, start, end, made.get("start"), made.get("end"))
    _swapped(look, enter, np.where(served, start, np.nan), made.get("enter") or made.get("arrival"), made.get("start"))
    early = start < enter - ROUNDING
    look.say(f"taken more than {ROUNDING:.0f} s before it came", early & served, "wait read as 0")
    enter = np.where(start < enter, start, enter)
    look.say("ends before it starts", end < start, "its work is read as missing")
    end = np.where((end < start), np.nan, end)
    zero = served & (end - start <= 0)
    look.say("served for no time at all", zero, "kept; its work is read as missing")
    end = np.where(zero, np.nan, end)
    look.say(
        "served, and no end is known",
        served & np.isnan(end) & ~zero & np.isfinite(start),
        "its work is read as missing",
    )
    left = np.where(served, start, np.where(np.isfinite(at["left"]), at["left"], enter + length["wait"]))
    if not (made.get("left") or made.get("wait")):
        left = np.where(gave_up, at["end"], left)
    look.say("gave up before it came", gave_up & (left < enter - ROUNDING), "wait read as 0")
    left = np.where(left < enter, enter, left)
    # A wait that the log states stands above one reckoned from two clocks.
    left = np.where(np.isfinite(length["wait"]), enter + length["wait"], left)
    _say_coarse(look, enter, at["start"], served & np.isnan(length["wait"]))
    long = (left - enter > 7 * t.DAY) | (end - start > 7 * t.DAY)
    look.say("in line or served for more than a week", long, "left out", drop=True)
    wrap_up = length["wrap_up"]
    k = np.flatnonzero(look.kept)
    k = k[np.lexsort((k, enter[k]))]
    channel = look.names("channel", MOST_CHANNELS)
    codes = np.arange(len(k), dtype=np.int64)
    visits = LoggedVisits(
        arrival=enter[k],
        enter=enter[k],
        start=np.where(served, start, nothing)[k],
        end=np.where(served, end, nothing)[k],
        left=left[k],
        gave_up=gave_up[k],
        wrap_up=wrap_up[k],
        channel=channel.take(k),
        stage=CodedNames(np.zeros(len(k), dtype=np.int64), ("answer",)),
        pool=look.names("pool").take(k),
        person=look.names("person").take(k),
        priority=look.names("priority", MOST_CHANNELS).take(k),
        caller=look.names("caller").take(k).code,
        case=codes,
        first=np.ones(len(k), dtype=np.bool_),
    )
    if not known_line:
        told = f" Lengths in '{made.get('work')}' are of work whose start is not told." if made.get("work") else ""
        look.cannot.append(f"It says only when each came: nothing of waits, patience, work or staff.{told}")
    return finished(look, visits)


def _say_coarse(look: Cleaning, enter: Seconds, start: Seconds, reckoned: Flags) -> None:
    """A warning where waits are reckoned from whole minutes on to seconds: they are half a minute too long."""
    both = reckoned & look.kept & np.isfinite(enter) & np.isfinite(start)
    if both.sum() < 20:
        return
    whole = [float((np.round(one[both]) % 60 == 0).mean()) for one in (enter, start)]
    if whole[0] > 0.99 and whole[1] < 0.5:
        look.notes.append(
            f"WARNING: '{look.map.get('enter') or look.map.get('arrival')}' has whole minutes and "
            f"'{look.map.get('start')}' has seconds: waits are up to 60 s too long, 30 s on average, where minutes are "
            "cut off"
        )


def _outcome(look: Cleaning, at: dict[str, Seconds], length: dict[str, Seconds]) -> tuple[Flags, Flags]:
    """Who was served, and who gave up: by the words of the outcome, and by what is recorded where these say nothing."""
    made = look.map
    seen = np.isfinite(at["start"]) | (np.nan_to_num(length["work"]) > 0)
    knows = made.get("start") is not None or made.get("work") is not None
    if made.get("outcome") is None or not (made.served or made.given_up):
        if not knows:
            if made.get("wait") or made.get("left"):
                look.cannot.append("It does not say who was served: all are taken as served.")
            return np.ones(look.n, dtype=np.bool_), np.zeros(look.n, dtype=np.bool_)
        return seen, ~seen
    words = look.texts("outcome")
    says_served, says_lost = (words.isin(one).to_numpy() for one in (made.served, made.given_up))
    if not made.served:
        says_served = ~says_lost
    if not made.given_up:
        says_lost = ~says_served
    # Who is still being served when a log is written has no outcome yet.
    open_ = t.empty(words) & seen & knows
    look.say("without an outcome, though somebody served it", open_, "taken as served")
    says_served, says_lost = says_served | open_, says_lost & ~open_
    strange = ~says_served & ~says_lost
    if strange[look.kept].any():
        some = sorted(set(words[strange & look.kept]))[:5]
        look.say(
            f"outcome is {', '.join(map(repr, some))}, which the map does not know", strange, "left out", drop=True
        )
    talked = says_lost & (np.nan_to_num(length["work"]) > 0)
    if talked[look.kept].sum() > MOST_TALKED * says_lost[look.kept].sum():
        # Not a few slips: in this log the length of a call that gave up is that of the call, and no talk.
        look.say("said to have given up, with a length of work", talked, "taken as given up: it is no work")
        talked &= False
    look.say("said to have given up, though somebody served it", talked, "taken as served")
    return says_served | talked, says_lost & ~talked


def _swapped(look: Cleaning, first: Seconds, second: Seconds, one: str | None, other: str | None) -> None:
    """LogError where most of what should come later comes earlier."""
    both = np.isfinite(first) & np.isfinite(second) & look.kept
    if both.sum() >= 10 and ((second - first)[both] < -ROUNDING).mean() > 0.5:
        raise LogError(
            f"{look.raw.path}: '{other}' lies before '{one}' in {int(((second - first)[both] < -ROUNDING).sum())} of "
            f"{int(both.sum())} rows: are the columns swapped?"
        )


def finished(look: Cleaning, visits: LoggedVisits) -> CleanedLog:
    """The log with what is to be said of its times as a whole; LogError where nothing is left."""
    if not len(visits):
        raise LogError(f"{look.raw.path}: no row is left after cleaning: {_counts(look.cleaned)}")
    if look.kept.sum() < look.n / 2 and look.map.shape != "visits":
        look.notes.append(f"WARNING: {1 - look.kept.mean():.0%} of the rows were left out, and the line is of the rest")
    arrival = visits.arrival[visits.first]
    span = float(arrival.max() - arrival.min())
    median = float(np.median(arrival))
    far = np.abs(visits.arrival - median) > 20 * 365 * t.DAY
    if far.any():
        look.say("more than 20 years from the others", int(far.sum()), "left out")
        visits = visits.take(~far)
        arrival = visits.arrival[visits.first]
        span = float(arrival.max() - arrival.min())
    apart = _apart(visits.arrival)
    if apart.any():
        look.say(f"more than {ALONE:.0f} days from all but a few others", int(apart.sum()), "left out")
        visits = visits.take(~apart)
        arrival = visits.arrival[visits.first]
        span = float(arrival.max() - arrival.min())
    if look.told_utc and not look.zone:
        hour = np.floor(arrival % t.DAY / 3600)
        night, noon = (hour >= 1) & (hour < 5), (hour >= 10) & (hour < 14)
        look.notes.append(TOLD_UTC)
        if night.sum() > 0.8 * noon.sum() and len(arrival) > 200:
            look.notes.append(
                "WARNING: the night (1:00 to 5:00) is as busy as noon: these may be times of UTC, not of the line"
            )
    seconds = np.round(arrival % 60)
    heaped = float((seconds % 60 == 0).mean())
    if heaped > HEAPED:
        whole = "have whole minutes only" if heaped > 0.99 else "are at second :00, heaped"
        look.say(f"times of arrival that {whole}", int((seconds % 60 == 0).sum()), "kept")
    if look.zone and look.zone.count("/"):
        for when, change in t.clock_changes(float(arrival.min()), float(arrival.max()), look.zone):
            near = int(((arrival >= when) & (arrival < when + 3600)).sum())
            what = "forward: an hour that no clock shows" if change > 0 else "back: an hour that comes twice"
            look.notes.append(
                f"on {t.as_datetime(when):%Y-%m-%d} the clock of {look.zone} is put {what} ({near} came in it)"
            )
    work = visits.work[np.nan_to_num(visits.work) > 0]
    if len(work) > 50:
        log = np.log(work)
        low, high = np.percentile(log, [25, 75])
        out = (log > high + 3 * (high - low)) | (log < low - 3 * (high - low))
        look.say("work far from the rest on the log scale (3 quartile ranges)", int(out.sum()), "kept")
        rest = float(work[~out].mean())
        if abs(float(work.mean()) / rest - 1) > MOVED:
            look.notes.append(
                f"WARNING: {int(out.sum())} of {len(work)} lengths of work are far from the rest, up to "
                f"{work[out].max():,.0f} s, and move their mean from {rest:.1f} s to {work.mean():.1f} s: leave them "
                "out if they are slips"
            )
    _two_at_once(look, visits)
    if of_dates(visits.arrival):
        look.cannot.append("It says on which date each came, and not when: nothing of hours.")
    elif span < 3600:
        look.cannot.append("It spans less than an hour: profiles of the day cannot be told.")
    return CleanedLog(look.raw, look.map, visits, look.cleaned, look.notes, look.cannot)


def of_dates(arrival: Seconds) -> bool:
    """Whether times of arrival are dates alone."""
    return len(arrival) > 1 and not np.any(arrival % t.DAY)


def _apart(arrival: Seconds) -> Flags:
    """Which times stand in small clusters far from the largest one."""
    order = np.argsort(arrival, kind="stable")
    new = np.append(False, np.diff(arrival[order]) > ALONE * t.DAY)
    cluster = np.empty(len(arrival), dtype=np.int64)
    cluster[order] = np.cumsum(new)
    size = np.bincount(cluster)
    return np.asarray(size[cluster] < FEW_ALONE * len(arrival), dtype=np.bool_)


def _two_at_once(look: Cleaning, visits: LoggedVisits) -> None:
    known = (visits.person.code != NOBODY) & np.isfinite(visits.start) & np.isfinite(visits.end)
    order = np.lexsort((visits.start[known], visits.person.code[known]))
    who, start, end = visits.person.code[known][order], visits.start[known][order], visits.end[known][order]
    both = int(((who[1:] == who[:-1]) & (start[1:] < end[:-1] - ROUNDING)).sum()) if len(who) else 0
    look.say("begun while the same person still served another", both, "kept")


def _counts(cleaned: list[Cleaned]) -> str:
    return "; ".join(f"{one.rows} {one.what}" for one in cleaned) or "there was none"
