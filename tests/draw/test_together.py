"""What comes together: incidents with their tips, kinds of dates, and busyness that swings from hour to hour."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.draw import draw, draw_key
from sim.draw.book import in_order
from sim.draw.luck import Luck, swings
from sim.draw.streams import ScatteredStreams, Streams
from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.dynamics.replication import NO_INCIDENT, Tips, Visits
from sim.scenario.arrivals import expected, expected_tips, of_incident
from sim.scenario.flow import flow
from sim.scenario.loading import load
from sim.scenario.profiles import levels
from sim.scenario.schema import Scenario
from sim.scenario.together import Busyness, Geometric, Poisson
from tests.draw.worlds import arrays, demand, rate_of, world

ERRORS = 4.0
"""A mean lies within so many standard errors of the right one: a fresh seed would fail once in 16,000 times."""

SIGHTING = {"rate": "10/d", "tips": {"poisson": {"mean": 15}}, "over": {"uniform": {"from": "0 min", "to": "10 min"}}}


def of(scenario: Scenario, index: int = 0) -> dict[int, list[int]]:
    """The tips of each incident, in order of arrival."""
    incident = draw(scenario, index).tips.incident
    return {one: np.flatnonzero(incident == one).tolist() for one in np.unique(incident[incident >= 0]).tolist()}


def a_day(scenario: Scenario) -> Any:
    """Expected tips by channel on a day of a run on which every day is like the others."""
    return expected(levels(scenario), scenario.run).tips.sum(axis=0) * DAY / scenario.horizon


def near(found: float, right: float, error: float) -> None:
    assert abs(found - right) <= ERRORS * error, (found, right, error)


@pytest.mark.parametrize(
    ("law", "mean", "square", "none"),
    [
        (Geometric(mean=6), 6, 66, 0.0),
        (Geometric(mean=1), 1, 1, 0.0),
        (Poisson(mean=1.5), 1.5, 3.75, math.exp(-1.5)),
        (Poisson(mean=900), 900, 810900, 0.0),
    ],
    ids=str,
)
def test_numbers_have_their_law(law: Geometric | Poisson, mean: float, square: float, none: float) -> None:
    n = 100_000
    count = law.counts(Streams(1, 0).uniform("count").rows(0, n))
    assert law.second == pytest.approx(square)
    spread = math.sqrt(square - mean**2)
    near(count.mean(), mean, spread / math.sqrt(n))
    near((count == 0).mean(), none, math.sqrt(none * (1 - none) / n))
    near((count == 1).mean(), {6: 1 / 6, 1: 1.0, 1.5: 1.5 * none}.get(mean, 0.0), 0.5 / math.sqrt(n))
    assert law.counts(np.array([0.0, np.nextafter(1, 0)]))[0] >= (1 if isinstance(law, Geometric) else 0)


def test_scattered_streams_are_as_good_as_others() -> None:
    """Means and spreads over 200,000 rows; that of one number with the next; and of rows of neighbouring names."""
    number, tip = (part.ravel().astype(np.int64) for part in np.indices((2000, 100)))
    streams = ScatteredStreams(Streams(1, 0), number, tip)
    n = number.size
    uniform = streams.uniform("a").rows(0, n)
    counts = np.histogram(uniform, 64, (0, 1))[0]
    # A chi-square of 63 degrees of freedom is above 122 once in 100,000 times.
    assert ((counts - n / 64) ** 2 / (n / 64)).sum() < 122
    normal = [streams.stream("normal", name, "normal").rows(0, n) for name in ("a", "b")]
    for one in normal:
        near(one.mean(), 0, n**-0.5)
        near(one.var(), 1, (2 / n) ** 0.5)
        table = one.reshape(2000, 100)
        for first, second in ((table[1:], table[:-1]), (table[:, 1:], table[:, :-1])):
            near((first * second).mean(), 0, first.size**-0.5)
    near((normal[0] * normal[1]).mean(), 0, n**-0.5)
    exponential = streams.stream("exponential", "e").rows(0, n)
    near(exponential.mean(), 1, n**-0.5)
    gamma = streams.stream("gamma:2.5", "g").rows(0, n)
    near(gamma.mean(), 2.5, (2.5 / n) ** 0.5)
    assert (streams.uniform("a").rows(5, 10) == uniform[5:15]).all()
    with pytest.raises(ValueError, match="a standard variate is"):
        streams.stream("cauchy", "c").rows(0, 1)


def test_an_incident_brings_its_tips() -> None:
    """Case 47: 10 incidents a day of 15 on average beside 240 tips a day; 560 incidents in 57 days."""
    scenario = demand("57 d", incidents={"sighting": SIGHTING})
    assert expected_tips(demand("1000 d", incidents={"sighting": SIGHTING}))[0] == pytest.approx(390_000, rel=1e-5)
    tips = draw(scenario, 0).tips
    found = of(scenario)
    # With none there is nothing of an incident, and the last ones are cut.
    number = np.array([len(some) for some in found.values()])
    near(len(found), 570, 570**0.5)
    near(number.mean(), 15, (15 / len(found)) ** 0.5)
    near((tips.incident == NO_INCIDENT).sum(), 240 * 57, (240 * 57) ** 0.5)
    spans = [tips.arrival[some[-1]] - tips.arrival[some[0]] for some in found.values()]
    assert max(spans) <= 10 * MINUTE
    assert (np.diff(tips.arrival) >= 0).all()


def test_incidents_are_drawn_beside_the_others_and_by_their_name() -> None:
    plain, more = draw(demand("9 d"), 0), draw(demand("9 d", incidents={"b": SIGHTING}), 0)
    both = draw(demand("9 d", incidents={"c": {**SIGHTING, "tips": 2}, "b": SIGHTING}), 0)
    alone = more.tips.incident == NO_INCIDENT
    assert (more.tips.arrival[alone] == plain.tips.arrival).all()
    assert (more.visits.work[more.tips.first_visit[:-1][alone]] == plain.visits.work).all()
    # Of two kinds b comes first in the alphabet: its numbers are the even ones.
    b = np.where(both.tips.incident % 2 == 0, both.tips.incident // 2, NO_INCIDENT)
    assert (both.tips.arrival[b >= 0] == more.tips.arrival[~alone]).all()
    assert (b[b >= 0] == more.tips.incident[~alone]).all()
    assert draw_key(demand("9 d")) != draw_key(demand("9 d", incidents={"b": SIGHTING}))


def test_an_incident_that_brings_more_tips_keeps_those_that_it_had() -> None:
    law: dict[str, Any] = {"rate": "20/d", "over": {"exponential": {"mean": "20 min"}}}
    stages = [{"name": "answer", "pool": "desk", "service": {"lognormal": {"mean": "5 min", "cv": 1}}, "share": 0.7}]

    def drawn(tips: int) -> dict[int, set[tuple[int, ...]]]:
        given = {"volume": "10/d", "incidents": {"group": {**law, "tips": tips}}}
        replication = draw(world("9 d", demand=given, stages=stages), 0)
        first, visits = replication.tips.first_visit, replication.visits
        found: dict[int, set[tuple[int, ...]]] = {}
        for tip, about in enumerate(replication.tips.incident.tolist()):
            work = visits.work[first[tip] : first[tip + 1]].tolist()
            found.setdefault(about, set()).add((int(replication.tips.arrival[tip]), *work))
        return found

    three, five = drawn(3), drawn(5)
    assert len(three) > 100
    assert all(three[about] <= five[about] for about in three)
    assert any(len(five[about] - three[about]) == 2 for about in three)


def test_risk_category_and_attributes_are_the_incidents_and_the_channel_the_tips() -> None:
    given = {
        "volume": "1/d",
        "channels": {"call": 0.5, "online": 0.5},
        "risk": {"high": 0.1, "low": 0.9},
        "categories": {"fire": 0.5, "theft": 0.5},
        "attributes": {"language": {"en": 0.5, "es": 0.5}},
        "incidents": {"fire": {"rate": "100/d", "tips": 4, "risk": {"high": 0.5, "low": 0.5}, "category": "fire"}},
    }
    scenario = world("5 d", demand=given)
    tips = draw(scenario, 0).tips
    found = [np.array(some) for some in of(scenario).values()]
    assert len(found) > 300
    assert all(len({*tips.risk[some].tolist()}) == 1 for some in found)
    assert all(len({*tips.own[0, some].tolist()}) == 1 for some in found)
    assert (tips.category[tips.incident >= 0] == 0).all()
    n = len(found)
    near(np.mean([tips.risk[some[0]] == 0 for some in found]), 0.5, 0.5 / n**0.5)
    near(np.mean([len({*tips.channel[some].tolist()}) == 1 for some in found]), 1 / 8, (7 / 64 / n) ** 0.5)


def test_tips_of_one_tick_are_those_of_no_incident_then_by_kind_number_and_tip() -> None:
    """Three tips at 5, of which the book wrote that of no incident first; one at 3 that it wrote last; a backlog."""
    n = 6
    tips = Tips(
        arrival=np.array([0, 5, 9, 5, 5, 3]),
        **{name: np.arange(n, dtype=np.int32) for name in ("centre", "channel", "risk", "category")},
        first_visit=np.array([0, 1, 3, 3, 4, 5, 7]),
        n_backlog=1,
        own=np.arange(n, dtype=np.int32)[None],
        incident=np.array([-1, -1, -1, 0, 1, 2], dtype=np.int32),
    )
    row = np.arange(7)
    visits = Visits(
        kind=row.astype(np.int32),
        work=row,
        tier=row.astype(np.int32),
        first_attempt=row,
        patience=row,
        retry_after=row,
        final_tier=np.arange(n, dtype=np.int32),
    )
    found, moved = in_order(tips, visits)
    assert found.centre.tolist() == found.own[0].tolist() == moved.final_tier.tolist() == [0, 5, 1, 3, 4, 2]
    assert found.arrival.tolist() == [0, 3, 5, 5, 5, 9]
    assert found.incident.tolist() == [-1, 2, -1, 0, 1, -1]
    assert found.first_visit.tolist() == [0, 1, 3, 5, 6, 7, 7]
    assert moved.work.tolist() == moved.first_attempt.tolist() == [0, 5, 6, 1, 2, 3, 4]


def test_tips_of_an_incident_come_on_the_channels_that_are_open_or_not_at_all() -> None:
    """A quarter of the tips are for the line that is open from 09:00 to 17:00, where both are open."""
    given = {
        "volume": "1/d",
        "channels": {"call": {"share": 0.25, "open": "office"}, "online": {"share": 0.75, "open": "day"}},
        "incidents": {"one": {"rate": "300/d", "tips": 3, "over": {"exponential": {"mean": "1 h"}}}},
    }
    calendars = {
        "office": {"open": [{"from": "09:00", "to": "17:00"}]},
        "day": {"open": [{"from": "06:00", "to": "18:00"}]},
    }
    scenario = world("10 d", demand=given, calendars=calendars)
    tips = draw(scenario, 0).tips
    mine = tips.incident >= 0
    hour, call = tips.arrival[mine] // HOUR % 24, tips.channel[mine] == 0
    assert {*hour.tolist()} == {*range(6, 18)}
    assert {*hour[call].tolist()} == {*range(9, 17)}
    both = (hour >= 9) & (hour < 17)
    near(call[both].mean(), 0.25, (0.25 * 0.75 / both.sum()) ** 0.5)
    # From the second day on 900 tips a day come evenly, half of them in the twelve hours.
    right = of_incident(levels(scenario), "one")
    assert right[24:48].sum() == pytest.approx(450)
    assert right[34].tolist() == pytest.approx([37.5 / 4, 37.5 * 3 / 4])
    near(mine.sum(), right.sum(), (3 * right.sum()) ** 0.5)


def test_groups_come_at_once_and_stand_together() -> None:
    tips = draw(demand("9 d", incidents={"family": {"rate": "50/d", "tips": 3}}), 0).tips
    first = np.flatnonzero((tips.incident >= 0) & (np.concatenate([[-1], tips.incident[:-1]]) != tips.incident))
    assert len(first) == len(np.unique(tips.incident[tips.incident >= 0])) > 300
    for step in (1, 2):
        assert (tips.arrival[first + step] == tips.arrival[first]).all()
        assert (tips.incident[first + step] == tips.incident[first]).all()


def test_what_multiplies_the_demand_as_a_whole_multiplies_incidents() -> None:
    hours = [0.0] * 12 + [2.0] * 12
    surge = {"at": "2025-01-07 12:00", "lasts": "6 h", "factor": 3, "channel": "call"}
    all_of_it: dict[str, Any] = {
        "volume": "100/d",
        "by_hour": hours,
        "growth": "50 %",
        "channels": {"call": 0.5, "online": 0.5},
        "surges": [surge, {**surge, "name": "all", "channel": None}],
        "day_kinds": {"busy": {"share": 1, "factor": 2}},
        "incidents": {"one": {"rate": "50/d", "tips": 1, "over": "12 h"}},
    }
    scenario = world("3 d", demand=all_of_it)
    found = of_incident(levels(scenario), "one").sum(axis=1)
    begins = np.roll(found, -12)[:60]
    assert begins[:12].sum() == pytest.approx(0, abs=1e-6)
    # 50 a day x 2 an hour by profile / 24 h x 2 of the kind of date, tripled in the surge of all channels alone.
    assert begins[12] == pytest.approx(50 / 24 * 2 * 2, rel=1e-3)
    assert begins[24 + 13] == pytest.approx(3 * 50 / 24 * 2 * 2, rel=3e-3)
    counted = [draw(scenario, index).tips for index in range(60)]
    hour = np.concatenate([tips.arrival[tips.incident >= 0] // HOUR for tips in counted])
    by_hour = np.bincount(hour, minlength=72) / len(counted)
    for part in (slice(0, 24), slice(24, 36), slice(48, 54), slice(54, 60), slice(60, 72)):
        near(by_hour[part].sum(), found[part].sum(), (found[part].sum() / len(counted)) ** 0.5 + 1e-9)


@pytest.mark.parametrize(
    "over",
    ["0 s", "90 min", {"exponential": {"mean": "20 min"}}, {"lognormal": {"mean": "30 h", "cv": 2}}],
    ids=str,
)
def test_what_is_expected_of_incidents_is_the_mean_of_what_is_drawn(over: Any) -> None:
    given = {"volume": "1/d", "incidents": {"one": {"rate": "200/d", "tips": {"geometric": {"mean": 3}}, "over": over}}}
    scenario = world("102 h", "2025-01-06 10:20", demand=given)
    right = of_incident(levels(scenario), "one").sum(axis=1)
    counted = [draw(scenario, index).tips for index in range(30)]
    hour = np.concatenate([(tips.arrival[tips.incident >= 0] + 20 * MINUTE) // HOUR for tips in counted])
    found = np.bincount(hour, minlength=len(right)) / len(counted)
    # Each incident brings E[N^2] / E[N] = 5 times the variance of tips that come by themselves, at most.
    for part in (slice(0, 1), slice(1, 12), slice(12, 60), slice(60, None)):
        near(found[part].sum(), right[part].sum(), (5 * right[part].sum() / len(counted)) ** 0.5 + 1e-9)


def test_kinds_of_dates_have_their_shares_and_factors() -> None:
    kinds = {"quiet": {"share": "50 %", "factor": "80 %"}, "busy": {"share": "30 %", "factor": 1.5}}
    kinds["closed"] = {"share": "20 %", "factor": 0}
    scenario = demand("1000 d", day_kinds=kinds)
    luck = Luck(scenario, Streams(scenario.run.seed, 0))
    assert luck.kind is not None
    for code, share in enumerate((0.5, 0.3, 0.2)):
        near((luck.kind == code).mean(), share, (share * (1 - share) / 1000) ** 0.5)
    rate = rate_of(scenario)
    day = np.arange(1000)
    edge = rate.edge.searchsorted(day * DAY, side="right") - 1
    assert np.allclose(rate.begin[edge] * DAY, 240 * np.array([0.8, 1.5, 0.0])[luck.kind])
    assert expected_tips(scenario)[0] == pytest.approx(240 * 1000 * (0.4 + 0.45))
    turned = demand("1000 d", day_kinds=dict(reversed(kinds.items())))
    assert (draw(turned, 0).tips.arrival == draw(scenario, 0).tips.arrival).all()


def test_kinds_of_dates_by_channel_and_by_category_shift_the_mix() -> None:
    kinds = {
        "calm": {"share": "50 %", "factor": 1},
        "calls": {"share": "25 %", "factor": {"call": 3}},
        "theft": {"share": "25 %", "factor": {"theft": 5, "fire": "50 %"}},
    }
    given = {
        "volume": "400/d",
        "channels": {"call": 0.25, "online": 0.75},
        "categories": {"fire": 0.6, "other": 0.2, "theft": 0.2},
        "day_kinds": kinds,
        "incidents": {"one": {"rate": "40/d", "tips": 1, "category": "other"}},
    }
    scenario = world("400 d", demand=given)
    tips = draw(scenario, 0).tips
    kind = Luck(scenario, Streams(scenario.run.seed, 0)).kind
    assert kind is not None
    of_tip, own = kind[tips.arrival // DAY], tips.incident == NO_INCIDENT
    for code, volume, call, mix in [
        (0, 400, 0.25, (0.6, 0.2, 0.2)),
        (1, 600, 0.5, (0.6, 0.2, 0.2)),
        (2, 600, 0.25, (0.2, 0.2 / 1.5, 1 / 1.5)),
    ]:
        here, days = own & (of_tip == code), (kind == code).sum()
        n = here.sum()
        near(n / days, volume, (volume / days) ** 0.5)
        near((tips.channel[here] == 0).mean(), call, 0.5 / n**0.5)
        for category, share in enumerate(mix):
            near((tips.category[here] == category).mean(), share, 0.5 / n**0.5)
        near(((of_tip == code) & ~own).sum() / days, 40, (40 / days) ** 0.5)
    assert a_day(scenario).sum() == pytest.approx(0.5 * 400 + 0.5 * 600 + 40)
    by_theft = world(
        "400 d",
        demand=given,
        stages=[{"name": "see", "for": {"category": "theft"}, "pool": "desk", "service": "1 min"}],
    )
    # Of 540 tips a day 400 x 20 % come as theft on calm dates, 600 x 20 % on dates of calls and 400 on dates of theft.
    on = a_day(by_theft)
    assert flow(by_theft).visits[0] @ on == pytest.approx(0.5 * 80 + 0.25 * 120 + 0.25 * 400)


def test_busyness_is_a_stationary_process_of_gamma_factors() -> None:
    """200,000 steps: the mean and the spread of a process with correlation 0.4 are known to sqrt((1 + r) / (1 - r)) the
    error of independent ones; the normal deviates are had back from the factors."""
    from scipy.special import gammainc, ndtri

    n, cv, rho = 200_000, 0.3, 0.4
    given = Busyness.model_validate({"cv": cv, "correlation": rho})
    factor = swings(given, Streams(1, 0).stream("normal", "b").rows(0, n))
    more = ((1 + rho) / (1 - rho)) ** 0.5
    near(factor.mean(), 1, cv * more / n**0.5)
    near(factor.std(), cv, cv * more * (0.5 + cv**2) ** 0.5 / n**0.5)
    z = ndtri(gammainc(cv**-2, factor * cv**-2))
    near(z.mean(), 0, more / n**0.5)
    near(z.var(), 1, (2 / n) ** 0.5 * ((1 + rho**2) / (1 - rho**2)) ** 0.5)
    near((z[1:] * z[:-1]).mean(), rho, ((1 + 4 * rho**2) / n) ** 0.5)
    near((z[2:] * z[:-2]).mean(), rho**2, ((1 + 4 * rho**2) / n) ** 0.5)
    # The first is one of the long run: over 2,000 replications its variance is 1, not 1 - rho^2.
    first = [swings(given, Streams(1, index).stream("normal", "b").rows(0, 1))[0] for index in range(2000)]
    near(np.std(first), cv, cv * (0.5 + cv**2) ** 0.5 / 2000**0.5)


def test_busyness_multiplies_the_rate_step_by_step_beside_that_of_the_day() -> None:
    scenario = demand("2 d", "2025-01-06 00:30", busyness={"cv": 0.3, "every": "2 h"}, busyness_cv=0.2)
    rate = rate_of(scenario)
    assert {*np.diff(rate.edge).tolist()} <= {2 * HOUR, 90 * MINUTE, 30 * MINUTE}
    plain, days = (rate_of(demand("2 d", "2025-01-06 00:30", **more)) for more in ({}, {"busyness_cv": 0.2}))
    luck = Luck(scenario, Streams(1, 0))
    assert luck.of_step is not None
    assert rate.begin[3] == pytest.approx(days.begin[0] * luck.of_step[3])
    assert days.begin[0] != pytest.approx(plain.begin[0])
    whole = demand("9 d", busyness={"cv": 0.3, "every": "3 d", "correlation": -0.5})
    assert np.diff(rate_of(whole).edge).tolist() == [3 * DAY] * 3


def test_a_trace_may_name_incidents(tmp_path: Any) -> None:
    rows = ["received,incident", "2025-01-06 00:10,b", "2025-01-06 00:05,", "2025-01-06 00:20,a", "2025-01-06 01:00,b"]
    (tmp_path / "tips.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "case.yaml").write_text(
        "scenario: Recorded\nrun: {start: 2025-01-06 00:00, length: 1 d, cool_down: 0 d}\n"
        "demand: {trace: tips.csv}\npools: {desk: {staff: 1}}\n"
        "stages: [{name: answer, pool: desk, service: 5 min}]\n",
        encoding="utf-8",
    )
    scenario = load(tmp_path / "case.yaml")
    assert draw(scenario, 0).tips.incident.tolist() == [NO_INCIDENT, 0, 1, 0]
    resampled = load(
        tmp_path / "case.yaml",
        changes={
            "demand.trace": {"file": "tips.csv", "resample": "day"},
            "run.length": "1 d",
            "run.start": "2025-01-13",
        },
    )
    assert draw(resampled, 0).tips.incident.tolist() == [NO_INCIDENT, 0, 1, 0]


def test_plain_worlds_have_no_incidents() -> None:
    tips = draw(demand(), 0).tips
    assert tips.incident.size == tips.own.size == 0
    assert arrays(draw(demand(), 0))["incident"].size == 0
