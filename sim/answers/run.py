"""One scenario that is run: what that came to, and what became of one of its tips; and several on the same
tips, side by side: what differs, and what is noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.studies.keeping import MANIFEST
from sim.tables import run as tables
from sim.tables.by_time import DATES, INTERVALS, TABLES_OF_DAY, tables_of_day
from sim.tables.run import THEORY
from sim.text import compare as side_by_side
from sim.text.run import day_told, parts, sentences

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from sim.dynamics.engines import Engine
    from sim.scenario.loading import Document
    from sim.scenario.schema import Scenario
    from sim.studies.compare import SideBySide
    from sim.studies.replicate import Settings
    from sim.studies.result import Result
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled
    from sim.text.explain import Story


class RunAnswer(Answer):
    """A run: `targets`, `joint`, `replications`, `cohort`, `tips`, `pools`, `stages`, `intervals`, `dates`, `response`,
    `unlimited` where not every target is met, and what is made when it is asked for: `theory`, and of a day `day`,
    `day_pools` and `day_broken`."""

    found: Result
    command = "run"
    leaves = (*tables.TABLES_OF_RUN, tables.PEOPLE, tables.UNLIMITED, THEORY, *TABLES_OF_DAY)
    plots = (
        Plot(
            "verdicts",
            "Targets and verdicts",
            "Every target with its threshold, what it came to with its interval, and the verdict; below, in which "
            "share of the runs, months, weeks and days every target held.",
            "verdicts:verdicts",
            (tables.TARGETS, tables.JOINT, tables.COHORT, tables.UNLIMITED),
        ),
        Plot(
            "response",
            "Response times",
            "The share of the tips that are through within a time; tips that never come through keep a curve below "
            "100 %. A target is met where its curve crosses the grey bar: the wanted share or more within the time "
            "allowed.",
            "curves:response",
            (tables.RESPONSE,),
        ),
        Plot(
            "week",
            "The week",
            "For every pool and interval of the week: people on seat, the work that comes, people busy, and tips "
            "waiting; the bands hold the middle nine tenths of the replications.",
            "week:week",
            (INTERVALS, tables.POOLS),
        ),
        Plot(
            "days",
            "The days of the run",
            "For every date: the tips that came and those of them that were lost, and for every target on a share the "
            "share of that day's tips that kept it. Holidays, closed dates, and rosters or demand by date are marked.",
            "days:days",
            (DATES,),
        ),
        Plot(
            "roster",
            "The roster",
            "For every pool and interval of the week: the people on duty, the people that the work offered then would "
            "keep busy, rounded up, and where that is more than there are. Darker is more people, up to the pool's "
            "most.",
            "roster:roster",
            (INTERVALS,),
        ),
        Plot(
            "failing",
            "When targets fail",
            "For every target that fails noticeably: the share of its tips that fail, by weekday and interval of "
            "their arrival. Each map has its own scale.",
            "failing:failing",
            (INTERVALS,),
        ),
        Plot(
            "lanes",
            "A day, person by person",
            "The measured day on which most tips came in the first replication: a lane for everybody on the roster, "
            "with what they had in hand, wrapped up and did in overtime, and who was away. Where heads are counted, "
            "spells lie in the lowest lane that is free.",
            "lanes:day",
            (tables.PEOPLE,),
        ),
        Plot(
            "theory",
            "Theory beside the run",
            "Every quantity that a model with an exact answer knows of a pool or a delay: how many standard errors the "
            "run lies above it. Hollow marks stand where the model leaves something out, which the table names.",
            "theory:theory",
            (THEORY,),
        ),
    )

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        settings: Settings,
        *,
        until_decided: bool = False,
        theory: bool = False,
        day: bool = False,
    ) -> RunAnswer:
        """Run a scenario; with `until_decided` with more and more replications; with `theory` beside theory; with `day`
        a day of it tip by tip."""
        from sim.studies.result import result

        answer = cls(result(scenario, settings, until_decided=until_decided))
        answer = answer.beside_theory(settings.jobs) if theory else answer
        return answer.with_day() if day else answer

    def beside_theory(self, jobs: int = 1) -> RunAnswer:
        """The same run with what theory knows beside it; the same replications are simulated once more."""
        from sim.studies.theory.beside import beside

        return type(self)(replace(self.found, theory=beside(self.found.done, jobs)))

    def with_day(self) -> RunAnswer:
        """The same run with a day of its first replication, which is simulated once more; as it is if all failed."""
        from sim.studies.day import day_of, followed

        if not len(self.found.done.sample):
            return self
        return type(self)(replace(self.found, day=day_of(followed(self.found.done))))

    @cached_property
    def theory(self) -> pd.DataFrame:
        """What theory knows beside the run, found out now where it was not asked for before."""
        with_theory = self if self.found.theory is not None else self.beside_theory()
        return THEORY.of(with_theory.found.theory or ()).frame

    @property
    def failures(self) -> dict[int, str]:
        """What went wrong in replications that failed, by index; they are in none of the tables."""
        return {index: failure.error for index, failure in self.found.done.failures.items()}

    @property
    def holds(self) -> bool:
        return self.found.all_met

    @property
    def note(self) -> str:
        return MANIFEST

    def filled(self) -> Iterable[Filled]:
        return self._filled

    @cached_property
    def _filled(self) -> list[Filled]:
        if not len(self.found.done.sample):
            return []
        beyond = [tables.UNLIMITED.of(self.found.limits)] if self.found.limits else []
        known = [] if self.found.theory is None else [THEORY.of(self.found.theory)]
        day = [] if self.found.day is None else tables_of_day(self.found.day)
        return [*tables.every(self.found.done.sample), *self._people, *beyond, *known, *day]

    @cached_property
    def _people(self) -> list[Filled]:
        from sim.studies.day import followed

        done = self.found.done
        if not any(pool.tells_apart for pool in done.scenario.pools.values()):
            return []
        return [tables.PEOPLE.of(followed(done).people)]

    def drawn(self) -> Iterator[Plot]:
        from sim.studies.day import can_be_followed

        if not len(self.found.done.sample):
            return iter(())
        seen = can_be_followed(self.found.done.scenario)
        nobody = not self.found.scenario.pools
        left_out = {"lanes": not seen, "theory": not self.found.theory, "week": nobody, "roster": nobody}
        return (plot for plot in self.plots if not left_out.get(plot.name))

    def sentences(self) -> list[str]:
        from sim.text import theory

        return [*sentences(self.found), *theory.sentences(self.found.theory or ())]

    def parts(self) -> list[RenderableType]:
        from sim.text import theory

        return [*parts(self.found), *([] if self.found.theory is None else theory.parts(self.found.theory))]

    def head(self) -> dict[str, Any]:
        done = self.found.done
        day = {} if self.found.day is None else {"day": day_told(self.found.day)}
        return super().head() | {
            **day,
            "seed": done.seed,
            "engine": done.engine,
            "n_replications": len(done.sample) + len(done.failures),
            "failed": {str(index): error for index, error in self.failures.items()},
            "together": self.found.joint.word,
            "binding": self.found.joint.binding,
            "notes": list(self.found.notes),
        }

    def write_more(self, folder: Path) -> list[str]:
        """The log of events where it was asked for."""
        parts = self.found.done.event_parts
        if not parts:
            return []
        from sim.studies import events

        events.write(parts, folder / events.EVENTS)
        events.write([events.beside(part) for part in parts], folder / events.SPELLS)
        return [events.EVENTS, events.SPELLS]


class Explanation(Answer):
    """The story of a tip: `tip_events` in order, and `tip_targets`; as text it is what the terminal shows."""

    found: Story
    command = "explain"
    leaves = (tables.TIP_EVENTS, tables.TIP_TARGETS)
    plots = ()

    @classmethod
    def ask(cls, scenario: Scenario, tip: str, replication: int = 0, engine: Engine = "compiled") -> Explanation:
        """Tell the story of a tip of a replication, given by its number or as `first-missed:TARGET`.

        QuestionError, a ValueError, where there is no such tip.
        """
        from sim.draw import draw
        from sim.dynamics.engines import simulate
        from sim.studies.trials import QuestionError
        from sim.text.explain import explain

        drawn = draw(scenario, replication)
        log = simulate(drawn, engine)
        try:
            return cls(explain(scenario, drawn, log, tip))
        except ValueError as error:
            raise QuestionError(str(error)) from None

    @property
    def holds(self) -> bool:
        return all(one.sense != "missed" for one in self.found.judged)

    def filled(self) -> Iterable[Filled]:
        events = ((event, self.scenario.local) for event in self.found.events)
        return [tables.TIP_EVENTS.of(events), tables.TIP_TARGETS.of(self.found.judged)]

    def sentences(self) -> list[str]:
        from sim.text.explain import sentences

        return sentences(self.found)

    def parts(self) -> list[RenderableType]:
        from sim.text.explain import parts

        return parts(self.found)

    def head(self) -> dict[str, Any]:
        found = self.found
        return super().head() | {
            "replication": found.replication,
            "tip": found.tip,
            "truly": found.attributes,
            "tier": found.tier,
            "counts": found.counts,
        }

    def __str__(self) -> str:
        from sim.text.page import plain

        return plain(self.parts())


def contenders(
    documents: Sequence[Document],
    variants: Sequence[str],
    scenario: Callable[[Document, str | None], Scenario],
    labels: Sequence[str] | None = None,
) -> Iterator[tuple[str, Scenario]]:
    """Every scenario to compare with its label: each document as it stands, then with each variant.

    One document without variants named is taken with all that it has. Labels are the stems of files, or their paths
    where the stems are alike, numbered where these are alike too. ValueError for another number of labels.
    """
    if labels is None:
        stems = [one.path.stem for one in documents]
        told = [stem if stems.count(stem) == 1 else str(one.path) for one, stem in zip(documents, stems, strict=True)]
        labels = [name if told.count(name) == 1 else f"{name} {n}" for n, name in enumerate(told, start=1)]
    if len(labels) != len(documents):
        raise ValueError(f"there is a label for each scenario (got {len(labels)} for {len(documents)})")
    alone = len(documents) == 1
    for document, label in zip(documents, labels, strict=True):
        yield label, scenario(document, None)
        for variant in dict.fromkeys(variants or (document.variants if alone else ())):
            yield variant if alone else f"{label}.{variant}", scenario(document, variant)


class Comparison(Answer):
    """A comparison: `compare`, target by target in each scenario."""

    found: SideBySide
    command = "compare"
    leaves = (tables.COMPARED,)
    plots = (
        Plot(
            "compare",
            "Side by side",
            "What every target comes to in each scenario, on the same tips, and how far that is from the base.",
            "verdicts:comparison",
            leaves,
        ),
    )

    @classmethod
    def ask(cls, scenarios: Sequence[tuple[str, Scenario]], trials: Trials) -> Comparison:
        """Run scenarios, each with a label of its own, the first of them the base; ValueError for less than two."""
        from sim.studies.compare import compare

        trials.settings.expect(len(scenarios) * scenarios[0][1].run.replications)
        return cls(compare(scenarios, trials))

    @property
    def holds(self) -> bool:
        """Whether all targets together are met in every scenario."""
        return all(one.joint.verdict == "met" for one in self.found.contenders)

    def filled(self) -> Iterable[Filled]:
        return [tables.COMPARED.of(tables.compared(self.found))]

    def sentences(self) -> list[str]:
        return side_by_side.answer(self.found)

    def parts(self) -> list[RenderableType]:
        return side_by_side.parts(self.found)

    def head(self) -> dict[str, Any]:
        found = self.found
        return super().head() | {
            "base": found.base.label,
            "seed": found.seed,
            "replications": found.replications,
            "confidence": found.confidence,
            "scenarios": {
                one.label: {
                    "file": str(one.scenario.path),
                    "variant": one.scenario.variant,
                    "hash": one.scenario.hash,
                }
                for one in found.contenders
            },
        }
