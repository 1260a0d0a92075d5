"""The map of a log: which column means what, and which words mean served or given up; drafted, then confirmed.

A draft goes by the names of columns and by what is in them, and says of each role how sure it is. Nothing is read by a
map that names a column which is not there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sim.logs.faults import LogError
from sim.logs.files import Raw
from sim.logs.times import empty, is_time, numbers

SHAPES: Final = {
    "calls": "a row a call",
    "events": "a row an event of a case",
    "visits": "a row a visit to a stage, as `tipline run --log` writes them",
    "counts": "a row an interval, with how many came",
    "profile": "a row a time of day, with how many come in a usual one",
    "months": "a row a month or another long period, with volumes and targets",
}

TIMES: Final = ("arrival", "menu_end", "enter", "start", "end", "left", "login", "logout", "time", "complete")
LENGTHS: Final = ("menu", "wait", "work", "wrap_up")

ROLES: Final = {
    "arrival": "when it came in",
    "menu_end": "when it left the menu, or ringing ended",
    "enter": "when it joined the line",
    "start": "when somebody took it",
    "end": "when the talk ended",
    "left": "when it left the line, served or not",
    "menu": "how long it was in the menu",
    "wait": "how long it waited in line",
    "work": "how long the talk was",
    "wrap_up": "how long the work after the talk was",
    "outcome": "served or given up",
    "channel": "how it came, or what it was about",
    "priority": "its rank in the line",
    "person": "who served it",
    "pool": "the group that served it",
    "caller": "who called",
    "login": "when the person who served it had logged in",
    "logout": "when that person logged off again",
    "case": "which case the event belongs to",
    "activity": "what was done",
    "lifecycle": "start or complete",
    "time": "when the event was, or the interval began",
    "complete": "when the event ended",
    "date": "the date, beside a time of day",
    "direction": "inbound or outbound",
    "count": "how many came",
    "answered": "how many of them were answered",
    "given_up": "how many of them gave up",
    "met": "how many of them were answered in time, or late",
    "stage": "the stage of the line",
}
"""What a column may mean."""

_NAMES: Final = (
    ("login", r"(log|sign)(ged|ed)?[ _-]?(in|on)(?![glv])"),
    ("logout", r"(log|sign)(ged|ed)?[ _-]?(out|off)"),
    ("case", r"case:concept:name|^case[ _]?(id|no|nr|key)?$|^object:(tip|case|call|order|application|ticket|incident)"),
    ("lifecycle", r"lifecycle"),
    ("activity", r"^concept:name$|^activity|^event([ _]?(type|name|class))?$|^action$|^task$"),
    ("complete", r"^complet|end[ _]?time(stamp)?$|^finish"),
    ("person", r"^org:resource$|agent|server|resource|operator|handler|employee|advis|^user|clerk|person|^rep$|staff"),
    ("menu", r"(vru|ivr|menu|ring).*(time|sec|dur|len)|^(vru|ivr)$"),
    ("menu_end", r"(vru|ivr|menu).*(exit|end|out|leave)"),
    ("wrap_up", r"wrap|acw|after.?call|post.?call|nacharbeit"),
    ("wait", r"wait|q(ueue)?[ _]?(time|dur|sec)|time[ _]?in[ _]?q|delay|speed of answer|^asa|wartezeit|hold.?before"),
    ("left", r"q(ueue)?[ _]?(exit|end|out|leave)|^aband|aband.*(at|time)|gave[ _]?up|left|reneg|exit.*q"),
    ("enter", r"q(ueue)?[ _]?(start|entry|enter|in|join|begin|time.?stamp)|line.*(entry|enter)|enqueue|^enter"),
    (
        "work",
        r"(ser(v|vice)?|talk|handle|call|conversation)[ _.]?(time|dur|len|sec|min)|^aht|duration|^talk|billsec",
    ),
    (
        "start",
        r"(ser(v|vice)?|talk|answer|connect|pick)[ _.a-z]*(start|begin|time|at|entry)|^answered|^start|^begin",
    ),
    ("end", r"(ser(v|vice)?|talk|call)[ _.]*(exit|end|stop)|^end|hang.?up|disconnect|released|closed|complet|resolved"),
    (
        "arrival",
        r"arriv|received|recv|(v|i)[rv][ur].*(entry|start)|call.?(start|date|time)|offered.?at|created|opened",
    ),
    ("outcome", r"outcome|result|status|dispos|abandon|state$|answered|resolution"),
    ("direction", r"direction|inbound|in.?out|call.?dir"),
    ("priority", r"prio|urgen|severity|triage|acuity|rank"),
    ("pool", r"^(pool|group|team|skill|queue(?!.*(time|start|exit|sec|len|dur)).*|dep(t|artment))"),
    ("channel", r"channel|^type|topic|categor|service.?type|media|source|reason|campaign|(?<!call.)class"),
    ("caller", r"caller|customer|ani$|phone|msisdn|client|patient.?id|contact.?id"),
    ("date", r"^date$|^day$|^call.?date$|^datum$"),
    ("time", r"time.?stamp|^time(:|$)|date.?time|interval|period|month|^hour|from|slot"),
    (
        "count",
        r"^(calls?|count|n|tips?|volume|offered|arrivals?|num.*|visits?|attendances?|.*rate|incoming.*|total.*)$",
    ),
    ("answered", r"answered|handled|served"),
    ("given_up", r"aband|given.?up|lost"),
    ("met", r"breach|within|sla|service.?level|sl\b|in.?time"),
)

SERVED: Final = r"agent|serv|answer|handled|connect|complet|success|resolved|closed|^ok$|^yes$|^y$|^true$|^1$|^joined"
GIVEN_UP: Final = r"hang|aband|gave|given|reneg|lost|no.?answer|not.?answer|unansw|miss|^no$|^n$|^false$|^0$|left"
STRANGE: Final = r"phantom|test|dummy|error|fail|transfer|unknown|invalid|blocked|busy|outbound|out$"
TESTS: Final = r"^(test|dummy|probe|demo)([ _-].*)?$"


@dataclass(slots=True)
class Map:
    """What the columns of a log mean."""

    shape: str
    columns: dict[str, str] = field(default_factory=dict)
    served: tuple[str, ...] = ()
    """Words of the outcome that mean served."""
    given_up: tuple[str, ...] = ()
    leave_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By column, values whose rows are no tips: test calls, what staff made, outbound ones."""
    zone: str = ""
    dates: str = ""
    """`day first`, `month first`, or "" where the file decides."""
    unit: str = "s"
    """Of lengths that are plain numbers."""
    sure: dict[str, str] = field(default_factory=dict, compare=False)
    """By role, how sure the draft is, and why."""

    def get(self, role: str) -> str | None:
        return self.columns.get(role)

    def must_name(self, *roles: str, of: Raw) -> None:
        """LogError where it names no column of a log for one of the roles."""
        for role in roles:
            if self.get(role) is None:
                raise LogError(f"{of.path}: the map names no column for `{role}`")

    @property
    def doubtful(self) -> list[str]:
        """The roles that the draft guessed."""
        return [role for role, said in self.sure.items() if said.startswith("guess")]


UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def draft(raw: Raw) -> Map:
    """What the columns of a log seem to mean; LogError where nothing in it is a time or a number."""
    names = raw.columns
    if {"tip", "stage", "enter_min", "start_min", "outcome"} <= set(names):
        return Map("visits", sure={"shape": "sure: the columns are those that the program writes"})
    texts = {name: raw.texts(name) for name in names}
    head = {name: text[~empty(text)].head(5000) for name, text in texts.items()}
    time = {name: is_time(text) for name, text in head.items()}
    number = {name: len(text) > 0 and bool((~_nan(numbers(text))).mean() > 0.9) for name, text in head.items()}
    found: dict[str, str] = {}
    sure: dict[str, str] = {}

    def named(roles: Collection[str]) -> None:
        """Give roles the columns whose names and contents fit them, of those that are free."""
        for role, pattern in _NAMES:
            free = [name for name in names if name not in found.values() and re.search(pattern, name, re.IGNORECASE)]
            if role in roles and role not in found and (hit := next((one for one in free if fits(role, one)), None)):
                found[role] = hit
                sure[role] = "sure: by its name and what it holds"

    def fits(role: str, name: str) -> bool:
        clock = bool(len(head[name])) and bool(head[name].str.fullmatch(r"-?\d+:\d{2}(:\d{2}([.,]\d+)?)?").mean() > 0.9)
        epoch = number[name] and not time[name] and _median(head[name]) > 1e9
        return {
            **dict.fromkeys(TIMES, time[name] or epoch),
            **dict.fromkeys(LENGTHS, (number[name] and not epoch) or clock),
            **dict.fromkeys(("count", "answered", "given_up", "met"), number[name] and not time[name]),
            "date": time[name],
            "time": True,
        }.get(role, not time[name])

    named(ROLES)
    _mend(found, sure, names, head, time, number)
    shape = _shape(raw, found, head)
    kept = set(_OF_SHAPE[shape])
    found = {role: name for role, name in found.items() if role in kept}
    if shape in ("counts", "profile", "months"):
        # A column such as `answered` is an outcome of a call, but a number of them where rows are intervals.
        named(kept)
    made = Map(
        shape, found, sure={"shape": f"likely: {SHAPES[shape]}", **{r: s for r, s in sure.items() if r in found}}
    )
    if shape in ("calls", "events"):
        _draft_words(made, head)
    for name, text in head.items():
        if name != made.get("outcome") and len(text) and text.nunique() < 200 and not number[name] and not time[name]:
            strange = [one for one in text.unique() if re.search(TESTS, str(one), re.IGNORECASE)]
            if strange and shape == "calls":
                made.leave_out[name] = tuple(sorted(map(str, strange)))
    if direction := made.get("direction"):
        out = [one for one in head[direction].unique() if re.search(r"^out|outbound|internal", str(one), re.IGNORECASE)]
        if out:
            made.leave_out[direction] = tuple(sorted(map(str, out)))
    return made


