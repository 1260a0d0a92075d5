"""The map of a log: which column means what, and which words mean served or given up; and the file that it stands in.

A map is drafted (`drafting.py`), looked at and mended. Nothing is read by one that names a column which is not there.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from sim.logs.files import LogError, Raw
from sim.logs.times import ORDERS

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

ROLES_OF: Final = {
    "calls": (*TIMES[:8], *LENGTHS, "outcome", "channel", "priority", "person", "pool", "caller", "date", "direction"),
    "events": ("case", "activity", "lifecycle", "time", "complete", "person", "pool", "channel", "priority", "date"),
    "visits": (),
    "counts": ("time", "date", "count", "answered", "given_up", "met", "channel"),
    "profile": ("time", "count"),
    "months": ("time", "count", "met", "channel", "pool"),
}
"""What its columns may mean, by the shape of a log."""


@dataclass(slots=True)
class ColumnMap:
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


def written(made: ColumnMap, raw: Raw) -> str:
    """The map as a document, commented with how sure the draft is."""
    lines = [
        *_comment(
            f"What the columns of {raw.path.name} mean. A draft by names and contents: look at it, mend it, then run"
        ),
        f"# `tipline calibrate {raw.path.name} --map map.yaml`.",
        f"shape: {made.shape}    # {SHAPES[made.shape]}{_said(made, 'shape')}",
        *_comment(f"or one of {', '.join(one for one in SHAPES if one != made.shape)}", "  "),
    ]
    if made.columns:
        lines.append("columns:")
        width = max(len(_quoted(name)) + len(role) for role, name in made.columns.items())
        for role, name in made.columns.items():
            left = f"  {role}: {_quoted(name)}"
            lines.append(f"{left.ljust(width + 6)}  # {ROLES[role]}; {made.sure.get(role, 'as given')}")
        free = [role for role in ROLES_OF[made.shape] if role not in made.columns]
        unused = [name for name in raw.columns if name not in made.columns.values()]
        if free:
            lines += _comment(f"roles without a column: {', '.join(free)}", "  ")
        if unused:
            lines += _comment(f"columns without a role: {', '.join(unused)[:400]}", "  ")
    if made.shape == "calls":
        lines.append(f"served: {_list(made.served)}")
        lines.append(f"given_up: {_list(made.given_up)}")
    if made.shape == "events":
        lines.append(f"given_up: {_list(made.given_up)}    # activities that mean it left unserved")
    if made.leave_out:
        lines.append("leave_out:    # rows with these values are no tips, and are counted beside")
        lines += [f"  {_quoted(name)}: {_list(values)}" for name, values in made.leave_out.items()]
    lines.append(f"zone: {_quoted(made.zone)}    # such as Europe/London; '' has no daylight saving")
    lines.append(f"dates: {_quoted(made.dates)}    # day first, month first, or '' where the file decides")
    lines.append(f"unit: {made.unit}    # of lengths that are plain numbers: {', '.join(UNITS)}")
    return "\n".join(lines) + "\n"


def _comment(text: str, margin: str = "") -> list[str]:
    """A comment in lines that a terminal shows as they are."""
    return textwrap.wrap(text, 78, initial_indent=f"{margin}# ", subsequent_indent=f"{margin}# ")


def _said(made: ColumnMap, role: str) -> str:
    return f"; {made.sure[role].partition(':')[0]}" if role in made.sure else ""


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


def read_map(path: Path, raw: Raw) -> ColumnMap:
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
    return ColumnMap(
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
