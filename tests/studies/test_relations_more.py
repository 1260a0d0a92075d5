"""Medians, percentiles, numbers a head, growth between two years and money a case: what each says beside others,
reckoned by hand, and what it does not say."""

from __future__ import annotations

from typing import Any

import pytest

from sim.scenario.claims import CLAIMS
from sim.studies.claims.statements import Finding
from tests.studies.small_ledgers import (
    a_case,
    a_year,
    between,
    grew,
    growth,
    mean,
    median,
    number,
    per_head,
    percentile,
    share,
    told,
    volume,
    within,
)

PEOPLE = {"people": number("places", 5_000_000)}
HIDDEN = ("growth compounded",)


def said(*claims: dict[str, Any], **more: Any) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """What is found, but for what is said of each growth alone."""
    return told([one for one in between(*claims, **more) if one.relation not in HIDDEN])


def figure(found: list[Finding], relation: str, what: str) -> float:
    return next(one for one in found if one.relation == relation).figure(what)


# Medians and percentiles


def test_a_mean_bounds_the_median() -> None:
    # Of a mean of 30 min at most a half, 30 / 60, take longer than an hour: the median is no longer than that.
    assert ("mean bounds tail", "B", "implied", ()) in said(mean("30 min"), median("60 min"))


def test_a_median_that_is_reached_makes_a_mean_of_half_of_it() -> None:
    # Half take 90 min or more: 45 min on average, whatever the others take. A mean of 44 is too short, 45 is not.
    assert ("tail bounds mean", "B", "at odds", ("levels",)) in said(mean("44 min"), median("90 min"))
    assert ("tail bounds mean", "B", "independent", ()) in said(mean("45 min"), median("90 min"))


def test_a_median_says_as_much_as_half_within_its_time() -> None:
    assert ("share sooner", "B", "implied", ()) in said(median("30 min"), within("30 min", "50 %"))
    assert ("share sooner", "B", "implied", ()) in said(median("30 min"), within("1 h", "40 %"))
    assert said(median("30 min"), within("30 min", "51 %")) == [("share sooner", "A", "implied", ())]  # it is more


def test_a_percentile_implies_a_longer_median_unless_both_are_reached() -> None:
    # 90 % take no longer than 30 min. If that is so, half of them cannot take as long as 40 min.
    found = said(percentile("90 %", "30 min"), median("40 min"))
    assert found == [("share sooner", "B", "implied", ()), ("order of percentiles", "B", "at odds", ("levels",))]
    assert said(percentile("90 %", "40 min"), median("30 min")) == []


def test_a_share_within_a_time_is_a_bound_and_no_percentile() -> None:
    found = said(within("30 min", "90 %"), median("40 min"))
    assert found == [("share sooner", "B", "implied", ())]


def test_a_median_of_a_class_leaves_the_slow_ones_of_all() -> None:
    # Half of all take over 10 min: no more than five in eight of a class of 80 % can.
    found = between(median("10 min"), share("80 %", "part"), within("10 min", "37.5 %", subject="part"))
    assert ("share sooner", "C", "implied", ()) in told(found)
    assert figure(found, "share sooner", "share over the threshold at most") == pytest.approx(62.5)
    found = between(median("10 min"), share("80 %", "part"), within("10 min", "38 %", subject="part"))
    assert "share sooner" not in {one.relation for one in found}


def test_a_mean_and_a_median_of_one_length_are_not_one_figure() -> None:
    assert "one figure" not in {one.relation for one in between(mean("1 h"), median("1 h"))}
    assert ("one figure", "B", "implied", ()) in said(median("1 h"), percentile("50 %", "1 h"))


# A head


def test_heads_by_the_number_of_people_are_a_number_a_year() -> None:
    # 600 of 100,000 among 5,000,000 are 30,000.
    found = between(per_head(600, 100_000), volume("30000/year", "about"), facts=PEOPLE)
    assert ("heads and volume", "B", "implied", ()) in told(found)
    assert figure(found, "heads and volume", "implied, a year") == pytest.approx(30_000)


def test_heads_contradict_a_number_that_is_another() -> None:
    found = between(per_head(600, 100_000), volume("75000/year"), facts=PEOPLE)
    assert ("heads and volume", "B", "at odds", ()) in told(found)
    assert figure(found, "heads and volume", "the one over the other") == pytest.approx(0.4)


def test_heads_above_a_floor_are_at_odds_only_as_levels() -> None:
    assert said(per_head(1500, 100_000), volume("30000/year"), facts=PEOPLE) == [
        ("heads and volume", "B", "vacuous", ()),
        ("heads and volume", "B", "at odds", ("levels",)),
    ]


def test_heads_say_nothing_where_nobody_knows_how_many_there_are() -> None:
    assert said(per_head(600, 100_000), volume("75000/year")) == []
    assert said(per_head(600, 100_000), volume("75000/year"), facts={"people": number("covered", 5e6)}) == []


def test_two_figures_a_head_are_at_odds_however_they_are_written() -> None:
    assert said(per_head(600, 100_000), per_head(8, 1_000)) == [("two figures of one thing", "B", "at odds", ())]
    assert said(per_head(600, 100_000), per_head(6, 1_000)) == [("one figure", "B", "implied", ())]


# Between two years


def test_growth_a_year_comes_to_growth_in_all() -> None:
    # 1.2 x 1.2 x 1.2 = 1.728: by 72.8 % in three years.
    found = between(growth("20 %", each_year=True), grew("72.8 %", 2020, 2023))
    assert ("growth between years", "B", "implied", ()) in told(found)
    assert figure(found, "growth between years", "implied, times as many") == pytest.approx(1.728)


