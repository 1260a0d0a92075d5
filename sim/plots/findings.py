"""Words that several figures use to say what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sim.text import words

if TYPE_CHECKING:
    from sim.cli.terminal import Result
    from sim.measures.targets import TargetResult

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_NAME: Final = 24


def about(result: Result) -> str:
    """Which run a figure shows."""
    scenario, n = result.done.scenario, len(result.done.sample)
    variant = f", variant {scenario.variant}" if scenario.variant else ""
    runs = f"{words.count(n)}\N{NO-BREAK SPACE}replication{'' if n == 1 else 's'}"
    return f"{scenario.scenario}{variant}: {runs} of {words.length(scenario.length)}"


def share_text(share: float) -> str:
    """A share with as many digits as tell it from 0 % and from 100 %, if it is neither.

    >>> share_text(0.2861), share_text(1.0), share_text(0.99996), share_text(0.00004)
    ('28.6 %', '100 %', '99.996 %', '0.004 %')
    """
    percent = 100 * share
    for digits in (1, 2, 3):
        if abs(percent - round(percent, digits)) < 1e-9 or 0 < round(percent, digits) < 100:
            return f"{round(percent, digits):g} %"
    return "under 0.001 %" if percent < 1 else "over 99.999 %"


def short(name: str) -> str:
    """A name that may stand in a title with others.

    >>> short("rapid"), short("all_tips_through_the_first_stage_within_a_minute")
    ('rapid', 'all_tips_through_the_fi…')
    """
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a row.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
    ('a', 'a, b and c', 'a, b and 2 more')
    """
    shown = [short(name) for name in (names if len(names) <= most + 1 else names[:most])]
    if len(shown) < len(names):
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def are(names: Sequence[str], what: str) -> str:
    """That something is so of one or of several.

    >>> are(["a"], "met"), are(["a", "b"], "missed")
    ('a is met', 'a and b are missed')
    """
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} {what}"


def verdicts_told(results: Sequence[TargetResult]) -> str:
    """The verdicts on some targets in one sentence, the bad ones first."""
    by = {word: [one.name for one in results if one.verdict == word] for word in ("missed", "undecided", "met")}
    return "; ".join(are(names, word) for word, names in by.items() if names)


def hour_text(hour: int) -> str:
    """An hour of the week in words.

    >>> hour_text(0), hour_text(167)
    ('Mondays 0:00 to 1:00', 'Sundays 23:00 to 24:00')
    """
    return f"{WEEKDAYS[hour // 24]}s {hours_text(hour % 24)}"


def hours_text(hour: int) -> str:
    """An hour of the day.

    >>> hours_text(23)
    '23:00 to 24:00'
    """
    return f"{hour}:00 to {hour + 1}:00"