_OF_SHAPE: Final = {
    "calls": (*TIMES[:8], *LENGTHS, "outcome", "channel", "priority", "person", "pool", "caller", "date", "direction"),
    "events": ("case", "activity", "lifecycle", "time", "complete", "person", "pool", "channel", "priority", "date"),
    "visits": (),
    "counts": ("time", "date", "count", "answered", "given_up", "met", "channel"),
    "profile": ("time", "count"),
    "months": ("time", "count", "met", "channel", "pool"),
}


def _nan(values: Any) -> Any:
    import numpy as np

    return np.isnan(values)


def _median(text: Any) -> float:
    import numpy as np

    some = numbers(text)
    return float(np.nanmedian(some)) if np.isfinite(some).any() else 0.0


def _mend(
    found: dict[str, str],
    sure: dict[str, str],
    names: list[str],
    head: dict[str, Any],
    time: dict[str, bool],
    number: dict[str, bool],
) -> None:
    """What no name tells, by content and by elimination; told as a guess."""
    free = [name for name in names if name not in found.values()]
    if "arrival" not in found and "enter" in found:
        found["arrival"], sure["arrival"] = found["enter"], "likely: the line is what it reaches first"
    if "arrival" not in found and "time" not in found and "case" not in found:
        first = next((name for name in free if time[name]), None)
        if first is not None:
            found["arrival"], sure["arrival"] = first, "guess: the first column with times"
            free.remove(first)
    objects = [name for name in names if name.startswith("object:")]
    if "case" not in found and objects and "activity" in found:
        found["case"] = max(objects, key=lambda name: int(head[name].nunique()))
        sure["case"] = f"guess: of {len(objects)} types of object the one with the most"
    if "channel" not in found and "pool" in found:
        found["channel"], sure["channel"] = found.pop("pool"), "likely: groups that tips go to tell what they are about"
    if "outcome" in found and len(head[found["outcome"]]):
        kinds = head[found["outcome"]].nunique()
        if kinds > 50:
            sure["outcome"] = f"guess: it has {kinds} values"
    if "count" not in found and "case" not in found and "arrival" not in found:
        first = next((name for name in free if number[name]), None)
        if first is not None:
            found["count"], sure["count"] = first, "guess: the first column with numbers"


