"""The tables of a validation: observed values with what the scenario comes to, and unknowns as they were fitted."""

from __future__ import annotations

from typing import Final

from sim.studies.validate import FittedUnknown, ObservedResult
from sim.tables.declared import Column, Table, number, text, yes


def _told(name: str, says: str, get: str) -> Column[ObservedResult]:
    return number(name, "", lambda row: row.in_unit(getattr(row, get)), says)


VALIDATED: Final = Table[ObservedResult](
    "validate",
    "an observed value: what was observed, what the scenario comes to, whether it is reproduced",
    "Observed and simulated",
    (
        text("quantity", lambda row: row.name, "its name under `observed:`"),
        text("variant", lambda row: row.variant, "the variant that it is of; empty for the document as it stands"),
        text("role", lambda row: row.role, "fitted: unknowns were fitted to it; predicted: none was"),
        text("measures", lambda row: row.result.asked, "what is measured, as a target would ask it"),
        text("unit", lambda row: row.result.unit, "of all its figures: share, or min"),
        _told("observed", "what was observed", "value"),
        _told("tolerance", "how far off a run may be, in the unit", "tolerance"),
        _told("give_or_take", "what the observed value itself may be off by", "give_or_take"),
        number("value", "", lambda row: row.in_unit(row.result.value), "what the scenario comes to"),
        _told("low", "the lower end of its interval, with what the fitted values are unsure by", "low"),
        _told("high", "the upper end", "high"),
        number("off", "tolerances", lambda row: row.off, "how far the scenario is off; negative where it has less"),
        text("verdict", lambda row: row.sense, "reproduced, not reproduced or undecided"),
        text("sure", lambda row: row.observed.sure, "how sure the observed value is"),
        text("source", lambda row: row.observed.source, "who says so"),
    ),
)

FITTED: Final = Table[FittedUnknown](
    "validate_fit",
    "an unknown: its range, and the value at which what was observed comes out",
    "What was fitted",
    (
        text("unknown", lambda row: row.name, "its name under `fit:`"),
        text("path", lambda row: row.unknown.path, "of the document"),
        text("variant", lambda row: row.unknown.variant, "the variant in which it is fitted; empty for all"),
        text("unit_of_value", lambda row: row.unknown.unit or "number", "of the range and the values"),
        number("from", "", lambda row: row.unknown.from_, "the lower end of the range"),
        number("to", "", lambda row: row.unknown.to, "its upper end"),
        number("before", "", lambda row: row.before, "what the document has; empty where it says nothing"),
        number("fitted", "", lambda row: row.value, "the value that fits best"),
        number("fitted_low", "", lambda row: row.low, "the lower end of its interval"),
        number("fitted_high", "", lambda row: row.high, "the upper end"),
        yes("at_end", lambda row: row.at_end, "whether it lies at an end of the range, so that it may lie beyond"),
        text("by", lambda row: ", ".join(row.unknown.by), "the observed values that it is fitted to"),
        text("source", lambda row: row.unknown.source, "where the range is from"),
    ),
)
