"""What is wrong with a log: a file that cannot be read, a column that is not there, times that two readings fit."""

from __future__ import annotations


class LogError(ValueError):
    """The log or its map is at fault; the message names the place, the rule and the value."""
