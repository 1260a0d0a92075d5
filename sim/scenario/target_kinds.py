"""The kinds of targets that a document may ask for, a class each; first those of one stage, in the trade's words.

These count the tips that entered the stage, by their first visit to it: from its enter to its start. Who gave up the
last attempt there has abandoned, whatever comes after.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sim.scenario.fields import Length, Name, PositiveLength, Share
from sim.scenario.fields import rule as fault
from sim.scenario.moments import Milestone, of_stage
from sim.scenario.pools import filter_words
from sim.scenario.targets import (
    LEFT_OUT,
    MEAN_COOL_DOWN,
    Between,
    LeavingOut,
    LostTips,
    OfPool,
    OfTips,
    Side,
    Timed,
    Unit,
    target_kind,
)
from sim.scenario.units import ordinal, percent


class OfStage(OfTips):
    """A target on how the tips that come to a stage fare in its line."""

    stage: Name = Field(
        description="The stage whose line is judged, by the first visit of each tip that entered it. Such as `answer`."
    )

    @property
    def at_stage(self) -> str:
        return self.stage

    @property
    def from_(self) -> Milestone:
        return of_stage(self.stage, "enter")

    @property
    def to(self) -> Milestone:
        return of_stage(self.stage, "start")

    @property
    def asked_for(self) -> tuple[Milestone, ...]:
        in_vain = (of_stage(self.stage, "gave_up"), of_stage(self.stage, "turned_away"))
        return self.from_, self.to, *in_vain, of_stage(self.stage, "merged")


@target_kind
class ServiceLevelTarget(OfStage, LeavingOut):
    """At least `service_level` of the tips that come to a stage are begun there within `within`."""

    kind: ClassVar[str] = "service_level"
    a: ClassVar[str] = "a service level"
    side: ClassVar[Side] = "at_least"
    unit: ClassVar[Unit] = "share"

    service_level: Share
    """So many at least."""
    within: Length
    """The time in which they are to be begun."""

    @property
    def share_in_time(self) -> float:
        return self.service_level

    @property
    def limit(self) -> int:
        return self.within

    @property
    def asks(self) -> str:
        return f"at least {percent(self.service_level)} in {self.span(self.within)}"

    @property
    def says(self) -> str:
        who = f"at least {percent(self.service_level)} of {filter_words(self.of)}"
        return f"{who} begun at {self.stage} within {self.span(self.within)} of coming there{self.leaving_out}"

    @property
    def failing(self) -> str:
        return f"not begun within {self.span(self.within)}"


@target_kind
class AnswerTimeTarget(OfStage, Timed):
    """The mean time in which the tips that are begun at a stage are so is at most `asa`."""

    kind: ClassVar[str] = "asa"
    a: ClassVar[str] = "a speed of answer"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    together: ClassVar[str] = "on average"

    asa: PositiveLength
    """The mean wait of the answered, at most."""

    @property
    def lost_tips(self) -> LostTips:
        """It is of those who were answered."""
        return LEFT_OUT

    @property
    def left_out(self) -> float | None:
        return None

    @property
    def lost_count_as_left_out(self) -> bool:
        return False

    @property
    def leaving_out(self) -> str:
        return ""

    @property
    def limit(self) -> int:
        return self.asa

    @property
    def longest(self) -> int:
        return MEAN_COOL_DOWN

    @property
    def asks(self) -> str:
        return f"answered in {self.span(self.asa)} on average"

    @property
    def says(self) -> str:
        return f"{filter_words(self.of)} that are begun at {self.stage} wait {self.span(self.asa)} on average at most"


@target_kind
class AbandonedTarget(OfStage):
    """At most `abandoned` of the tips that come to a stage give up there for good."""

    kind: ClassVar[str] = "abandoned"
    a: ClassVar[str] = "an abandoned share"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    abandoned: Share
    """So many at most."""

    @property
    def minds_lost(self) -> bool:
        return True

    @property
    def most_lost(self) -> float:
        return self.abandoned if self.per == "run" else 1.0

    @property
    def asks(self) -> str:
        return f"at most {percent(self.abandoned)} abandoned"

    @property
    def says(self) -> str:
        return f"at most {percent(self.abandoned)} of {filter_words(self.of)} that come to {self.stage} give up there"

    @property
    def failing(self) -> str:
        return f"give up at {self.stage}"

    def of_tip(self, column: str) -> str:
        return {
            "lost": f"it gave up at {self.stage}; at most {percent(self.abandoned)} may",
            "open": "it could still give up when the run ended",
            "met": f"it did not give up at {self.stage}",
            "merged": f"its incident was known at {self.stage}, and it left merged",
            "without_start": f"it never came to {self.stage}",
        }[column]


@target_kind
class ShareTarget(Between):
    """At least `share` of the tips come from one moment to the other within `within`."""

    kind: ClassVar[str] = "share"
    a: ClassVar[str] = "a share"
    side: ClassVar[Side] = "at_least"
    unit: ClassVar[Unit] = "share"

    within: Length
    """The time in which they are to come."""
    share: Share
    """So many at least."""

    @property
    def share_in_time(self) -> float:
        return self.share

    @property
    def limit(self) -> int:
        return self.within

    @property
    def asks(self) -> str:
        return f"at least {percent(self.share)} in {self.span(self.within)}"

    @property
    def says(self) -> str:
        who = f"at least {percent(self.share)} of {filter_words(self.of)}"
        return f"{who} within {self.span(self.within)} {self.between}{self.leaving_out}"

    @property
    def failing(self) -> str:
        return f"not within {self.span(self.within)}"


@target_kind
class MeanTarget(Between):
    """The mean time from one moment to the other is at most `mean`."""

    kind: ClassVar[str] = "mean"
    a: ClassVar[str] = "a mean"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    together: ClassVar[str] = "on average"
    early_counts: ClassVar[bool] = False

    mean: PositiveLength
    """The mean at most."""

    @property
    def limit(self) -> int:
        return self.mean

    @property
    def longest(self) -> int:
        return MEAN_COOL_DOWN

    @property
    def asks(self) -> str:
        return f"at most {self.span(self.mean)}"

    @property
    def says(self) -> str:
        who = f"{filter_words(self.of)} take at most {self.span(self.mean)}"
        return f"{who} {self.together} {self.between}{self.leaving_out}"


class PercentileOrMedian(Between):
    """A share of the tips takes no longer than the limit; a lost tip takes for ever."""

    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    endless_lost: ClassVar[bool] = True

    @property
    @abstractmethod
    def share_in_time(self) -> float: ...

    @property
    @abstractmethod
    def named(self) -> str:
        """What its value is called: "median"."""

    @property
    def threshold(self) -> float:
        return float(self.limit)

    @property
    def asks(self) -> str:
        return f"{self.named} at most {self.span(self.limit)}"

    @property
    def says(self) -> str:
        return (
            f"{self.named} of {filter_words(self.of)} at most {self.span(self.limit)} {self.between}{self.leaving_out}"
        )


@target_kind
class PercentileTarget(PercentileOrMedian):
    """The time that a share `percentile` of the tips do not exceed is at most `within`."""

    kind: ClassVar[str] = "percentile"
    a: ClassVar[str] = "a percentile"

    percentile: Annotated[Share, Field(gt=0, lt=1)]
    """The share of tips that take no longer."""
    within: Length
    """How long that is at most."""

    @property
    def share_in_time(self) -> float:
        return self.percentile

    @property
    def together(self) -> str:  # type: ignore[override]
        return f"of {percent(self.percentile)} of them"

    @property
    def named(self) -> str:
        return f"{ordinal(100 * self.percentile)} percentile"

    @property
    def limit(self) -> int:
        return self.within


@target_kind
class MedianTarget(PercentileOrMedian):
    """Half of the tips take at most `median`."""

    kind: ClassVar[str] = "median"
    a: ClassVar[str] = "a median"
    together: ClassVar[str] = "of half of them"

    median: Length
    """What half of the tips do not exceed, at most."""

    @property
    def share_in_time(self) -> float:
        return 0.5

    @property
    def named(self) -> str:
        return "median"

    @property
    def limit(self) -> int:
        return self.median


@target_kind
class LongestTarget(Between):
    """In a share `hold` of the windows `per` no tip takes longer than `longest`."""

    kind: ClassVar[str] = "longest"
    a: ClassVar[str] = "a longest time"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    together: ClassVar[str] = "of each of them"
    early_counts: ClassVar[bool] = False

    most: Length = Field(alias="longest")
    """The longest time of a window, at most."""

    @model_validator(mode="after")
    def _by_windows(self) -> Self:
        if self.hold is None:
            raise fault(
                "`longest` needs `per` and `hold`, such as `per: week, hold: 95 %`: the longest time of a whole run "
                "grows with its length",
                "longest",
                value=False,
                key=True,
            )
        return self

    @property
    def threshold(self) -> float:
        return float(self.most)

    @property
    def limit(self) -> int:
        return self.most

    @property
    def asks(self) -> str:
        return f"the longest at most {self.span(self.most)}"

    @property
    def says(self) -> str:
        return f"no one of {filter_words(self.of)} longer than {self.span(self.most)} {self.between}{self.leaving_out}"


@target_kind
class LostTarget(OfTips):
    """At most `lost` of the tips are lost: they give up for good, or find no room."""

    kind: ClassVar[str] = "lost"
    a: ClassVar[str] = "a lost share"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    lost: Share
    """So many at most."""

    @property
    def minds_lost(self) -> bool:
        return True

    @property
    def most_lost(self) -> float:
        return self.lost if self.per == "run" else 1.0

    @property
    def asks(self) -> str:
        return f"at most {percent(self.lost)} lost"

    @property
    def says(self) -> str:
        return f"at most {percent(self.lost)} of {filter_words(self.of)} are lost"

    @property
    def failing(self) -> str:
        return "are lost"

    def of_tip(self, column: str) -> str:
        return {
            "lost": f"it was lost; at most {percent(self.lost)} may be",
            "open": "it could still be lost when the run ended",
            "met": "it was not lost",
            "merged": "it left merged, which is not lost",
        }[column]

    def pointless(self, has_patience: bool) -> str | None:
        return None if has_patience else "no stage has patience or a limited line, so no tip is ever lost"


@target_kind
class TurnedAwayTarget(OfTips):
    """At most `turned_away` of the tips find no room for good, at a stage or anywhere."""

    kind: ClassVar[str] = "turned_away"
    a: ClassVar[str] = "a turned-away share"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    turned_away: Share
    """So many at most."""
    stage: Name | None = Field(
        None, description="The stage that has no room; anywhere if none is named. Such as `answer`."
    )

    @property
    def at_stage(self) -> str | None:
        return self.stage

    @property
    def asked_for(self) -> tuple[Milestone, ...]:
        return () if self.stage is None else (of_stage(self.stage, "enter"), of_stage(self.stage, "turned_away"))

    @property
    def asks(self) -> str:
        return f"at most {percent(self.turned_away)} turned away"

    @property
    def says(self) -> str:
        where = "" if self.stage is None else f" at {self.stage}"
        return f"at most {percent(self.turned_away)} of {filter_words(self.of)} find no room for good{where}"

    @property
    def failing(self) -> str:
        return "are turned away for good"

    def of_tip(self, column: str) -> str:
        return {
            "lost": f"it was turned away for good; at most {percent(self.turned_away)} may",
            "open": "it could still be turned away when the run ended",
            "met": "it was not turned away for good",
            "merged": "it left merged, and was not turned away for good",
        }[column]


@target_kind
class OccupancyTarget(OfPool):
    """The people of `pool` are busy at most `occupancy` of their time on duty."""

    kind: ClassVar[str] = "occupancy"
    a: ClassVar[str] = "an occupancy"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    occupancy: Share
    """So much of their time on duty at most."""

    @property
    def asks(self) -> str:
        return f"at most {percent(self.occupancy)} busy"

    @property
    def says(self) -> str:
        return f"{self.pool} busy at most {percent(self.occupancy)} of the time on duty"
