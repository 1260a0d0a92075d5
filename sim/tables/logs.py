"""The log of a run for other tools: everything that happened to its tips, in order, as XES, OCEL 2.0 or for vidigi.

What is read is what `run --log` left. Nothing here knows a scenario: a log carries its own clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args
from xml.sax.saxutils import quoteattr

from sim.scenario.choices import ExportFormat
from sim.studies.events import EVENTS, SPELLS

if TYPE_CHECKING:
    import pandas as pd

FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)

FILES: Final[dict[ExportFormat, tuple[str, ...]]] = {
    "xes": ("events.xes",),
    "ocel": ("events.ocel.json",),
    "vidigi": ("vidigi.csv", "vidigi_positions.csv"),
    "xlsx": ("results.xlsx",),
    "csv": ("events.csv", "spells.csv"),
}
"""What each format is written to; `--out` may name the first of them."""

EXPORTED: Final = frozenset(name for names in FILES.values() for name in names)
"""Files of a folder of results that are for other tools, and no results themselves."""

ENTER, GIVES_UP, TURNED_AWAY, START, STOP, RESUME, END, MERGED, WRAP_UP_START, WRAP_UP_END = (
    *("enter", "gives_up", "turned_away", "start", "stop", "resume", "end", "merged", "wrap_up_start", "wrap_up_end"),
)
"""What happens to a visit: it joins the line (at each attempt), gives up or finds no room, is worked on, is left
merged; and the work that stays when the tip has gone on."""

LIFECYCLE: Final = {
    ENTER: "schedule",
    GIVES_UP: "withdraw",
    TURNED_AWAY: "autoskip",
    START: "start",
    STOP: "suspend",
    RESUME: "resume",
    END: "complete",
    MERGED: "ate_abort",
    WRAP_UP_START: "start",
    WRAP_UP_END: "complete",
}
"""The same in the standard lifecycle of XES; a wrap-up is an activity of its own."""

_WORK: Final = 1_000_000
"""Attempts come before work where both fall into one moment."""


class NoLogError(ValueError):
    """A folder has no log that can be exported; the message says why."""


@dataclass(frozen=True, slots=True)
class KeptLog:
    """What `run --log` left of one replication, or of all."""

    visits: pd.DataFrame
    """As in `events.parquet`."""
    spells: pd.DataFrame
    """As in `spells.parquet`."""
    scenario: str
    start: pd.Timestamp
    """`run.start` with its zone; without one, by a clock that is taken as UTC."""
    several: bool
    """Whether there is more than one replication."""

    @property
    def about_tips(self) -> list[str]:
        """The columns that say something of a tip: those between its number and the stage, and whether it counts."""
        names = list(self.visits.columns)
        return [*names[names.index("tip") + 1 : names.index("stage")], "in_cohort"]

    def moment(self, minutes: pd.Series[float]) -> pd.Series[Any]:
        """The dates and times of minutes since the start."""
        import pandas as pd

        ticks = (minutes * 60_000_000).round().astype("int64")
        return self.start + pd.to_timedelta(ticks, unit="us")

    def case(self, replication: int, tip: int) -> str:
        """The name of a tip: its number, after that of its replication where there are several."""
        return f"{replication}-{tip}" if self.several else str(tip)


def kept_log(folder: Path, replication: int | None = 0) -> KeptLog:
    """The log in a folder of results, of one replication or of all (None); NoLogError where there is none."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for name in (EVENTS, SPELLS):
        file = folder / name
        if not file.is_file():
            raise NoLogError(f"there is no {name}; run the scenario with --log")
        only = None if replication is None else [("replication", "=", replication)]
        try:
            tables.append(pq.read_table(file, filters=only))
        except (pa.ArrowException, OSError) as error:
            raise NoLogError(f"{name} cannot be read ({error})") from None
    told = {key.decode(): value.decode() for key, value in (tables[0].schema.metadata or {}).items()}
    if "tipline.run.start" not in told:
        raise NoLogError(f"{EVENTS} does not say when it starts, as old ones do not; run the scenario again with --log")
    visits, spells = (table.to_pandas() for table in tables)
    if visits.empty:
        raise NoLogError(f"{EVENTS} has no replication {replication}" if replication is not None else "it is empty")
    start = pd.Timestamp(told["tipline.run.start"]).tz_localize(
        told["tipline.run.zone"] or "UTC", ambiguous=True, nonexistent="shift_forward"
    )
    return KeptLog(visits, spells, told["tipline.scenario"], start, visits["replication"].nunique() > 1)


