"""Named streams of standard variates, one row a tip; the only file that makes a generator.

A stream is keyed by (seed, replication index, name), never by its position among other streams, and is read in order:
row i is tip i's, whether or not the tip uses it. So a change to one thing re-draws nothing else, and a larger volume or
a longer run only reads further.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.random import SFC64, Generator
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Variates = NDArray[np.float64]

SKIPPED: Final = 1 << 16
"""Rows passed over at a time by a stream whose first user is a late tip."""


class Digest(ISeedSequence):
    """Seed words from a hash: as good as those of a SeedSequence, and had in a quarter of the time."""

    def __init__(self, text: str) -> None:
        self.words = blake2b(text.encode()).digest()

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        return np.frombuffer(self.words, dtype=dtype, count=n_words)


def filler(generator: Generator, standard: str) -> Callable[[Variates], object]:
    """What fills an array with the next variates of a standard law: normal, exponential, uniform or gamma:<shape>."""
    if standard == "normal":
        return lambda out: generator.standard_normal(out=out)
    if standard == "exponential":
        return lambda out: generator.standard_exponential(out=out)
    if standard == "uniform":
        return lambda out: generator.random(out=out)
    law, _, shape = standard.partition(":")
    if law == "gamma" and shape:
        return lambda out: generator.standard_gamma(float(shape), out=out)
    raise ValueError(f"a standard variate is normal, exponential, uniform or gamma:<shape> (got {standard!r})")


def keyed_uniforms(seed: int, index: int, name: tuple[str, ...], *keys: NDArray[np.int64]) -> Variates:
    """Uniforms in [0, 1) that depend on the name and on the numbers of their row alone, (n,).

    Where the rows of a stream would have to be counted, as people are who come and go with the staffing, each is drawn
    by its own key: by the finaliser of SplitMix64 (Steele, Lea and Flood 2014), fed with one number after the other.
    """
    words = Digest("\0".join((str(seed), str(index), *name))).generate_state(1, np.uint64)
    state = np.broadcast_to(words, np.broadcast_shapes(*(key.shape for key in keys))).copy()
    for key in keys:
        state += key.astype(np.uint64) * np.uint64(2) + np.uint64(1)
        state *= np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Stream:
    """The rows of one stream, read forwards in blocks of tips."""

    def __init__(self, fill: Callable[[Variates], object]) -> None:
        self._fill = fill
        self._next = 0
        self._first = -1
        self._held = np.empty(0)

    def fill(self, first: int, out: Variates) -> Variates:
        """Fill `out` with the rows from `first` on, passing over those before; ValueError for rows already read."""
        if first < self._next:
            raise ValueError(f"a stream is read forwards (row {first} asked for after row {self._next})")
        while self._next < first:
            skipped = np.empty(min(SKIPPED, first - self._next))
            self._fill(skipped)
            self._next += skipped.size
        self._fill(out)
        self._next += out.size
        return out

    def rows(self, first: int, count: int) -> Variates:
        """Rows `first` to `first + count`; they may be asked for again, until the next ones are and overwrite them."""
        if first != self._first or self._held.size != count:
            self._held = self.fill(first, self._held if self._held.size == count else np.empty(count))
            self._first = first
        return self._held


class Streams:
    """The streams of one replication, or of a part of it that has its own, such as the backlog of a stage.

    Each stream is begun once and read on from there, so one object must see a replication through.
    """

    def __init__(self, seed: int, index: int, *part: str) -> None:
        self.seed = seed
        self.index = index
        self.prefix = part
        self._open: dict[tuple[str, ...], Stream] = {}

    def part(self, *part: str) -> Streams:
        """The streams of a part, which share no draw with any other part's."""
        return Streams(self.seed, self.index, *self.prefix, *part)

    def generator(self, *name: str) -> Generator:
        """A generator at the beginning of the named stream."""
        words = Digest("\0".join((str(self.seed), str(self.index), *self.prefix, *name)))
        return Generator(SFC64(words))  # type: ignore[arg-type]  # any ISeedSequence will do

    def stream(self, standard: str, *name: str) -> Stream:
        """The named stream of a standard variate; the standard is part of the name where the caller says so."""
        opened = self._open.get(name)
        if opened is None:
            opened = self._open[name] = Stream(filler(self.generator(*name), standard))
        return opened

    def uniform(self, *name: str) -> Stream:
        """The named stream of uniforms in [0, 1)."""
        return self.stream("uniform", *name)
