"""The audit of a ledger on a scenario: what arithmetic says of each claim, what simulation says, and both of all.

Every reading that is a target is judged as the line is staffed, with unlimited staff, and with the cheapest staffing
that meets it alone; then all targets of the lenient, the moderate and the strict readings together, with the inputs
that these fix. All searches decide about everybody that any stage needs, within the plausible ranges of the document
and else within what could be of use.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import numpy as np

from sim.dynamics.replication import Replication
from sim.measures.frame import Frame
from sim.measures.measures import PER_REPLICATION, Measures
from sim.measures.sample import Sample
from sim.measures.targets import Joint, TargetResult, joint, results
from sim.scenario.describe import describe
from sim.scenario.readings import READINGS, Bound, Reading, ReadingName
from sim.scenario.schema import Scenario, ShareTarget, Target
from sim.scenario.units import duration, percentage, split
from sim.studies.claims.laid import Inputs, Key, Laid, fixed_words, inputs
from sim.studies.claims.rules import relations
from sim.studies.claims.statements import Finding
from sim.studies.replicate import Settings
from sim.studies.staff.limits import Limit, limits
from sim.studies.staff.staffed import fte, needed_pools, present
from sim.studies.staff.staffing import StaffAnswer, cheapest
from sim.studies.trials import Trials

MARK: Final = ":"
"""Sets a choice of targets apart from the document in a hash."""

BY_TARGET: Final = ("counts", "unlabelled", "windows", "units")
"""The measures that have targets along their first axis."""


class SomeTargets(Trials):
    """Trials for scenarios that differ from a whole one in their people and in having fewer of its targets.

    Each staffing is simulated once, however many questions are asked of it. A target may also ask for another share or
    mean than it does in the whole one.
    """

    def __init__(self, trials: Trials, whole: Scenario):
        self.seed, self.settings, self.n_done = trials.seed, trials.settings, trials.n_done
        self._trials, self._whole = trials, whole

    def sample(
        self,
        scenario: Scenario,
        n: int,
        *,
        key: str | None = None,
        only_targets: bool = False,
        paired: bool = False,
    ) -> Sample:
        """The first n replications; in which periods all targets held is known where there is but one."""
        whole = scenario.model_copy(update={"targets": self._whole.targets})
        document, *roster = (scenario.hash if key is None else key).partition(" ")
        key = "".join([document.partition(MARK)[0], *roster])
        full = self._trials.sample(whole, n, key=key, only_targets=only_targets, paired=paired)
        self.n_done = self._trials.n_done
        names = list(self._whole.targets)
        columns = [names.index(name) for name in scenario.targets]
        found = Sample(Frame(scenario))
        for row in range(len(full)):
            found.add(_with(full, row, columns))
        return found

    def replication(self, scenario: Scenario, index: int) -> Replication:
        return self._trials.replication(scenario, index)


def with_some(whole: Scenario, targets: Mapping[str, Target]) -> Scenario:
    """The scenario with targets of these names alone; what others keep of it under its hash is not mixed up."""
    digest = sha256(repr(sorted(targets.items())).encode()).hexdigest()[:12]
    return whole.model_copy(update={"targets": dict(targets), "hash": f"{whole.hash}{MARK}{digest}"})


def _with(full: Sample, row: int, columns: list[int]) -> Measures:
    """The measures of one replication with these targets only."""
    own = {name: getattr(full, name)[row] for name in PER_REPLICATION}
    own |= {name: own[name][columns] for name in BY_TARGET}
    own["ratio"] = np.concatenate([np.zeros((0, 3, 2)), *(own["ratio"][full.frame.rows[k]] for k in columns)])
    own["joint"] = own["units"][0] if len(columns) == 1 else np.zeros_like(own["joint"])
    extra = tuple(full.extra(k)[row] for k in columns)
    return Measures(index=int(full.index[row]), pooled=None, extra=extra, **own)


# What every claim came to


SEARCHED: Final = 8
"""Replications by which a staffing is looked for, at most; what is found is run again on fresh seeds."""

ALL: Final = 0.999
"""What is searched for where a target allows no miss at all: no number of replications shows that none can happen."""

Status = Literal["held", "staff", "beyond bounds", "beyond staff", "open", "input", "given", "not given", "words"]
STATUSES: Final[dict[Status, str]] = {
    "held": "holds as staffed",
    "staff": "holds with other staffing",
    "beyond bounds": "no staffing within the bounds found",
    "beyond staff": "out of reach of any staffing",
    "open": "not decided",
    "input": "fixed as an input",
    "given": "follows from the scenario",
    "not given": "excluded by the scenario",
    "words": "not testable here",
}
"""What a reading came to."""


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What one target came to."""

    staffed: TargetResult
    """With the staff of the scenario."""
    limit: Limit
    """With unlimited staff."""
    answer: StaffAnswer | None
    """The cheapest staffing for it alone; None where unlimited staff misses it."""

    @property
    def found(self) -> StaffAnswer | None:
        """The answer where it is a staffing that meets the target."""
        return _found(self.answer)

    @property
    def allows_none(self) -> bool:
        """Whether it allows not a single miss, which nothing can show."""
        return _allows_none(self.staffed.target)

    def _needs_more(self, answer: StaffAnswer) -> bool:
        """Whether the staffing that meets it has more people anywhere than the scenario."""
        assert answer.staffing is not None
        now = present(answer.scenario, answer.posts)
        return self.staffed.verdict == "missed" or any(
            wanted > people for wanted, people in zip(answer.staffing, now, strict=True)
        )

    @property
    def status(self) -> Status:
        if self.staffed.verdict == "met":
            return "held"
        if self.found is not None:
            return "open" if self.allows_none or not self._needs_more(self.found) else "staff"
        if self.limit.beyond_staff:
            return "beyond staff"
        return "beyond bounds" if self.answer is not None and self.answer.why == "beyond bounds" else "open"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a bound on two quantities came to."""

    value: float
    """The first over the second, in the unit; NaN where one of them is not known."""
    limit: float
    holds: bool | None
    says: str
    unit: str = "share"
    """Of the value and the limit: `min` for work a tip, else `share`."""


@dataclass(frozen=True, slots=True)
class ReadingOutcome:
    """One reading of one claim."""

    key: Key
    reading: Reading
    status: Status
    says: str
    """Why it is so, in words; "" where the figures say it."""
    tested: Tested | None = None
    weighed: Weighed | None = None
    set_aside: bool = False
    """Whether it fixes an input that is not laid on the scenario where all claims are tested."""

    @property
    def claim(self) -> str:
        return self.key[0]


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """All claims in one reading, together."""

    reading: ReadingName
    inputs: Inputs
    scenario: Scenario | None
    """With the inputs and the targets of all claims; None where no reading is a target."""
    staffed: Joint | None
    """As staffed."""
    limits: tuple[Limit, ...]
    answer: StaffAnswer | None
    """The cheapest staffing for all targets that unlimited staff does not miss."""
    weighed: dict[str, Weighed]
    """Bounds that were tested, by claim."""

    @property
    def found(self) -> StaffAnswer | None:
        """The answer where it is a staffing."""
        return _found(self.answer)

    @property
    def beyond_staff(self) -> tuple[str, ...]:
        """Claims whose targets no staffing meets."""
        return tuple(limit.name for limit in self.limits if limit.beyond_staff)

    @property
    def broken(self) -> tuple[str, ...]:
        """Claims of bounds that do not hold."""
        return tuple(claim for claim, one in self.weighed.items() if one.holds is False)

    @property
    def holds(self) -> bool | None:
        """Whether one staffing meets all of it; None where that is not decided."""
        if self.beyond_staff or self.broken or self.inputs.conflicts:
            return False
        if self.answer is None:
            return None if self.scenario is not None else True
        if self.found is not None:
            return True
        return False if self.answer.why == "beyond bounds" else None


def _found(answer: StaffAnswer | None) -> StaffAnswer | None:
    return answer if answer is not None and answer.staffing is not None else None


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """A ledger, audited."""

    laid: Laid
    findings: tuple[Finding, ...]
    outcomes: dict[Key, ReadingOutcome]
    together: dict[ReadingName, Together]
    n_replications: int

    @property
    def scenario(self) -> Scenario:
        return self.laid.scenario

    @property
    def fte(self) -> float:
        """Full-time equivalents of the scenario as staffed, overtime apart."""
        return fte(self.scenario)


# How it is come to


@dataclass(slots=True)
class _UnderWay:
    """What runs, and how far it has come."""

    laid: Laid
    trials: Trials
    expected: int
    allow_overload: bool
    n_done: int = 0

    @property
    def replications(self) -> int:
        return self.laid.scenario.run.replications

    def step(self, what: str) -> None:
        """Say what is begun."""
        self.trials.settings.at(f"{self.n_done} of {self.expected}: {what}")
        self.n_done += 1

    def search(self, whole: Scenario, names: Collection[str], what: str, start: Mapping[str, int]) -> StaffAnswer:
        """The cheapest staffing for some targets of a scenario."""
        self.step(what)
        wanted = {name: _searchable(target) for name, target in whole.targets.items() if name in names}
        return cheapest(
            with_some(whole, wanted),
            pools=dict.fromkeys(needed_pools(whole)),
            trials=SomeTargets(self.trials, whole),
            replications=min(self.replications, SEARCHED),
            start=start,
            allow_overload=self.allow_overload,
        )


def audit(laid: Laid, trials: Trials | None = None, *, allow_overload: bool = False) -> Audit:
    """Audit a ledger that was laid on a scenario.

    `at` of the settings is told of each step that begins, with the steps that are done and how many there are. With
    `allow_overload` lines may grow without end in staffings that are searched for, and tips give up unminded.
    """
    scenario = laid.scenario
    expected = 1 + len(scenario.targets) + sum(3 if laid.targets(name) else 1 for name in READINGS)
    work = _UnderWay(laid, trials or Trials(scenario.run.seed, Settings()), expected, allow_overload)
    tested = _tested(work) if scenario.targets else {}
    together = {name: _together(work, name, tested) for name in READINGS}
    outcomes = {key: _outcome(laid, key, reading, tested, together[key[1]]) for key, reading in laid.every().items()}
    return Audit(laid, tuple(relations(laid.file.ledger)), outcomes, together, work.replications)


def _tested(work: _UnderWay) -> dict[str, Tested]:
    """Every target on its own."""
    laid = work.laid
    work.step("as staffed, and with unlimited staff")
    sample = work.trials.sample(laid.scenario, work.replications)
    best = {limit.name: limit for limit in limits(laid.scenario, work.trials, work.replications, hurried=False)}
    found: dict[str, Tested] = {}
    start: dict[str, int] = {}
    for result in results(sample):
        answer = None
        if best[result.name].beyond_staff:
            work.step(result.name)
        else:
            answer = work.search(laid.scenario, [result.name], result.name, start)
            start = answer.by_path or start
        found[result.name] = Tested(result, best[result.name], answer)
    return found


def _together(work: _UnderWay, name: ReadingName, tested: Mapping[str, Tested]) -> Together:
    """All targets of one reading, with the inputs that its claims fix."""
    laid = work.laid
    fixed = inputs(laid, name)
    targets = laid.targets(name)
    if not targets:
        work.step(f"{name}: bounds")
        return Together(name, fixed, None, None, (), None, _weighed(work, name, tested))
    scenario = laid.with_targets(targets, fixed.changes)
    work.step(f"{name} readings together")
    staffed = joint(work.trials.sample(scenario, work.replications))
    best = tuple(limits(scenario, work.trials, work.replications, hurried=False))
    within_reach = [one.name for one in best if not one.beyond_staff]
    answer = None
    if within_reach:
        answer = work.search(scenario, within_reach, f"{name} readings: the cheapest staffing", {})
    work.step(f"{name} readings: bounds")
    return Together(name, fixed, scenario, staffed, best, answer, _weighed(work, name, tested))


def _weighed(work: _UnderWay, name: ReadingName, tested: Mapping[str, Tested]) -> dict[str, Weighed]:
    """The bounds of one reading whose two quantities are known here, by claim."""
    found = {}
    for key, reading in work.laid.every(name).items():
        if reading.bound is None or key in work.laid.unfit:
            continue
        bound = reading.bound
        if (bound.of, bound.to) == ("work", "tip"):
            found[key[0]] = _work_a_tip(work.laid.scenario, bound)
        elif (bound.of, bound.to) == ("staff", "staff") and bound.changed:
            found[key[0]] = _staff_ratio(work, name, tested, bound)
    return found


def _work_a_tip(scenario: Scenario, bound: Bound) -> Weighed:
    """Mean time that people spend on a tip, by the scenario's own laws."""
    described = describe(scenario)
    staffed = {stage.name for stage in scenario.stages if stage.pool is not None}
    minutes = sum(stage.visits * stage.mean_minutes for stage in described.stages if stage.stage in staffed)
    limit = duration(bound.text) / duration("1 min")
    return Weighed(minutes, limit, _within(minutes, limit, bound), f"people spend {minutes:.3g} min on a tip", "min")


