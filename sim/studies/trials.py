"""Many variants of one scenario before the same tips: what compare, staff, map and their like are made of.

Tips are drawn once for all scenarios whose draws agree, and every replication of a scenario is measured once, however
often it is asked for, also by a study that goes on after an interruption. Nothing here decides which scenarios to try.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import numpy as np

from sim.draw import RememberedStreams, draw, draw_key, restaff
from sim.dynamics.replication import Replication
from sim.measures.frame import Frame
from sim.measures.measures import Measures
from sim.measures.sample import Sample
from sim.studies.keeping import Kept, Piece, maker_key
from sim.studies.replicate import ReplicationWork, Settings, all_shared_out
from sim.studies.workers import Failure, WorkShare

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

MOST_BYTES: Final = 200_000_000
"""Drawn tips are kept up to this many bytes: 35 replications of the national year, 70 of half of it."""

MOST_REMEMBERED: Final = 80_000_000
"""What streams hold that other scenarios with other draws may read again, up to this many bytes."""

MANY_DRAWS: Final = 5
"""So many scenarios with draws of their own are worth it."""

MOST_ELSEWHERE: Final = 2
"""Programs for which a worker of a cluster keeps drawn tips at a time."""

MOST_FRAMES: Final = 8
"""Scenarios whose frames are remembered for other staffings of them."""

MOST_GIVEN: Final = 64
"""Scenarios themselves whose frames are remembered, for they are asked about again as replications are added."""


class TrialError(RuntimeError):
    """A replication that a study cannot do without failed; the message names it and says why."""


class QuestionError(ValueError):
    """A question that makes no sense for a scenario; the message says what it lacks."""


class Draws:
    """Drawn replications, kept for the scenarios that share them; several threads may ask at once.

    Studies walk over the same replications again and again, one staffing or cell of a map after the other. Were the
    oldest dropped for the newest, each would be gone just before it is asked for again; so what has no room beside
    others of its draw is not kept, and of other draws those go first that were asked for last.
    """

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, int, int], Replication] = OrderedDict()
        self._first: dict[str, Scenario] = {}
        self._bytes = 0
        self._streams: dict[tuple[int, int], RememberedStreams] = {}
        """By seed and index, of replications that nobody draws just now."""
        self._of_last = 0
        """Bytes of the replication that was drawn last."""
        self._lock = threading.Lock()
        self._name = uuid4().hex

    def get(self, scenario: Scenario, index: int, seed: int, draws_by: str | None = None) -> Replication:
        """Replication `index` of a scenario, its tips drawn only if no scenario with the same draw was here before.

        `draws_by` is its `draw_key`, where the caller has it at hand.
        """
        draws_by = draw_key(scenario) if draws_by is None else draws_by
        key = (draws_by, seed, index)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            # What has to be drawn again is drawn for the first of these scenarios, which is made ready for it.
            first = self._first.setdefault(draws_by, scenario)
        if found is not None:
            return restaff(found, scenario)
        drawn = self._draw(first, index, seed)
        with self._lock:
            self._keep(key, drawn)
        return drawn if first is scenario else restaff(drawn, scenario)

    def _draw(self, scenario: Scenario, index: int, seed: int) -> Replication:
        """A replication, by streams that are kept for scenarios with other draws, once there are many.

        The streams are in nobody else's hands meanwhile; who asks for the same at the same time draws without.
        """
        with self._lock:
            streams = self._streams.pop((seed, index), None)
            if streams is None and len(self._first) >= MANY_DRAWS:
                # What a replication's streams hold is somewhat larger than what comes of it.
                room = self._held + self._of_last <= MOST_REMEMBERED
                streams = RememberedStreams(seed, index) if room else None
        drawn = draw(scenario, index, seed=seed, streams=streams)
        with self._lock:
            self._of_last = _size(drawn)
            if streams is not None and self._held + streams.n_bytes <= MOST_REMEMBERED:
                self._streams[seed, index] = streams
        return drawn

    @property
    def _held(self) -> int:
        """Bytes of streams that are kept."""
        return sum(one.n_bytes for one in self._streams.values())

    def of(self, scenario: Scenario, seed: int) -> Callable[[int], Replication] | None:
        """The replications of a scenario by index; None if nothing is kept."""
        if not self._most_bytes:
            return None
        return partial(self.get, scenario, seed=seed, draws_by=draw_key(scenario))

    def afar(self, scenario: Scenario, seed: int) -> DrawnWhereItRuns | None:
        """The same for work that is done in other processes, each of which keeps its own; None if nothing is kept."""
        if not self._most_bytes:
            return None
        return DrawnWhereItRuns(self._name, self._most_bytes, scenario, seed, draw_key(scenario))

    def _keep(self, key: tuple[str, int, int], drawn: Replication) -> None:
        """Keep a replication if there is room for it beside others of its draw."""
        size = _size(drawn)
        if key in self._kept:
            return
        while self._bytes + size > self._most_bytes:
            last = next((other for other in reversed(self._kept) if other[:2] != key[:2]), None)
            if last is None:
                return
            self._bytes -= _size(self._kept.pop(last))
        self._kept[key] = drawn
        self._bytes += size


@dataclass(frozen=True, slots=True)
class DrawnWhereItRuns:
    """Replications of a scenario by index, drawn in whatever process this comes to and kept there, for other scenarios
    with the same draws too."""

    study: str
    """Whose draws it stands for."""
    most_bytes: int
    scenario: Scenario
    seed: int
    draws_by: str
    """The `draw_key` of the scenario."""

    def __call__(self, index: int) -> Replication:
        return _kept_here(self.study, self.most_bytes).get(self.scenario, index, self.seed, self.draws_by)

    @property
    def group(self) -> str:
        """Tells those that share their draws."""
        return f"{self.study} {self.draws_by} {self.seed}"


@lru_cache(MOST_ELSEWHERE)
def _kept_here(study: str, most_bytes: int) -> Draws:
    """The draws that this process keeps for who asks it from elsewhere."""
    return Draws(most_bytes)


class Frames:
    """The frames of scenarios; those of the last few are remembered, for other staffings of them."""

    def __init__(self) -> None:
        self._known: list[Frame] = []
        self._given: OrderedDict[int, Frame] = OrderedDict()

    def get(self, scenario: Scenario) -> Frame:
        """The frame of a scenario, made anew only where it differs from those remembered in more than its people."""
        found = self._given.pop(id(scenario), None)
        if found is None or found.scenario is not scenario:
            found = self._made(scenario)
        self._given[id(scenario)] = found
        if len(self._given) > MOST_GIVEN:
            self._given.popitem(last=False)
        return found

    def _made(self, scenario: Scenario) -> Frame:
        for at, known in enumerate(self._known):
            found = known.restaffed(scenario)
            if found is not None:
                self._known.append(self._known.pop(at))
                return found
        found = Frame(scenario)
        self._known = [*self._known[1 - MOST_FRAMES :], found]
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """The first replications of a scenario, as a sample of them is asked for."""

    frame: Frame
    n: int
    key: str
    whole: str | None
    """The key under which more was measured of the same, if it was; None where this is all."""

    @property
    def only_targets(self) -> bool:
        return self.whole is not None


class Trials:
    """Samples of scenarios, replication by replication on the same tips, each measured once.

    With a folder in the settings every measured replication is kept there, and `resume` takes them up again. `count` of
    the settings is called with the number of replications that are done, over all scenarios.
    """

    def __init__(self, seed: int, settings: Settings, key: str = "", draws: Draws | None = None):
        """`key` says what the study is about: what another one left in the folder is not taken up. `draws` are those of
        who has drawn for the same scenarios before."""
        self.seed = seed
        self.settings = settings
        self.n_done = 0
        """Replications measured so far, those taken up from an earlier run included."""
        self._draws = Draws() if draws is None else draws
        self.frames = Frames()
        self._rows: dict[str, dict[int, Measures]] = {}
        self._key = key

    @cached_property
    def _kept(self) -> Kept | None:
        """Where replications are kept: opened with the first of them, so that a bad question leaves nothing."""
        to = self.settings
        if to.folder is None:
            return None
        return Kept(to.folder, f"{self._key} {maker_key(to.engine)}", resume=to.resume, tell=to.tell)

    def sample(
        self,
        scenario: Scenario,
        n: int,
        *,
        key: str | None = None,
        only_targets: bool = False,
        paired: bool = False,
    ) -> Sample:
        """The first n replications of a scenario, those that are missing run now; without what is pooled over tips.

        Where nothing is left to chance there is one, for all are the same; n of them all the same where they are to be
        `paired` with those of another scenario.

        `key` names the scenario where its hash does not: give one for a copy whose fields were changed in place of its
        document. With `only_targets` stages and pools are not measured. TrialError when a replication fails.
        """
        asked = self._asked(scenario, n, key, only_targets, paired)
        self._answer([asked])
        sample = Sample(asked.frame)
        for index in range(asked.n):
            sample.add(self._rows[asked.key][index])
        return sample

    def ahead(self, scenarios: Iterable[Scenario], n: int, *, only_targets: bool = False, paired: bool = False) -> None:
        """Run what samples of several scenarios will ask for, all of them at once, where a cluster can do that.

        On this machine nothing is done ahead: its few cores have enough to do with one scenario after the other.
        """
        if self.settings.cluster is not None:
            self._answer([self._asked(one, n, None, only_targets, paired) for one in scenarios])

    def replication(self, scenario: Scenario, index: int) -> Replication:
        """A replication itself, for what its measures do not tell."""
        return self._draws.get(scenario, index, self.seed)

    def _asked(self, scenario: Scenario, n: int, key: str | None, only_targets: bool, paired: bool) -> _Asked:
        whole = scenario.hash if key is None else key
        frame = self.frames.get(scenario)
        n = 1 if frame.recorded and not paired else n
        return _Asked(frame, n, f"{whole} targets", whole) if only_targets else _Asked(frame, n, whole, None)

    def _answer(self, asked: Sequence[_Asked]) -> None:
        """Run what is missing of several scenarios; TrialError when a replication fails."""
        missing: dict[str, list[int]] = {}
        for one in asked:
            rows = self._rows.setdefault(one.key, {})
            if one.whole is not None:
                more = self._rows.get(one.whole, {})
                rows |= {at: found.for_targets(one.frame) for at, found in more.items() if at not in rows}
            lacks = [at for at in range(one.n) if at not in rows and not self._take_up(one.key, at, rows)]
            if one.key not in missing:
                missing[one.key] = lacks
        of = {one.key: one for one in reversed(asked)}
        keys = [key for key, lacks in missing.items() if lacks]
        shares = [self._share(of[key], missing[key]) for key in keys]
        for number, index, result in all_shared_out(shares, self.settings):
            key = keys[number]
            if isinstance(result, Failure):
                name = of[key].frame.scenario.name
                raise TrialError(f"replication {index} of {name} (seed {self.seed}) failed: {result.error}")
            if self._kept is not None:
                self._kept.put(_name(key, index), result)
            self._rows[key][index] = Measures.of_arrays(result)
            self._count()

    def _share(self, asked: _Asked, indices: list[int]) -> WorkShare[Piece]:
        engine, scenario = self.settings.engine, asked.frame.scenario
        drawn: Callable[[int], Replication] | None = None
        group = study = None
        if self.settings.cluster is not None:
            drawn = afar = self._draws.afar(scenario, self.seed)
            group, study = (None, None) if afar is None else (afar.group, afar.study)
        elif engine == "compiled":
            # In threads of this process, on tips that are drawn once.
            drawn = self._draws.of(scenario, self.seed)
        work = ReplicationWork(
            asked.frame, self.seed, engine, pooled=False, only_targets=asked.only_targets, drawn=drawn
        )
        return WorkShare(work, indices, group, study)

    def _take_up(self, key: str, index: int, rows: dict[int, Measures]) -> bool:
        """Whether an earlier run had measured a replication; it is added to the rows."""
        if self._kept is None or not self.settings.resume:
            return False
        found = self._kept.get(_name(key, index))
        if found is None:
            return False
        rows[index] = Measures.of_arrays(found)
        self._count()
        return True

    def _count(self) -> None:
        self.n_done += 1
        self.settings.count(self.n_done)


def _name(key: str, index: int) -> str:
    return f"{sha256(key.encode()).hexdigest()[:24]}-{index}"


def _size(replication: Replication) -> int:
    parts = (replication.tips, replication.visits)
    return sum(
        value.nbytes
        for part in parts
        for name in part.__slots__
        if isinstance(value := getattr(part, name), np.ndarray)
    )
