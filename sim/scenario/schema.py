"""The scenario: what a document may say, in frozen pydantic models, strict and with nothing extra.

`World` is the document's own content; `Scenario` adds where it came from. The parts live in the files of their nouns.
Names that must exist elsewhere in the document are looked up in `references.py`, not here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from sim.dynamics.clock import DAY, HOUR, MINUTE, WEEK
from sim.scenario.calendars import Calendar, OpenTime
from sim.scenario.demand import Channel, Demand, Labeller, Surge, own_names
from sim.scenario.distributions import Law
from sim.scenario.fields import Date, Length, Name, Part, PositiveLength, Several, Share, Text, Zone, adds_up, rule
from sim.scenario.moments import Milestone, Moment
from sim.scenario.plausible import MOST_UNKNOWNS, Observed, Plausible, Unknown
from sim.scenario.pools import Breaks, Filter, Pool, Shift
from sim.scenario.stages import ByAttribute, Overflow, Retry, Rework, Stage
from sim.scenario.target_kinds import (
    AbandonedTarget,
    AnswerTimeTarget,
    LongestTarget,
    LostTarget,
    MeanTarget,
    MedianTarget,
    OccupancyTarget,
    PercentileTarget,
    ServiceLevelTarget,
    ShareTarget,
)
from sim.scenario.targets import AlsoTaken, Target
from sim.scenario.zones import Local, local_time

__all__ = [
    "AbandonedTarget",
    "AnswerTimeTarget",
    "Breaks",
    "ByAttribute",
    "Calendar",
    "Channel",
    "Demand",
    "Filter",
    "Labeller",
    "Law",
    "LongestTarget",
    "LostTarget",
    "MeanTarget",
    "MedianTarget",
    "Milestone",
    "Moment",
    "Observed",
    "OccupancyTarget",
    "Overflow",
    "PercentileTarget",
    "Plausible",
    "Pool",
    "Retry",
    "Rework",
    "Run",
    "Scenario",
    "ServiceLevelTarget",
    "ShareTarget",
    "Shift",
    "Stage",
    "StartWith",
    "Surge",
    "Target",
    "Unknown",
    "World",
]


def _confidence(value: float) -> float:
    if not 0.5 <= value <= 0.9999:
        raise ValueError("a confidence lies between 50 % and 99.99 %")
    return value


def _full_week(length: int) -> int:
    if not HOUR <= length <= WEEK:
        raise ValueError("a full week of work lies between 1 h and 168 h")
    return length


def _centres(given: object) -> object:
    if isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= 1000:
            raise rule("there may be 1 to 1000 centres")
        return {str(number): 1 / given for number in range(1, given + 1)}
    if not isinstance(given, dict) or not given:
        raise rule("centres are a number of equal ones, or shares by name such as {east: 60 %, west: 40 %}")
    return given


def _sum_of_centres(shares: dict[str, float]) -> dict[str, float]:
    adds_up(shares)
    return shares


def _interval(length: int) -> int:
    if length < 5 * MINUTE or DAY % length:
        raise ValueError("an interval divides the day, and is at least 5 min: 15 min, 30 min or 1 h")
    return length


FORMAT: Final = 1
"""The form of scenario files that this program reads; a later one will say so with `format: 2`."""


def _format(number: int) -> int:
    if number > FORMAT:
        raise rule(
            f"the file was written for a newer program, which reads format {number}; this one reads {FORMAT}: update"
        )
    return number


class Run(Part):
    """When, how long and how often is simulated."""

    start: Date
    """The local date and time at which the simulation begins."""
    zone: Zone | None = None
    """The time zone whose clock shifts, profiles, calendars and dates go by; one that is never changed without it."""
    interval: Annotated[Length, AfterValidator(_interval)] = HOUR
    """The intervals of tables."""
    warm_up: Length = 0
    """Simulated before the measured period and not measured, so that the line is not empty when measuring begins."""
    length: PositiveLength
    """The measured period: the tips that arrive in it are the ones that count."""
    cool_down: Length | None = None
    """Simulated after the measured period, so that its last tips can be followed to their end. Left out: the longest
    time that a target asks for, 2 d for a mean."""
    replications: Annotated[int, Field(ge=1, le=100_000)] = 20
    """How many times the same period is drawn and simulated; intervals are narrower with more. Such as `20`, `100`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Where all draws begin: the same seed gives the same tips. Such as `1`, `2026`."""
    confidence: Annotated[Share, AfterValidator(_confidence)] = 0.95
    """How surely intervals hold what they are of."""
    shrinkage: Annotated[Share, Field(lt=1)] | None = None
    """Share of paid time off seat, of the pools that do not give their own."""
    full_time: Annotated[Length, AfterValidator(_full_week)] = 40 * HOUR
    """Paid hours a week of one full-time equivalent."""
    currency: Annotated[Name, Field(max_length=12)] | None = None
    """What prices are in. Such as `EUR`."""


class StartWith(Part):
    """What waits when the run starts: tips by stage."""

    backlog: dict[Name, Annotated[int, Field(ge=0, le=1_000_000)]]
    """By stage, tips that wait there when the run starts; at a voicemail or another aside, messages that lie there.
    Such as `{assess: 40}`."""


class World(Part):
    """All that a document says."""

    format: Annotated[int, Field(ge=1), AfterValidator(_format)] = FORMAT
    """The form that the file is written in; a program that does not know it says so. Such as `1`."""
    scenario: Text
    """The title, in a few words. Such as `A line to start from`."""
    about: Text = ""
    """What it is and what it is for, in a sentence or two. Such as `Calls and online reports, and a closer look at
    what is urgent.`."""
    run: Run
    """When, how long and how often is simulated."""
    calendars: dict[Name, Calendar] = Field(default_factory=dict)
    """Open times by name, for gates, channels and targets in office hours."""
    demand: Demand
    """The tips that come in: how many, when, on which channels, and what they truly are."""
    centres: Annotated[
        dict[Name, Share],
        AfterValidator(_sum_of_centres),
        BeforeValidator(_centres),
        WithJsonSchema(
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1000}, {"type": "object", "minProperties": 1}]}
        ),
    ] = Field(default_factory=lambda: {"1": 1.0})
    """Places that each have all pools of their own: a number of equal ones, or shares of the tips by name. One
    centre where it is left out. Such as `5`, `{east: 60 %, west: 40 %}`."""
    labels: dict[Name, Labeller] = Field(default_factory=dict)
    """Who says what a tip is, by name, and how well; where nobody labels, the tier of a tip is its true risk."""
    pools: dict[Name, Pool]
    """The people, by the name of the line that they share."""
    stages: Annotated[Several[Stage], Field(min_length=1, max_length=200)]
    """The way of a tip, step by step; a tip skips the stages that are not for it."""
    milestones: dict[Name, Milestone] = Field(default_factory=dict)
    """Names for moments that targets count from or to. Such as `{handled: {first_of: [assess.end, file.end]}}`."""
    targets: Annotated[dict[Name, Target], AlsoTaken()] = Field(default_factory=dict)
    """What the run is judged by, by name; or taken from a ledger of claims."""
    variants: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Named changes of this document, by path. Such as `{more: {pools.analysts.staff: 3}}`."""
    plausible: dict[str, Plausible] = Field(default_factory=dict)
    """Ranges of what is not known, by path, for `sensitivity` and `staff`."""
    observed: dict[Name, Observed] = Field(default_factory=dict)
    """What the line itself came to, by name, for `validate`: published or logged. Such as `{held:
    {quantity: {stage: answer, asa: 12 min}, tolerance: 10 %, source: annual report}}`."""
    fit: Annotated[dict[Name, Unknown], Field(max_length=MOST_UNKNOWNS)] = Field(default_factory=dict)
    """Few unknowns that `validate` fits to some of what was observed, by name."""
    start_with: StartWith | None = None
    """What waits when the run starts. Nothing where it is left out."""


