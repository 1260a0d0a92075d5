"""What the columns of a log are drafted to mean: by names in several languages, by numbers that are times, and by
content alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.calibration.found import found_in
from sim.logs.calls import read_calls
from sim.logs.counts import read_counts
from sim.logs.drafting import draft
from sim.logs.events import read_events
from sim.logs.files import read
from sim.logs.map import ColumnMap, read_map, written
from sim.logs.times import times

Form = Callable[[datetime], str]
START = datetime(2025, 3, 13, 8)
ROLES = ("arrival", "start", "end", "outcome", "channel", "person")


def form(text: str) -> Form:
    return lambda when: when.strftime(text)


ISO = form("%Y-%m-%d %H:%M:%S")


def serial(when: datetime) -> str:
    return f"{(when - datetime(1899, 12, 30)).total_seconds() / 86_400:.8f}"


def epoch(when: datetime) -> str:
    return str(int((when - datetime(1970, 1, 1)).total_seconds()))


def log(
    head: str,
    how: Form = ISO,
    words: tuple[str, str] = ("answered", "abandoned"),
    order: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
) -> str:
    """A hundred calls of three days, of which every tenth gave up after three minutes: columns in the order of ROLES,
    unless another is given."""
    lines = [head]
    for k in range(100):
        came = START + timedelta(days=k % 3, minutes=5 * k, seconds=7 * k % 60)
        taken, ended = came + timedelta(seconds=20 + k % 50), came + timedelta(minutes=3, seconds=k % 40)
        gave_up = k % 10 == 9
        cells = [
            *(how(came), "" if gave_up else how(taken), how(ended)),
            *(words[gave_up], ("phone", "web")[k % 2], "" if gave_up else f"agent {k % 4}"),
        ]
        lines.append(";".join(cells[column] for column in order))
    return "\n".join(lines) + "\n"


def drafted(folder: Path, text: str, encoding: str = "utf-8") -> ColumnMap:
    """The draft, held to reading ninety calls that were served and ten that gave up."""
    path = folder / "log.csv"
    path.write_text(text, encoding=encoding)
    raw = read(path)
    made = draft(raw)
    visits = read_calls(raw, made).visits
    assert (int(visits.served.sum()), int(visits.gave_up.sum())) == (90, 10)
    assert 150 < visits.work[visits.served].mean() + visits.wait[visits.served].mean() < 210
    return made


@pytest.mark.parametrize(
    ("head", "how", "words", "encoding"),
    [
        ("Offered Time;Answer Time;End Time;Disposition;Media;Agent Name", "%m/%d/%Y %I:%M:%S %p", None, "utf-8"),
        ("arrived;answered;finished;status;channel;agent", "%d/%m/%y %H:%M:%S", None, "utf-8-sig"),
        ("Call Date/Time;Agent Answer;Disconnect;Result;Topic;Operator", "%d-%b-%Y %H:%M:%S", None, "utf-16"),
        (
            "Anrufzeit;Annahme;Ende;Ergebnis;Kanal;Mitarbeiter",
            "%d.%m.%Y %H:%M:%S",
            ("angenommen", "aufgelegt"),
            "latin-1",
        ),
        ("Heure d'appel;Décroché à;Fin;Résultat;Canal;Conseiller", "%Y%m%d%H%M%S", ("Répondu", "Raccroché"), "cp1252"),
    ],
)
def test_names_in_several_languages(
    tmp_path: Path, head: str, how: str, words: tuple[str, str] | None, encoding: str
) -> None:
    words = words or ("answered", "abandoned")
    made = drafted(tmp_path, log(head, form(how), words), encoding)
    assert made.columns == dict(zip(ROLES, head.split(";"), strict=True))
    assert (made.served, made.given_up) == ((words[0],), (words[1],))
    assert not made.doubtful


@pytest.mark.parametrize("how", [serial, epoch])
def test_numbers_that_are_times(tmp_path: Path, how: Form) -> None:
    head = "Offered Time;Answer Time;End Time;Disposition;Media;Agent Name"
    assert drafted(tmp_path, log(head, how)).columns == dict(zip(ROLES, head.split(";"), strict=True))


@pytest.mark.parametrize("how", [ISO, serial, epoch])
def test_columns_whose_names_say_nothing_are_guessed_by_content(tmp_path: Path, how: Form) -> None:
    """Shuffled: which time is which goes by their order in a row, the words by who has a time of being taken."""
    made = drafted(tmp_path, log("A;B;C;D;E;F", how, ("ok1", "zz9"), (4, 2, 3, 0, 5, 1)))
    assert made.columns == {"arrival": "D", "end": "B", "start": "F", "outcome": "C", "person": "E"}
    assert (made.served, made.given_up) == (("ok1",), ("zz9",))
    assert set(made.doubtful) == set(made.columns), "a guess is told as one"


def test_words_that_no_list_knows_go_by_who_was_taken(tmp_path: Path) -> None:
    made = drafted(tmp_path, log("received;answered;ended;result;channel;agent", words=("beszélt", "letette")))
    assert (made.served, made.given_up) == (("beszélt",), ("letette",))
    assert made.doubtful == ["outcome"]


def test_who_is_still_being_served_when_the_log_is_written_was_served(tmp_path: Path) -> None:
    text = log("received;answered;ended;result;channel;agent")
    lines = text.splitlines()
    lines[51] = ";".join([*lines[51].split(";")[:2], "", "", "phone", "agent 1"])
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    raw = read(path)
    log_ = read_calls(raw, draft(raw))
    assert (int(log_.visits.served.sum()), len(log_.visits)) == (90, 100)
    assert [one.rows for one in log_.cleaned if one.done == "taken as served"] == [1]


def test_a_draft_is_shown_in_lines_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "a_log_of_the_line.csv"
    path.write_text(log("received;answered;ended;result;channel;agent"), encoding="utf-8")
    raw = read(path)
    assert max(map(len, written(draft(raw), raw).splitlines())) <= 80


def test_an_activity_that_means_giving_up_is_leaving_the_line_of_what_comes_next(tmp_path: Path) -> None:
    rows = ["case id,activity,timestamp,resource,lifecycle:transition"]
    for k in range(60):
        came = START + timedelta(minutes=5 * k)

        def event(activity: str, after: int, who: str, step: str, k: int = k, came: datetime = came) -> str:
            return f"{k},{activity},{came + timedelta(seconds=after)},{who},{step}"

        rows.append(event("arrive", 0, "", "complete"))
        if k % 6 == 5:
            rows.append(event("hung up", 40, "", "complete"))
        else:
            rows += [event("answer", 30, "ann", "start"), event("answer", 150, "ann", "complete")]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    raw = read(path)
    made = draft(raw)
    assert (made.shape, made.given_up) == ("events", ("hung up",))
    log_ = read_events(raw, made)
    visits = log_.visits
    assert visits.stage.names == ("answer",), "what only begins a case is no stage"
    assert (int(visits.served.sum()), int(visits.gave_up.sum())) == (50, 10)
    assert set(visits.wait[visits.served]) == {30.0}
    assert set(visits.wait[visits.gave_up]) == {40.0}
    assert {one.rows for one in log_.cleaned} == {10, 60}


def test_steps_of_an_activity_tell_who_gave_up_and_came_back(tmp_path: Path) -> None:
    """Every tenth leaves the line after a minute and joins it again ten minutes later: two visits of one case."""
    rows = ["case id,activity,timestamp,resource,lifecycle:transition"]
    for k in range(60):
        steps = [(0, "schedule"), (60, "withdraw"), (660, "schedule")] if k % 10 == 9 else [(0, "schedule")]
        last = steps[-1][0]
        for after, step in [*steps, (last + 20, "start"), (last + 140, "complete")]:
            rows.append(f"{k},answer,{START + timedelta(minutes=20 * k, seconds=after)},ann,{step}")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    raw = read(path)
    visits = read_events(raw, draft(raw)).visits
    assert (int(visits.served.sum()), int(visits.gave_up.sum())) == (60, 6)
    assert set(visits.wait[visits.served]) == {20.0}
    assert set(visits.wait[visits.gave_up]) == {60.0}


@pytest.mark.parametrize("text", ["08:00 AM - 08:30 AM", "8:00-8:30", "8:00 to 8:30"])
def test_an_interval_is_told_by_its_begin(text: str) -> None:
    assert times(pd.Series([text] * 3)).seconds.tolist() == [28_800.0] * 3


def test_an_interval_with_its_date_is_told_by_its_begin() -> None:
    found = times(pd.Series(["2025-03-13 08:00 - 08:30", "2025-03-13 08:30 - 09:00"]))
    assert np.diff(found.seconds).tolist() == [1800.0]


@pytest.mark.parametrize(
    ("head", "dated"),
    [
        ("arrival_date;arrival_time;seen_by_doctor;departed;outcome;ward;nurse", True),
        ("CALL_DATE;CALL_TIME;ANSWER_TIME;HANGUP_TIME;DISPOSITION;CALL_TYPE;POSITION", False),
        ("Opened Date;Opened Time;Work Start;Resolved;Status;Contact Type;Assigned To", True),
        ("Datum;Uhrzeit;Annahme;Ende;Ergebnis;Kanal;Mitarbeiter", False),
    ],
)
def test_a_date_and_a_time_of_day_in_two_columns(tmp_path: Path, head: str, dated: bool) -> None:
    """Whatever they are called; the later times have dates of their own, or none."""
    rows = [line.split(";") for line in log(head).splitlines()[1:]]
    lines = [head]
    for came, taken, ended, *rest in rows:
        day, clock = came.split(" ")
        later = (taken, ended) if dated else (taken[11:], ended[11:])
        lines.append(";".join([day, clock, *later, *rest]))
    made = drafted(tmp_path, "\n".join(lines) + "\n")
    names = head.split(";")
    roles = ("date", "arrival", "start", "end", "outcome", "channel", "person")
    assert {role: made.columns.get(role) for role in roles if role != "channel"} == {
        role: name for role, name in zip(roles, names, strict=True) if role != "channel"
    }


def test_a_date_with_a_time_of_day_is_when_a_call_came_beside_lengths(tmp_path: Path) -> None:
    """As the exports of contact centres have it: no column of lengths is taken for times of day."""
    head = "Conversation ID;Queue;Date;Direction;Total Queue;Total Talk;Total ACW;Abandoned;Users - Interacted"
    lines = [head]
    for k, line in enumerate(log("a").splitlines()[1:]):
        came, taken, ended, word, _, agent = line.split(";")
        when = [datetime.fromisoformat(one) if one else None for one in (came, taken, ended)]
        wait, talk = (when[1] or when[2]) - when[0], when[2] - when[1] if when[1] else ""
        cells = [f"c{k}", "Support", when[0].strftime("%m/%d/%y %I:%M:%S %p"), "Inbound", str(wait), str(talk)]
        cells += ["0:00:20" if agent else "", "YES" if word == "abandoned" else "NO", agent]
        lines.append(";".join(cells))
    made = drafted(tmp_path, "\n".join(lines) + "\n")
    roles = {"arrival": "Date", "wait": "Total Queue", "work": "Total Talk", "wrap_up": "Total ACW"}
    assert {role: made.columns.get(role) for role in roles} == roles
    assert made.columns["person"] == "Users - Interacted"


@pytest.mark.parametrize(
    "names",
    [
        ("answer.enter", "answer.gives_up", "answer.start", "answer.stop", "answer.resume", "answer.end"),
        ("Answer queued", "Answer abandoned", "Answer Begin", "Answer paused", "Answer resumed", "Answer Finished"),
    ],
)
def test_steps_in_the_names_of_activities(names: tuple[str, ...], tmp_path: Path) -> None:
    """As our own OCEL has them, and many hospitals: the same as the test before, with a pause in each service."""
    enter, gives_up = names[:2]
    rows = ["case id,activity,timestamp,resource"]
    for k in range(60):
        steps = [(0, enter), (60, gives_up), (660, enter)] if k % 10 == 9 else [(0, enter)]
        last = steps[-1][0]
        for after, step in [*steps, *zip((last + 20, last + 50, last + 70, last + 140), names[2:], strict=True)]:
            rows.append(f"{k},{step},{START + timedelta(minutes=20 * k, seconds=after)},ann")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    raw = read(path)
    log_ = read_events(raw, draft(raw))
    visits = log_.visits
    assert [one.lower() for one in visits.stage.names] == ["answer"]
    assert (int(visits.served.sum()), int(visits.gave_up.sum())) == (60, 6)
    assert set(visits.wait[visits.served]) == {20.0}
    assert set(visits.wait[visits.gave_up]) == {60.0}
    assert set(visits.work[visits.served]) == {120.0}
    assert f"'{enter}' and the like are read as steps" in " ".join(log_.notes)


def test_an_activity_with_a_word_of_a_step_alone_is_no_step(tmp_path: Path) -> None:
    rows = ["case id,activity,timestamp,resource"]
    for k in range(30):
        for after, activity in enumerate(("Register", "Treatment start", "Discharge done")):
            rows.append(f"{k},{activity},{START + timedelta(minutes=20 * k + 5 * after)},ann")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    raw = read(path)
    assert set(read_events(raw, draft(raw)).visits.stage.names) == {"Register", "Treatment start", "Discharge done"}


def test_of_several_stages_in_a_row_the_first_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    lines = ["Visit ID,Arrival,Acuity,Triage Start,Triage End,Provider Start,Provider End,Departure"]
    for k in range(40):
        came = START + timedelta(minutes=12 * k)
        times_ = [came + timedelta(seconds=after) for after in (0, 20, 320, 900, 2400, 3000)]
        lines.append(",".join([str(k), ISO(times_[0]), str(1 + k % 5), *map(ISO, times_[1:])]))
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    raw = read(path)
    made = draft(raw)
    assert (made.columns["start"], made.columns["end"]) == ("Triage Start", "Triage End")
    log_ = read_calls(raw, made)
    assert set(log_.visits.work) == {300.0}
    assert "not read are the times of 'Provider Start', 'Provider End', 'Departure'" in " ".join(log_.notes)


def test_an_id_that_comes_back_with_other_activities_is_a_case(tmp_path: Path) -> None:
    """Whatever it is called, and the column of times too; it is no call that comes anew with each event."""
    rows = ["PatientNo,Event,EventTime"]
    for k in range(40):
        for after, name in ((0, "Arrival"), (20, "Triage start"), (320, "Triage end"), (500, "Departure")):
            rows.append(f"P{k},{name},{ISO(START + timedelta(minutes=12 * k, seconds=after))}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    raw = read(path)
    made = draft(raw)
    assert made.shape == "events"
    assert {role: made.columns[role] for role in ("case", "activity", "time")} == {
        "case": "PatientNo", "activity": "Event", "time": "EventTime"
    }  # fmt: skip
    visits = read_events(raw, made).visits
    assert set(visits.work[[one == "Triage" for one in np.array(visits.stage.names)[visits.stage.code]]]) == {300.0}


@pytest.mark.parametrize(
    ("head", "units"),
    [
        ("start_ts;queue_ms;talk_ms;acw_ms;agent_id;abandoned", (0.001, 0.001, 0.001)),
        ("Start Time;Queue (min);Talk Time (minutes);ACW (sec);Agent;Abandoned", (60, 60, 1)),
        ("Call Start;Wait in hours;Call Duration (s);Nacharbeit Sek.;Mitarbeiter;Abandoned", (3600, 1, 1)),
    ],
)
def test_a_call_that_starts_with_its_waiting_and_lengths_in_their_units(
    head: str, units: tuple[float, float, float], tmp_path: Path
) -> None:
    rows = [head]
    for k in range(60):
        gone = k % 6 == 5
        cells = [str(round(size / unit, 6)) for size, unit in zip((18, 180, 36), units, strict=True)]
        cells[1:] = ["", ""] if gone else cells[1:]
        rows.append(";".join([ISO(START + timedelta(minutes=5 * k)), *cells, "" if gone else f"a{k % 3}", str(gone)]))
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    raw = read(path)
    made = draft(raw)
    names = head.split(";")
    roles = ("arrival", "wait", "work", "wrap_up", "person", "outcome")
    assert [made.columns.get(role) for role in roles] == names
    visits = read_calls(raw, made).visits
    assert (int(visits.served.sum()), int(visits.gave_up.sum())) == (50, 10)
    for what, size in ((visits.wait, 18), (visits.work[visits.served], 180), (visits.wrap_up[visits.served], 36)):
        assert np.allclose(what, size, atol=0.01)


def _written(folder: Path, head: str, rows: list[str]) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_number_is_no_count_where_rows_are_calls(tmp_path: Path) -> None:
    """A rating, or the hour of the day, was taken for how many came."""
    rows = [
        f"C{k},Ann,2025-03-{3 + k % 5:02d},{9 + k % 8}:15:{k % 60:02d},{'NY'[k % 9 > 0]},{k % 40},0:0{k % 3 + 1}:10,4"
        for k in range(90)
    ]
    head = "Call Id,Agent,Date,Time,Answered (Y/N),Speed of answer in seconds,AvgTalkDuration,Satisfaction rating"
    raw = read(_written(tmp_path, head, rows))
    made = draft(raw)
    assert made.shape == "calls"
    assert (made.columns["arrival"], made.columns["date"], made.columns["person"]) == ("Time", "Date", "Agent")
    assert (made.served, made.given_up) == (("Y",), ("N",))
    assert "count" not in made.columns


def test_a_record_in_spanish_with_dates_alone_has_no_staff(tmp_path: Path) -> None:
    rows = [f"Diana,2021-01-{1 + k % 20:02d},9,{'YN'[k % 7 == 0]},{k % 60},00:02:{k % 60:02d},3" for k in range(200)]
    head = (
        "Agente,Fecha,Hora,Respondido (S/N),Velocidad de respuesta en segundos,Duración promedio de la llamada,"
        "Calificación"
    )
    raw = read(_written(tmp_path, head, rows))
    made = draft(raw)
    assert (made.shape, made.columns["arrival"], made.columns["outcome"]) == ("calls", "Fecha", "Respondido (S/N)")
    assert made.columns["wait"] == "Velocidad de respuesta en segundos"
    log = read_calls(raw, made)
    assert not any("names no unit" in one for one in log.notes)
    found = found_in(raw.path, log)
    assert found.stages[0].work
    assert found.stages[0].group is None


def test_what_is_empty_in_most_rows_does_not_say_when_they_came(tmp_path: Path) -> None:
    """A third of the rows, which have a time of the second step, were the whole log."""
    rows = [f"{k},2025-03-{1 + k % 28:02d},{'' if k % 3 else f'2025-03-{1 + k % 28:02d}'},All" for k in range(90)]
    raw = read(_written(tmp_path, "Incident,Date,Time_First_Unit_Assigned,Kind", rows))
    made = draft(raw)
    assert made.columns["arrival"] == "Date"
    assert len(read_calls(raw, made).visits) == 90


def test_that_most_rows_are_left_out_is_a_warning(tmp_path: Path) -> None:
    rows = [f"{k},{'' if k % 3 else f'2025-03-{1 + k % 28:02d} 10:00:07'}" for k in range(90)]
    raw = read(_written(tmp_path, "Incident,Received", rows))
    notes = read_calls(raw, draft(raw)).notes
    assert "WARNING: 67% of the rows were left out, and the line is of the rest" in notes


def test_a_start_beside_the_time_of_an_event_makes_that_its_end(tmp_path: Path) -> None:
    def rows(k: int) -> list[str]:
        begin = START + timedelta(hours=k)
        return [
            f"C{k},{step},{ISO(begin + timedelta(minutes=at + 5 + k % 3))},{ISO(begin + timedelta(minutes=at))}"
            for step, at in (("check", 0), ("decide", 20))
        ]

    head = "case:concept:name,concept:name,time:timestamp,start_timestamp"
    raw = read(_written(tmp_path, head, [row for k in range(40) for row in rows(k)]))
    made = draft(raw)
    assert (made.columns["time"], made.columns["complete"]) == ("start_timestamp", "time:timestamp")
    visits = read_events(raw, made).visits
    assert visits.work.mean() == pytest.approx(6 * 60, abs=10)


@pytest.mark.parametrize("mark", [":", "_", "AAA"])
def test_names_of_xes_with_another_mark_between(mark: str, tmp_path: Path) -> None:
    head = ",".join(one.replace(":", mark) for one in ["Costs", "case:concept:name", "concept:name", "time:timestamp"])
    rows = [f"50,{k // 3},{'abc'[k % 3]},{ISO(START + timedelta(hours=k))}" for k in range(60)]
    made = draft(read(_written(tmp_path, head, rows)))
    assert made.shape == "events"
    assert [made.columns[role].replace(mark, ":") for role in ("case", "activity", "time")] == [
        *("case:concept:name", "concept:name", "time:timestamp")
    ]


@pytest.mark.parametrize(("wrong", "gave_up"), [(1, 9), (10, 10)])
def test_lengths_of_calls_that_gave_up_are_slips_or_no_work(wrong: int, gave_up: int, tmp_path: Path) -> None:
    """One of ten who gave up with a length of work was served; where all have one, it is none."""
    rows = [
        f"{ISO(START + timedelta(minutes=7 * k))},{30 + k % 20},{0 if k % 10 == 3 and k // 10 >= wrong else 100 + k},"
        f"{'abandoned' if k % 10 == 3 else 'answered'}"
        for k in range(100)
    ]
    raw = read(_written(tmp_path, "Received,Wait,Duration,Outcome", rows))
    log = read_calls(raw, draft(raw))
    assert int(log.visits.gave_up.sum()) == gave_up
    assert np.isnan(log.visits.work[log.visits.gave_up]).all()


def test_what_was_guessed_is_told_where_nobody_confirmed_it(tmp_path: Path) -> None:
    rows = [f"{k},{ISO(START + timedelta(minutes=7 * k))}" for k in range(50)]
    raw = read(_written(tmp_path, "Incident,Something", rows))
    made = draft(raw)
    (told,) = [one for one in read_calls(raw, made).notes if one.startswith("WARNING: guessed and not confirmed")]
    assert "'Something' is arrival (the first of its times)" in told
    path = tmp_path / "map.yaml"
    path.write_text(written(made, raw), encoding="utf-8")
    assert not any("guessed" in one for one in read_calls(raw, read_map(path, raw)).notes)


def test_rows_with_dates_alone_that_are_alike_are_tips_of_their_own(tmp_path: Path) -> None:
    """Of a hundred a day, in three channels, all but three a day were left out."""
    rows = [f"2025-03-{3 + k % 5:02d} 00:00:00,{('call', 'mail', 'web')[k // 5 % 3]}" for k in range(500)]
    raw = read(_written(tmp_path, "Received,Channel", rows))
    log = read_calls(raw, draft(raw))
    assert len(log.visits) == 500
    assert [(one.what, one.rows) for one in log.cleaned if "alike" in one.what] == [
        ("alike in every column to another", 485)
    ]


@pytest.mark.parametrize(("longest", "told"), [(900, False), (400_000, True)])
def test_one_length_that_moves_the_mean_of_all_is_a_warning(longest: int, told: bool, tmp_path: Path) -> None:
    rows = [
        f"{ISO(START + timedelta(minutes=7 * k))},{10 + k % 9},{longest if k == 50 else 100 + k % 60}"
        for k in range(200)
    ]
    raw = read(_written(tmp_path, "Received,Wait,Duration", rows))
    warned = [one for one in read_calls(raw, draft(raw)).notes if "move their mean" in one]
    assert bool(warned) is told
    if told:
        assert "1 of 200 lengths of work are far from the rest, up to 400,000 s" in warned[0]


@pytest.mark.parametrize(
    "hours", [("08:00", "09:00", "10:00", "11:00"), ("8:00 AM - 9:00 AM", "9:00 AM", "10 AM", "x")]
)
def test_a_column_an_hour_is_read_as_a_row_an_interval(hours: tuple[str, ...], tmp_path: Path) -> None:
    """The first hour was taken for the whole day."""
    rows = [f"2025-03-{1 + k:02d},{10 + k % 3},20,30,40" for k in range(20)]
    raw = read(_written(tmp_path, ",".join(("Date", *hours)), rows))
    if "x" in hours:
        assert raw.columns == ["Date", *hours]
        return
    made = draft(raw)
    assert (made.shape, made.columns["count"], made.doubtful) == ("counts", "count", [])
    found = read_counts(raw, made)
    assert (found.step, found.count.sum()) == (3600, sum(100 + k % 3 for k in range(20)))
    assert "its columns 08:00 to 11:00 are read as rows, one an interval" in found.notes


def test_waits_from_whole_minutes_to_seconds_are_a_warning(tmp_path: Path) -> None:
    def notes(how: Form) -> list[str]:
        rows = []
        for k in range(60):
            came = START + timedelta(minutes=7 * k, seconds=11 * k % 60)
            rows.append(f"{how(came)},{ISO(came + timedelta(seconds=20))},{ISO(came + timedelta(seconds=200))}")
        raw = read(_written(tmp_path, "Received,Answered,Ended", rows))
        return [one for one in read_calls(raw, draft(raw)).notes if "whole minutes" in one]

    assert notes(ISO) == []
    (told,) = notes(form("%Y-%m-%d %H:%M"))
    assert told.startswith("WARNING: 'Received' has whole minutes and 'Answered' has seconds")


def test_days_one_after_another_without_dates_are_days_of_their_own(tmp_path: Path) -> None:
    """Nine thousand calls of ten days fell seldom enough to look as if they stood in the order of their texts."""
    rows = [f"{8 + k // 90}:{k % 90 // 3 * 2:02d}:{k % 3 * 7:02d}" for k in range(900)] * 10
    raw = read(_written(tmp_path, "Ticket,Received", [f"{k},{one}" for k, one in enumerate(rows)]))
    log = read_calls(raw, ColumnMap("calls", {"arrival": "Received"}))
    assert len(log.days) == 10


def test_a_time_by_the_clock_in_german(tmp_path: Path) -> None:
    rows = [f"{form('%d.%m.%Y %H:%M Uhr')(START + timedelta(minutes=37 * k))};{k}" for k in range(30)]
    raw = read(_written(tmp_path, "Eingang;Nummer", rows))
    assert read_calls(raw, draft(raw)).visits.arrival[1] % 86_400 == 8 * 3600 + 37 * 60


def test_a_parquet_file_says_its_zone_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    came = pd.date_range("2025-07-01 09:00", periods=30, freq="h", tz="Europe/London")
    pd.DataFrame({"received": came}).to_parquet(path)
    log = read_calls(raw := read(path), draft(raw))
    assert log.visits.arrival[0] % 86_400 == 9 * 3600
    assert "its times are of the zone Europe/London, as it says itself" in log.notes


def _three_events(k: int) -> list[tuple[str, str, datetime, str]]:
    """Of a case: it queues, is answered for three minutes, and is written up in one more, by one of two people."""
    came = START + timedelta(minutes=11 * k)
    taken = came + timedelta(seconds=30 + k % 20)
    done = taken + timedelta(minutes=3)
    steps = [("answer", "schedule", came), ("answer", "start", taken), ("answer", "complete", done)]
    wrap = [("answer wrap-up", "start", done), ("answer wrap-up", "complete", done + timedelta(minutes=1))]
    return [(activity, step, at, f"P{k % 2}") for activity, step, at in (*steps, *wrap)]


def test_wrap_up_beside_an_activity_is_no_stage_of_its_own(tmp_path: Path) -> None:
    """The log of a run, as XES, had a stage more than the run."""
    rows = [f"{k},{a},{step},{ISO(at)},{who}" for k in range(60) for a, step, at, who in _three_events(k)]
    raw = read(_written(tmp_path, "case:concept:name,concept:name,lifecycle:transition,time:timestamp,resource", rows))
    log = read_events(raw, draft(raw))
    assert (log.visits.stage.names, len(log.visits)) == (("answer",), 60)
    assert set(log.visits.wrap_up.tolist()) == {60.0}
    assert set(log.visits.work.tolist()) == {180.0}
    assert [one.rows for one in log.cleaned if one.what == "visits of wrap-up"] == [60]


def test_a_log_for_vidigi_is_read_by_its_times_of_the_clock(tmp_path: Path) -> None:
    """Its `time` counts minutes of the run; `timestamp` beside it says when."""
    rows = []
    for k in range(60):
        came = START + timedelta(minutes=11 * k)
        events = [
            *(
                ("arrival_departure", "arrival", 0),
                ("queue", "answer_wait_begins", 0),
                ("resource_use", "answer_begins", 40),
            ),
            *(("resource_use_end", "answer_ends", 220), ("arrival_departure", "depart", 220)),
        ]
        rows += [
            f"{k},{kind},{event},{11 * k + after / 60},call,{ISO(came + timedelta(seconds=after))},"
            for kind, event, after in events
        ]
    raw = read(_written(tmp_path, "entity_id,event_type,event,time,pathway,timestamp,resource_id", rows))
    made = draft(raw)
    assert (made.columns["activity"], made.columns["time"]) == ("event", "timestamp")
    visits = read_events(raw, made).visits
    assert visits.stage.names == ("answer",)
    assert (set(visits.wait.tolist()), set(visits.work.tolist())) == ({40.0}, {180.0})


def test_a_file_in_the_order_of_its_texts_is_of_one_day(tmp_path: Path) -> None:
    """With a slip in that order, too."""
    rows = sorted(f"{k // 60}:{k % 60:02d}:{k * 7 % 60:02d}" for k in range(0, 1440, 2))
    rows[3], rows[4] = rows[4], rows[3]
    raw = read(_written(tmp_path, "Ticket,Received", [f"{k},{one}" for k, one in enumerate(rows)]))
    log = read_calls(raw, ColumnMap("calls", {"arrival": "Received"}))
    assert len(log.days) == 1
    assert "'Received' has no date; the rows are in order of their texts, so all are of one day" in log.notes
