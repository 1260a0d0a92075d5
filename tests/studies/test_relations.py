"""Each kind of relation on a ledger of known answer, with what a changed number changes, and no false alarms."""

from __future__ import annotations

from typing import Any

import pytest

from sim.scenario import units
from sim.scenario.ledger import Ledger, load_ledger
from sim.scenario.tree import compose
from sim.studies.claims.rules import relations
from sim.studies.claims.statements import Finding
from tests.scenario.small import SCENARIOS
from tests.studies.small_ledgers import (
    best,
    between,
    growth,
    known,
    mean,
    share,
    told,
    volume,
    within,
)

OTHER = {"clock": "other clock"}
ONE = ("one clock",)
COST: dict[str, Any] = {"kind": "cost ratio", "subject": "cost", "of": "base", "sense": "about", "quantity": "10 %"}


def one(found: list[Finding], relation: str, about: str, verdict: str) -> Finding:
    (wanted,) = [each for each in found if (each.relation, each.about, each.verdict) == (relation, about, verdict)]
    return wanted


# Times


def test_a_mean_bounds_its_tail() -> None:
    found = between(mean("1 h"), within("10 h", "90 %"))
    assert told(found) == [
        ("mean bounds tail", "B", "implied", ()),
        ("tail bounds mean", "B", "independent", ()),
    ]
    assert found[0].figure("share over the threshold at most") == pytest.approx(10)


def test_a_mean_a_little_longer_no_longer_implies_the_share() -> None:
    found = between(mean("61 min"), within("10 h", "90 %"))
    assert told(found)[0] == ("mean bounds tail", "B", "implied", ("usual shape",))
    assert one(found, "tail bounds mean", "B", "independent").figure(
        "mean at least, if only just met"
    ) == pytest.approx(60)


def test_only_just_met_a_share_makes_too_long_a_mean() -> None:
    assert ("tail bounds mean", "B", "at odds", ("levels",)) in told(between(mean("59 min"), within("10 h", "90 %")))


def test_no_usual_shape_implies_a_share_near_one() -> None:
    found = between(mean("1 h"), within("2 h", "89 %"))
    assert told(found)[0] == ("mean bounds tail", "B", "independent", ())
    assert told(between(mean("1 h"), within("2 h", "84 %")))[0][3] == ("usual shape",)


def test_below_the_mean_only_shapes_tell() -> None:
    found = one(between(mean("30 min"), within("10 min", "90 %")), "usual shapes at a mean", "B", "independent")
    assert found.figure("exponential mean needed") == pytest.approx(4.3429, rel=1e-4)


def test_a_mean_implies_that_the_fastest_is_no_slower() -> None:
    assert told(between(mean("61 min"), best("1 h"))) == []
    assert told(between(mean("60 min"), best("1 h"))) == [
        ("one figure", "B", "implied", ()),
        ("mean bounds tail", "B", "implied", ()),
    ]


def test_clocks_of_two_names_are_compared_on_a_supposition() -> None:
    (found, _) = between(mean("1 h"), within("10 h", "90 %", **OTHER))
    assert found.conditions == ONE
    assert found.on_own_clocks == "independent"
    assert found.clocks == ("clock", "other clock")
    (same, _) = between(mean("1 h"), within("10 h", "90 %"))
    assert (same.on_own_clocks, same.clocks) == (None, ("clock",))


def test_what_bounds_the_later_clock_bounds_the_earlier_whatever_the_words_mean() -> None:
    found = between(mean("1 h", clock="later"), within("10 h", "90 %"))
    assert found[0].conditions == ()
    assert found[0].verdict == "implied"


def test_what_bounds_the_earlier_clock_says_nothing_of_the_later() -> None:
    assert told(between(mean("1 h"), within("10 h", "90 %", clock="later"))) == []


def test_between_two_clocks_some_time_is_left() -> None:
    found = between(within("10 min", "90 %"), within("30 min", "80 %", clock="later"))
    assert told(found) == [("time left between", "B", "independent", ())]
    assert found[0].figure("time left for the steps between") == 20