class Scenario(World):
    """What the world is, checked, and where it was written."""

    path: Path
    """The file that was read."""
    tree: dict[str, Any]
    """The resolved document as plain values: after `extends`, the variant and the changes."""
    hash: str
    """SHA-256 of the resolved document and of the files that it names."""
    variant: str | None = None
    """The variant that was applied."""

    @property
    def name(self) -> str:
        """The file's name without its ending; results are kept under it."""
        return self.path.stem

    @property
    def folder(self) -> Path:
        """The only folder, with those below it, from which files are read."""
        return self.path.parent

    @cached_property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.demand.channels)

    @cached_property
    def risks(self) -> tuple[str, ...]:
        return tuple(next(iter(self.demand.risk.values())))

    @cached_property
    def categories(self) -> tuple[str, ...]:
        return tuple(self.demand.categories)

    @cached_property
    def tiers(self) -> tuple[str, ...]:
        """The tiers that labellers assign, in order of first appearance; the true risks where nobody labels."""
        rows = (row for labeller in self.labels.values() for row in labeller.assigns.values())
        return tuple(dict.fromkeys(tier for row in rows for tier in row)) or self.risks

    @cached_property
    def centre_names(self) -> tuple[str, ...]:
        return tuple(self.centres)

    @cached_property
    def own(self) -> dict[str, tuple[str, ...]]:
        """The names that each attribute of the scenario's own may have, in the order of their codes."""
        return own_names(self.demand)

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that filters ask for, in the order of their codes, by what they are names of."""
        return {
            "stage": tuple(stage.name for stage in self.stages),
            "channel": self.channels,
            "risk": self.risks,
            "category": self.categories,
            **self.own,
            "tier": self.tiers,
            "labelled_by": tuple(self.labels),
        }

    @cached_property
    def merges(self) -> bool:
        """Whether any stage merges the tips of an incident."""
        return any(stage.merge is not None for stage in self.stages)

    @cached_property
    def labellers_matter(self) -> bool:
        """Whether anything asks who gave a label."""
        return any(one is not None and one.labelled_by is not None for one in self.filters)

    @cached_property
    def filters(self) -> tuple[Filter | None, ...]:
        """What lines, stages and targets ask of tips."""
        lines = (one for pool in self.pools.values() for one in pool.filters)
        of = (getattr(target, "of", None) for target in self.targets.values())
        return (*lines, *(stage.for_ for stage in self.stages), *of)

    def stage(self, name: str) -> Stage:
        """The stage of that name; KeyError when there is none."""
        return self.stages[self.stage_index(name)]

    def stage_index(self, name: str) -> int:
        """Its place in the order of stages; KeyError when there is none."""
        return self._stage_at[name]

    def stages_of(self, pool: str) -> list[int]:
        """The places of the stages whose line is that of a pool."""
        return [number for number, stage in enumerate(self.stages) if stage.pool == pool]

    def pool_index(self, name: str) -> int:
        """Its place in the order of pools; KeyError when there is none."""
        return self._pool_at[name]

    @cached_property
    def _stage_at(self) -> dict[str, int]:
        return {stage.name: index for index, stage in enumerate(self.stages)}

    @cached_property
    def _pool_at(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.pools)}

    @property
    def start(self) -> datetime:
        return self.run.start

    @property
    def local(self) -> Local:
        """The clock on the wall."""
        return local_time(self.run.start, self.run.zone)

    @property
    def warm_up(self) -> int:
        """What is simulated before the cohort, as the document says it."""
        return self.run.warm_up

    @property
    def length(self) -> int:
        """How long the cohort's tips come, as the document says it."""
        return self.run.length

    @cached_property
    def cool_down(self) -> int:
        """What is simulated after the cohort: as given, else the longest threshold (2 d where a mean is judged)."""
        return self.longest_within if self.run.cool_down is None else self.run.cool_down

    @cached_property
    def longest_within(self) -> int:
        """The longest wall time of a threshold of the targets, 2 d for a mean; 0 without either."""
        return longest_threshold(self.targets.values(), self.run, self.calendars)

    @cached_property
    def cohort_from(self) -> int:
        """First tick whose tips count."""
        return cohort(self.run)[0]

    @cached_property
    def cohort_to(self) -> int:
        """First tick whose tips no longer count."""
        return cohort(self.run)[1]

    @cached_property
    def horizon(self) -> int:
        """First tick that is not simulated."""
        return horizon(self.run, self.targets.values(), self.calendars)


