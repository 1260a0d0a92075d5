"""What a search for staffing says, in sentences: the answer, how sure it is, its certificate, what binds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.scenario.cost import money, nobody_is_off
from sim.scenario.describe import describe
from sim.studies.staff.staffed import post_words
from sim.text.run import limit_words
from sim.text.words import count, percent

if TYPE_CHECKING:
    import pandas as pd

    from sim.studies.binding import Stretch
    from sim.studies.staff.frontier import Point
    from sim.studies.staff.staffing import Answer, Certificate

MOST_NAMED: Final = 6
"""Posts or targets that a sentence names; more are counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with what a full run of it showed."""

    answer: Answer
    asked: tuple[str, ...] = ()
    """The options with which it was asked for."""
    pools: pd.DataFrame | None = None
    """Loads, occupancy and hours of every pool with the answer on duty."""
    stretch: Stretch | None = None
    """The hours in which the binding target fails most, where that is beyond chance."""
    frontier: Sequence[Point] = ()
    per: str = "week"

    @property
    def overloaded(self) -> tuple[str, ...]:
        """The pools to which more work comes than the answer can do, and no target minds."""
        if self.answer.staffing is None:
            return ()
        return tuple(pool.pool for pool in describe(self.answer.staffed).pools if pool.overloaded)

    @property
    def binding(self) -> str | None:
        """The target that uses up most of what it allows."""
        confirmation = self.answer.confirmation
        return confirmation.joint.binding if confirmation else None


def sentences(found: Found) -> list[str]:
    """The answer in plain words."""
    answer = found.answer
    if answer.why is not None:
        return list(_why_not(answer))
    return [*_chosen(answer), *_overloaded(found), *_confirmed(answer), *_certified(answer), *_binding(found)]


def _why_not(answer: Answer) -> Iterator[str]:
    if answer.why == "beyond staff":
        beyond = [one for one in answer.limits if one.beyond_staff]
        yield "No staffing can meet all targets, however many people there are:"
        for one in beyond:
            yield f"{limit_words(one)}."
        if rest := [one.name for one in answer.limits if not one.beyond_staff]:
            yield f"To search for the targets that staff can meet: --targets {','.join(rest)}"
        return
    if answer.why == "not confirmed":
        yield (
            f"{len(answer.rejected)} staffings seemed to hold and none was confirmed on fresh seeds: some target lies "
            "too close to its threshold. More replications would tell (--replications)."
        )
        return
    assert answer.top is not None
    short = [
        result.name
        for result, leaning in zip(answer.top.results, answer.top.leanings, strict=True)
        if leaning.verdict != "met"
    ]
    yield f"No staffing within the bounds meets all targets: with the most people, {some(short)} still fails."
    for relief in answer.reliefs:
        yield f"More people at {relief.pool}, or at more hours of the day, would let {some(relief.targets)} hold."
    if not answer.reliefs:
        yield "More people in no one pool would change that; it takes more in several."


def _chosen(answer: Answer) -> Iterator[str]:
    assert answer.staffing is not None
    by_pool: dict[str, list[str]] = {}
    for post, n in zip(answer.posts, answer.staffing, strict=True):
        by_pool.setdefault(post.pool, []).append(str(n))
    people = [f"{pool} {'/'.join(numbers)}" for pool, numbers in by_pool.items()]
    shifts = " by shift" if len(by_pool) < len(answer.posts) else ""
    n_targets = len(answer.scenario.targets)
    every = f"all {n_targets} targets" if n_targets > 1 else "the target"
    hours, cost = answer.paid_hours, answer.cost
    plain = answer.scenario.run.currency is None and math.isclose(hours, cost, rel_tol=1e-9)
    priced = "" if plain else f", at a cost of {money(answer.scenario, cost)}"
    yield (
        f"The cheapest staffing found that meets {every}: {_listed(people)}{shifts}. That is {hours:,.1f} paid hours a "
        f"week ({answer.fte:.1f} FTE){priced}, overtime apart."
    )
    if nobody_is_off(answer.scenario):
        yield "Nobody is ever off in that: no shrinkage is given."


def _overloaded(found: Found) -> Iterator[str]:
    if found.overloaded:
        yield f"Mind that over the week more work comes to {some(found.overloaded)} than is done; no target forbids it."


def _confirmed(answer: Answer) -> Iterator[str]:
    confirmation = answer.confirmation
    assert confirmation is not None
    runs = f"{count(confirmation.n_replications)} fresh replications"
    sure = percent(round(confirmation.confidence, 6))
    if confirmation.sample.frame.recorded:
        yield (
            "It goes by the recorded period alone, of which nothing is left to chance: in that period it is "
            f"{confirmation.joint.word}; of other days this says nothing."
        )
    elif confirmation.verdict == "met":
        yield f"It holds on {runs}, with {sure} confidence for all targets together."
    else:
        yield (
            f"On {runs} nothing speaks against it, but so few cannot show with {sure} confidence that "
            f"{some(confirmation.unproven)} {'holds' if len(confirmation.unproven) == 1 else 'hold'}."
        )
    if answer.rejected:
        n = len(answer.rejected)
        yield f"Before it {n} cheaper one{'s' if n > 1 else ''} seemed to hold, and did not on fresh seeds."


def _certified(answer: Answer) -> Iterator[str]:
    certificate = answer.certificate
    if certificate is None:
        return
    told = [one for one in certificate.neighbours if one is not None]
    fails = sum(one.verdict == "missed" for one in told)
    if not told:
        yield "No post can have one person less within the bounds."
    elif fails == len(told):
        yield f"With one person less {'in any one place' if len(told) > 1 else 'there'} it fails."
    else:
        where = "it" if len(told) == 1 else f"it fails in {fails} of {len(told)} places, and in the others"
        yield f"With one person less {where} is not shown to hold."
    near = [
        post_words(answer.scenario, post)
        for post, one in zip(answer.posts, certificate.neighbours, strict=True)
        if one is not None and one.verdict == "undecided" and one.as_it_stands
    ]
    if near:
        assert answer.tried is not None
        yield (
            f"One less at {' or at '.join(near)} would do as it stands, but too narrowly to be sure with "
            f"{answer.tried.looks[-1]} replications: more may show that it holds (--replications "
            f"{4 * answer.tried.replications})."
        )
    yield _cheaper(answer, certificate)
    if certificate.against:
        n = len(certificate.against)
        yield (
            f"That rests on more people never making things worse on average, and {n} staffing"
            f"{'s' if n > 1 else ''} tried {'tell' if n > 1 else 'tells'} against it (staff_tried.csv)."
        )
    elif certificate.remainder.cheaper:
        yield "That rests on more people never making things worse on average; nothing that was tried tells against it."


def _cheaper(answer: Answer, certificate: Certificate) -> str:
    rest = certificate.remainder
    if not rest.cheaper:
        return "No staffing within the bounds costs less."
    many = count(rest.cheaper) if rest.exactly else f"about {count(float(f'{rest.cheaper:.3g}'))}"
    one = rest.cheaper == 1
    if certificate.closed:
        what, was = ("The one staffing", "was") if one else (f"All {many} staffings", "were")
        text = (
            f"{what} within the bounds that {'costs' if one else 'cost'} less {was} tried, or excluded for having "
            "nowhere more people than one shown to fail"
        )
    else:
        text = f"Of {many} staffings within the bounds that cost less, {_open(answer, certificate)}"
    if n := certificate.n_unsure:
        text += f"; {n} that {'was' if n == 1 else 'were'} tried {'is' if n == 1 else 'are'} undecided"
    return f"{text}."


def _open(answer: Answer, certificate: Certificate) -> str:
    rest = certificate.remainder
    saved = answer.cost - rest.least_cost
    share = saved / answer.cost if answer.cost else 0.0
    many = f"{'' if rest.exactly else 'at most '}{count(rest.open)}"
    return (
        f"{many} remain open, the best of which would save at most {saved:,.1f} a week ({percent(round(share, 3))}); "
        f"a longer search may close them (--effort {3 * certificate.effort:g})"
    )


def _binding(found: Found) -> Iterator[str]:
    name, confirmation = found.binding, found.answer.confirmation
    if name is None or confirmation is None:
        return
    result = next(one for one in confirmation.joint.results if one.name == name)
    text = f"{name} binds: it uses {percent(round(result.used, 2))} of what it allows"
    if found.stretch is not None:
        one = found.stretch
        text += (
            f"; it fails most from {one.first_hour}:00 to {one.last_hour}:00 {one.days}, when "
            f"{percent(round(one.of_tips, 2))} of its tips and {percent(round(one.of_failures, 2))} of its failures "
            "arrive"
        )
    elif result.kind != "occupancy":
        text += "; it fails at no hours more than at others"
    yield f"{text}."
    changes = [word for path, people in found.answer.by_path.items() for word in ("--set", f"{path}={people}")]
    again = ["tipline", "run", str(found.answer.scenario.path), *found.asked, *changes]
    yield f"To run it: {shlex.join(again)}"


def some(names: Sequence[str]) -> str:
    """Several names in a sentence, the last of many only counted."""
    if len(names) > MOST_NAMED:
        return _listed([*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"])
    return _listed(names)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