def happenings(log: KeptLog) -> pd.DataFrame:
    """Everything that happened, a row a thing, tip by tip and each tip's in order.

    Columns: replication, tip, stage, visit, what, time_min, pool, person; the last two missing where nobody works.
    """
    import numpy as np
    import pandas as pd

    key = ["replication", "tip", "stage", "visit"]
    visits = log.visits.assign(row=np.arange(len(log.visits)))
    of = [*key, "row"]
    attempts = [
        _unfolded(visits[[*of, column, "pool"]], column, what)
        for column, what in (("tried_min", ENTER), ("gave_up_min", GIVES_UP), ("turned_away_min", TURNED_AWAY))
        if column in visits
    ]
    spells = log.spells.merge(visits[of], on=key, how="left", validate="many_to_one")
    spells["nth"] = spells.groupby("row").cumcount()
    began = spells[[*of, "pool", "person", "nth"]].assign(
        time_min=spells["began_min"],
        what=np.where(spells["wrap_up"], WRAP_UP_START, np.where(spells["nth"] == 0, START, RESUME)),
        order=_WORK + 2 * spells["nth"],
    )
    ended = spells[[*of, "pool", "person", "nth"]].assign(
        time_min=spells["ended_min"],
        what=np.where(spells["wrap_up"], WRAP_UP_END, np.where(spells["stopped"] == "done", END, STOP)),
        order=_WORK + 2 * spells["nth"] + 1,
    )
    ended = ended[spells["stopped"] != "cut"]
    alone = visits[~visits["row"].isin(spells["row"])]
    delays = [
        alone[[*of, "pool"]].assign(time_min=alone[column], what=what, order=order).dropna(subset="time_min")
        for column, what, order in (("start_min", START, _WORK), ("end_min", END, _WORK + 1))
    ]
    parts = [*attempts, began, ended, *delays]
    if "merged_min" in visits:
        left = visits[[*of, "pool"]].assign(time_min=visits["merged_min"], what=MERGED, order=2 * _WORK)
        parts.append(left.dropna(subset="time_min"))
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    found = found.sort_values(["replication", "tip", "time_min", "row", "order"], kind="stable", ignore_index=True)
    if "person" not in found:
        found["person"] = None
    return found[[*key, "what", "time_min", "pool", "person"]]


def _unfolded(visits: pd.DataFrame, column: str, what: str) -> pd.DataFrame:
    """A row for each time in a column of lists."""
    found = visits.rename(columns={column: "time_min"}).explode("time_min").dropna(subset="time_min")
    found["time_min"] = found["time_min"].astype(float)
    return found.assign(what=what, order=2 * found.groupby("row").cumcount() + (what != ENTER))


# XES


_XES_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2023" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="trace"><string key="concept:name" value=""/></global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <string key="lifecycle:transition" value="complete"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
  </global>
  <classifier name="Activity" keys="concept:name"/>
  <classifier name="Activity and transition" keys="concept:name lifecycle:transition"/>
  <string key="lifecycle:model" value="standard"/>
