"""Claims in plain words, for who has never seen the program: what each would mean, what it came to in each reading, and
what all came to in every reading. Claims are named by their own words here, never by a letter and a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.dynamics.clock import DAY
from sim.scenario.claims import (
    Availability,
    BestCase,
    Claim,
    CostRatio,
    GrowthBetween,
    GrowthRate,
    Mean,
    Median,
    MoneyACase,
    MoneyAYear,
    Percentile,
    PerHead,
    ShareOfWhole,
    ShareWithin,
    StaffingChange,
    Volume,
    Zero,
)
from sim.scenario.readings import READINGS
from sim.studies.claims.statements import horizons, three, yearly
from sim.text.words import count, length, span

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.scenario.ledger import Ledger
    from sim.studies.claims.audit import Audit, ReadingOutcome, Together

# What a claim would mean


def meaning(ledger: Ledger, name: str) -> str:
    """What a claim would mean if it held, in a sentence or two; KeyError without the claim."""
    said = _meaning(ledger, ledger.claims[name])
    return said[:1].upper() + said[1:]


def _meaning(ledger: Ledger, claim: Claim) -> str:
    who = ledger.subjects[claim.subject].says
    match claim:
        case ShareWithin() | Mean() | Median() | Percentile() | BestCase():
            return f"{_timed(claim)} What is counted: {who}. The time: {ledger.clocks[claim.clock].says}."
        case Volume():
            return _a_year(claim)
        case PerHead():
            people = ledger.subjects[claim.of].says
            return f"Of a million ({people}) there would be {_many(claim, 1e6 * claim.each)} a year."
        case GrowthRate() | GrowthBetween():
            return _grows(ledger, claim)
        case ShareOfWhole():
            whole = ledger.subjects[claim.of].says
            return f"Out of every 100 ({whole}), {_many(claim, 100 * claim.quantity)} are {who}."
        case CostRatio():
            whole = ledger.subjects[claim.of].says
            return f"Out of every 100 spent ({whole}), {_many(claim, 100 * claim.quantity)} are {who}."
        case MoneyACase():
            cases = ledger.subjects[claim.of].says
            return f"A thousand of them ({cases}) would cost {_many(claim, 1000 * claim.quantity)} {claim.currency}."
        case MoneyAYear():
            return f"That is {_many(claim, claim.quantity / 365)} {claim.currency} a day."
        case StaffingChange():
            left = 100 * (1 + claim.quantity)
            each = f", each with {three(1 / (1 + claim.quantity))} times the work" if claim.quantity > -1 else ""
            return f"Where there were 100 before, {three(left)} do it now: at the same number of tips{each}."
        case Zero():
            return f"There is not a single one ({who}): one alone would show that it is not so."
        case Availability():
            where = f", in all of them ({ledger.subjects[claim.of].says})" if claim.of is not None else ""
            hours = "At any hour of any day" if claim.quantity >= DAY else f"For {length(claim.quantity)} of every day"
            return f"{hours} it is there ({who}){where}."
    raise AssertionError(claim)


def _timed(claim: ShareWithin | Mean | Median | Percentile | BestCase) -> str:
    time = length(claim.quantity)
    match claim:
        case ShareWithin(share=None):
            return f"Some of them take no longer than {time}. How many, the source does not say: a single one would do."
        case Mean():
            half, tenth = length(2 * claim.quantity), length(10 * claim.quantity)
            return (
                f"They take {time} each if all their times are shared out evenly. Single ones may take longer: no more "
                f"than half of them over {half}, no more than one in ten over {tenth}."
            )
        case BestCase():
            return f"The fastest takes {time}, which says nothing of any other."
    share = 0.5 if isinstance(claim, Median) else claim.share
    assert share is not None
    if share >= 1:
        return f"Not one of them takes longer than {time}."
    of_100 = 100 * share
    others = f"the other {three(100 - of_100)} may take any time"
    return f"Of 100 at least {three(of_100)} take no longer than {time}; {others}."


def _a_year(claim: Volume) -> str:
    number = yearly(claim)
    every = ", in every year" if claim.each_year else ""
    if number < 365:
        return f"{_many(claim, number)} a year are one in {three(365 / number)} days{every}."
    return f"{_many(claim, number)} a year are {three(number / 365)} a day, {three(number / 8760)} an hour{every}."


def _many(claim: Claim, figure: float) -> str:
    """A figure with the sense in which it is meant."""
    return f"{getattr(claim, 'sense', 'about')} {three(figure)}"


def _grows(ledger: Ledger, claim: GrowthRate | GrowthBetween) -> str:
    factor = 1 + claim.quantity
    if isinstance(claim, GrowthBetween):
        a_year = 100 * (factor ** (1 / claim.years) - 1)
        since = f"what it was in {claim.given_from}"
        return f"In {claim.given_to} it is {three(factor)} times {since}: {three(a_year)} % a year on average."
    if claim.over == 1:
        return f"It is {three(factor)} times what it was a year before."
    years = claim.over or horizons(ledger)[0]
    doubling = f", and twice as much after {three(math.log(2) / math.log(factor))} years" if claim.quantity > 0 else ""
    return f"Growing so, it is {three(factor**years)} times as much after {years} years{doubling}."


# What a reading came to


def plainly(one: ReadingOutcome) -> str:
    """What a reading came to, in a sentence that names no claim."""
    match one.status:
        case "input" if one.set_aside:
            return "It says how the demand came about, and is left aside where all claims are tested at once."
        case "input":
            return "It says how the line is, and is taken so where all claims are tested at once."
        case "words":
            why = one.reading.arithmetic_only
            return f"No simulated line can test it: {why}." if why else "This line cannot test it."
        case "given" | "not given" if one.weighed is not None:
            weighed = one.weighed
            came = f"{three(weighed.value)} min" if weighed.unit == "min" else f"{three(100 * weighed.value)} %"
            limit = f"{three(weighed.limit)} min" if weighed.unit == "min" else f"{three(100 * weighed.limit)} %"
            if one.status == "given":
                return f"It follows from how the line works: it comes to {came}, beside {limit} that are claimed."
            return f"It is not so as the line works: it comes to {came}, beside {limit} that are claimed."
    if one.tested is None:
        return "It is not decided."
    tested = one.tested
    now, best = value(tested.staffed), value(tested.limit.result)
    people = full_time(tested.found.fte) if tested.found is not None else ""
    match one.status:
        case "held":
            fewest = f"; {people} would do for it alone" if people else ""
            return f"It holds with the people that the line has: {now}{fewest}."
        case "staff":
            as_it_is = "does not hold" if tested.staffed.verdict == "missed" else "may not hold"
            return f"It {as_it_is} with the people that the line has ({now}); it would with {people} for it alone."
        case "beyond staff":
            return f"No number of people makes it hold: {now} as it is, {best} at best."
        case "beyond bounds":
            return f"No staffing that was looked for makes it hold: {now} as it is, {best} at best."
    if tested.allows_none:
        return f"It is not decided: {now} as it is, and no simulation can show that not one ever fails."
    return f"It is not decided: {now} as it is, {best} at best."


def value(one: TargetResult) -> str:
    """The value of a target, short.

    A share near all of them is told by as many digits as set it apart.
    """
    if math.isnan(one.value):
        return "nothing counted"
    if math.isinf(one.value):
        return "endless"
    if one.unit == "min":
        return ("more than " if one.lower_bound else "") + span(one.value)
    near = min(one.value, 1 - one.value)
    digits = 1 if near >= 0.0005 or near == 0 else 3
    return f"{100 * one.value:.{digits}f} %"


def full_time(fte: float) -> str:
    """So many people who work full-time.

    >>> full_time(24.31), full_time(1.0)
    ('24.3 full-time people', '1.0 full-time people')
    """
    return f"{fte:.1f} full-time people"


# All of them


def lead(found: Audit) -> str:
    """What all claims at once came to, in every reading that there is: one sentence."""
    there = {name for _, name in found.outcomes}
    told = [f"in the {name} reading {_at_once(found.together[name])}" for name in READINGS if name in there]
    said = "; ".join(told)
    return f"All claims at once, on a line with {full_time(found.fte)}: {said}."


def _at_once(one: Together) -> str:
    if not one.limits and not one.weighed:
        return "there is nothing that a line can test"
    people = full_time(one.found.fte) if one.found is not None else ""
    if one.holds:
        return f"they can hold{people and f' with {people}'}"
    if one.holds is None:
        return "it is not decided whether they can hold"
    why = list(_against(one))
    rest = f"; all others would take {people}" if people and why else ""
    return f"they cannot hold ({', and '.join(why) or 'no staffing that was looked for is enough'}{rest})"


def _against(one: Together) -> Iterator[str]:
    if n := len(one.beyond_staff):
        yield f"{count(n)} of {count(len(one.limits))} promises {_are(n)} kept by no number of people"
    if n := len(one.broken):
        yield f"{count(n)} {'claim' if n == 1 else 'claims'} {_are(n)} not so as the line works"
    if n := len(one.inputs.conflicts):
        yield f"{count(n)} {'figure is' if n == 1 else 'figures are'} given differently by two claims"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
