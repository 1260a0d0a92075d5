"""What a search for staffing shows on the terminal, as tables: the best there is, people, targets, pools."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from sim.cli.options import show
from sim.studies.staff.staffed import post_words
from sim.studies.staff.tables import failing
from sim.text import page
from sim.text.page import VERDICTS
from sim.text.staff import Found, some
from sim.text.words import asked, came_to, count, percent, with_interval

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from sim.measures.targets import TargetResult
    from sim.studies.staff.staffing import Answer
    from sim.studies.staff.tried import Outcome


def show_answer(found: Found) -> None:
    """The tables on the terminal."""
    answer = found.answer
    scenario = answer.scenario
    variant = f", variant {scenario.variant}" if scenario.variant else ""
    parts: list[RenderableType] = [
        Text.assemble((scenario.scenario, "bold"), f"{variant}  ({scenario.path})"),
        page.text(_what_was_tried(answer)),
    ]
    if answer.limits:
        parts += [page.heading("With unlimited staff"), _limits(answer)]
    if answer.top is not None:
        parts += [page.heading("With the most people within the bounds"), _results(answer.top.results)]
    if answer.posts:
        parts += [page.heading("People"), _posts(answer)]
    if answer.confirmation is not None:
        parts += [page.heading(_on_fresh_seeds(found)), _results(answer.confirmation.joint.results)]
    if found.pools is not None:
        parts += [page.heading("Pools, in an average week"), _pools(found.pools)]
    if found.frontier:
        parts += [page.heading(f"What a share of good {found.per}s costs"), _frontier(found)]
    show(*parts)


def _what_was_tried(answer: Answer) -> str:
    run = answer.scenario.run
    text = f"seed {run.seed}, {percent(run.confidence)} confidence"
    if answer.tried is None:
        return f"Nothing was searched; {text}"
    n, looks = len(answer.tried.outcomes), answer.tried.looks
    return (
        f"{count(n)} staffing{'s' if n != 1 else ''} tried on the same tips, each with {looks[0]} to {looks[-1]} "
        f"replications; {text}"
    )


def _limits(answer: Answer) -> RenderableType:
    table = page.table("target", "asked", "comes to", "verdict")
    for one in answer.limits:
        verdict = Text(*VERDICTS[one.result.word]) if one.beyond_staff else Text("within reach")
        table.add_row(one.name, page.text(asked(one.result)), page.text(came_to(one.result)), verdict)
    return table


def _results(results: Iterable[TargetResult]) -> RenderableType:
    table = page.table("target", "asked", "came to", "verdict")
    for one in results:
        verdict = Text(*VERDICTS[one.word])
        table.add_row(one.name, page.text(asked(one)), page.text(came_to(one)), verdict)
    return table


def _posts(answer: Answer) -> RenderableType:
    table = page.table("post", "people", "bounds", "paid hours", "one person less", numbers=(1, 2, 3))
    neighbours = answer.certificate.neighbours if answer.certificate else (None,) * len(answer.posts)
    for i, (post, less) in enumerate(zip(answer.posts, neighbours, strict=True)):
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
    names = failing(less)
    word, style = VERDICTS[less.verdict]
    return page.text(f"{word}: {some(names)}" if names else word, style)


def _on_fresh_seeds(found: Found) -> str:
    confirmation = found.answer.confirmation
    assert confirmation is not None
    return f"On {count(confirmation.n_replications)} fresh replications"


def _pools(frame: pd.DataFrame) -> RenderableType:
    titles = ("pool", "offered\nerlangs", "people\non duty", "occupancy", "paid\nhours", "of it\novertime", "FTE")
    table = page.table(*titles, numbers=range(1, len(titles)))
    for row in frame[frame["centre"].isin(["", "all"])].to_dict("records"):
        busy = row["occupancy_share"]
        table.add_row(
            str(row["pool"]),
            f"{row['offered_load_erlangs']:.2f}",
            f"{row['servers_on_duty_mean']:.2f}",
            "" if math.isnan(busy) else percent(round(busy, 3)),
            f"{row['paid_h_a_week']:,.1f}",
            f"{row['overtime_h_a_week']:,.1f}",
            f"{row['fte']:.1f}",
        )
    return table


def _frontier(found: Found) -> RenderableType:
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
