"""What an editor shows: the schemas in the server that most editors ask, spoken to as they do.

    npm install yaml-language-server

in the top folder (or anywhere on the PATH) is enough; without it these tests are skipped, and pytest says so.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.scenario.editors import EDITED_WITH, json_schema, ledger_schema
from tests.scenario.small import SCENARIOS

ROOT = SCENARIOS.parent
SERVER = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which(
    "yaml-language-server", path=os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ.get("PATH", "")])
)
pytestmark = pytest.mark.skipif(
    SERVER is None or shutil.which("node") is None,
    reason="no yaml-language-server: npm install yaml-language-server (needs node)",
)

HALF_WRITTEN = """# yaml-language-server: $schema=tipline.schema.json
scenario: Half written
run:
  start: 2025-01-06 00:00
  length: 7 dozen
  warm_up: 7 d
  \n\
demand:
  volume: 20000
  channels: {call: 60 %, online: 40 %}
labels:
  first_look:
    assigns:
      any: {urgent: 5 %, other: 95 %}
pools:
  desk:
    staff: 2
    absence: 5 %
    at_shift_end: \n\
stages:
  - name: answer
    pool: desk
    wrap_up:
      lognormal: {mean: 8 min, cv: 0.8}
    retry: {share: 50 %, after: 15 min}
    nonsense: 3
    service:
      \n\
targets:
  quick:
    of: {tier: urgent}
    from: arrival
    within: 10 min
  busy: {pool: desk, occupancy: 85 %}
"""


class Editor:
    """One document open in the server."""

    def __init__(self, folder: Path, text: str) -> None:
        assert SERVER is not None
        self.text, self.uri, self.told, self.asked = text, (folder / "doc.yaml").as_uri(), [], 0
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, daemon=True).start()
        capable = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}, "workspace": {"configuration": True}}
        self.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=capable)
        self._send(method="initialized", params={})
        document = {"uri": self.uri, "languageId": "yaml", "version": 1, "text": text}
        self._send(method="textDocument/didOpen", params={"textDocument": document})

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while True:
            length = 0
            while line := self.process.stdout.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            self.answers.put(json.loads(self.process.stdout.read(length)))

    def _send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> Any:
        self.asked += 1
        self._send(id=self.asked, method=method, params=params)
        return self._until(lambda message: message.get("id") == self.asked and "method" not in message).get("result")

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = self.answers.get(timeout=60)
            if message.get("method") == "workspace/configuration":
                plain = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
                asked = message["params"]["items"]
                self._send(id=message["id"], result=[plain if one.get("section") == "yaml" else {} for one in asked])
            elif "id" in message and "method" in message:
                self._send(id=message["id"], result=None)
            if wanted(message):
                return message

    def _at(self, words: str, *, after: bool) -> dict[str, Any]:
        index = self.text.index(words) + (len(words) if after else 1)
        line_begins = self.text.rfind("\n", 0, index) + 1
        return {
            "textDocument": {"uri": self.uri},
            "position": {"line": self.text.count("\n", 0, index), "character": index - line_begins},
        }

    def hover(self, words: str) -> str:
        """What is shown over the first letters of these words."""
        found = self.ask("textDocument/hover", **self._at(words, after=False))
        return str(found["contents"]["value"]) if found else ""

    def offered(self, words: str) -> set[str]:
        """What is offered after these words."""
        found = self.ask("textDocument/completion", **self._at(words, after=True))
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"] for item in items}

    def faults(self) -> list[str]:
        """What is underlined, by the line and in the words of the server."""
        told = self._until(lambda message: message.get("method") == "textDocument/publishDiagnostics")
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in told["params"]["diagnostics"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor")
    (folder / "tipline.schema.json").write_text(json.dumps(json_schema()), encoding="utf-8")
    (folder / "ledger.schema.json").write_text(json.dumps(ledger_schema()), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def editor(place: Path) -> Iterator[Editor]:
    one = Editor(place, HALF_WRITTEN)
    yield one
    one.process.kill()
    one.process.wait()


def test_slips_are_underlined_in_the_words_of_the_program(editor: Editor) -> None:
    faults = editor.faults()
    assert "5: a duration is a number with its unit, such as 30 s, 12 min, 8 h, 7 d or 4 wk" in faults
    assert any(fault.startswith("9: ") for fault in faults), "a rate without a period"
    assert "26: Property nonsense is not allowed." in faults


@pytest.mark.parametrize(
    "key, says",
    [
        ("warm_up", "Simulated before the measured period"),
        ("volume", "How many tips come"),
        ("channels", "The ways in, by name"),
        ("assigns", "By true risk, the shares of the tiers"),
        ("absence", "The share of the people of shifts that is away"),
        ("at_shift_end", "What becomes of the tip in hand"),
        ("wrap_up", "Work that is left for the person"),
        ("lognormal", "mean and cv are those of the time itself"),
        ("cv:", "Standard deviation over mean"),
        ("retry", "Who comes back after giving up"),
        ("within", "a duration: ms, s, min, h, d or wk"),
        ("occupancy", "a share: 2 % or 0.02"),
    ],
)
def test_what_a_key_means_is_shown(editor: Editor, key: str, says: str) -> None:
    assert says in editor.hover(key)


@pytest.mark.parametrize(
    "after, offered",
    [
        ("warm_up: 7 d\n  ", {"zone", "cool_down", "replications", "seed", "shrinkage"}),
        ("at_shift_end: ", {"finish", "resume", "hand_over", "restart", "clear_line"}),
        (
            "    service:\n      ",
            {"exponential", "lognormal", "erlang", "weibull", "empirical", "by", "other"},
        ),
    ],
)
def test_what_may_stand_here_is_offered(editor: Editor, after: str, offered: set[str]) -> None:
    assert offered <= editor.offered(after)


def test_ledgers_are_known_too(place: Path) -> None:
    text = f"{EDITED_WITH.format('ledger.schema.json')}\nledger: One\nclaims:\n  a: {{kind: mean, sourc: x}}\n"
    one = Editor(place, text)
    try:
        assert "The title." in one.hover("ledger: One")
        assert any("sourc" in fault for fault in one.faults())
    finally:
        one.process.kill()
        one.process.wait()
