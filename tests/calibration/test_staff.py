"""Staff: log-ins in columns beside the calls, or as events of their own, with absence cut where callers wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.calibration.found import Calibration
from sim.calibration.line import line_of
from sim.calibration.staff import Group, _usual
from sim.dynamics.clock import SECOND
from sim.dynamics.log import SERVED
from sim.logs.times import DAY
from tests.calibration.test_known import calibrated

MINUTES = range(480, 720, 4)
HEAD = "received,agent,answered,ended,result"


def clock(minute: float, day: str = "2025-01-06 ") -> str:
    seconds = round(60 * minute)
    return f"{day}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def services() -> list[tuple[float, str, float, float]]:
    """Ann takes a call every four minutes, bob the one after; from 9:00 to 10:00 bob is away, and callers wait.

    When each came, who took it, from when to when.
    """
    told = [(at + 0.1, "ann", at + 0.1, at + 3.0) for at in range(480, 540, 4)]
    told += [(at + 1.1, "bob", at + 1.1, at + 3.5) for at in range(482, 538, 4)]
    # From 9:00 on ann takes one after another from a line that is never empty; from 10:00 on both do.
    told += [(540 + 2.0 * n, "ann", 541 + 4.0 * n, 545 + 4.0 * n) for n in range(15)]
    told += [(at + 0.1, "ann", at + 0.1, at + 3.0) for at in range(604, 716, 4)]
    told += [(at + 1.1, "bob", at + 1.1, at + 3.5) for at in range(606, 712, 4)]
    told += [(568.0, "bob", 601.0, 603.0)]
    return sorted(told)


def group(found: Calibration) -> Group:
    [stage] = found.stages
    assert stage.group is not None
    return stage.group


def there_between(one: Group, begin: int, end: int) -> float:
    """People there, on average from one minute of the day to another."""
    minute = (one.begins % 86_400) / 60
    return float(one.there[(minute >= begin) & (minute < end)].mean())


def as_columns(path: Path, form: str) -> Path:
    """A row a call, the log-in and log-off of its agent in the columns behind."""
    rows = [
        ",".join([clock(came), who, clock(start), clock(end), "answered", clock(450, form), clock(740, form)])
        for came, who, start, end in services()
    ]
    path.write_text("\n".join([f"{HEAD},agent login,agent logout", *rows]) + "\n", encoding="utf-8")
    return path


def as_events(path: Path) -> Path:
    """A row an event, log-ins among them without a case."""
    rows = [f",login,,{clock(450)},{who}" for who in ("ann", "bob")]
    for number, (came, who, start, end) in enumerate(services()):
        steps = (("schedule", came, ""), ("start", start, who), ("complete", end, who))
        rows += [f"{number},answer,{step},{clock(at)},{by}" for step, at, by in steps]
    rows += [f",logout,,{clock(740)},{who}" for who in ("ann", "bob")]
    path.write_text("\n".join(["case,activity,lifecycle,timestamp,agent", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["2025-01-06 ", ""], ids=["dated", "times of day"])
def test_who_is_logged_in_is_there_but_while_callers_wait_and_nobody_is_taken(form: str, tmp_path: Path) -> None:
    found = calibrated(as_columns(tmp_path / "log.csv", form))
    one = group(found)
    assert one.logins == 2
    assert one.on_line == pytest.approx(2 * (740 - 450) / 60)
    assert there_between(one, 450, 480) == pytest.approx(2), "logged in before the first call"
    assert there_between(one, 540, 570) == pytest.approx(1, abs=0.05), "bob takes nobody while callers wait"
    assert there_between(one, 630, 690) == pytest.approx(2, abs=0.05)
    assert 0.85 < one.share < 0.93, "an hour of two times 290 minutes"
    assert "from 2 log-ins, cut where callers waited and nobody was taken; there for" in line_of(found).text


def test_log_ins_among_events_tell_the_same(tmp_path: Path) -> None:
    columns = group(calibrated(as_columns(tmp_path / "log.csv", "2025-01-06 ")))
    found = calibrated(as_events(tmp_path / "events.csv"))
    assert [stage.name for stage in found.stages] == ["answer"], "logging in is no stage"
    np.testing.assert_allclose(group(found).there, columns.there, atol=0.02)
    assert any("logging in or off" in one.what and one.rows == 4 for one in found.log.cleaned)


def test_without_log_ins_people_are_there_from_their_first_service_on(tmp_path: Path) -> None:
    path = as_columns(tmp_path / "log.csv", "2025-01-06 ")
    rows = [row.rsplit(",", 2)[0] for row in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    one = group(calibrated(path))
    assert one.logins == 0
    assert one.from_whom == "who served whom when"
    assert there_between(one, 450, 480) == 0


def test_a_log_in_without_a_log_off_ends_with_the_last_service(tmp_path: Path) -> None:
    path = as_columns(tmp_path / "log.csv", "2025-01-06 ")
    path.write_text(path.read_text(encoding="utf-8").replace(clock(740), ""), encoding="utf-8")
    found = calibrated(path)
    last = {who: end for _, who, _, end in services()}
    assert group(found).on_line == pytest.approx(sum(end - 450 for end in last.values()) / 60)
    assert any("without a log-off" in one.what and one.rows == 2 for one in found.log.cleaned)


def test_an_interval_that_tells_nothing_goes_by_dates_alike() -> None:
    """Four weeks in which lines told of five people on three Mondays at nine, and of eight on one of them at ten."""
    begins = np.arange(28 * 48) * 1800.0 + 4 * DAY  # from a Monday on
    seen = np.full(len(begins), np.nan)
    for week in range(3):
        seen[week * 336 + 18] = 5
    seen[20] = 8
    usual = _usual(begins, seen, 1800)
    assert usual[3 * 336 + 18] == 5  # the Monday on which no line told anything
    assert usual[48 + 18] == 5  # a Tuesday, by the dates from Monday to Friday
    assert usual[5 * 48 + 18] == 5  # a Saturday, by any date, for no weekend tells
    assert usual[20] == 5  # of the hour about it, for one is too few
    assert np.isnan(usual[4])  # nothing tells of two in the morning


def test_one_stays_on_at_closing_unless_tips_wait_through_the_night(tmp_path: Path) -> None:
    """Two serve from 8:00 to 12:00 on three dates. Who waits when the line closes does not wait for the next date."""
    rows = ["received,agent,started,ended"]
    for date in ("06", "07", "08"):
        for k in range(48):
            at = f"2025-01-{date} {8 + k // 12:02d}:{5 * (k % 12):02d}:"
            rows.append(
                f"{at}00,{('ann', 'bob')[k % 2]},{at}10,2025-01-{date} {8 + k // 12:02d}:{5 * (k % 12) + 4:02d}:00"
            )
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    [stage] = calibrated(tmp_path / "log.csv").stages
    assert isinstance(stage.group, Group)
    assert stage.group.stays
    assert stage.group.heads[23:34].tolist() == [2] + [1] * 4 + [0] * 6
    rows += ["2025-01-06 11:58:00,ann,2025-01-07 08:00:00,2025-01-07 08:00:05"]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    [stage] = calibrated(tmp_path / "log.csv").stages
    assert stage.group.heads[24:34].tolist() == [0] * 10


CHATS = """\
scenario: Chats
run: {start: 2025-01-06 00:00, length: 4 d, cool_down: 2 h, seed: 3}
demand: {volume: 36/h, by_hour: [0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0]}
pools: {desk: {shifts: [{from: "08:00", to: "19:00", staff: 4}], concurrency: 3}}
stages: [{name: chat, pool: desk, service: {gamma: {mean: 6 min, cv: 0.7}}, patience: {exponential: {mean: 5 min}}}]
"""


def test_who_has_several_in_hand_while_others_wait_has_as_many_slots(tmp_path: Path) -> None:
    scenario = sim.load(CHATS)
    replication = sim.draw(scenario, 0)
    log = sim.simulate(replication)
    who = dict(zip(log.spells.visit.tolist(), log.spells.person.tolist(), strict=True))
    rows = ["received,operator,answered,ended"]
    for visit in np.flatnonzero(log.outcome == SERVED).tolist():
        stamps = (log.enter[visit], log.start[visit], log.end[visit])
        came, taken, ended = (str(scenario.start + timedelta(seconds=int(one // SECOND))) for one in stamps)
        rows.append(f"{came},operator {replication.plan.people.number[who[visit]]},{taken},{ended}")
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    [stage] = calibrated(tmp_path / "log.csv").stages
    assert stage.group is not None
    assert stage.group.slots == 3
    assert stage.group.truly == pytest.approx(4 * 4 * 10.1, rel=0.03)  # people, and not what they have in hand
    assert "concurrency: 3" in line_of(calibrated(tmp_path / "log.csv")).text