"""


def xes(log: KeptLog) -> Iterator[str]:
    """The log as text of an XES file, a tip a trace: each line, enter, work and end as a step of the lifecycle.

    Of a tip: channel, risk, last label and so on. Of an event: the person and the pool, and which visit it is of.
    """
    yield _XES_HEAD
    yield f"  {_xes('concept:name', log.scenario)}\n"
    told = _tips(log)
    for (replication, tip), rows in _by_tip(log):
        yield "  <trace>\n"
        name = log.case(replication, tip)
        yield f"    {_xes('concept:name', name)}\n"
        for key, value in (("replication", replication), *told[replication, tip].items()):
            yield f"    {_xes(key, value)}\n"
        for stage, visit, what, moment, pool, person in rows:
            activity = f"{stage} wrap-up" if what in (WRAP_UP_START, WRAP_UP_END) else stage
            parts = [
                _xes("concept:name", activity),
                _xes("concept:instance", f"{name} {activity} {visit}"),
                _xes("lifecycle:transition", LIFECYCLE[what]),
                f'<date key="time:timestamp" value="{moment}"/>',
            ]
            if pool and person:
                parts.append(_xes("org:resource", _person(pool, person)[0]))
            parts += [_xes("org:group", pool)] if pool else []
            yield f"    <event>{''.join(parts)}</event>\n"
        yield "  </trace>\n"
    yield "</log>\n"


def _xes(key: str, value: Any) -> str:
    kind = "boolean" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{kind} key={quoteattr(key)} value={quoteattr(text)}/>"


def _tips(log: KeptLog) -> dict[tuple[int, int], dict[str, Any]]:
    """What is known of each tip, what is missing left out."""
    names = log.about_tips
    first = log.visits.drop_duplicates(["replication", "tip"])
    return {
        (replication, tip): {name: _plain(value) for name, value in zip(names, values, strict=True) if value == value}
        for replication, tip, *values in zip(
            first["replication"], first["tip"], *(first[name] for name in names), strict=True
        )
    }


def _plain(value: Any) -> Any:
    """A cell as Python has it; whole numbers that stood beside gaps are whole again."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _by_tip(log: KeptLog) -> Iterator[tuple[tuple[int, int], list[tuple[str, int, str, str, str | None, str | None]]]]:
    """For each tip, all that happened to it: stage, visit, what, the moment as ISO text, pool and person."""
    found = happenings(log)
    moments = [one.isoformat() for one in log.moment(found["time_min"])]
    texts = [_or_none(found[name]) for name in ("pool", "person")]
    of = list(zip(found["replication"].tolist(), found["tip"].tolist(), strict=True))
    rows = list(zip(found["stage"], found["visit"].tolist(), found["what"], moments, *texts, strict=True))
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and of[end] == of[at]:
            end += 1
        yield of[at], rows[at:end]
        at = end


def _or_none(texts: pd.Series[Any]) -> list[str | None]:
    return [text if isinstance(text, str) else None for text in texts]


# OCEL 2.0


def ocel(log: KeptLog) -> Iterator[str]:
    """The log as text of an OCEL 2.0 JSON file: tips, the people who worked on them, and incidents where there are any.

    An event is a moment of a stage, `answer.start`; it belongs to its tip and to whoever works. A tip is about its
    incident.
    """
    known = {name: _ocel_type(log.visits[name]) for name in log.about_tips if name != "incident"}
    tips, rows = _tips(log), list(_by_tip(log))
    moments = sorted({(stage, what) for _, some in rows for stage, _, what, *_ in some})
    people = sorted({_person(pool, person) for _, some in rows for *_, pool, person in some if pool and person})
    incidents = sorted({(of[0], told["incident"]) for of, told in tips.items() if "incident" in told})
    types = ["tip", "person", *(["incident"] if incidents else [])]
    attributes = {
        "tip": [{"name": name, "type": kind} for name, kind in known.items()],
        "person": [{"name": "pool", "type": "string"}],
        "incident": [],
    }
    yield '{"objectTypes": '
    yield json.dumps([{"name": name, "attributes": attributes[name]} for name in types])
    yield ',\n"eventTypes": '
    of_event = [{"name": "visit", "type": "integer"}]
    yield json.dumps([{"name": f"{stage}.{what}", "attributes": of_event} for stage, what in moments])
    yield ',\n"objects": ['
    yield from _lines(
        (
            *(_object(*one) for one in _ocel_objects(log, tips)),
            *(_object(name, "person", {"pool": pool}) for name, pool in people),
            *(_object(_incident(log, *one), "incident", {}) for one in incidents),
        )
    )
    yield '],\n"events": ['
    yield from _lines(_ocel_events(log, rows))
    yield "]}\n"


def _ocel_type(column: pd.Series[Any]) -> str:
    import pandas as pd

    return "boolean" if pd.api.types.is_bool_dtype(column) else "string"


def _ocel_objects(
    log: KeptLog, tips: Mapping[tuple[int, int], Mapping[str, Any]]
) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for (replication, tip), told in tips.items():
        own = {name: value for name, value in told.items() if name != "incident"}
        about = _incident(log, replication, told["incident"]) if "incident" in told else ""
        yield f"tip {log.case(replication, tip)}", "tip", own, about