def test_the_mean_of_all_bounds_that_of_a_part() -> None:
    found = between(mean("1 h"), mean("5 h", subject="part"), share("20 %", "part"))
    assert told(found) == [("mean of a class", "B", "implied", ())]
    found = between(mean("1 h"), mean("10 h", subject="part"), share("20 %", "part"))
    assert told(found) == [("mean of a class", "B", "vacuous", ()), ("mean of a class", "B", "at odds", ("levels",))]
    assert found[1].figure("overall mean at least") == 120
    assert told(between(mean("1 h"), mean("4 h", subject="part"), share("20 %", "part")))[0][2] == "independent"


def test_the_share_of_a_part_may_be_a_fact() -> None:
    facts = {"known": known("part", "all", "20 %", "30 %")}
    (found,) = between(mean("1 h"), mean("5 h", subject="part"), facts=facts)
    assert found.rests_on == ("A", "known")
    assert found.figure("mean of the class at most") == 300


def test_a_part_of_unknown_size_is_not_bounded() -> None:
    assert told(between(mean("1 h"), mean("50 h", subject="part"))) == []


def test_the_share_of_a_part_of_a_part_is_the_product() -> None:
    claims = (mean("1 h"), mean("10 h", subject="seen"), share("20 %", "part"), share("50 %", "seen", "part"))
    found = one(between(*claims), "mean of a class", "B", "implied")
    assert found.figure("share of the class") == pytest.approx(10)
    assert set(found.rests_on) == {"A", "C", "D"}


def test_all_within_a_limit_leaves_none_over_and_no_longer_mean() -> None:
    found = between(within("1 h", "100 %"), within("1 h", "99 %"), mean("2 h", subject="part"), mean("59 min"))
    assert told([each for each in found if each.relation == "all within a limit"]) == [
        ("all within a limit", "B", "implied", ()),
        ("all within a limit", "C", "vacuous", ()),
    ]


def test_more_of_them_sooner_implies_fewer_later() -> None:
    assert told(between(within("1 h", "90 %"), within("2 h", "80 %"))) == [("share sooner", "B", "implied", ())]
    assert told(between(within("1 h", "90 %"), within("2 h", "95 %"))) == []
    assert told(between(within("2 h", "90 %"), best("1 h"))) == []


def test_few_of_all_are_more_of_a_part() -> None:
    claims = within("1 h", "95 %"), within("1 h", "75 %", subject="part"), share("20 %", "part")
    assert told(between(*claims)) == [("share sooner", "B", "implied", ())]
    claims = within("1 h", "95 %"), within("1 h", "76 %", subject="part"), share("20 %", "part")
    assert told(between(*claims)) == []


def test_a_long_mean_beside_a_short_tail_needs_a_few_very_slow_ones() -> None:
    found = between(within("24 h", "90 %"), mean("48 h", subject="part"), share("30 %", "part"))
    assert told(found) == [("tail and mean of a class", "B", "independent", ())]
    assert found[0].figure("mean of the slow, the others at once") == pytest.approx(144 * 60)


# Limits


def test_labels_cap_a_share_of_those_who_truly_are() -> None:
    facts = {"labels": known("seen", "part", "50 %", "80 %")}
    asked = within("1 h", "81 %", subject="part", clock="only seen")
    found = between(asked, facts=facts)
    assert told(found) == [("cap of labels", "A", "at odds", ("out of reach",))]
    assert found[0].figure("of the others to be brought there in time") == pytest.approx(5)
    assert told(between({**asked, "share": "80 %"}, facts=facts)) == [("cap of labels", "A", "independent", ())]


def test_labels_cap_nothing_for_those_who_are_labelled() -> None:
    facts = {"labels": known("seen", "part", "50 %", "80 %")}
    assert told(between(within("1 h", "99 %", subject="seen", clock="only seen"), facts=facts)) == []


def test_a_share_is_held_against_what_is_known() -> None:
    facts = {"known": known("part", "all", "50 %", "80 %")}
    assert told(between(share("90 %", "part"), facts=facts)) == [
        ("share and what is known", "A", "at odds", ("levels",))
    ]
    assert told(between(share("83 %", "part"), facts=facts))[0][2] == "independent"
    assert told(between(share("40 %", "part", sense="at least"), facts=facts))[0][2] == "independent"


