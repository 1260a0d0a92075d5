"""A log by its map, whatever its shape: here those with a row an event, or a row a visit.

Their cases go through activities, each a stage with its own visits. Starts and completions give work;
completions alone give delays, not work, and that is said.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.logs import times as t
from sim.logs.calls import (
    NOBODY,
    CleanedLog,
    Cleaning,
    CodedNames,
    LoggedVisits,
    Logins,
    as_names,
    finished,
    logins_of,
    read_calls,
    twice,
)
from sim.logs.counts import IntervalCounts, read_counts
from sim.logs.files import LogError, Raw
from sim.logs.map import ColumnMap

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_STAGES: Final = 12

_LOG_IN, _LOG_OFF = (
    r"(?:agent[ _-]?)?(?:log|sign)(?:ged|ed)?[ _-]?(?:in|on)",
    r"(?:agent[ _-]?)?(?:log|sign)(?:ged|ed)?[ _-]?(?:out|off)",
)

_STARTS, _ENDS, _JOINS = (
    r"^(?:ate_)?(?:start|begin|started)$",
    r"complet|end|finish|done",
    r"schedul|assign|enqueue|create",
)
_GONE: Final = r"withdraw|abandon|cancel"
"""Steps of an activity: it starts, ends, joins its line, or leaves it unserved."""

_LEAVES: Final = r"depart(?:s|ed|ure)?|exit(?:s|ed)?|leaves?"
"""Events that say that a case is gone, which is no stage."""

_STEP_OF: Final = (
    ("other", r"suspend(?:s|ed)?|resumes?|resumed|pauses?|paused|merged|wrap[ _-]?up[ _-](?:start|end)"),
    ("start", r"start(?:s|ed)?|begins?|began|begun"),
    ("complete", r"ends?|ended|complet(?:e|es|ed|ion)|finish(?:es|ed)?|stop(?:s|ped)?|done"),
    ("schedule", r"enters?|entered|joins?|joined|queued|(?:wait|queue)[ _-](?:begins?|starts?)"),
    ("withdraw", r"g(?:i|a)ves?[ _-]?up|abandon(?:s|ed)?|turned[ _-]?away"),
)
"""How the name of an activity ends that is a step of another: `Triage start`, `answer.end`."""


def read_events(raw: Raw, made: ColumnMap) -> CleanedLog:
    """The visits of a log with a row an event; LogError where it names no case, activity or time."""
    import pandas as pd

    made.must_name("case", "activity", "time", of=raw)
    look = Cleaning(raw, made)
    look.say("there twice, alike in every column", twice(raw), "left out but one", drop=True)
    at = look.times("time")
    assert at is not None
    if not at.dated:
        date_of = look.times("date")
        at.seconds = t.with_dates(
            at.seconds, None if date_of is None else date_of.seconds, date(1970, 1, 5), look.notes
        )
    case, activity = raw.texts(made.columns["case"]), raw.texts(made.columns["activity"])
    roster = [activity.str.fullmatch(pattern, case=False).to_numpy(dtype=np.bool_) for pattern in (_LOG_IN, _LOG_OFF)]
    logged = look.kept & (roster[0] | roster[1]) & np.isfinite(at.seconds)
    look.say("events of logging in or off", logged, "read as those of the staff, not of a case", drop=True)
    look.say(
        "no case, activity or time", (t.empty(case) | t.empty(activity) | np.isnan(at.seconds)), "left out", drop=True
    )
    if not look.kept.any():
        raise LogError(f"{raw.path}: no event has a case, an activity and a time")
    step = raw.texts(made.columns["lifecycle"]).str.lower() if made.get("lifecycle") else None
    after = look.times("complete")
    if step is None and after is None:
        activity, step = _steps(activity, look)
    rows = pd.DataFrame(
        {
            "case": pd.factorize(case)[0],
            "activity": activity,
            "time": at.seconds,
            "person": look.names("person").code,
            "pool": look.names("pool").code,
            "channel": look.names("channel", MOST_STAGES).code,
            "priority": look.names("priority", MOST_STAGES).code,
        }
    )
    rows["complete"] = np.nan if after is None else after.seconds
    rows["what"] = "complete" if step is None else step
    rows = rows[look.kept].sort_values(["case", "time"], kind="stable").reset_index(drop=True)
    if after is not None:
        visits = _of_intervals(rows)
    elif step is not None:
        visits = _of_lifecycle(rows, look)
    else:
        visits = _of_ends(rows)
    visits = _wrapped_up(look, _who_gave_up(look, visits))
    log = _laid(look, visits, rows)
    if logged.any() and made.get("person"):
        log.logins = _logged_in(look, np.flatnonzero(logged), roster[0], at.seconds, log.visits)
    return log


def _steps(activity: pd.Series[str], look: Cleaning) -> tuple[pd.Series[str], pd.Series[str] | None]:
    """Activities without their steps, and the steps, where the names of some tell a start and an end; else None."""
    of: dict[str, tuple[str, str]] = {}
    for name in activity.unique().tolist():
        for step, words in _STEP_OF:
            hit = re.fullmatch(rf"(.*\w)[ ._:/-]+(?:{words})", name, re.IGNORECASE)
            if hit is not None:
                of[name] = (hit[1], step)
    told: dict[str, set[str]] = {}
    for whole, step in of.values():
        told.setdefault(whole, set()).add(step)
    of = {name: (whole, step) for name, (whole, step) in of.items() if {"start", "complete"} <= told[whole]}
    if not of:
        return activity, None
    ends = {whole for name, (whole, step) in of.items() if step == "complete" and not _is_stop(name)}
    # Who stops and ends later was interrupted.
    of |= {name: (whole, "other") for name, (whole, _) in of.items() if _is_stop(name) and whole in ends}
    name, (whole, _) = next(iter(of.items()))
    look.notes.append(f"'{name}' and the like are read as steps of '{whole}'")
    return activity.map({name: whole for name, (whole, _) in of.items()}).fillna(activity), activity.map(
        {name: step for name, (_, step) in of.items()}
    ).fillna("complete")


def _is_stop(name: str) -> bool:
    return re.search(r"stop(s|ped)?$", name, re.IGNORECASE) is not None


def _logged_in(
    look: Cleaning,
    rows: NDArray[np.int64],
    is_in: NDArray[np.bool_],
    seconds: NDArray[np.float64],
    visits: LoggedVisits,
) -> Logins | None:
    """When people were logged in: each log-in lasts until the next log-off of that person."""
    person = look.names("person").code
    rows = rows[person[rows] != NOBODY]
    rows = rows[np.lexsort((~is_in[rows], seconds[rows], person[rows]))]
    who, begins = person[rows], is_in[rows]
    same = np.append(who[1:] == who[:-1], False)
    ends = np.append(seconds[rows][1:], np.nan)
    until = np.where(same & ~np.append(begins[1:], True), ends, np.nan)
    return logins_of(look, who[begins], seconds[rows][begins], until[begins], visits)


def _of_intervals(rows: pd.DataFrame) -> pd.DataFrame:
    """A row has start and end: a visit each, which joins its line when the one before it has ended."""
    found = rows.assign(start=rows["time"], end=rows["complete"])
    found["enter"] = found.groupby("case")["end"].transform(lambda ends: ends.cummax().shift())
    found["enter"] = found["enter"].fillna(found["start"]).clip(upper=found["start"])
    return found


def _of_lifecycle(rows: pd.DataFrame, look: Cleaning) -> pd.DataFrame:
    """Events say start or complete: those of one case and activity are joined in order."""
    starts = rows["what"].str.contains(_STARTS, regex=True)
    ends = rows["what"].str.contains(_ENDS, regex=True)
    joins = rows["what"].str.contains(_JOINS, regex=True)
    gone = rows["what"].str.contains(_GONE, regex=True)
    look.say("events that neither start nor end work", int((~starts & ~ends & ~joins & ~gone).sum()), "passed over")
    key = ["case", "activity", "nth"]
    # Who joins the line anew after giving up has as many visits.
    attempt = joins.groupby([rows["case"], rows["activity"]]).cumsum()
    told = rows[["case", "activity"]].assign(attempt=attempt)
    by_attempt = bool(gone.any()) and not any(told[which].duplicated().any() for which in (starts, ends, gone))

    def numbered(which: pd.Series[bool], name: str) -> pd.DataFrame:
        some = rows[which].copy()
        some["nth"] = attempt[which] if by_attempt else some.groupby(["case", "activity"]).cumcount()
        return some.rename(columns={"time": name})

    found = numbered(ends, "end")
    if not starts.any():
        return _of_ends(rows[ends])
    found = found.merge(numbered(starts, "start")[[*key, "start"]], on=key, how="outer")
    found = found.merge(numbered(gone, "left")[[*key, "left"]], on=key, how="outer")
    found = found.merge(numbered(joins, "joined")[[*key, "joined"]], on=key, how="left")
    found["gave_up"] = found["left"].notna() & found["start"].isna()
    found["end"] = found["end"].where(~found["gave_up"])
    for name in ("person", "pool", "channel", "priority"):
        found[name] = found[name].fillna(NOBODY).astype("int64")
    for name in ("channel", "priority"):
        of_case = found["case"].map(rows.groupby("case")[name].max())
        found[name] = found[name].where(found[name] != NOBODY, of_case).astype("int64")
    found["first"] = found[["joined", "start", "end", "left"]].min(axis=1)
    found = found.sort_values(["case", "first"], kind="stable").reset_index(drop=True)
    before = found.groupby("case")["end"].transform(lambda ends: ends.cummax().shift())
    found["enter"] = found["joined"].fillna(before).fillna(found["first"])
    found["enter"] = found[["enter", "first"]].min(axis=1)
    return found


def _who_gave_up(look: Cleaning, visits: pd.DataFrame) -> pd.DataFrame:
    """Activities that mean giving up are visits to the stage that mostly comes next, left without a start."""
    import pandas as pd

    if "gave_up" not in visits:
        visits = visits.assign(gave_up=False, left=np.nan)
    gone = visits["activity"].isin(look.map.given_up)
    rest = visits[~gone]
    staffed = rest.loc[rest["start"].notna(), "activity"]
    if not gone.any() or not len(staffed):
        return visits
    order = rest.sort_values(["case", "enter"], kind="stable")
    after = order.groupby("case")["activity"].shift(-1)
    next_ = {
        before: names.value_counts().index[0]
        for before, names in after[after.isin(set(staffed))].groupby(order["activity"])
    }
    last = order[["case", "activity", "end", "start"]].assign(at=order["end"].fillna(order["start"]))
    left = visits[gone].assign(at=visits.loc[gone, "end"].fillna(visits.loc[gone, "enter"]))
    both = (
        left[["case", "at"]].reset_index().merge(last[["case", "activity", "at"]], on="case", suffixes=("", "_before"))
    )
    both = both[both["at_before"] <= both["at"]].groupby("index").last()
    before, since = both["activity"].reindex(left.index), both["at_before"].reindex(left.index)
    commonest = staffed.value_counts().index[0]
    left["activity"] = [next_.get(one, commonest) for one in before]
    left["enter"] = since.fillna(left["at"])
    left["left"] = left["at"]
    left["start"], left["end"], left["gave_up"] = np.nan, np.nan, True
    look.say("events that mean giving up", int(gone.sum()), "read as leaving the line of the stage that comes next")
    found = pd.concat([rest, left.drop(columns="at")])
    return found.sort_values(["case", "enter"], kind="stable").reset_index(drop=True)


def _wrapped_up(look: Cleaning, visits: pd.DataFrame) -> pd.DataFrame:
    """Activities such as `answer wrap-up` are no stage of their own, but the wrap-up of the visit that ended before."""
    import pandas as pd

    visits = visits.assign(wrap_up=np.nan)
    names = set(visits["activity"].unique().tolist())
    told = {name: re.fullmatch(r"(.+?)[ ._:/-]+wrap[ _-]?up", name, re.IGNORECASE) for name in names}
    of = {name: hit[1] for name, hit in told.items() if hit is not None and hit[1] in names}
    after = visits["activity"].isin(of)
    if not after.any():
        return visits
    wraps = visits.loc[after & visits["start"].notna(), ["case", "activity", "start", "end"]]
    wraps = wraps.assign(activity=wraps["activity"].map(of).astype(object), lasted=wraps["end"] - wraps["start"]).drop(
        columns="end"
    )
    talks = visits.loc[~after & visits["end"].notna(), ["case", "activity", "end"]].reset_index(names="row")
    talks["activity"] = talks["activity"].astype(object)
    both = pd.merge_asof(
        wraps.sort_values("start"),
        talks.sort_values("end"),
        left_on="start",
        right_on="end",
        by=["case", "activity"],
    ).dropna(subset=["row"])
    look.say("visits of wrap-up", int(after.sum()), "read as the wrap-up of the work before")
    lasted = both.groupby("row")["lasted"].sum()
    visits.loc[lasted.index, "wrap_up"] = lasted
    return visits[~after].reset_index(drop=True)


def _of_ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Completions alone: from one to the next is a delay, in which nobody says how much was work."""
    found = rows.assign(start=np.nan, end=rows["time"])
    found["enter"] = found.groupby("case")["time"].shift()
    found["enter"] = found["enter"].fillna(found["time"])
    return found