def test_growth_of_every_year_contradicts_less_in_all() -> None:
    # At least 15 % in each of five years are 101 % and more: no 60 % in all.
    found = between(growth("15 %", "at least", each_year=True), grew("60 %", 2018, 2023))
    assert ("growth between years", "B", "at odds", ()) in told(found)
    assert figure(found, "growth between years", "implied, times as many") == pytest.approx(1.15**5)


def test_growth_on_average_contradicts_only_in_the_same_years() -> None:
    on_average = growth("15 %", "at least")
    assert ("growth between years", "B", "at odds", ("same years",)) in said(on_average, grew("60 %", 2018, 2023))
    same = growth("15 %", "at least", since=2018)
    assert ("growth between years", "B", "at odds", ()) in said(same, grew("60 %", 2018, 2023), figures_of=2023)


@pytest.mark.parametrize(
    "other",
    [
        growth("15 %", "at least", since=2020, each_year=True),  # it began later
        growth("15 %", "at least", over=2),  # and these are other years
        growth("15 %", "at least", each_year=True, subject="places"),
    ],
)
def test_growth_of_other_years_or_things_says_nothing(other: dict[str, Any]) -> None:
    assert said(other, grew("60 %", 2018, 2023)) == []


def test_growth_of_some_years_leaves_the_others() -> None:
    # Four times as many in eight years, of which the first four made it two and a half times: 1.6 in the other four.
    found = between(grew("150 %", 2015, 2019), grew("300 %", 2015, 2023))
    assert figure(found, "growth within growth", "in the other years") == pytest.approx(1.6)
    assert figure(found, "growth within growth", "growth a year in them") == pytest.approx(100 * (1.6**0.25 - 1))


def test_two_figures_for_the_same_years_are_at_odds() -> None:
    assert ("two figures of one thing", "B", "at odds", ()) in said(grew("60 %", 2018, 2023), grew("80 %", 2018, 2023))
    assert said(grew("60 %", 2018, 2023), grew("80 %", 2018, 2023, "at most")) == [
        ("two figures of one thing", "B", "at odds", ("levels",))
    ]


def test_a_level_of_every_year_does_not_grow() -> None:
    found = between(grew("200 %", 2015, 2023), volume("30000/year", each_year=True))
    assert ("floor and growth between", "B", "at odds", ("levels",)) in told(found)
    assert figure(found, "floor and growth between", "before, at that level now") == pytest.approx(10_000)
    assert said(grew("200 %", 2015, 2023), volume("30000/year")) == []


def test_years_that_go_back_are_refused() -> None:
    with pytest.raises(ValueError, match="`from` must be before `to`"):
        between(grew("60 %", 2023, 2018))


# Money


def test_money_a_case_is_money_a_year_by_the_number() -> None:
    # 120,000 a year for 2,916 calls (243 a month) are 41.15 each.
    found = between(a_year(120_000), volume("2916/year", "about"), a_case(41))
    assert ("money and cases", "C", "implied", ()) in told(found)
    assert figure(found, "money and cases", "implied, EUR a case") == pytest.approx(120_000 / 2916)


def test_money_a_case_contradicts_what_all_of_them_cost() -> None:
    found = between(a_year(2_500_000), volume("18700/year", "about"), a_case(41))
    assert ("money and cases", "C", "at odds", ()) in told(found)
    assert figure(found, "money and cases", "the one over the other") == pytest.approx(2_500_000 / 18_700 / 41)
    assert ("money and cases", "C", "at odds", ("levels",)) in said(
        a_year(2_500_000), volume("18700/year", "about"), a_case(41, "at least")
    )


def test_money_a_case_rests_on_a_share_of_a_known_budget_too() -> None:
    # A tenth of 1,200,000 for 2,916 calls.
    tenth = {"kind": "cost ratio", "subject": "cost", "of": "base", "sense": "about", "quantity": "10 %"}
    budget = {"budget": number("base", 1_200_000, currency="EUR")}
    found = between(tenth, volume("2916/year", "about"), a_case(80), facts=budget)
    assert ("money and cases", "C", "at odds", ()) in told(found)
    assert next(one for one in found if one.relation == "money and cases").rests_on == ("A", "budget", "B")
    assert ("money and budget", "B", "at odds", ()) in said(tenth, a_year(200_000), facts=budget)
    assert ("money and budget", "B", "implied", ()) in said(tenth, a_year(120_000), facts=budget)


def test_money_in_another_currency_or_of_another_thing_is_not_compared() -> None:
    assert said(a_year(120_000, currency="USD"), volume("2916/year"), a_case(80)) == []
    assert said(a_year(120_000, subject="other cost"), volume("2916/year"), a_case(80)) == []
    assert said(a_year(120_000), volume("2916/year", subject="places"), a_case(80)) == []


def test_two_prices_of_a_case_are_at_odds() -> None:
    assert said(a_case(41), a_case(60)) == [("two figures of one thing", "B", "at odds", ())]
    assert said(a_case(41), a_case(60, "at least")) == [("two figures of one thing", "B", "at odds", ())]
    assert said(a_case(41, "at least"), a_case(60)) == [("two figures of one thing", "B", "at odds", ("levels",))]


def test_nothing_is_too_large_or_too_small_to_be_reckoned_with() -> None:
    assert between(growth("1000 %", each_year=True), grew("1 %", 1900, 2500))
    assert between(a_year(0), volume("2916/year"), a_case(0))
    assert between(grew("-99 %", 2000, 2001, "at most"), grew("-99 %", 2000, 2010))
    assert between(per_head(0, 1), volume("1/year"), facts=PEOPLE)


def test_every_kind_of_claim_is_there() -> None:
    assert {"median", "percentile", "per head", "growth between", "money a case", "money a year"} <= set(CLAIMS)
