"""A real Chromium for tests and screens, driven by the DevTools protocol over two pipes: no driver, no port."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_OPTIONS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--metrics-recording-only", "--mute-audio", "--remote-debugging-pipe"),
)


class Tab:
    """One page of a browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Log.enable")

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """What a command of the protocol answers; RuntimeError where it is refused."""
        return self.browser.call(method, self.session, **given)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """What a script of the page comes to, a promise awaited; RuntimeError with what it throws."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(json.dumps(told["exceptionDetails"])[:2000])
        return told["result"].get("value")

    def until(self, script: str, seconds: float = 60) -> Any:
        """What a script comes to as soon as that is something; TimeoutError where it is nothing for so long."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if found := self.run(script):
                return found
            time.sleep(0.02)
        raise TimeoutError(f"{script} is still nothing after {seconds} s")

    def key(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def size(self, width: int, height: int, *, dark: bool = False, still: bool = False) -> None:
        """Show it so many pixels wide and high."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(told["data"])

    @property
    def complaints(self) -> list[str]:
        """What the page complained of so far: errors of scripts, what its policy refused, what did not load."""
        found = []
        for one in self.browser.events:
            if one.get("sessionId") != self.session:
                continue
            if one["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(one["params"]["exceptionDetails"])[:500])
            if one["method"] == "Log.entryAdded" and one["params"]["entry"]["level"] == "error":
                found.append(json.dumps(one["params"]["entry"])[:500])
        return found


class Browser:
    """A Chromium of its own, with a folder of its own."""

    def __init__(self, process: subprocess.Popen[bytes], read: int, write: int) -> None:
        self._process, self._read, self._write = process, read, write
        self._numbers, self._left = itertools.count(1), b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": given} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for told in self._told():
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                found: dict[str, Any] = told["result"]
                return found
            if "method" in told:
                self.events.append(told)
        raise RuntimeError("Chromium has gone")

    def _told(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" not in self._left:
                if not select.select([self._read], [], [], 120)[0]:
                    raise TimeoutError("Chromium does not answer")
                more = os.read(self._read, 1 << 20)
                if not more:
                    return
                self._left += more
            one, _, self._left = self._left.partition(b"\0")
            yield json.loads(one)

    def tab(self, address: str = "about:blank") -> Tab:
        """A page of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        tab = Tab(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        if address != "about:blank":
            tab.open(address)
        return tab


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that ends with the block."""
    assert CHROMIUM is not None
    ours_read, theirs_write = os.pipe()
    theirs_read, ours_write = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        # The protocol is spoken on the descriptors 3 and 4.
        shell = f'exec "$@" 3<&{theirs_read} 4>&{theirs_write}'
        words = ["bash", "-c", shell, "chromium", CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"]
        with open(Path(folder, "said"), "wb") as said:
            process = subprocess.Popen(words, pass_fds=(theirs_read, theirs_write), stdout=said, stderr=said)
        os.close(theirs_read)
        os.close(theirs_write)
        found = Browser(process, ours_read, ours_write)
        try:
            yield found
            found.call("Browser.close")
        finally:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(ours_read)
            os.close(ours_write)