def _laid(look: Cleaning, visits: pd.DataFrame, rows: pd.DataFrame) -> CleanedLog:
    known = visits["start"].notna()
    if not known.any():
        look.cannot.append(
            "It has completions only: from one to the next is a delay, not work. Nothing is said of waits, patience, "
            "work or staff."
        )
    negative = (visits["end"] < visits["start"]).to_numpy()
    look.say("ends before it starts", int(negative.sum()), "its work is read as missing")
    stage = as_names(visits["activity"].astype(object), MOST_STAGES)
    if len(stage.names) > MOST_STAGES:
        look.say(f"beyond the {MOST_STAGES} commonest activities", int((stage.code == MOST_STAGES).sum()), "left out")
        keep = stage.code < MOST_STAGES
        visits, stage, known = visits[keep], CodedNames(stage.code[keep], stage.names[:MOST_STAGES]), known[keep]
        negative = negative[keep]
    if known.any():
        begins = _only_begins(visits)
        if begins.any() and not begins.all():
            look.say("events that only begin a case", int(begins.sum()), "read as its arrival")
            keep = ~begins
            visits, stage, negative = visits[keep], as_names(visits["activity"][keep].astype(object)), negative[keep]
        mere = visits["start"].isna() & ~visits["gave_up"]
        leaves = (visits["activity"].str.fullmatch(_LEAVES, case=False) & mere).to_numpy(dtype=np.bool_)
        if leaves.any() and not leaves.all():
            look.say("events that only end a case", int(leaves.sum()), "passed over")
            visits, negative = visits[~leaves], negative[~leaves]
            stage = as_names(visits["activity"].astype(object))
    if made_of := look.map.get("lifecycle"):
        look.notes.append(f"events are joined by '{made_of}'")
    enter = visits["enter"].to_numpy(dtype=np.float64)
    start = visits["start"].to_numpy(dtype=np.float64)
    end = visits["end"].to_numpy(dtype=np.float64)
    gave_up = visits["gave_up"].to_numpy(dtype=np.bool_)
    arrival = visits["case"].map(rows.groupby("case")["time"].min()).to_numpy(dtype=np.float64)
    order = np.lexsort((visits["case"].to_numpy(), enter))
    case = visits["case"].to_numpy(dtype=np.int64)
    first = ~visits.duplicated("case").to_numpy()

    def names(role: str) -> CodedNames:
        return CodedNames(
            visits[role].to_numpy(dtype=np.int64), look.names(role, MOST_STAGES if role != "person" else 10**6).names
        )

    made = LoggedVisits(
        arrival=np.minimum(arrival, enter),
        enter=enter,
        start=start,
        end=np.where(negative, np.nan, end),
        left=np.where(gave_up, visits["left"].to_numpy(dtype=np.float64), start),
        gave_up=gave_up,
        wrap_up=visits["wrap_up"].to_numpy(dtype=np.float64),
        channel=names("channel"),
        stage=stage,
        pool=names("pool"),
        person=names("person"),
        priority=names("priority"),
        caller=np.full(len(visits), NOBODY, dtype=np.int64),
        case=case,
        first=first,
    )
    return finished(look, _parted(made.take(order)))


