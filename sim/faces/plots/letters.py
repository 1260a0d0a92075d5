"""Letters and colours of the targets that fail first: a picture of many points tells them apart by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.faces.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

COLOURS: Final = (VERMILION, BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)
"""In this order; those after the last are grey, and told apart by their letters alone."""


@dataclass(frozen=True, slots=True)
class Letter:
    """How a target is marked."""

    letter: str
    colour: str


def lettered(names: Sequence[str]) -> dict[str, Letter]:
    """A letter of its own and a colour for each name, the first letter of the name where that is free.

    >>> [one.letter for one in lettered(["lost", "late", "day"]).values()]
    ['L', 'A', 'D']
    """
    letters: dict[str, Letter] = {}
    taken: set[str] = set()
    for number, name in enumerate(names):
        letter = next((one for one in [*name.upper(), *"123456789"] if one.isalnum() and one not in taken), "*")
        taken.add(letter)
        letters[name] = Letter(letter, COLOURS[min(number, len(COLOURS) - 1)])
    return letters
