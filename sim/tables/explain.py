"""The tables of one tip: what happened to it, and what it came to for each target."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import date_of, minutes
from sim.tables.declared import Table, number, text

if TYPE_CHECKING:
    from sim.text.explain import JudgedTip
    from sim.text.story import Event

EVENTS: Final[Table[tuple[Event, datetime]]] = Table(
    "tip_events",
    "something that happened to the tip: when, where, and what stood in its way",
    "What happened to the tip",
    (
        text("at", lambda row: date_of(row[0].tick, row[1]).isoformat(sep=" "), "date and time"),
        number("time", "min", lambda row: minutes(row[0].tick), "since the start of the run"),
        text("stage", lambda row: row[0].stage, "where; empty for what no stage has to do with"),
        text("what", lambda row: row[0].kind, "arrival, waits, starts, stops, leaves, lost and so on"),
        text("text", lambda row: row[0].text, "the same as a sentence"),
        text("in_the_way", lambda row: "; ".join(row[0].details), "what stood in its way"),
    ),
)

TARGETS: Final[Table[JudgedTip]] = Table(
    "tip_targets",
    "a target on tips: what it makes of the tip",
    "What each target makes of the tip",
    (
        text("target", lambda row: row.target, "its name in the document"),
        text("claim", lambda row: row.claim, "the claim that it stands for"),
        text("sense", lambda row: row.sense, "met, missed, counted, not judged or open"),
        text("text", lambda row: row.text, "why, as a sentence"),
    ),
)
