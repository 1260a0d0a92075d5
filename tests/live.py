"""How long a live page takes to answer, and a recording of it: what `docs/live.md` shows.

    python -m tests.live scenarios/national.yaml --moves 50       medians from a move to its answers
    python -m tests.live --record docs/live.webp                  a few screens of a page, as one small file

A move is sent as the page sends it and timed until its answer is here: the first, the first with every verdict decided
that stays so, the one after the last replication, and that with what more staff could do.
"""

from __future__ import annotations

import argparse
import http.client
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).parents[1]


@contextmanager
def served(file: Path, folder: Path = ROOT) -> Iterator[str]:
    """The address of a live page of a file, served in a folder by a process of its own that ends with the block."""
    words = [sys.executable, "-m", "sim", "live", str(file), "--quiet"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env, cwd=folder) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


class Client:
    """A page without a browser: it asks, and hears every answer."""

    def __init__(self, address: str, state: object = None) -> None:
        parts = urlsplit(address)
        self.host, self.port, self.path = parts.hostname or "", parts.port or 0, parts.path
        self.moves = itertools.count()
        self.opened = self.ask("pages", state=state)
        self.page = self.opened["page"]
        self.answers: list[tuple[float, dict[str, Any]]] = []
        self._news = threading.Condition()
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, what: str, **given: Any) -> dict[str, Any]:
        """What a request comes to; its status is in it."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        given = given | ({"page": self.page} if what != "pages" else {})
        connection.request("POST", f"{self.path}ask/{what}", json.dumps(given), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told: dict[str, Any] = {"status": answer.status} | json.loads(answer.read())
        connection.close()
        return told

    def get(self, what: str) -> tuple[int, bytes]:
        """What is at an address of the page."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        connection.request("GET", f"{self.path}{what}?page={self.page}")
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def move(self, **state: Any) -> int:
        """Move to a state; the number of the move."""
        number = next(self.moves)
        told = self.ask("move", move=number, state=state)
        assert told["status"] == 200, told
        return number

    def answer(self, move: int, what: str = "whole", seconds: float = 120) -> tuple[float, dict[str, Any]]:
        """When the first answer to a move was here of which something is so, and the answer."""
        ends = time.monotonic() + seconds
        with self._news:
            while True:
                for when, told in self.answers:
                    if told["move"] == move and (not what or told.get(what)):
                        return when, told
                if not self._news.wait(max(ends - time.monotonic(), 0)) and time.monotonic() >= ends:
                    raise TimeoutError(f"no answer to move {move} that is {what}")

    def _listen(self) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        connection.request("GET", f"{self.path}told/events?page={self.page}")
        stream = connection.getresponse()
        kind = ""
        try:
            for raw in stream:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: ") and kind == "answer":
                    with self._news:
                        self.answers.append((time.perf_counter(), json.loads(line[6:])))
                        self._news.notify_all()
        except (OSError, http.client.HTTPException, ValueError):
            return  # the server has gone


def moves_of(opened: dict[str, Any], n: int) -> Iterator[dict[str, float]]:
    """So many states, each with the slider moved that comes next, over the whole of its range."""
    controls = [one for one in opened["controls"] if one["high"] > one["low"]]
    values: dict[str, float] = {}
    for number in range(n):
        one = controls[number % len(controls)]
        steps = round((one["high"] - one["low"]) / one["step"])
        # A golden section through the steps comes near none of those before it.
        value = one["low"] + one["step"] * (round(steps * ((number + 1) * 0.618034 % 1)))
        values = {**values, one["path"]: float(f"{max(value, min(1.0, one['high'])):.10g}")}
        yield values


def measure(file: Path, n: int, drag: int = 0) -> None:
    """Print the medians over so many moves, each begun when the one before is done; with `drag` each as the last of so
    many more, each sent as soon as the one before has its first answer, as when a slider is dragged."""
    with served(file) as address:
        client = Client(address)
        client.answer(-1)
        times: dict[str, list[float]] = {"first": [], "decided": [], "done": [], "whole": []}
        undecided = 0
        for number, values in enumerate(moves_of(client.opened, n * (drag + 1)), start=1):
            if number % (drag + 1):
                client.answer(client.move(values=values), "")
                continue
            begins = time.perf_counter()
            move = client.move(values=values)
            whole, last = client.answer(move)
            times["first"].append(client.answer(move, "")[0] - begins)
            times["done"].append(client.answer(move, "done")[0] - begins)
            times["whole"].append(whole - begins)
            if last["decided"]:
                mine = [(when, told) for when, told in client.answers if told["move"] == move]
                stays = list(itertools.takewhile(lambda one: one[1]["decided"], reversed(mine)))
                times["decided"].append(stays[-1][0] - begins)
            else:
                undecided += 1
            client.answers.clear()
    load = os.getloadavg()[0]
    print(f"{file.name}: {n} moves; {os.cpu_count()} cores, load {load:.1f} at the end")
    heads = {
        "first": "first answer",
        "decided": "verdicts decided",
        "done": "all replications",
        "whole": "and what staff can mend",
    }
    for name, head in heads.items():
        if found := sorted(times[name]):
            middle, ninth = (1000 * found[min(len(found) - 1, int(part * len(found)))] for part in (0.5, 0.9))
            print(f"  {head:24} median {middle:6.0f} ms, nine of ten within {ninth:.0f} ms")
    print(f"  {undecided} of the moves stay undecided after all replications")


def record(out: Path, file: Path) -> None:
    """Make a small animated picture of a page that is moved."""
    import shutil

    from PIL import Image

    from tests.browser import Tab, browser

    def shot(tab: Tab, frames: list[Image.Image]) -> None:
        frames.append(Image.open(io.BytesIO(tab.picture())).convert("RGB").resize((960, 600), Image.Resampling.LANCZOS))

    frames: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder, file.name))
        with served(Path(file.name), Path(folder)) as address, browser() as chromium:
            tab = chromium.tab()
            tab.size(1280, 800, still=True)
            tab.open(address)
            whole = "document.documentElement?.dataset.whole == 'true' && document.documentElement.dataset.move == '{}'"
            tab.until(whole.format(-1), 200)
            shot(tab, frames)
            tab.run("document.getElementById('pin').click()")
            tab.until("!document.getElementById('pinned').hidden")
            slider = "document.querySelector('[data-path=\"pools.analysts.staff\"][type=range]')"
            tab.run(f"{slider}.focus()")
            for move in (1, 2):
                tab.key("ArrowRight", 39)
                tab.until(f"document.documentElement.dataset.move == '{move}'")
                shot(tab, frames)
                tab.until(whole.format(move), 200)
                shot(tab, frames)
            tab.run("document.getElementById('response').scrollIntoView({block: 'center'})")
            shot(tab, frames)
            tab.run("document.getElementById('week').scrollIntoView({block: 'end'})")
            shot(tab, frames)
    shown = [2500, 1200, 2000, 1200, 2500, 3000, 3000][: len(frames)]
    first, *rest = frames
    first.save(out, save_all=True, append_images=rest, duration=shown, loop=0, quality=55, method=6)
    print(f"{out}: {len(frames)} screens, {out.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "scenarios" / "national.yaml")
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument(
        "--drag", type=int, default=0, metavar="N", help="so many moves before each, as of a slider that is dragged"
    )
    parser.add_argument("--record", type=Path, metavar="FILE.webp")
    given = parser.parse_args()
    if given.record is not None:
        record(given.record, given.file)
    else:
        measure(given.file, given.moves, given.drag)


if __name__ == "__main__":
    main()