def _parted(visits: LoggedVisits) -> LoggedVisits:
    """What follows giving up is a case of its own, of a caller who is known: a coming back, as in a log of calls."""
    if not visits.gave_up.any():
        return visits
    order = np.lexsort((visits.enter, visits.case))
    case, lost = visits.case[order], visits.gave_up[order]
    before: NDArray[np.int64] = np.cumsum(lost) - lost
    begins = np.append(True, case[1:] != case[:-1])
    of_case: NDArray[np.int64] = before - np.repeat(
        before[begins], np.diff(np.append(np.flatnonzero(begins), len(case)))
    )
    new = np.append(True, (case[1:] != case[:-1]) | (of_case[1:] != of_case[:-1]))
    part = np.empty(len(case), dtype=np.int64)
    part[order] = np.cumsum(new) - 1
    first = np.zeros(len(case), dtype=np.bool_)
    first[order[new]] = True
    came = np.where(of_case[new] == 0, visits.arrival[order[new]], visits.enter[order[new]])
    return replace(visits, caller=visits.case, case=part, first=first, arrival=came[part])


def _only_begins(visits: pd.DataFrame) -> NDArray[np.bool_]:
    """The visits of activities that are always over, without a start, at the very time at which their case begins."""
    begins = visits.groupby("case")["enter"].transform("min")
    mere = visits["start"].isna() & ~visits["gave_up"] & (visits["end"] == begins)
    return np.asarray(mere.groupby(visits["activity"]).transform("all"), dtype=np.bool_)


