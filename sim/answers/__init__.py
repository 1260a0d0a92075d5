"""What each question came to, as one object; the commands that have such answers are listed here.

No answer is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sim.answers.answer import Answer

ANSWERS: Final = {
    "validate": "validate:Validation",
    "claims": "staff:Claims",
    "plausibility": "plausibility:Plausibility",
    "map": "ranges:Map",
    "staff": "staff:Staffing",
    "sensitivity": "ranges:Sensitivity",
    "runway": "ranges:Runway",
    "compare": "run:Comparison",
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


def schema_of_answers(command: str) -> dict[str, Any]:
    """The JSON Schema of what a command prints with `--json`; KeyError where it has no answers.

    Tables are lists of rows under their names; a table is left out where there was nothing to fill it.
    """
    text: dict[str, Any] = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tipline:json:{command}",
        "title": f"tipline {command} --json",
        "type": "object",
        "properties": {
            "format": {"type": "integer", "description": "the form of all this; 1 as it stands here"},
            "file": text | {"description": "the scenario"},
            "scenario": text | {"description": "its title"},
            "variant": {"type": ["string", "null"], "description": "the variant that was laid on it"},
            "hash": text | {"description": "SHA-256 of the document as resolved and of the files that it names"},
            "seed": {"type": "integer", "description": "of all draws"},
            "answer": {"type": "array", "items": text, "description": "the answer in sentences"},
            "folder": text | {"description": "where tables and figures are"},
            **{table.name: table.json_schema for table in answer_of(command).leaves},
        },
        "required": ["format", "answer"],
    }