def _staff_ratio(work: _UnderWay, name: ReadingName, tested: Mapping[str, Tested], bound: Bound) -> Weighed:
    """The cheapest staffing over that of a changed scenario, at equal targets: those that both can reach."""
    laid = work.laid
    limit = percentage(bound.text) if split(bound.text)[1] == "%" else float(bound.text)
    asked = {laid.tested_as[key]: laid.plain(key) for key in laid.every(name) if key in laid.tested_as}
    equal = {target: plain for target, plain in asked.items() if tested[target].found}
    nothing = Weighed(math.nan, limit, None, "no target is within reach of both")
    if not equal:
        return nothing
    changed = laid.with_targets(equal, bound.changed)
    beyond = {one.name for one in limits(changed, work.trials, work.replications) if one.beyond_staff}
    names = [target for target in equal if target not in beyond]
    if not names:
        return nothing
    now = work.search(laid.scenario, names, f"{name} readings: the staff now", {})
    before = work.search(changed, names, f"{name} readings: the staff before", now.by_path)
    # Each search sets out from the other's answer too, so that neither is dearer only for having been unlucky.
    again = work.search(laid.scenario, names, f"{name} readings: the staff now", before.by_path)
    now = min((one for one in (now, again) if one.staffing is not None), key=lambda one: one.cost, default=now)
    claims = {laid.tested_as[key]: key[0] for key in reversed(laid.every(name)) if key in laid.tested_as}
    at = f"at equal targets ({', '.join(claims[target] for target in names)})"
    if out := [claims[target] for target in equal if target in beyond]:
        at += f"; without, no staff meets {', '.join(out)}"
    if now.staffing is None or before.staffing is None:
        return Weighed(math.nan, limit, None, f"no staffing was found for one of the two {at}")
    ratio = now.cost / before.cost
    says = f"{now.fte:.1f} FTE against {before.fte:.1f} without, {100 * ratio:.3g} %, {at}"
    return Weighed(ratio, limit, _within(ratio, limit, bound), says)


