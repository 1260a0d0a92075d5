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
Numbers = NDArray[np.int64]

SKIPPED: Final = 1 << 16
"""Rows passed over at a time by a stream whose first user is a late tip."""


PART: Final = 1 << 15
"""Rows of a stream that are kept together: as many as tips are drawn together, so that these have them as they are."""


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
    raise _unknown(standard)


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


class Scattered(Stream):
    """A stream whose rows are found by two numbers of a tip, such as its incident's and its own, and not by its place.

    Each row is a hash of the stream's name and the two numbers, so that one incident's tips keep their draws whatever
    other incidents bring. ValueError for a standard that is not known.
    """

    def __init__(self, words: NDArray[np.uint64], standard: str, first: Numbers, second: Numbers) -> None:
        self._words = words
        self._standard = standard
        self._numbers = first, second

    def rows(self, first: int, count: int) -> Variates:
        """The variates of tips `first` to `first + count`; they may be asked for in any order."""
        rows = slice(first, first + count)
        return _by_inversion(self._standard, hashed(self._words, *(numbers[rows] for numbers in self._numbers)))


def hashed(words: NDArray[np.uint64], first: Numbers, second: Numbers) -> Variates:
    """Uniforms in (0, 1) for pairs of numbers, under a key of two words: three rounds of a 64-bit finaliser.

    The finaliser is David Stafford's variant 13 (2011), which SplitMix64 uses too.
    """
    mixed = _finalised(first.astype(np.uint64) + words[0])
    mixed = _finalised(mixed ^ (second.astype(np.uint64) * _GOLDEN + words[1]))
    mixed = _finalised(mixed + _GOLDEN)
    return ((mixed >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def _finalised(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return found


def _by_inversion(standard: str, uniform: Variates) -> Variates:
    """Standard variates that uniforms stand for."""
    if standard == "uniform":
        return uniform
    if standard == "exponential":
        return np.asarray(-np.log1p(-uniform))
    from scipy.special import gammaincinv, ndtri

    if standard == "normal":
        return np.asarray(ndtri(uniform), dtype=np.float64)
    law, _, shape = standard.partition(":")
    if law == "gamma" and shape:
        return np.asarray(gammaincinv(float(shape), uniform), dtype=np.float64)
    raise _unknown(standard)


def _unknown(standard: str) -> ValueError:
    return ValueError(f"a standard variate is normal, exponential, uniform or gamma:<shape> (got {standard!r})")


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
        return Generator(SFC64(self._digest(*name)))  # type: ignore[arg-type]  # any ISeedSequence will do

    def _digest(self, *name: str) -> Digest:
        return Digest("\0".join((str(self.seed), str(self.index), *self.prefix, *name)))

    def stream(self, standard: str, *name: str) -> Stream:
        """The named stream of a standard variate; the standard is part of the name where the caller says so."""
        opened = self._open.get(name)
        if opened is None:
            opened = self._open[name] = Stream(filler(self.generator(*name), standard))
        return opened

    def uniform(self, *name: str) -> Stream:
        """The named stream of uniforms in [0, 1)."""
        return self.stream("uniform", *name)


class Remembered(Stream):
    """A stream whose rows are kept, so that they may be read again, in any order; nobody can write to them."""

    def __init__(self, fill: Callable[[Variates], object]) -> None:
        super().__init__(fill)
        self._parts: list[Variates] = []
        """Of PART rows each; of the last one some may not be drawn yet."""

    @property
    def n_rows(self) -> int:
        """How many were drawn."""
        return self._next

    def rows(self, first: int, count: int) -> Variates:
        """Rows `first` to `first + count`."""
        while self._next < first + count:
            within = self._next % PART
            if not within:
                self._parts.append(np.empty(PART))
            fresh = self._parts[-1][within : within + first + count - self._next]
            self._fill(fresh)
            self._next += fresh.size
        own, within = self._parts[first // PART : -(-(first + count) // PART)], first % PART
        whole = own[0] if len(own) == 1 else np.concatenate(own) if own else np.empty(0)
        found = whole[within : within + count]
        found.flags.writeable = False
        return found

    def fill(self, first: int, out: Variates) -> Variates:
        """Fill `out` with the rows from `first` on."""
        out[:] = self.rows(first, out.size)
        return out


class RememberedStreams(Streams):
    """The streams of one replication, which see many scenarios through: each reads the same rows from the beginning.

    A part of a replication has streams of its own, which are not kept.
    """

    def stream(self, standard: str, *name: str) -> Stream:
        """The named stream of a standard variate."""
        opened = self._open.get((standard, *name))
        if opened is None:
            opened = self._open[standard, *name] = Remembered(filler(self.generator(*name), standard))
        return opened

    @property
    def n_bytes(self) -> int:
        """What is kept."""
        return sum(one.n_rows * 8 for one in self._open.values() if isinstance(one, Remembered))


class ScatteredStreams(Streams):
    """Streams for tips that are found by two numbers each, (n,) and (n,), in place of their rows."""

    def __init__(self, streams: Streams, first: Numbers, second: Numbers) -> None:
        super().__init__(streams.seed, streams.index, *streams.prefix)
        self._numbers = first, second

    def stream(self, standard: str, *name: str) -> Stream:
        """The named stream of a standard variate."""
        opened = self._open.get(name)
        if opened is None:
            words = self._digest(*name).generate_state(2, np.uint64)
            opened = self._open[name] = Scattered(words, standard, *self._numbers)
        return opened