def test_the_lost_are_not_in_time() -> None:
    asked = within("1 h", "90 %")
    facts = {"gone": known("lost", "all", "11 %", "11 %")}
    assert told(between(asked, facts=facts)) == [("lost and in time", "A", "at odds", ("lost count",))]
    facts = {"gone": known("lost", "all", "10 %", "10 %")}
    found = between(asked, {"kind": "zero", "quantity": 0, "subject": "lost"}, mean("2 min"), facts=facts)
    lost = [each for each in found if each.relation == "lost and in time"]
    assert told(lost) == [("lost and in time", "A", "independent", ())] * 2
    assert lost[1].figure("in time of all, for certain") == pytest.approx(100 * 0.9 * (1 - 2 / 60))
    assert "B" in lost[0].rests_on


def test_a_share_of_the_year_survives_so_many_surges() -> None:
    facts = {"surge": {"kind": "surge", "factor": 36.5, "lasts": "1 d"}}
    (found,) = between(within("1 h", "80 %"), facts=facts)
    assert found.relation == "share of a year and surges"
    assert found.figure("share of the year in 1") == pytest.approx(100 * 36.5 / (365 + 35.5))
    assert found.figure("surges survived") == 2


def test_those_without_a_name_cannot_be_answered() -> None:
    (found, *_) = between(share("85 %", "answered", sense="at least"), share("65 %", "nameless", sense="at most"))
    assert told([found]) == [("share out of reach", "A", "at odds", ("levels", "out of reach"))]
    assert found.figure("of the others to be reached") == pytest.approx(100 * 0.5 / 0.65)
    (found, *_) = between(share("30 %", "answered", sense="at least"), share("65 %", "nameless"))
    assert found.verdict == "independent"
    (found, *_) = between(share("40 %", "answered"), share("65 %", "nameless"))
    assert found.conditions == ("out of reach",)


def test_everywhere_is_more_than_nearly_everywhere() -> None:
    there: dict[str, Any] = {"kind": "availability", "quantity": "24 h", "of": "places"}
    (found,) = between(there, share("90 %", "covered", "places", "at least"))
    assert told([found]) == [("everywhere and coverage", "A", "at odds", ("levels",))]
    assert found.figure("without") == pytest.approx(10)
    assert told(between(there, share("90 %", "covered", "places")))[0][3] == ()
    assert told(between(there, share("100 %", "covered", "places"))) == []
    assert told(between({**there, "of": None}, share("90 %", "covered", "places"))) == []


# Numbers


def test_a_part_and_its_share_make_the_whole() -> None:
    whole, part, of = volume("1000/year"), volume("1000/year", subject="part"), share("40 %", "part")
    found = between(whole, part, of)
    assert told(found) == [("volume and share", "A", "vacuous", ()), ("volume and share", "A", "at odds", ("levels",))]
    assert found[0].figure("total by volume and share") == pytest.approx(2500)
    assert told(between(volume("2500/year"), part, of)) == [("volume and share", "A", "implied", ())]
    assert told(between(volume("2000/year"), part, of))[0][2] == "implied"
    assert told(between(volume("4000/year"), part, of))[0][2] == "independent"


def test_a_total_that_is_bounded_excludes_a_larger_one() -> None:
    part, of = volume("1000/year", subject="part"), share("40 %", "part")
    assert told(between(volume("2000/year", "at most"), part, of)) == [("volume and share", "A", "at odds", ())]
    assert told(between(volume("2000/year", "about"), part, of)) == [("volume and share", "A", "at odds", ())]


def test_parts_that_exclude_each_other_make_at_most_all() -> None:
    found = between(share("60 %", "part"), share("30 %", "other part"), volume("100/year"))
    parts = one(found, "parts of a whole", "B", "independent")
    assert parts.figure("left, of 100") == pytest.approx(10)
    assert told(between(share("60 %", "part"), share("50 %", "other part"))) == [
        ("parts of a whole", "B", "at odds", ())
    ]
    assert told(between(share("60 %", "part"), share("50 %", "answered"))) == []