def _within(value: float, limit: float, bound: Bound) -> bool:
    if bound.sense == "at most":
        return value <= limit
    return value >= limit if bound.sense == "at least" else abs(value / limit - 1) <= 0.05


def _outcome(
    laid: Laid, key: Key, reading: Reading, tested: Mapping[str, Tested], together: Together
) -> ReadingOutcome:
    """What one reading came to."""
    if key in laid.unfit:
        return ReadingOutcome(key, reading, "words", f"does not fit this scenario: {laid.unfit[key]}")
    if key in laid.tested_as:
        found = tested[laid.tested_as[key]]
        return ReadingOutcome(key, reading, found.status, "", found)
    if reading.input is not None:
        aside = [why for path, why in together.inputs.set_aside.items() if path in reading.input]
        told = "; ".join([", ".join(fixed_words(reading.input)), *(f"set aside: {why}" for why in aside)])
        return ReadingOutcome(key, reading, "input", told, set_aside=bool(aside))
    if reading.bound is not None:
        weighed = together.weighed.get(key[0])
        if weighed is None:
            return ReadingOutcome(key, reading, "words", reading.bound.words)
        status: Status = "open" if weighed.holds is None else "given" if weighed.holds else "not given"
        return ReadingOutcome(key, reading, status, weighed.says, None, weighed)
    return ReadingOutcome(key, reading, "words", reading.arithmetic_only or "")


def _searchable(target: Target) -> Target:
    """The target as it is searched for: a share of all as nearly all."""
    return target.model_copy(update={"share": ALL}) if _allows_none(target) else target


def _allows_none(target: Target) -> bool:
    return isinstance(target, ShareTarget) and target.share > ALL
