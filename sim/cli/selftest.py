"""`tipline selftest`: the installed program put to known answers, with a table and an exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import DONE, OWN_FAULT, show


def selftest(
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Draw by this seed; the one that it comes with.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Replications at a time; all cores.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing; the exit code tells.")] = False,
) -> int:
    """Put the installed program to 40 known answers, in under a minute.

    Lines that formulas solve are run and measured, and a day of each by both engines. Exit code 70 where an answer is
    farther off than chance can explain, or the engines differ.
    """
    import sys

    from sim.answers.answer import bar
    from sim.scenario.size import cores
    from sim.studies.theory.selftest import SEED, known_lines
    from sim.studies.theory.selftest import selftest as tested
    from sim.tables.run import SELFTEST
    from sim.text.theory import selftest_parts

    lines = known_lines()
    shown = sys.stderr.isatty() and not (json or quiet)
    with bar("selftest", len(lines), shown=shown) as told:
        found = tested(
            lines=lines,
            seed=SEED if seed is None else seed,
            jobs=jobs or cores(),
            done=told.count,
        )
    if json:
        import json as data

        print(data.dumps({"right": all(one.right for one in found), "selftest": SELFTEST.of(found).records}, indent=2))
    elif not quiet:
        show(*selftest_parts(found))
    return DONE if all(one.right for one in found) else OWN_FAULT
