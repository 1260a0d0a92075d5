"""What the columns of a log are drafted to mean: by names in several languages, by numbers that are times, and by
content alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sim.logs.calls import read_calls
from sim.logs.files import read
from sim.logs.map import Map, draft, written

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


def drafted(folder: Path, text: str, encoding: str = "utf-8") -> Map:
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
