"""Letters and colours of the targets that fail first: a picture of many points tells them apart by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from sim.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

COLOURS: Final = (VERMILION, BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)
"""In this order; those after the last are grey, and told apart by their letters alone."""


@dataclass(frozen=True, slots=True)
class Letter:
    """How a target is marked."""

    letter: str
    colour: str


def lettered(names: Sequence[str]) -> dict[str, Letter]:
    """A letter of its own and a colour for each name, the first letter of the name where that is free.

    Digits would be read as figures, so that they are the last resort.

    >>> [one.letter for one in lettered(["lost", "late", "day", "A19", "B20"]).values()]
    ['L', 'A', 'D', 'B', 'C']
    """
    letters: dict[str, Letter] = {}
    taken: set[str] = set()
    for number, name in enumerate(names):
        own = [one for one in name.upper() if one.isalpha()]
        letter = next((one for one in [*own, *ascii_uppercase, *"123456789"] if one not in taken), "*")
        taken.add(letter)
        letters[name] = Letter(letter, COLOURS[min(number, len(COLOURS) - 1)])
    return letters