def _object(name: str, kind: str, told: Mapping[str, Any], about: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": name,
        "type": kind,
        "attributes": [
            {"name": key, "time": "1970-01-01T00:00:00Z", "value": value if isinstance(value, bool) else str(value)}
            for key, value in told.items()
        ],
    }
    return found | {"relationships": [{"objectId": about, "qualifier": "about"}] if about else []}


def _ocel_events(log: KeptLog, rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    number = 0
    for (replication, tip), some in rows:
        case = f"tip {log.case(replication, tip)}"
        for stage, visit, what, moment, pool, person in some:
            number += 1
            to = [{"objectId": case, "qualifier": "tip"}]
            if pool and person:
                to.append({"objectId": _person(pool, person)[0], "qualifier": "worked"})
            yield {
                "id": f"e{number}",
                "type": f"{stage}.{what}",
                "time": moment,
                "attributes": [{"name": "visit", "value": visit}],
                "relationships": to,
            }


def _person(pool: str, person: str) -> tuple[str, str]:
    return f"{pool} {person}", pool


def _incident(log: KeptLog, replication: int, number: int) -> str:
    return f"incident {log.case(replication, number)}"


def _lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    between = "\n"
    for record in records:
        yield between + json.dumps(record, ensure_ascii=False)
        between = ",\n"


# vidigi


def vidigi(log: KeptLog) -> pd.DataFrame:
    """The log as a frame that vidigi animates: `entity_id, event_type, event, time, pathway, run_number, timestamp,
    resource_id`, times in minutes.

    People are places on a picture here: work goes to the lowest number of its pool that is free. A delay, and being
    away until another attempt, are shown as queues. Who is still under way when the run ends does not depart.
    """
    import numpy as np
    import pandas as pd

    found = happenings(log)
    kinds = {
        ENTER: ("queue", "_wait_begins"),
        STOP: ("queue", "_wait_begins"),
        GIVES_UP: ("queue", "_gave_up"),
        TURNED_AWAY: ("queue", "_turned_away"),
        START: ("resource_use", "_begins"),
        RESUME: ("resource_use", "_begins"),
        END: ("resource_use_end", "_ends"),
    }
    found = found[found["what"].isin(kinds)]
    worked = found["person"].notna()
    steps = found.assign(
        event_type=found["what"].map(lambda what: kinds[what][0]),
        event=found["stage"] + found["what"].map(lambda what: kinds[what][1]),
        resource_id=np.nan,
    )
    # A delay is no use of anybody: it begins and is over with the next thing; nobody is seen to wait for its gate who
    # does not.
    delay = ~worked & found["what"].isin([START, END])
    steps.loc[delay, "event_type"] = "queue"
    at_once = found["pool"].isna() & found["what"].eq(ENTER) & found["what"].shift(-1).eq(START)
    at_once &= found["time_min"].eq(found["time_min"].shift(-1))
    steps = steps[~(delay & found["what"].eq(END)) & ~at_once]
    stops = steps["what"].eq(STOP)
    extra = steps[stops].assign(event_type="resource_use_end", event=steps.loc[stops, "stage"] + "_ends")
    places = _places(log)
    steps = pd.concat([extra, steps], ignore_index=False).sort_index(kind="stable")
    uses = steps["event_type"].isin(["resource_use", "resource_use_end"])
    nth = steps[uses].groupby(["replication", "tip", "stage", "visit", "event_type"]).cumcount()
    at = zip(*(steps.loc[uses, name] for name in ("replication", "tip", "stage", "visit")), nth, strict=True)
    steps.loc[uses, "resource_id"] = [places[one] for one in at]
    first = log.visits.drop_duplicates(["replication", "tip"])
    under_way = log.visits["outcome"].eq("open").groupby([log.visits["replication"], log.visits["tip"]]).any()
    gone = under_way[~under_way].reset_index()
    left = found.groupby(["replication", "tip"])["time_min"].max().rename("time_min").reset_index()
    arrivals = first[["replication", "tip"]].assign(
        time_min=first["enter_min"], event_type="arrival_departure", event="arrival", sort=0
    )
    departs = (
        gone[["replication", "tip"]]
        .merge(left, on=["replication", "tip"])
        .assign(event_type="arrival_departure", event="depart", sort=2)
    )
    every = pd.concat([arrivals, steps.assign(sort=1), departs], ignore_index=True)
    every = every.sort_values(["replication", "tip", "time_min", "sort"], kind="stable", ignore_index=True)
    told = first[["replication", "tip", "channel"]]
    every = every.merge(told, on=["replication", "tip"], how="left")
    return pd.DataFrame(
        {
            "entity_id": every["tip"],
            "event_type": every["event_type"],
            "event": every["event"],
            "time": every["time_min"],
            "pathway": every["channel"],
            "run_number": every["replication"],
            "timestamp": [one.isoformat(sep=" ") for one in log.moment(every["time_min"]).dt.tz_localize(None)],
            "resource_id": every["resource_id"].astype("Int64"),
        }
    )


def _places(log: KeptLog) -> dict[tuple[int, int, str, int, int], int]:
    """For each spell of work the lowest number of its pool, from 1, that is free; a wrap-up keeps that of its visit."""
    spells = log.spells.reset_index(drop=True)
    key = ["replication", "tip", "stage", "visit"]
    nth = spells.groupby(key).cumcount()
    until = spells["ended_min"].copy()
    wrapping = spells.index[spells["wrap_up"]]
    until[wrapping - 1] = spells.loc[wrapping, "ended_min"].to_numpy()
    rows = spells.assign(nth=nth, until=until)[~spells["wrap_up"]]
    rows = rows.sort_values(["replication", "pool", "began_min", "tip", "nth"], kind="stable")
    found: dict[tuple[int, int, str, int, int], int] = {}
    here: tuple[int, str] | None = None
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    n_places = 0
    names = [*key, "nth", "pool", "began_min", "until"]
    for replication, tip, stage, visit, number, pool, began, over in zip(*(rows[one] for one in names), strict=True):
        if (replication, pool) != here:
            here, free, busy, n_places = (replication, pool), [], [], 0
        while busy and busy[0][0] <= began:
            heappush(free, heappop(busy)[1])
        if not free:
            n_places += 1
            heappush(free, n_places)
        place = heappop(free)
        found[replication, tip, stage, visit, number] = place
        heappush(busy, (over, place))
    return found


_IN_VAIN: Final = (("gave_up", 800, "gave up:"), ("turned_away", 950, "no room:"))


def vidigi_positions(animated: pd.DataFrame, log: KeptLog) -> pd.DataFrame:
    """Where vidigi may draw each event: `event, x, y, label, resource, resources`, stages from top to bottom.

    `resource` is the pool, `resources` the most of its people that were at work at once: what an object given as
    `scenario` has under that name.
    """
    import pandas as pd

    stages = list(dict.fromkeys(log.visits["stage"]))
    pools = log.spells.groupby("stage")["pool"].agg(lambda some: some.mode()[0]).to_dict()
    most = animated.dropna(subset="resource_id").assign(pool=lambda one: one["event"].str.removesuffix("_ends"))
    most["pool"] = most["pool"].str.removesuffix("_begins").map(pools)
    number = most.groupby("pool")["resource_id"].max().to_dict()
    top = 100 * (len(stages) + 1)
    rows: list[dict[str, Any]] = [{"event": "arrival", "x": 50, "y": top, "label": "Arrival"}]
    there = set(animated["event"])
    for row, stage in enumerate(stages, start=1):
        for ending, x, label in (("wait_begins", 350, "waits for"), ("begins", 600, ""), *_IN_VAIN):
            if (event := f"{stage}_{ending}") in there:
                pool = pools.get(stage) if ending == "begins" else None
                of = {} if pool is None else {"resource": pool, "resources": int(number[pool])}
                rows.append({"event": event, "x": x, "y": top - 100 * row, "label": f"{label} {stage}".strip(), **of})
    rows.append({"event": "depart", "x": 800, "y": 50, "label": "Gone"})
    columns = ["event", "x", "y", "label", "resource", "resources"]
    return pd.DataFrame(rows).reindex(columns=columns).astype({"resources": "Int64"})
