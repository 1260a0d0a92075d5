"""Shares into codes: which channel, risk, label or centre a uniform stands for.

Named shares lie on [0, 1) in alphabetical order of their names, so that the order in which a document gives them
changes no draw; shares without names, such as those of centres, lie in the order in which they are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from sim.draw.streams import Variates
    from sim.dynamics.replication import Codes

FEW: Final = 6
"""Up to so many codes, comparing with every bound is faster than searching among them."""


class Mix:
    """Shares of codes 0, 1, ..., one row of them or a row for each value of another attribute.

    A share of 0 is never drawn and a share of 1 always, exactly. Shares need not add up to 1: only their ratios count.
    """

    def __init__(self, shares: ArrayLike, names: Sequence[str] | None = None) -> None:
        """`names` are those of the codes, in whose alphabetical order the shares are laid."""
        rows = np.atleast_2d(np.asarray(shares, dtype=np.float64))
        laid = np.array(by_name(names) if names is not None else range(rows.shape[1]), dtype=np.int32)
        rows = rows[:, laid]
        if not (rows >= 0).all() or not (rows.sum(axis=1) > 0).all():
            raise ValueError(f"shares are at least 0 and not all 0 (got {rows.tolist()})")
        if (rows == rows[0]).all():
            rows = rows[:1]
        bounds = np.cumsum(rows, axis=1)
        bounds /= bounds[:, -1:]
        # From the last code that can be drawn on, rounding must not leave a gap below 1 for the codes after it.
        last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, axis=1)
        bounds[np.arange(rows.shape[1]) >= last[:, None]] = 1.0
        self.bounds = bounds
        possible = np.flatnonzero((rows > 0).any(axis=0))
        self.certain: int | None = int(laid[possible[0]]) if possible.size == 1 else None
        self._laid = laid if (laid[1:] < laid[:-1]).any() else None
        self._compared = [code for code in range(rows.shape[1] - 1) if (bounds[:, code] < 1).any()]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> Mix:
        """The mix of named shares, a mapping for each row; a name left out has share 0."""
        return cls([[row.get(name, 0.0) for name in names] for row in rows], names)

    def codes(self, uniform: Variates, row: Codes | None = None) -> Codes:
        """(n,) codes that (n,) uniforms stand for, each in its row of the shares; without `row`, in the only one.

        >>> Mix([0.5, 0.5]).codes(np.array([0.0, 0.49, 0.5, 0.99])).tolist()
        [0, 0, 1, 1]
        """
        found = self._found(uniform, row)
        return found if self._laid is None else self._laid[found]

    def _found(self, uniform: Variates, row: Codes | None) -> Codes:
        """The place of each uniform among the shares as they are laid."""
        if self.bounds.shape[0] == 1:
            bounds = self.bounds[0]
            if len(self._compared) >= FEW:
                found: Codes = bounds.searchsorted(uniform, side="right").astype(np.int32)
                return found
            code = np.zeros(uniform.size, dtype=np.int32)
            for at in self._compared:
                code += uniform >= bounds[at]
            return code
        if row is None:
            raise ValueError("a mix that differs by an attribute needs its codes")
        code = np.zeros(uniform.size, dtype=np.int32)
        for at in self._compared:
            code += uniform >= self.bounds[:, at][row]
        return code


def by_name(names: Sequence[str]) -> list[int]:
    """The codes of names in alphabetical order of the names.

    >>> by_name(["sms", "call", "online"])
    [1, 2, 0]
    """
    return sorted(range(len(names)), key=lambda code: names[code])
