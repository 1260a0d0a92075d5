"""The tables of theory beside simulation: of a run, and of the test of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.tables.declared import Table, number, text, yes

if TYPE_CHECKING:
    from sim.studies.theory.beside import Compared
    from sim.studies.theory.selftest import Tested


THEORY: Final[Table[Compared]] = Table(
    "theory",
    "a quantity of a pool or delay: what theory has, what the run came to, and what of it the model leaves out",
    "Theory beside the run",
    (
        text("place", lambda row: row.beside.place, "the pool, or the stage where it is a delay"),
        text("stages", lambda row: ", ".join(row.beside.stages), "the stages that are meant"),
        text("model", lambda row: row.beside.model, "the model nearest to it, in Kendall's notation"),
        text("quantity", lambda row: row.known.quantity, "what is compared"),
        text("of", lambda row: row.known.of, "the tips that it is of; empty for all"),
        number("within", "min", lambda row: row.known.within or None, "the time within which tips are not begun"),
        number("hour", "h", lambda row: row.known.hour, "of the day, or of the week from Monday, at which it is"),
        text("unit", lambda row: row.known.unit, "of both values and of the standard error"),
        number("theory", "", lambda row: row.known.value, "what theory has"),
        number("simulated", "", lambda row: row.simulated, "what the replications came to together"),
        number("standard_error", "", lambda row: row.error, "of that, by how the replications differ"),
        number("apart", "standard_errors", lambda row: row.apart, "how far the run lies above theory"),
        yes("agrees", lambda row: row.agrees, "whether that is no more than 4"),
        text("left_out", lambda row: "; ".join(row.beside.left_out), "what of it the model leaves out"),
    ),
)


SELFTEST: Final[Table[Tested]] = Table(
    "selftest",
    "a known answer: what theory has, and what the installed program comes to",
    "Known answers",
    (
        text("line", lambda row: row.line.name, "the line that has a known answer"),
        text("model", lambda row: row.compared.beside.model, "its model, in Kendall's notation"),
        text("quantity", lambda row: row.compared.known.quantity, "what is compared"),
        text("of", lambda row: row.compared.known.of, "the tips that it is of; empty for all"),
        text("unit", lambda row: row.compared.known.unit, "of both values and of the standard error"),
        number("known", "", lambda row: row.compared.known.value, "what theory has"),
        number("simulated", "", lambda row: row.compared.simulated, "what the program comes to"),
        number("standard_error", "", lambda row: row.compared.error, "of that, by how the replications differ"),
        number("apart", "standard_errors", lambda row: row.compared.apart, "how far that lies above what is known"),
        yes("engines_agree", lambda row: row.engines_agree, "whether both engines give the same log of a day of it"),
        yes("right", lambda row: row.right, "whether it is near enough, and the engines agree"),
    ),
)