def _shape(raw: Raw, found: dict[str, str], head: dict[str, Any]) -> str:
    """What a row is."""
    if {"case", "activity"} <= set(found) and (found.get("time") or found.get("arrival") or found.get("complete")):
        found["time"] = found.get("time") or found.get("start") or found.get("arrival") or found["complete"]
        if "start" in found and "complete" not in found and "end" in found:
            found["complete"] = found["end"]
        if found.get("complete") == found["time"]:
            found.pop("complete")
        case = raw.texts(found["case"])
        if case.nunique() < len(case):
            return "events"
    of_calls = {"start", "end", "left", "wait", "work", "outcome", "person", "enter"} & set(found)
    if "arrival" in found and ("count" not in found or of_calls - {"outcome"}):
        return "calls"
    if "count" in found and ("time" in found or "date" in found or "arrival" in found):
        found["time"] = found.get("time") or found.get("date") or found["arrival"]
        when = head[found["time"]]
        if _is_of_day(when):
            return "profile"
        return "months" if _is_monthly(when) else "counts"
    if "arrival" in found:
        return "calls"
    if "time" in found and of_calls:
        found["arrival"] = found.pop("time")
        return "calls"
    raise LogError(
        f"{raw.path}: no column was found that says when something came in; its columns are "
        f"{', '.join(raw.columns)[:300]}"
    )


def _is_of_day(texts: Any) -> bool:
    """Whether intervals are of a day that has no date: hours, or from one hour to another."""
    hours = texts.str.fullmatch(
        r"\d{1,2}(:\d{2})?(:00)?\s*([AaPp][Mm])?(\s*(-|to|–)\s*\d{1,2}(:\d{2})?\s*([AaPp][Mm])?)?"
    )
    return bool(len(texts)) and bool(hours.all()) and len(texts) <= 288


def _is_monthly(texts: Any) -> bool:
    from sim.logs.times import times

    try:
        found = times(texts)
    except LogError:
        return bool(texts.str.fullmatch(r"\d{4}[-/.]?(0?\d|1[0-2])|[A-Za-z]{3,9}[ -]\d{2,4}|\d{4}").mean() > 0.9)
    days = sorted({one for one in found.seconds.tolist() if one == one})
    steps = [b - a for a, b in pairwise(days)]
    return bool(steps) and sorted(steps)[len(steps) // 2] > 6 * 86_400


def _draft_words(made: Map, head: dict[str, Any]) -> None:
    outcome = made.get("outcome")
    if outcome is None:
        return
    words = [str(one) for one in head[outcome].value_counts().index[:50]]
    about_giving_up = bool(re.search(r"aband|given.?up|lost|miss", outcome, re.IGNORECASE))
    served: list[str] = []
    given_up: list[str] = []
    strange: list[str] = []
    for word in words:
        yes = bool(re.fullmatch(r"yes|y|true|1", word, re.IGNORECASE))
        no = bool(re.fullmatch(r"no|n|false|0", word, re.IGNORECASE))
        if yes or no:
            (given_up if yes == about_giving_up else served).append(word)
        elif re.search(STRANGE, word, re.IGNORECASE) and not re.search(r"^(no|un|not)", word, re.IGNORECASE):
            strange.append(word)
        elif re.search(GIVEN_UP, word, re.IGNORECASE):
            given_up.append(word)
        elif re.search(SERVED, word, re.IGNORECASE):
            served.append(word)
        else:
            strange.append(word)
    if served or given_up:
        made.served, made.given_up = tuple(served), tuple(given_up)
        if strange:
            made.leave_out[outcome] = tuple(strange)
            made.sure["leave_out"] = f"guess: {', '.join(strange)} in '{outcome}' mean neither served nor given up"
    else:
        made.sure["outcome"] = f"guess: none of its words was understood ({', '.join(words[:6])})"


# The file


def written(made: Map, raw: Raw) -> str:
    """The map as a document, commented with how sure the draft is."""
    lines = [
        f"# What the columns of {raw.path.name} mean. A draft by names and contents: look at it, mend it, then run",
        f"# `tipline calibrate {raw.path.name} --map map.yaml`.",
        f"shape: {made.shape}    # {SHAPES[made.shape]}" + _said(made, "shape", ", or one of " + ", ".join(SHAPES)),
    ]
    if made.columns:
        lines.append("columns:")
        width = max(len(_quoted(name)) + len(role) for role, name in made.columns.items())
        for role, name in made.columns.items():
            left = f"  {role}: {_quoted(name)}"
            lines.append(f"{left.ljust(width + 6)}  # {ROLES[role]}; {made.sure.get(role, 'as given')}")
        free = [role for role in _OF_SHAPE[made.shape] if role not in made.columns]
        unused = [name for name in raw.columns if name not in made.columns.values()]
        if free:
            lines.append(f"  # roles without a column: {', '.join(free)}")
        if unused:
            lines.append(f"  # columns without a role: {', '.join(unused)[:400]}")
    if made.shape in ("calls", "events"):
        lines.append(f"served: {_list(made.served)}")
        lines.append(f"given_up: {_list(made.given_up)}")
    if made.leave_out:
        lines.append("leave_out:    # rows with these values are no tips, and are counted beside")
        lines += [f"  {_quoted(name)}: {_list(values)}" for name, values in made.leave_out.items()]
    lines.append(f"zone: {_quoted(made.zone)}    # such as Europe/London; without one there is no daylight saving")
    lines.append(f"dates: {_quoted(made.dates)}    # day first, month first, or empty where the file decides")
    lines.append(f"unit: {made.unit}    # of lengths that are plain numbers: {', '.join(UNITS)}")
    return "\n".join(lines) + "\n"


def _said(made: Map, role: str, more: str) -> str:
    return f"; {made.sure[role].partition(':')[0]}{more}" if role in made.sure else more


def _quoted(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][\w ]*", text) and text.lower() not in (
        "yes",
        "no",
        "true",
        "false",
        "null",
        "y",
        "n",
    )
    return text if plain else "'" + text.replace("'", "''") + "'"


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(_quoted(one) for one in values) + "]"


