"""What `pyproject.toml` cannot say: the scenarios, which stand beside the package, go into it when it is built.

They have one place, the folder `scenarios` at the top. A wheel carries them as `sim/examples`; a source distribution as
they stand (`MANIFEST.in`); an editable install needs neither, since it runs where they are.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SCENARIOS = Path("scenarios")


class WithExamples(build_py):
    """The package, and the scenarios inside it."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source, built in self._examples().items():
            self.mkpath(str(Path(built).parent))
            self.copy_file(source, built)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What building leaves, the scenarios included."""
        own = super().get_outputs(include_bytecode)
        return own if self.editable_mode else [*own, *self._examples().values()]

    def _examples(self) -> dict[str, str]:
        """Where each scenario stands, and where it is built."""
        into = Path(self.build_lib, "sim", "examples")
        files = sorted(path for path in SCENARIOS.rglob("*") if path.is_file() and not path.name.startswith("."))
        return {str(path): str(into / path.relative_to(SCENARIOS)) for path in files}


setup(cmdclass={"build_py": WithExamples})
