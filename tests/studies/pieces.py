"""Work that costs nothing, for tests of how it is handed out; a worker that starts anew has little to import for it."""

from __future__ import annotations

import os
import signal
import time


def square(index: int) -> int:
    return index * index


def slow(index: int) -> int:
    time.sleep(0.1)
    return square(index)


def fail_at_two(index: int) -> int:
    if index == 2:
        raise ArithmeticError("no such luck")
    return square(index)


def die_at_two(index: int) -> int:
    if index == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(index)