def read_map(path: Path, raw: Raw) -> Map:
    """A map from its file; LogError with every key, role and column that is not known."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        told = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: is not YAML: {' '.join(str(error).split())[:200]}") from None
    except OSError as error:
        raise LogError(f"{path}: {error.strerror}") from None
    faults = list(_faults(told, raw))
    if faults:
        raise LogError("\n".join(f"{path}: {fault}" for fault in faults))
    columns = {str(role): str(name) for role, name in (told.get("columns") or {}).items() if name not in (None, "")}
    return Map(
        shape=told["shape"],
        columns=columns,
        served=_words(told.get("served")),
        given_up=_words(told.get("given_up")),
        leave_out={str(name): _words(values) for name, values in (told.get("leave_out") or {}).items()},
        zone=str(told.get("zone") or ""),
        dates=str(told.get("dates") or ""),
        unit=str(told.get("unit") or "s"),
    )


def _words(given: Any) -> tuple[str, ...]:
    if given is None or given == "":
        return ()
    some = given if isinstance(given, list) else [given]
    return tuple(_word(one) for one in some)


def _word(one: Any) -> str:
    return {True: "true", False: "false"}[one] if isinstance(one, bool) else str(one)


def _faults(told: Any, raw: Raw) -> Iterator[str]:
    from sim.logs.times import ORDERS

    if not isinstance(told, dict):
        yield "must be a mapping with `shape` and `columns`"
        return
    keys = ("shape", "columns", "served", "given_up", "leave_out", "zone", "dates", "unit")
    for key in told:
        if key not in keys:
            yield f"'{str(key)[:40]}' is no key of a map{_near(str(key), keys)}"
    if told.get("shape") not in SHAPES:
        yield f"shape: must be one of {', '.join(SHAPES)} (got {str(told.get('shape'))[:40]!r})"
    for key in ("columns", "leave_out"):
        if told.get(key) is not None and not isinstance(told[key], dict):
            yield f"{key}: must be a mapping"
            return
    for role, name in (told.get("columns") or {}).items():
        if role not in ROLES:
            yield f"columns: '{str(role)[:40]}' is no role{_near(str(role), list(ROLES))}"
        elif name not in (None, "") and str(name) not in raw.columns:
            yield f"columns.{role}: the log has no column '{str(name)[:60]}'{_near(str(name), raw.columns)}"
    for name in told.get("leave_out") or {}:
        if str(name) not in raw.columns:
            yield f"leave_out: the log has no column '{str(name)[:60]}'{_near(str(name), raw.columns)}"
    if told.get("dates") not in (None, "", *ORDERS):
        yield f"dates: must be {' or '.join(ORDERS)} (got {str(told['dates'])[:40]!r})"
    if str(told.get("unit") or "s") not in UNITS:
        yield f"unit: must be one of {', '.join(UNITS)} (got {str(told['unit'])[:40]!r})"


def _near(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), 1)
    return f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(known)[:300]}"
