"""The command `compare`: several files or variants on the same tips, side by side."""

from __future__ import annotations

from dataclasses import replace

from sim.cli.options import Files, Options


def compare(files: Files, options: Options) -> int:
    """Compare files, or a file with its variants, on the same tips: what matters, and what is noise.

    The first file as it stands is the base. One file without --variant is compared with all its variants.
    """
    from sim.answers.compare import Comparison, contenders
    from sim.cli.asking import ask
    from sim.scenario.loading import read

    plain = replace(options, variant=[])
    scenarios = list(contenders([read(file) for file in files], options.variant, plain.of))
    return ask("compare", files[0], scenarios[0][1], options, lambda work: Comparison.ask(scenarios, work))
