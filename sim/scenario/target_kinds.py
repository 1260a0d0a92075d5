"""The kinds of targets that a document may ask for, those on one stage apart: a class each."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sim.scenario.fields import Length, Name, PositiveLength, Share
from sim.scenario.fields import rule as fault
from sim.scenario.moments import Milestone, of_stage
from sim.scenario.pools import filter_words
from sim.scenario.targets import MEAN_COOL_DOWN, Between, OfPool, OfTips, Side, Unit, target_kind
from sim.scenario.trade import AbandonedTarget, AnswerTimeTarget, ServiceLevelTarget
from sim.scenario.units import ordinal, percent

__all__ = [
    "AbandonedTarget",
    "AnswerTimeTarget",
    "LongestTarget",
    "LostTarget",
    "MeanTarget",
    "MedianTarget",
    "OccupancyTarget",
    "Percentile",
    "PercentileTarget",
    "ServiceLevelTarget",
    "ShareTarget",
]


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


class Percentile(Between):
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
class PercentileTarget(Percentile):
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
class MedianTarget(Percentile):
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
