"""A line that is known, and the log that it leaves, as a telephone system would have written it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

import sim
from sim.dynamics.clock import SECOND
from sim.dynamics.log import SERVED

KNOWN = """\
scenario: A line that is known
run: {start: 2025-01-13 00:00, length: 10 d, cool_down: 2 h, replications: 1, seed: 1}
demand:
  volume: 1000/day
  by_hour: [0, 0, 0, 0, 0, 0, 0, 0, 4, 7, 9, 9, 8, 7, 8, 7, 6, 5, 0, 0, 0, 0, 0, 0]
  channels: {sales: 60 %, help: 40 %}
pools:
  sellers: {shifts: [{from: "08:00", to: "18:30", staff: 7}], absence: 10 %}
  helpers: {shifts: [{from: "08:00", to: "18:30", staff: 5}], absence: 10 %}
stages:
  - {name: sell, for: {channel: sales}, pool: sellers, service: {lognormal: {mean: 4 min, cv: 0.8}},
     wrap_up: {exponential: {mean: 1 min}}, patience: {exponential: {mean: 4 min}}}
  - {name: advise, for: {channel: help}, pool: helpers, service: {gamma: {mean: 5 min, cv: 0.6}},
     wrap_up: {exponential: {mean: 30 s}}, patience: {exponential: {mean: 6 min}}}
"""

TRUE = {
    "demand.volume": 1000.0,
    "demand.channels.sales": 0.6,
    "sell.service.mean": 4.0,
    "sell.service.cv": 0.8,
    "sell.patience.mean": 4.0,
    "sell.wrap_up.mean": 1.0,
    "advise.service.mean": 5.0,
    "advise.service.cv": 0.6,
    "advise.patience.mean": 6.0,
    "advise.wrap_up.mean": 0.5,
}
"""In minutes, shares and tips a day."""

STAGE_OF = {"sell": "answer_sales", "advise": "answer_help"}
"""What a calibration calls the stages: the log has no names for them."""

HEAD = ("call_id", "received", "queue", "agent", "queue_start", "answered", "ended", "abandoned", "result")
Row = tuple[str, datetime, str, str, datetime, datetime | None, datetime | None, datetime | None, str]


def known_log(seed: int, document: str = KNOWN) -> list[Row]:
    """What the known line leaves behind, to the second, whoever gave up included."""
    scenario = sim.load(document, changes={"run.seed": seed})
    replication = sim.draw(scenario, 0)
    log = sim.simulate(replication)
    visits, rules = replication.visits, replication.rules
    stage = rules.kinds.stage[visits.kind]
    last = visits.first_attempt + np.maximum(log.attempt - 1, 0)
    person = np.full(len(stage), -1)
    person[log.spells.visit] = log.spells.person
    rows: list[Row] = []

    def at(tick: int) -> datetime:
        return scenario.start + timedelta(seconds=int(tick // SECOND))

    names = list(scenario.channels)
    for row in range(len(stage)):  # a tip has one visit
        channel = names[replication.tips.channel[row]]
        came = at(log.enter[row])
        if log.outcome[row] == SERVED:
            who = f"agent {channel} {person[row]}"
            rows.append((str(row), came, channel, who, came, at(log.start[row]), at(log.end[row]), None, "answered"))
        elif log.gave_up[last[row]] < scenario.horizon:
            rows.append((str(row), came, channel, "", came, None, None, at(log.gave_up[last[row]]), "abandoned"))
    return rows


def texts(rows: list[Row], form: str = "%Y-%m-%d %H:%M:%S") -> list[list[str]]:
    """The cells of the log as texts, times in a form of `strftime`; `epoch` counts seconds."""

    def cell(one: object) -> str:
        if isinstance(one, datetime):
            return str(int((one - datetime(1970, 1, 1)).total_seconds())) if form == "epoch" else one.strftime(form)
        return "" if one is None else str(one)

    return [[cell(one) for one in row] for row in rows]


def as_csv(cells: list[list[str]], head: tuple[str, ...] = HEAD, delimiter: str = ",") -> str:
    """A table as text."""
    return "\n".join(delimiter.join(row) for row in [list(head), *cells]) + "\n"