def cohort(run: Run) -> tuple[int, int]:
    """The first tick whose tips count, and the first whose tips no longer do: in a zone, whole days are of the date."""
    local = local_time(run.start, run.zone)
    first = local.later(0, run.warm_up)
    return first, local.later(first, run.length)


def horizon(run: Run, targets: Collection[Target], calendars: Mapping[str, Calendar]) -> int:
    """The first tick that is not simulated."""
    last = cohort(run)[1]
    if run.cool_down is not None:
        return local_time(run.start, run.zone).later(last, run.cool_down)
    return last + longest_threshold(targets, run, calendars)


def longest_threshold(targets: Collection[Target], run: Run, calendars: Mapping[str, Calendar]) -> int:
    """The longest wall time of a threshold of some targets, 2 d for a mean; 0 without either.

    NEVER where a calendar does not open for long enough.
    """
    return max((_wall_time(target, run, calendars) for target in targets), default=0)


def _wall_time(target: Target, run: Run, calendars: Mapping[str, Calendar]) -> int:
    """The longest that the threshold of a target takes on the clock on the wall."""
    if target.runs_by is None or not target.longest:
        return target.longest
    first, last = cohort(run)
    return OpenTime(calendars[target.runs_by], run, last, calendars).longest(first, last, target.longest)
