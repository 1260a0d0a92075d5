"""What a search for staffing says: on the terminal the best there is, people, targets and pools; in sentences the
answer, how sure it is, its certificate, what binds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from sim.scenario.cost import money, nobody_is_off
from sim.studies.staff.staffed import post_words
from sim.text import page
from sim.text.run import limit_words, results_table
from sim.text.words import NO_TIME, came_to, count, listed, percent, short, some, times_text, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.measures.use import PoolUse
    from sim.studies.staff.certificate import Certificate
    from sim.studies.staff.staffing import StaffAnswer, StaffFound
    from sim.studies.staff.tried import Outcome


def parts(found: StaffFound) -> list[RenderableType]:
    """The tables on the terminal."""
    answer = found.answer
    scenario = answer.scenario
    shown: list[RenderableType] = [
        page.title(scenario.scenario, scenario.path, scenario.variant),
        page.text(_what_was_tried(answer)),
    ]
    if answer.limits:
        shown += [page.heading("With unlimited staff"), _limits(answer)]
    if answer.top is not None:
        shown += [page.heading("With the most people within the bounds"), results_table(answer.top.results)]
    if answer.posts:
        shown += [page.heading("People"), _posts(answer)]
    if answer.confirmation is not None:
        shown += [page.heading(_on_fresh_seeds(found)), results_table(answer.confirmation.joint.deciding)]
    if found.pools:
        shown += [page.heading("Pools, in an average week"), _pools(found.pools)]
    if found.frontier:
        shown += [page.heading(f"What a share of good {found.per}s costs"), _frontier(found)]
    return shown


def _what_was_tried(answer: StaffAnswer) -> str:
    run = answer.scenario.run
    text = f"seed {run.seed}, {percent(run.confidence)} confidence"
    if answer.tried is None:
        return f"Nothing was searched; {text}"
    n, looks = len(answer.tried.outcomes), answer.tried.looks
    return (
        f"{count(n)} staffing{'s' if n != 1 else ''} tried on the same tips, each with {looks[0]} to {looks[-1]} "
        f"replications; {text}"
    )


_REACH = {"posts": "within reach", "hours": "only at other hours", "neither": "out of reach"}


def _limits(answer: StaffAnswer) -> RenderableType:
    table = page.table("target", "asked", "comes to", "verdict")
    for one in answer.limits:
        verdict = page.verdict(one.result.word) if one.beyond_staff else Text(_REACH[one.more_staff])
        table.add_row(one.name, page.text(one.result.asked), page.text(came_to(one.result)), verdict)
    return table


def _posts(answer: StaffAnswer) -> RenderableType:
    table = page.table("post", "people", "bounds", "paid hours", "one person less", numbers=(1, 2, 3))
    for i, (post, less) in enumerate(zip(answer.posts, answer.neighbours, strict=True)):
        people = answer.staffing[i] if answer.staffing is not None else None
        table.add_row(
            post_words(answer.scenario, post),
            "" if people is None else str(people),
            f"{post.least} to {post.most}",
            "" if people is None else f"{post.paid_hours * people:,.1f}",
            _one_less(less) if answer.certificate else "",
        )
    return table


def _one_less(less: Outcome | None) -> Text:
    if less is None:
        return Text("below the bounds")
    # What else a staffing may not do is told in words, which are not to be cut as long names are.
    told = [one if " " in one else short(one) for one in less.failing[:4]]
    more = [f"{len(less.failing) - 4} more"] if len(less.failing) > 4 else []
    return page.verdict(less.verdict, listed([*told, *more]) if told else "")


def _on_fresh_seeds(found: StaffFound) -> str:
    confirmation = found.answer.confirmation
    assert confirmation is not None
    return f"On {count(confirmation.n_replications)} fresh replications"


def _pools(pools: Iterable[PoolUse]) -> RenderableType:
    titles = ("pool", "offered\nerlangs", "people\non duty", "occupancy", "paid\nhours", "of it\novertime", "FTE")
    table = page.table(*titles, numbers=range(1, len(titles)))
    for one in pools:
        if one.whole:
            busy = one.occupancy.value
            table.add_row(
                one.pool,
                f"{one.offered:.2f}",
                f"{one.on_duty:.2f}",
                "" if math.isnan(busy) else percent(round(busy, 3)),
                f"{one.paid_hours:,.1f}",
                f"{one.overtime_hours:,.1f}",
                f"{one.fte:.1f}",
            )
    return table


def _frontier(found: StaffFound) -> RenderableType:
    table = page.table("cost a week", f"{found.per}s in which all held", "staffing", numbers=(0,))
    posts = found.answer.posts
    for one in found.frontier:
        if one.best:
            people = ", ".join(str(n) for n in one.outcome.staffing)
            chosen = "  (the answer)" if one.outcome.staffing == found.answer.staffing else ""
            share = with_interval(one.share, one.low, one.high)
            table.add_row(f"{one.outcome.cost:,.0f}", page.text(share), f"{people}{chosen}")
    table.caption = f"People at {', '.join(post_words(found.answer.scenario, post) for post in posts)}"
    table.caption_justify = "left"
    return table


def sentences(found: StaffFound, given: Sequence[str] | None = None) -> list[str]:
    """The answer in plain words.

    `given` are the options of the command that it was asked for with; None where that was done from Python.
    """
    answer = found.answer
    if answer.why is not None:
        return list(_why_not(answer))
    return [
        *_chosen(answer),
        *_kept(answer),
        *_overloaded(found),
        *_confirmed(answer),
        *_certified(answer),
        *_binding(found),
        *_again(answer, given),
    ]


def _why_not(answer: StaffAnswer) -> Iterator[str]:
    if answer.why == "beyond staff":
        beyond = [one for one in answer.limits if one.beyond_staff]
        yield "No staffing can meet all targets, however many people there are:"
        for one in beyond:
            yield f"{limit_words(one)}."
        if rest := [one.name for one in answer.limits if not one.beyond_staff]:
            yield f"To search for the targets that staff can meet: --targets {','.join(rest)}"
        return
    if answer.why == "closed":
        yield "No number of people on the posts there are can meet all targets:"
        for one in answer.limits:
            if one.more_staff == "hours":
                yield f"{limit_words(one)}."
        if rest := [one.name for one in answer.limits if one.more_staff == "posts"]:
            yield f"To search for the targets that these posts can meet: --targets {','.join(rest)}"
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
    still = [f"{some(short)} still fails"] if short else []
    still += [one.words for one in answer.top.concerns if one.verdict != "met"]
    yield f"No staffing within the bounds meets all targets: with the most people, {listed(still)}."
    yield from _kept(answer)
    if not short:
        yield "To let lines grow and tips give up all the same: --allow-overload"
        return
    for relief in answer.reliefs:
        yield f"More people at {relief.pool}, or at more hours of the day, would let {some(relief.targets)} hold."
    if not answer.reliefs:
        yield "More people in no one pool would change that; it takes more in several."


def _chosen(answer: StaffAnswer) -> Iterator[str]:
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
        f"The cheapest staffing found that meets {every}: {listed(people)}{shifts}. That is {hours:,.1f} paid hours a "
        f"week ({answer.fte:.1f} FTE){priced}, overtime apart."
    )
    if nobody_is_off(answer.scenario):
        yield "Nobody is ever off in that: no shrinkage is given."


def kept_words(pools: Sequence[str]) -> str:
    """That some pools are not decided."""
    keep, them = ("keeps its", "it") if len(pools) == 1 else ("keep their", "them")
    return f"{listed(list(pools))} {keep} people: no target depends on {them}."


def _kept(answer: StaffAnswer) -> Iterator[str]:
    if answer.kept:
        yield kept_words(answer.kept)


def _overloaded(found: StaffFound) -> Iterator[str]:
    if found.overloaded:
        yield f"Mind that over the week more work comes to {some(found.overloaded)} than is done; no target forbids it."


def _confirmed(answer: StaffAnswer) -> Iterator[str]:
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


def _certified(answer: StaffAnswer) -> Iterator[str]:
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
    if certificate.by_trial:
        if certificate.remainder.cheaper:
            yield (
                "Each was to be tried by itself: where tips are turned away, merge or go elsewhere when they give up, "
                "more people may make a target worse."
            )
    elif certificate.against:
        n = len(certificate.against)
        yield (
            f"That rests on more people never making things worse on average, and {n} staffing"
            f"{'s' if n > 1 else ''} tried {'tell' if n > 1 else 'tells'} against it (staff_tried.csv)."
        )
    elif certificate.remainder.cheaper:
        yield "That rests on more people never making things worse on average; nothing that was tried tells against it."


def _cheaper(answer: StaffAnswer, certificate: Certificate) -> str:
    rest = certificate.remainder
    if not rest.cheaper:
        return "No staffing within the bounds costs less."
    many = count(rest.cheaper) if rest.exactly else f"about {count(float(f'{rest.cheaper:.3g}'))}"
    one = rest.cheaper == 1
    if certificate.closed:
        what, was = ("The one staffing", "was") if one else (f"All {many} staffings", "were")
        text = f"{what} within the bounds that {'costs' if one else 'cost'} less {was} tried"
        if not certificate.by_trial:
            text += ", or excluded for having nowhere more people than one shown to fail"
    else:
        text = f"Of {many} staffings within the bounds that cost less, {_open(answer, certificate)}"
    if n := certificate.n_unsure:
        text += f"; {n} that {'was' if n == 1 else 'were'} tried {'is' if n == 1 else 'are'} undecided"
    if n := certificate.n_outdone:
        text += (
            f"; {count(n)} {'was' if n == 1 else 'were'} not tried, having nowhere more people than one that was and "
            "did not come out as holding"
        )
    return f"{text}."


def _open(answer: StaffAnswer, certificate: Certificate) -> str:
    rest = certificate.remainder
    share = answer.most_saved / answer.cost if answer.cost else 0.0
    many = f"{'' if rest.exactly else 'at most '}{count(rest.open)}"
    return (
        f"{many} remain open, the best of which would save at most {answer.most_saved:,.1f} a week "
        f"({percent(round(share, 3))}); a longer search may close them (--effort {3 * certificate.effort:g})"
    )


def _binding(found: StaffFound) -> Iterator[str]:
    name, confirmation = found.binding, found.answer.confirmation
    if name is None or confirmation is None:
        return
    result = next(one for one in confirmation.joint.results if one.name == name)
    text = f"{name} binds: it uses {percent(round(result.used, 2))} of what it allows"
    if found.stretch is not None:
        one = found.stretch
        text += (
            f"; it fails most from {times_text(one.begins, one.ends)} {one.days}, when "
            f"{percent(round(one.of_tips, 2))} of its tips and {percent(round(one.of_failures, 2))} of its failures "
            "arrive"
        )
    elif result.about_tips and result.used > 0:
        text += f"; it fails {NO_TIME}"
    yield f"{text}."


def _again(answer: StaffAnswer, given: Sequence[str] | None) -> Iterator[str]:
    if given is None:
        yield "To run it: sim.run(answer.staffed)"
        return
    changes = [word for path, value in answer.changes.items() for word in ("--set", f"{path}={value}")]
    yield f"To run it: {shlex.join(['tipline', 'run', str(answer.scenario.path), *given, *changes])}"