def read_visits(raw: Raw, made: ColumnMap) -> CleanedLog:
    """The visits that the program itself wrote; of several replications the first.

    Times are minutes since `run.start`, which the file tells, or else is taken to be a Monday's midnight.
    """
    look = Cleaning(raw, made)
    replication = raw.texts("replication") if "replication" in raw.columns else None
    if replication is not None and replication.nunique() > 1:
        first = replication.iloc[0]
        look.say(f"of other replications than {first}", (replication != first).to_numpy(), "left out", drop=True)
    zero = 4.0 * t.DAY
    if "start" in raw.clock:
        import pandas as pd

        zero = float(t.times(pd.Series([raw.clock["start"]], dtype=object)).seconds[0])
    else:
        look.notes.append("the file does not say when its run began: taken as 1970-01-05 00:00, a Monday")

    def seconds(name: str) -> NDArray[np.float64]:
        if name not in raw.columns:
            return np.full(look.n, np.nan)
        return t.numbers(raw.texts(name)) * 60 + zero

    outcome = raw.texts("outcome")
    look.say("still open when the run ended", outcome.isin(["open"]).to_numpy(), "left out", drop=True)
    gave_up = outcome.isin(["abandoned", "gave up"]).to_numpy()
    left_name = next((one for one in ("gave_up_min", "abandon_min", "left_min") if one in raw.columns), "")
    start, enter = seconds("start_min"), seconds("enter_min")
    left = np.where(gave_up, np.nan, start)
    k = np.flatnonzero(look.kept & np.isfinite(enter))
    earlier = _attempts(raw, left_name, zero, k, gave_up, enter, left) if left_name else []
    if gave_up.any() and not left_name:
        look.cannot.append("It does not say when those who gave up did so: patience is unknown.")
    case = np.unique(raw.texts("tip").to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
    # Each attempt but the last is a visit of its own, given up.
    again = np.array([row for row, _, _ in earlier], dtype=np.int64)
    joined, gone = (np.array([one[at] for one in earlier]) for at in (1, 2))
    nothing, lost = np.full(len(again), np.nan), np.ones(len(again), dtype=np.bool_)
    row = np.concatenate([k, again])
    enter = np.concatenate([enter[k], joined])
    order = np.lexsort((row, enter))

    def stamps(last: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([last[k], before])[order]

    rows, enter = row[order], enter[order]

    def names(column: str) -> CodedNames:
        if column not in raw.columns:
            return CodedNames.none(len(rows))
        return as_names(raw.texts(column)).take(rows)

    wrap_up = seconds("wrap_up_min") - zero
    case = case[rows]
    begins = np.zeros(len(rows), dtype=np.bool_)
    begins[np.unique(case, return_index=True)[1]] = True
    arrival = np.full(int(case.max()) + 1, np.inf)
    np.minimum.at(arrival, case, enter)
    visits = LoggedVisits(
        arrival=arrival[case],
        enter=enter,
        start=stamps(start, nothing),
        end=stamps(seconds("end_min"), nothing),
        left=stamps(left, gone),
        gave_up=stamps(gave_up, lost),
        wrap_up=stamps(wrap_up, nothing),
        channel=names("channel"),
        stage=names("stage"),
        pool=names("pool"),
        person=_lanes(raw).take(rows),
        priority=CodedNames.none(len(rows)),
        caller=np.full(len(rows), NOBODY, dtype=np.int64),
        case=case,
        first=begins,
    )
    return finished(look, _parted(visits))


def _attempts(
    raw: Raw,
    left_name: str,
    zero: float,
    rows: NDArray[np.int64],
    gave_up: NDArray[np.bool_],
    enter: NDArray[np.float64],
    left: NDArray[np.float64],
) -> list[tuple[int, float, float]]:
    """The attempts of these rows but the last: the row, when it joined the line and when it gave up.

    What `enter` and `left` say of a row becomes that of its last attempt.
    """
    found: list[tuple[int, float, float]] = []
    lost_at = raw.texts(left_name)
    tried = raw.texts("tried_min") if "tried_min" in raw.columns else None
    for row in rows[lost_at.to_numpy()[rows] != ""].tolist():
        ends = [float(one) * 60 + zero for one in lost_at[row].split()]
        joins = [enter[row]] if tried is None else [float(one) * 60 + zero for one in tried[row].split()]
        for join, later in pairwise([*joins, math.inf]):
            end = next((one for one in ends if join <= one < later), math.nan)
            if later < math.inf:
                found += [(row, join, end)] if math.isfinite(end) else []
            elif gave_up[row]:
                left[row] = end
        enter[row] = joins[-1]
    return found


def _lanes(raw: Raw) -> CodedNames:
    """Who worked on each visit that the program wrote: people have names of their own in each pool."""
    if "person" not in raw.columns:
        return CodedNames.none(len(raw))
    person = raw.texts("person")
    if "pool" in raw.columns:
        person = (raw.texts("pool") + " " + person).where(~t.empty(person), "")
    return as_names(person)


def read_log(raw: Raw, made: ColumnMap) -> CleanedLog | IntervalCounts:
    """What a log tells, cleaned; LogError where it tells nothing."""
    if made.shape == "calls":
        return read_calls(raw, made)
    if made.shape == "events":
        return read_events(raw, made)
    if made.shape == "visits":
        return read_visits(raw, made)
    return read_counts(raw, made)
