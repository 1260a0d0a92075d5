"""Work: talk by channel where channels differ, with a parametric law only where it has the data's mean and cv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.fits import FEW, Fitted, fitted_work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import Visits

DIFFERENT: Final = 0.01


def work_of(visits: Visits) -> list[Fitted]:
    """The work of a stage: that of all, and, where channels differ beyond chance, of each that has enough.

    Empty where no work is known.
    """
    work = visits.work
    known = np.isfinite(work) & (work > 0)
    if known.sum() < 5:
        return []
    found = [fitted_work("work", "", work[known])]
    codes = visits.channel.code
    enough = [(code, name) for code, name in enumerate(visits.channel.names) if (known & (codes == code)).sum() >= FEW]
    if len(enough) < 2 or not _differ([work[known & (codes == code)] for code, _ in enough]):
        return found
    found += [fitted_work("work", name, work[known & (codes == code)]) for code, name in enough]
    others = known & ~np.isin(codes, [code for code, _ in enough])
    if others.sum() >= 5:
        found.append(fitted_work("work", "other", work[others]))
    return found


def _differ(groups: list[NDArray[np.float64]]) -> bool:
    """Whether groups of times differ beyond chance, by the test of Kruskal and Wallis."""
    from scipy.stats import kruskal

    return bool(kruskal(*groups).pvalue < DIFFERENT)
