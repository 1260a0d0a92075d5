"""A run that is killed or interrupted loses at most what was in flight, and resumed it leaves the same files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.faces import options

NATIONAL = Path(__file__).parents[2] / "scenarios" / "national.yaml"
N_REPLICATIONS = 30


def command(out: Path, *more: str) -> list[str]:
    asked = ["run", str(NATIONAL), "--set", "run.length=91 d", "--replications", str(N_REPLICATIONS), "--log"]
    return [sys.executable, "-m", "sim", *asked, "--jobs", "2", "--out", str(out), *more]


def finished(out: Path) -> int:
    """How many replications are kept by now."""
    return len(list((out / ".in-progress").glob("[0-9]*.npz")))


def stopped(out: Path, how: signal.Signals) -> int:
    """Start a run and send it a signal as soon as three replications are done; gives its exit code."""
    run = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    while finished(out) < 3 and run.poll() is None and time.monotonic() < give_up:
        time.sleep(0.005)
    run.send_signal(how)
    return run.wait(timeout=60)


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".csv", ".parquet", ".yaml")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(out), check=True, capture_output=True)
    return files(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, options.INTERRUPTED)], ids=["killed", "Ctrl-C"]
)
def test_resumed_it_leaves_the_same_files(
    how: signal.Signals, code: int, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert stopped(tmp_path, how) == code
    n_kept = finished(tmp_path)
    assert 3 <= n_kept < N_REPLICATIONS
    assert not (tmp_path / "targets.csv").exists()
    resumed = subprocess.run(command(tmp_path, "--resume"), check=True, capture_output=True, text=True)
    assert resumed.returncode == options.DONE
    assert files(tmp_path) == undisturbed
    assert not (tmp_path / ".in-progress").exists()
