"""Several scenarios on the same tips, side by side: what differs, and what is noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import run as tables
from sim.text.compare import answer, parts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.loading import Document
    from sim.scenario.schema import Scenario
    from sim.studies.compare import SideBySide
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled


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
        return answer(self.found)

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

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
