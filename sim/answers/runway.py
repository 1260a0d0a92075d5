"""How many years of growth the present staffing bears, and the staff that the years to come need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot, Work
from sim.tables import ranges as tables

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.schema import Scenario
    from sim.studies.runway import Needs
    from sim.studies.runway import RunwayFound as Found
    from sim.studies.staff.staffed import Bounds
    from sim.tables.declared import Filled


def rates(given: Sequence[str | float]) -> list[float]:
    """Rates of growth as shares a year, all different and above 0; ValueError where they are not.

    >>> rates(["15 %", 0.2])
    [0.15, 0.2]
    """
    from sim.scenario import units

    found: list[float] = []
    for part in given:
        text = part.strip() if isinstance(part, str) else part
        try:
            rate = units.growth(text if isinstance(text, float) or text.endswith("%") else float(text))
        except ValueError as error:
            raise ValueError(f"{error} (got '{text}')") from None
        if rate <= 0 or rate in found:
            rule = "a growth lies above 0 %" if rate <= 0 else "a growth is asked for twice"
            raise ValueError(f"{rule} (got '{text}')")
        found.append(rate)
    return found


class Runway(Answer["Found"]):
    """A runway: `runway` year by year, `runway_lengths` by rate, and `runway_staff`."""

    command = "runway"
    leaves = (tables.YEARS, tables.LENGTHS, tables.STAFF)
    plots = (
        Plot(
            "runway",
            "How many years the staffing bears",
            "What every target comes to in each year of growth.",
            "runway:runway_years",
            leaves,
        ),
    )

    def __init__(self, found: Found, needs: Needs):
        self.found, self.needs = found, needs

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        work: Work,
        *,
        growth: Sequence[float],
        years: int,
        staff_years: int,
        pools: Mapping[str, Bounds] | None = None,
        allow_overload: bool = False,
    ) -> Runway:
        """Grow the volume by each rate; ValueError where there is nothing that could grow or be missed.

        `pools` and `allow_overload` say of the staff of years to come what they say of `staff`.
        """
        from sim.studies.runway import Growing, needs, runway

        growing = Growing(scenario)
        found = runway(growing, growth, work.trials, most_years=years, expect=work.expect)
        needed = needs(
            growing,
            growth,
            min(staff_years, years),
            work.trials,
            pools=pools,
            allow_overload=allow_overload,
            expect=work.expect,
        )
        return cls(found, needed)

    @property
    def scenario(self) -> Scenario:
        return self.found.scenario

    @property
    def holds(self) -> bool:
        return not any(course.open_from for course in self.found.courses)

    def filled(self) -> Iterable[Filled]:
        return [
            tables.YEARS.of(tables.years(self.found)),
            tables.LENGTHS.of(self.found.courses),
            tables.STAFF.of(tables.people(self.found, self.needs)),
        ]

    def sentences(self) -> list[str]:
        from sim.text.ranges import runway_answer

        return list(runway_answer(self.found, self.needs))

    def parts(self) -> list[RenderableType]:
        from sim.text.ranges import runway_parts

        return runway_parts(self.found, self.needs)

    def head(self) -> dict[str, Any]:
        return (
            super().head()
            | {"volume_unit": self.found.unit, "beyond_staff": list(self.needs.beyond_staff)}
            | {
                "closed": [one.name for one in self.needs.closed],
                "kept": list(self.needs.kept),
            }
        )
