"""A draft of the map of a log, by the names of its columns and by what is in them; of each role it says how sure it is.

It decides nothing for good: whoever has the log looks at it, and mends it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any, Final

from sim.logs.files import LogError, Raw
from sim.logs.map import LENGTHS, ROLES, ROLES_OF, SHAPES, TIMES, ColumnMap
from sim.logs.times import BOTH, CLOCKS, DAY, DAYS, counts_time, empty, lengths, numbers, tells, times

_NAMES: Final = (
    ("login", r"(log|sign)(ged|ed)?[ _-]?(in|on)(?![glv])"),
    ("logout", r"(log|sign)(ged|ed)?[ _-]?(out|off)"),
    (
        "case",
        r"case(:|_|AAA)concept(:|_|AAA)name|^case[ _]?(id|no|nr|key)?$"
        r"|^object:(tip|case|call|order|application|ticket|incident)",
    ),
    ("lifecycle", r"lifecycle"),
    ("activity", r"^event$"),
    ("activity", r"^concept(:|_|AAA)name$|^activity|^event([ _]?(type|name|class))?$|^action$|^task$"),
    ("complete", r"^complet|end[ _]?time(stamp)?$|^finish"),
    (
        "person",
        r"^org:resource$|agent|server|resource|operator|handler|employee|advis|^user|clerk|person|^rep$|staff"
        r"|mitarbeiter|bearbeiter|conseiller|medewerker|assignee|assigned[ _]?to|^owner|nurse|doctor|physician|officer"
        r"|^position$|console|workstation|badge|call.?taker|dispatcher|analyst"
        r"|(answered|handled|taken|resolved|closed|seen)[ _]by",
    ),
    ("menu", r"(vru|ivr|menu|ring).*(time|sec|dur|len)|^(vru|ivr)$"),
    ("menu_end", r"(vru|ivr|menu).*(exit|end|out|leave)"),
    ("wrap_up", r"wrap|acw|after.?call|post.?call|nacharbeit"),
    (
        "wait",
        r"wait|q(ueue)?[ _(]*(time|dur|sec|min|ms\b)|total[ _]queue|time[ _]?in[ _]?q|delay|speed of answer"
        r"|^asa|hold.?before"
        r"|warte(zeit|dauer)|attente|espera|velocidad",
    ),
    ("left", r"q(ueue)?[ _]?(exit|end|out|leave)|^aband|aband.*(at|time)|gave[ _]?up|left|reneg|exit.*q"),
    ("enter", r"q(ueue)?[ _]?(start|entry|enter|in|join|begin|time.?stamp)|line.*(entry|enter)|enqueue|^enter"),
    (
        "work",
        r"(ser(v|vice)?|talk|handle|call|conversation)[ _.(]*(time|dur|len|sec|min|ms\b)|^aht|duration|^talk|billsec"
        r"|total[ _](talk|handle|conversation)"
        r"|gespr(ä|ae)chs?(zeit|dauer)|bearbeitungszeit|dauer|dur(é|e)e|duraci(ó|o)n",
    ),
    (
        "start",
        r"(ser(v|vice)?|talk|answer|connect|pick)[ _.a-z]*(start|begin|time|at|entry)|^start|^begin"
        r"|answered|answer(ed)?([ _]at)?$|annahme|angenommen|gespr(ä|ae)chs?beginn|d(é|e)croch",
    ),
    (
        "end",
        r"(ser(v|vice)?|talk|call)[ _.]*(exit|end|stop)|^end|hang.?up|disconnect|released|closed|complet|resolved"
        r"|^finish|gespr(ä|ae)chs?ende|^fin([ _]|$)|clôtur|cierre",
    ),
    (
        "arrival",
        r"arriv|received|recv|(v|i)[rv][ur].*(entry|start)|call.?(start|date|time)|offered|presented|created|opened"
        r"|anruf(zeit|beginn|start|eingang)|eingang|ankunft|llegada|appel(é|e)?[ _](le|à)|heure.*appel|hora.*llamada",
    ),
    (
        "outcome",
        r"outcome|result|status|statut|dispos|abandon|state$|answered|resolution|ergebnis|r(é|e)sultat|estado"
        r"|respondid|contestad|atendid|r(é|e)pondu|angenommen$",
    ),
    ("direction", r"direction|inbound|in.?out|call.?dir"),
    ("priority", r"prio|urgen|severity|triage|acuity|rank|dringlich"),
    ("pool", r"^(pool|(assignment[ _])?group|team|skill|queue(?!.*(time|start|exit|sec|len|dur)).*|dep(t|artment))"),
    ("channel", r"channel|^type|topic|categor|service.?type|media|source|reason|campaign|(?<!call.)class|kanal|^canal"),
    ("caller", r"caller|customer|ani$|phone|msisdn|client|patient.?id|contact.?id"),
    ("date", r"^(date|day|call.?date|datum|fecha|jour)$"),
    ("time", r"time.?stamp|^time(:|$)|date.?time|interval|period|month|^hour|from|slot"),
    (
        "count",
        r"^(calls?([ _]offered)?|count|n|tips?|volume|(calls?[ _])?offered([ _]calls)?|arrivals?"
        r"|num(ber)?[ _.]?of.*|n_.*|visits?"
        r"|attendances?|.*rate|incoming.*|total.*|anrufe|angeboten|appels|llamadas)$",
    ),
    ("answered", r"answered|handled|served|angenommen|beantwortet|trait(é|e)|r(é|e)pondu"),
    ("given_up", r"aband|given.?up|lost|aufgelegt|verloren|perdu"),
    ("met", r"breach|within|sla|service.?level|sl\b|in.?time"),
)

SERVED: Final = (
    r"agent|serv|answer|handled|connect|complet|success|resolved|closed|^ok$|^yes$|^y$|^true$|^1$|^joined"
    r"|angenommen|beantwortet|bedient|erledigt|^r(é|e)pondu|^trait(é|e)|^atendid|^contestad"
)
GIVEN_UP: Final = (
    r"hang|aband|gave|given|reneg|lost|no.?answer|not.?answer|unansw|miss|^no$|^n$|^false$|^0$|left"
    r"|aufgelegt|abgebrochen|verloren|verpasst|raccroch|perdu|colgad|perdid"
)
LEFT_UNSERVED: Final = r"aband|hang.?up|hung.?up|(gave|give|given|giving).?up|reneg|aufgelegt|raccroch|colgad"
"""Activities that mean giving up."""
_ID_NAMES: Final = r"(id|no|nr|num|number|key|ref)\.?$|^(patient|visit|encounter|ticket|tip|report|incident|order)$"
_BEGINS: Final = r"^((call|contact|session|chat)[ _.-]*)?(start|begin)(ed|s)?([ _.-]*(time|ts|dt|at|date|timestamp))*$"
_CLOCK_NAMES: Final = r"time|hour|uhr|zeit|heure|hora"
STRANGE: Final = r"phantom|test|dummy|error|fail|transfer|unknown|invalid|blocked|busy|outbound|out$"
TESTS: Final = r"^(test|dummy|probe|demo)([ _-].*)?$"


HALF: Final = 0.5
"""A column that is empty in more of its rows does not say when they came."""
OF_CALLS: Final = {"start", "end", "left", "wait", "work", "outcome", "person", "enter"}
"""What a row an interval does not have."""


def draft(raw: Raw) -> ColumnMap:
    """What the columns of a log seem to mean; LogError where nothing in it is a time or a number."""
    names = raw.columns
    if {"tip", "stage", "enter_min", "start_min", "outcome"} <= set(names):
        return ColumnMap("visits", sure={"shape": "sure: the columns are those that the program writes"})
    texts = {name: raw.texts(name) for name in names}
    head = {name: text[~empty(text)].head(5000) for name, text in texts.items()}
    tell = {name: tells(text) for name, text in head.items()}
    time = {name: bool(told) for name, told in tell.items()}
    number = {name: len(text) > 0 and bool((~_nan(numbers(text))).mean() > 0.9) for name, text in head.items()}
    counted = {name: number[name] and not time[name] and counts_time(numbers(text)) for name, text in head.items()}
    tell |= dict.fromkeys((name for name in names if counted[name]), BOTH)
    rare = {name for name in names if len(head[name]) < HALF * min(len(raw), 5000)}
    found: dict[str, str] = {}
    sure: dict[str, str] = {}

    def named(roles: Collection[str]) -> None:
        """Give roles the columns whose names and contents fit them, of those that are free."""
        for role, pattern in _NAMES:
            free = [name for name in names if name not in found.values() and re.search(pattern, name, re.IGNORECASE)]
            if role in TIMES:
                # Where a day and the time of day have a column each, the time is the one that tells more.
                free.sort(key=lambda name: (tell[name] == DAYS, role == "time" and not tell[name]))
            if role in roles and role not in found and (hit := next((one for one in free if fits(role, one)), None)):
                found[role] = hit
                sure[role] = "sure"

    def fits(role: str, name: str) -> bool:
        clock = bool(len(head[name])) and bool(head[name].str.fullmatch(r"-?\d+:\d{2}(:\d{2}([.,]\d+)?)?").mean() > 0.9)
        clock = clock and not (role in LENGTHS and _is_time_of_day(name, head[name]))
        return {
            **dict.fromkeys(TIMES, time[name] or counted[name]),
            **dict.fromkeys(LENGTHS, (number[name] and not counted[name]) or clock),
            **dict.fromkeys(("count", "answered", "given_up", "met"), number[name] and not time[name]),
            "date": time[name],
            "time": True,
        }.get(role, not time[name])

    named(ROLES)
    _mend(found, sure, names, head, tell, number, rare)
    shape = _shape(raw, found, sure, head)
    kept = set(ROLES_OF[shape])
    found = {role: name for role, name in found.items() if role in kept}
    if shape in ("calls", "counts", "profile", "months"):
        # A column such as `answered` is an outcome of a call, but a number of them where rows are intervals; and an
        # `End Time` is the end of an event, until it is known that a row is a call.
        named(kept)
    if shape == "calls":
        _by_content(found, sure, texts, {name: told for name, told in tell.items() if told}, number)
    made = ColumnMap(
        shape, found, sure={"shape": f"likely: {SHAPES[shape]}", **{r: s for r, s in sure.items() if r in found}}
    )
    if shape == "calls":
        _draft_words(made, texts)
    if shape == "events":
        kinds = head[found["activity"]].unique()
        made.given_up = tuple(sorted(str(one) for one in kinds if re.search(LEFT_UNSERVED, str(one), re.IGNORECASE)))
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


def _nan(values: Any) -> Any:
    import numpy as np

    return np.isnan(values)


def _mend(
    found: dict[str, str],
    sure: dict[str, str],
    names: list[str],
    head: dict[str, Any],
    tell: dict[str, str],
    number: dict[str, bool],
    rare: set[str],
) -> None:
    """What no name tells, by content and by elimination; told as a guess. `rare` columns are empty in most rows."""
    free = [name for name in names if name not in found.values()]
    _pair_days_and_clocks(found, sure, free, tell)
    _cases_of_activities(found, sure, free, head, tell)
    if "arrival" not in found and "enter" in found:
        found["arrival"], sure["arrival"] = found["enter"], "likely: the line is what it reaches first"
    if "arrival" not in found and "time" not in found and "case" not in found:
        some = [name for name in free if name not in rare] if "date" in found else free
        some.sort(key=lambda name: name in rare)
        first = next((name for told in (BOTH, CLOCKS, DAYS) for name in some if tell[name] == told), None)
        if first is not None:
            found["arrival"], sure["arrival"] = first, "guess: the first column with times"
            free.remove(first)
        elif "date" in found and (OF_CALLS & set(found) or any(tell[name] for name in free)):
            found["arrival"], sure["arrival"] = found.pop("date"), "guess: the date alone, no time of day is beside it"
    start = found.get("start", "")
    begins = not {"arrival", "time", "case"} & set(found) and re.search(_BEGINS, start, re.IGNORECASE)
    if begins and ("wait" in found or "end" not in found):
        found["arrival"], sure["arrival"] = found.pop("start"), "likely: what begins is the call, not the talk"
    objects = [name for name in names if name.startswith("object:")]
    if "case" not in found and objects and "activity" in found:
        found["case"] = max(objects, key=lambda name: int(head[name].nunique()))
        sure["case"] = f"guess: of {len(objects)} types of object the one with the most"
    if "channel" not in found and "pool" in found:
        found["channel"], sure["channel"] = found.pop("pool"), "likely: the groups that tips go to"
    if "outcome" in found and len(head[found["outcome"]]):
        kinds = head[found["outcome"]].nunique()
        if kinds > 50:
            sure["outcome"] = f"guess: it has {kinds} values"
    if not {"count", "case", "arrival"} & set(found) and not OF_CALLS & set(found):
        first = next((name for name in free if number[name]), None)
        if first is not None:
            found["count"], sure["count"] = first, "guess: the first column with numbers"


def _pair_days_and_clocks(found: dict[str, str], sure: dict[str, str], free: list[str], tell: dict[str, str]) -> None:
    """The time of arrival and its date, where a column has the one and another the other; or a date has both."""
    date = found.get("date")
    if date is not None and tell[date] == BOTH and not {"arrival", "time", "case"} & set(found):
        found["arrival"], sure["arrival"] = found.pop("date"), "likely: the date has a time of day"
    arrival = found.get("arrival")
    if arrival is None:
        return
    if tell[arrival] == DAYS:
        time = found.get("time")
        clocks = [time] if time is not None else [name for name in free if re.search(_CLOCK_NAMES, name, re.IGNORECASE)]
        clock = next((name for name in clocks if tell[name] == CLOCKS), None)
        if clock is None:
            return
        found.pop("time", None)
        found["date"], sure["date"] = arrival, sure["arrival"]
        found["arrival"], sure["arrival"] = clock, "likely: the time of day beside its date"
    elif tell[arrival] == CLOCKS and "date" not in found:
        day = next((name for name in free if tell[name] == DAYS), None)
        if day is None:
            return
        found["date"], sure["date"] = day, "likely: the date beside a time of day"
    free[:] = [name for name in free if name not in found.values()]


def _cases_of_activities(
    found: dict[str, str], sure: dict[str, str], free: list[str], head: dict[str, Any], tell: dict[str, str]
) -> None:
    """Which case the rows of an activity belong to, and when they were: an id that comes back, each time with another
    activity, and the first column with dates and times of day."""
    if "activity" not in found or "case" in found:
        return
    activity = head[found["activity"]]
    for name in (*free, *(found[role] for role in ("caller",) if role in found)):
        id_ = head[name]
        told = len(id_) == len(activity) and not tell[name] and re.search(_ID_NAMES, name, re.IGNORECASE)
        if not told or id_.nunique() > 0.7 * len(id_) or id_.nunique() < 2:
            continue
        if (id_ + "\n" + activity).duplicated().mean() < 0.5:
            found.update(case=name)
            sure["case"] = "likely: an id that comes back with other activities"
            found.pop("caller", None)
            break
    else:
        return
    if not {"time", "arrival", "start", "complete"} & set(found):
        time = next((name for name in free if tell[name] == BOTH), None)
        if time is not None:
            found["time"], sure["time"] = time, "likely: the first column with dates and times of day"
    free[:] = [name for name in free if name not in found.values()]


def _is_time_of_day(name: str, text: Any) -> bool:
    """Whether what could be lengths are times of day by their name too, and go over the day."""
    if not any(re.search(pattern, name, re.IGNORECASE) for role, pattern in _NAMES if role in TIMES):
        return False
    seconds = lengths(text)
    size = seconds[seconds == seconds]
    return bool(len(size)) and bool(size.max() > DAY / 2) and bool(sorted(size)[len(size) // 2] > DAY / 8)


MOST: Final = 0.95
"""Of the rows that tell, so many have to fit before a guess is made by content."""
_ENOUGH: Final = 20


def _by_content(
    found: dict[str, str], sure: dict[str, str], texts: dict[str, Any], timed: dict[str, str], number: dict[str, bool]
) -> None:
    """What no name tells of a log of calls, told as guesses: later times are when it was taken and when it ended, and
    words that stand only where somebody took it are who did, or what became of it."""
    import numpy as np

    head = {name: text.head(5000) for name, text in texts.items()}
    if sure.get("arrival", "").startswith("guess") and "date" not in found:
        some = [name for name in texts if name in timed and (name == found["arrival"] or name not in found.values())]
        told = {name: at for name in some if (at := _seconds(head[name])) is not None and np.isfinite(at).mean() > MOST}
        first = min(told, key=lambda name: float(np.nanmedian(told[name])), default="")
        if first and all(_later(at, told[first]) for name, at in told.items() if name != first):
            found["arrival"], sure["arrival"] = first, "guess: the first of its times"
    free = [name for name in texts if name not in found.values()]
    came = _seconds(head[found["arrival"]]) if "arrival" in found else None
    days = _seconds(head[found["date"]]) if "date" in found else None
    dated = timed.get(found.get("arrival", "")) != CLOCKS
    if came is not None and days is not None and not dated:
        came, dated = came + np.floor(days / DAY) * DAY, True

    def on_its_day(name: str) -> Any:
        """The times of a column, those of the day on the day on which the tip came, or the next."""
        at = _seconds(head[name])
        if at is None or came is None or not dated or timed.get(name) != CLOCKS:
            return at
        at = at + np.floor(came / DAY) * DAY
        return np.where(at < came - DAY / 2, at + DAY, at)

    if came is not None:
        after = {}
        for name in free:
            at = on_its_day(name) if name in timed else None
            if at is None:
                continue
            both = np.isfinite(came) & np.isfinite(at)
            gap = (at - came)[both]
            if len(gap) >= _ENOUGH and (gap > -60).mean() > MOST and (gap < 86_400).mean() > MOST and gap.any():
                after[name] = (float(np.median(gap)), at)
        later = sorted(after, key=lambda name: after[name][0])
        starts = on_its_day(found["start"]) if "start" in found else None
        ends = on_its_day(found["end"]) if "end" in found else None
        if later and ends is None and "work" not in found and ("start" in found or len(later) > 1 or "wait" in found):
            last, why = later[-1], "guess: the last of its times"
            begins = _stem(found.get("start", later[0]))
            others = later if "start" in found else later[1:]
            if begins and (mate := next((name for name in others if _stem(name) == begins), None)):
                # `Triage Start` ends with `Triage End`, whatever comes after it.
                last, why = mate, "likely: it is called as the start is"
            if starts is None or _later(after[last][1], starts):
                later.remove(last)
                found["end"], sure["end"] = last, why
                ends = after[last][1]
        if later and starts is None and "wait" not in found and (ends is None or _later(ends, after[later[0]][1])):
            found["start"], sure["start"] = later.pop(0), "guess: the first time after it came"
    taken = next((head[found[role]] for role in ("start", "work", "end") if role in found), None)
    if taken is None:
        return
    here = _filled(taken) if "start" in found or "work" in found else np.ones(len(taken), dtype=np.bool_)
    if here.all() or not here.any():
        return
    words = [name for name in texts if name not in found.values() and name not in timed and not number[name]]
    for name in words:
        full = ~empty(head[name])
        kinds = head[name][full].nunique()
        if "outcome" not in found and full.mean() > 0.99 and 2 <= kinds <= 8 and all(_tells(head[name], here)):
            found["outcome"], sure["outcome"] = name, "guess: its words go with being taken or not"
        elif "person" not in found and 2 <= kinds <= 500 and np.mean(full == here) > MOST:
            found["person"], sure["person"] = name, "guess: it is filled where somebody took it"


def _stem(name: str) -> str:
    """What is begun or ended, by the name of a column with its times."""
    return re.sub(r"([ _.-]*(start|begin|began|end|stop|finish|complete|time|ed|at|dt|ts))+$", "", name.lower())


def _seconds(text: Any) -> Any:
    """A column as seconds, or None where that is not told by itself."""
    try:
        return times(text).seconds
    except LogError:
        return None


def _later(one: Any, other: Any) -> bool:
    """Whether times lie after others of their rows."""
    import numpy as np

    both = np.isfinite(one) & np.isfinite(other)
    return bool(both.sum() >= _ENOUGH and ((one - other)[both] > -60).mean() > MOST)


def _filled(text: Any) -> Any:
    """Where a column tells something: zero is no length and no time."""
    import numpy as np

    size = lengths(text)
    return ~empty(text) & ~(np.isfinite(size) & (size == 0))


def _tells(words: Any, here: Any) -> Iterator[bool]:
    """Of each word, whether it stands only in rows that were taken, or only in others."""
    for word in words.unique():
        share = float(here[(words == word).to_numpy()].mean())
        yield share > MOST or share < 1 - MOST


def _shape(raw: Raw, found: dict[str, str], sure: dict[str, str], head: dict[str, Any]) -> str:
    """What a row is."""
    if {"case", "activity"} <= set(found) and (found.get("time") or found.get("arrival") or found.get("complete")):
        found["time"] = found.get("time") or found.get("start") or found.get("arrival") or found["complete"]
        if "start" in found and "complete" not in found and "end" in found:
            found["complete"] = found["end"]
        if found.get("complete") == found["time"]:
            found.pop("complete")
        start = found.get("start")
        if start not in (None, found["time"]) and "complete" not in found and "lifecycle" not in found:
            # `start_timestamp` beside `time:timestamp`: where an event has a start, its time is its end.
            begins, ends = _seconds(raw.texts(start)), _seconds(raw.texts(found["time"]))
            if begins is not None and ends is not None and _later(ends, begins):
                found["time"], found["complete"] = start, found["time"]
                sure["time"], sure["complete"] = (
                    "likely: events have a start too",
                    "likely: it is never before the start",
                )
        case = raw.texts(found["case"])
        if case.nunique() < len(case):
            return "events"
    of_calls = OF_CALLS & set(found)
    if "arrival" in found and ("count" not in found or of_calls - {"outcome"}):
        return "calls"
    if "count" in found and ("time" in found or "date" in found or "arrival" in found):
        found["time"] = found.get("time") or found.get("date") or found["arrival"]
        when = head[found["time"]]
        if _is_of_day(when) and "date" not in found:
            return "profile"
        return "months" if _is_monthly(when) else "counts"
    if "arrival" in found:
        return "calls"
    if "time" in found and of_calls:
        found["arrival"], sure["arrival"] = found.pop("time"), "likely: the time of a call"
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
    try:
        found = times(texts)
    except LogError:
        return bool(texts.str.fullmatch(r"\d{4}[-/.]?(0?\d|1[0-2])|[A-Za-z]{3,9}[ -]\d{2,4}|\d{4}").mean() > 0.9)
    days = sorted({one for one in found.seconds.tolist() if one == one})
    steps = [b - a for a, b in pairwise(days)]
    return bool(steps) and sorted(steps)[len(steps) // 2] > 6 * 86_400


def _draft_words(made: ColumnMap, texts: dict[str, Any]) -> None:
    outcome = made.get("outcome")
    if outcome is None:
        return
    head = texts[outcome].head(20_000)
    words = [str(one) for one in head[~empty(head)].value_counts().index[:50]]
    about_giving_up = bool(re.search(r"aband|given.?up|lost|miss", outcome, re.IGNORECASE))
    served: list[str] = []
    given_up: list[str] = []
    strange: list[str] = []
    unknown: list[str] = []
    for word in words:
        yes = bool(re.fullmatch(r"yes|y|true|1|ja|oui|si|sí", word, re.IGNORECASE))
        no = bool(re.fullmatch(r"no|n|false|0|nein|non", word, re.IGNORECASE))
        if yes or no:
            (given_up if yes == about_giving_up else served).append(word)
        elif re.search(STRANGE, word, re.IGNORECASE) and not re.search(r"^(no|un|not)", word, re.IGNORECASE):
            strange.append(word)
        elif re.search(GIVEN_UP, word, re.IGNORECASE):
            given_up.append(word)
        elif re.search(SERVED, word, re.IGNORECASE):
            served.append(word)
        else:
            unknown.append(word)
    by_rows = _by_rows(made, texts, head, unknown, served=not served, given_up=not given_up)
    served += [word for word, taken in by_rows.items() if taken]
    given_up += [word for word, taken in by_rows.items() if not taken]
    strange += [word for word in unknown if word not in by_rows]
    if served or given_up:
        made.served, made.given_up = tuple(served), tuple(given_up)
        if by_rows:
            made.sure["outcome"] = "guess: its words go with being taken or not"
        if strange:
            made.leave_out[outcome] = tuple(strange)
            made.sure["leave_out"] = f"guess: {', '.join(strange)} in '{outcome}' mean neither served nor given up"
    else:
        made.sure["outcome"] = f"guess: none of its words was understood ({', '.join(words[:6])})"


def _by_rows(
    made: ColumnMap, texts: dict[str, Any], outcome: Any, words: list[str], *, served: bool, given_up: bool
) -> dict[str, bool]:
    """Of words that no list knows, whether their rows were taken, where nearly all were or nearly none; of each of the
    two meanings only where no other word has it."""
    told = next((made.get(role) for role in ("start", "work", "person") if made.get(role)), None)
    if told is None or not (served or given_up):
        return {}
    here = _filled(texts[told].head(len(outcome)))
    found = {}
    for word in words:
        share = float(here[(outcome == word).to_numpy()].mean())
        if (share > MOST and served) or (share < 1 - MOST and given_up):
            found[word] = share > MOST
    # Where every row was taken, or none, the words mean something else.
    return found if served != given_up or len(set(found.values())) == 2 else {}
