"""What each question came to, as one object; the commands that have such answers are listed here.

No answer is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sim.answers.answer import Answer

ANSWERS: Final = {
    "claims": "staff:Claims",
    "map": "ranges:Map",
    "staff": "staff:Staffing",
    "sensitivity": "ranges:Sensitivity",
    "runway": "ranges:Runway",
    "compare": "compare:Comparison",
    "calibrate": "calibrate:CalibratedLine",
    "run": "run:RunAnswer",
}
"""Where the answers of each command are declared, `module:class`, in the order in which a report tells them."""


def answer_of(command: str) -> type[Answer]:
    """The answers that a command gives; KeyError where it gives none.

    >>> [plot.name for plot in answer_of("runway").plots]
    ['runway']
    """
    module, _, name = ANSWERS[command].partition(":")
    found: type[Answer] = getattr(import_module(f"{__name__}.{module}"), name)
    return found


def every() -> list[type[Answer]]:
    """The answers of all commands."""
    return [answer_of(command) for command in ANSWERS]