def test_a_share_of_a_volume_is_a_number() -> None:
    (found,) = between(share("40 %", "part"), volume("1500/year"))
    assert found.relation == "share of a volume"
    assert found.figure("of 1,500") == pytest.approx(600)


def test_a_part_is_no_more_than_the_whole() -> None:
    part = volume("200/year", subject="part")
    (found,) = between(part, volume("1000/year"))
    assert found.verdict == "independent"
    assert found.figure("of 1,000") == pytest.approx(20)
    assert told(between(part, volume("100/year"))) == [("volume in a volume", "A", "at odds", ("levels",))]
    assert told(between(part, volume("100/year", "at most"))) == [("volume in a volume", "A", "at odds", ())]


def test_growth_compounds() -> None:
    (found,) = between(growth("100 %", over=3), volume("100/year"))
    assert found.figure("in 3 years") == pytest.approx(8)
    assert found.figure("to double") == pytest.approx(1)
    assert found.figure("3 years after 100") == pytest.approx(800)
    assert found.figure("3 years before 100") == pytest.approx(12.5)
    assert told(between(growth("100 %", over=1))) == []


def test_a_floor_in_every_year_and_growth_in_every_year() -> None:
    claims = growth("100 %", since=2020), volume("100/year", each_year=True)
    found = one(between(*claims, figures_of=2023), "floor and growth", "B", "at odds")
    assert found.conditions == ("levels",)
    assert found.figure("3 years before") == pytest.approx(12.5)
    assert found.figure("now, with that level 2 years before") == pytest.approx(400)
    found = one(
        between(claims[0], {**claims[1], "sense": "about"}, figures_of=2023), "floor and growth", "B", "at odds"
    )
    assert found.conditions == ()
    still = between(growth("0 %", since=2020), claims[1], figures_of=2023)
    assert not [each for each in still if each.relation == "floor and growth"]


def test_a_part_that_grows_more_slowly_shrinks_as_a_share() -> None:
    found = one(between(growth("0 %", subject="part"), growth("100 %")), "growth of a part", "A", "independent")
    assert found.figure("the share, a year") == pytest.approx(0.5)
    assert found.figure("of its share left after 5 years") == pytest.approx(100 / 32)


def test_a_part_that_grows_faster_is_all_one_day() -> None:
    claims = growth("100 %", subject="part"), growth("0 %"), share("25 %", "part")
    found = one(between(*claims), "growth of a part", "A", "independent")
    assert found.figure("until it is all") == pytest.approx(2)


def test_two_shares_of_costs_differ_by_their_bases() -> None:
    found = between(COST, {**COST, "quantity": "4 %", "subject": "other cost"})
    assert told(found) == [("cost ratios", "B", "at odds", ("one thing",))]
    assert found[0].figure("base of the second, if one cost") == pytest.approx(2.5)
    assert told(between(COST, {**COST, "quantity": "4 %"}))[0][3] == ()
    assert told(between(COST, {**COST, "quantity": "10 %", "subject": "other cost"}))[0][2] == "independent"


def test_fewer_people_do_more_each() -> None:
    staff: dict[str, Any] = {"kind": "staffing change", "subject": "staff", "sense": "at most", "quantity": "-20 %"}
    facts = {"gain": {"kind": "gain", "from": "5 %", "to": "10 %"}}
    found = one(between(staff, growth("10 %"), volume("1/h"), facts=facts), "staff and growth", "A", "independent")
    assert found.figure("work a person, at the same volume") == pytest.approx(1.25)
    assert found.figure("with a year of B") == pytest.approx(1.375)
    assert found.figure("with 5 years of B") == pytest.approx(1.25 * 1.1**5)
    assert found.figure("gain needed over the least known") == pytest.approx(5)
    assert "work must fall away" in found.says
    assert "fall away" not in between({**staff, "quantity": "-5 %"}, facts=facts)[0].says


