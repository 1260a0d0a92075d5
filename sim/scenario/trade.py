"""Targets in the trade's words: service level, speed of answer and abandoned, each of one stage.

They count the tips that entered the stage, by their first visit to it: from its enter to its start. Who gave up the
last attempt there has abandoned, whatever comes after.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sim.scenario.fields import Length, Name, PositiveLength, Share
from sim.scenario.moments import Milestone, of_stage
from sim.scenario.pools import filter_words
from sim.scenario.targets import LEFT_OUT, MEAN_COOL_DOWN, LeavingOut, LostTips, OfTips, Side, Timed, Unit, target_kind
from sim.scenario.units import percent


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
