"""Work: talk by channel or else priority where these differ, a parametric law only where it has the mean and cv of the
data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.fits import FEW, Fitted, fitted_work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import Names, Visits

DIFFERENT: Final = 0.01


def work_of(visits: Visits, *, by_priority: bool = False) -> list[Fitted]:
    """The work of a stage: that of all, and, where channels differ beyond chance, of each that has enough.

    Where channels do not, and the line is told priorities, these are looked at alike. Empty where no work is known.
    """
    work = visits.work
    known = np.isfinite(work) & (work > 0)
    if known.sum() < 5:
        return []
    found = [fitted_work("work", "", work[known])]
    own = _apart(work, known, visits.channel)
    if not own and by_priority:
        own = _apart(work, known, visits.priority)
        for one in own:
            one.by = "risk"
    return found + own


def _apart(work: NDArray[np.float64], known: NDArray[np.bool_], of: Names) -> list[Fitted]:
    """The work by name where these differ beyond chance, and that of the rest; else none."""
    codes = of.code
    enough = [(code, name) for code, name in enumerate(of.names) if (known & (codes == code)).sum() >= FEW]
    if len(enough) < 2 or not _differ([work[known & (codes == code)] for code, _ in enough]):
        return []
    found = [fitted_work("work", name, work[known & (codes == code)]) for code, name in enough]
    others = known & ~np.isin(codes, [code for code, _ in enough])
    if others.sum() >= 5:
        found.append(fitted_work("work", "other", work[others]))
    return found


def _differ(groups: list[NDArray[np.float64]]) -> bool:
    """Whether groups of times differ beyond chance, by the test of Kruskal and Wallis."""
    from scipy.stats import kruskal

    return bool(kruskal(*groups).pvalue < DIFFERENT)