def test_one_figure_is_scored_once() -> None:
    claims = growth("15 %", "at least"), growth("15 %", "at least", each_year=True)
    found = [each for each in between(*claims) if each.relation == "one figure"]
    assert [(each.about, each.rests_on) for each in found] == [("A", ("B",))]
    assert told(between(within("24 h", None), best("24 h"))) == [("one figure", "B", "implied", ())]
    there: dict[str, Any] = {"kind": "availability", "quantity": "24 h"}
    assert told(between(there, there)) == [("one figure", "B", "implied", ())]
    assert told(between(volume("5/year"), volume("5/year", subject="part"))) != [("one figure", "B", "implied", ())]


def test_a_repeated_claim_is_not_compared_again() -> None:
    claims = mean("1 h"), within("10 h", "90 %"), within("10 h", "90 %", repeats="B")
    assert "C" not in {each.about for each in between(*claims) if each.relation != "one figure"}


# No false alarms

INDEPENDENT = {
    "a tail and a mean of unrelated subjects": (mean("1 h", subject="places"), within("10 h", "1 %")),
    "a mean of a part and of all": (mean("1 h"), mean("9 h", subject="part")),
    "two parts": (mean("1 h", subject="part"), mean("90 h", subject="other part")),
    "an earlier clock and a later one": (mean("1 h"), mean("90 h", clock="later")),
    "volumes of other things": (volume("5/year"), volume("9/year", subject="places")),
    "shares by other matters": (share("80 %", "part"), share("80 %", "answered")),
    "growth of other things": (growth("50 %"), growth("-50 %", subject="places")),
    "a floor that grows": (volume("5/year"), growth("50 %")),
    "costs and shares": (share("80 %", "part"), COST),
}


@pytest.mark.parametrize("claims", INDEPENDENT.values(), ids=INDEPENDENT)
def test_independent_claims_are_not_at_odds(claims: tuple[dict[str, Any], ...]) -> None:
    assert {each.verdict for each in between(*claims)} <= {"independent"}


# Any number


def perturbed(name: str) -> dict[str, Any]:
    """What stands in the ledger of the two articles, with the figure of one claim or fact a quarter less."""
    tree: dict[str, Any] = compose((SCENARIOS / "claims.yaml").read_text("utf-8"), "claims.yaml").plain()
    entry = (tree["claims"] | tree["facts"])[name]
    keys = ("factor",) if "factor" in entry else ("from", "to") if "from" in entry else ("quantity", "share")
    for key in keys:
        if key in entry:
            number, unit = units.split(entry[key])
            entry[key] = f"{number * 0.75} {unit}".replace(" /", "/") if unit else number * 0.75
    for reading in entry.get("readings", {}).values():
        target = reading.get("target", {}) if isinstance(reading, dict) else {}
        for key in ("within", "mean"):
            if key in target:
                number, unit = units.split(target[key])
                target[key] = f"{number * 0.75} {unit}"
    return tree


PLAIN = relations(load_ledger(SCENARIOS / "claims.yaml"))
COMPARED = sorted({name for each in PLAIN for name in each.claims})
ALONE = {"A04", "A16", "B12", "B14", "B15"}
"""Claims of which nothing else in the ledger says anything."""
BY_EXISTENCE = {"A17"}
"""That none is lost has no other figure than none."""


@pytest.mark.parametrize("name", sorted({*COMPARED} - BY_EXISTENCE))
def test_a_changed_number_changes_what_is_found_of_it_and_nothing_else(name: str) -> None:
    def by_claims(found: list[Finding]) -> dict[str, set[Finding]]:
        having = {each for each in found if name in each.claims}
        return {"with": having, "without": {*found} - having}

    before, after = by_claims(PLAIN), by_claims(relations(Ledger.model_validate(perturbed(name))))
    assert before["with"] != after["with"]
    taken_in = {(each.relation, each.about) for each in after["with"]}
    assert {(each.relation, each.about) for each in before["without"] - after["without"]} <= taken_in


def test_what_nothing_is_said_of_is_compared_with_nothing() -> None:
    assert set(load_ledger(SCENARIOS / "claims.yaml").claims) - set(COMPARED) == ALONE
