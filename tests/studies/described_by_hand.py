"""The described line once more, in SimPy: written from scenarios/described.yaml and the pages on the grammar alone.

It shares no code with the package and draws by itself: arrivals, labels, times of work, patience, shifts, breaks,
hand-over, overflow, interruption, branches and merging are all said here anew, for this one line. What it comes to is
held against the package by tests/studies/test_described_by_hand.py. It knows no other line.

All times are minutes from a Monday at 0:00.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import simpy

HOUR, DAY, WEEK = 60.0, 1440.0, 10080.0
BY_HOUR = [0.5, 0.4, 0.3, 0.3, 0.3, 0.4, 0.6, 0.9, 1.2, 1.5, 1.7, 1.6]
BY_HOUR += [1.4, 1.4, 1.5, 1.5, 1.4, 1.3, 1.2, 1.2, 1.2, 1.1, 0.9, 0.7]
BY_WEEKDAY = [1.05, 1.05, 1.03, 1.02, 1.0, 0.95, 0.9]
ASSIGNS = {
    "high": {"high": 0.80, "low": 0.15, "non": 0.05},
    "low": {"high": 0.03, "low": 0.85, "non": 0.12},
    "non": {"high": 0.046, "low": 0.504, "non": 0.45},
}


@dataclass(eq=False)
class Tip:
    """A report, with what is true of it and what has happened to it."""

    number: int
    arrival: float
    channel: str
    risk: str
    incident: int | None
    tier: str | None = None
    by: str = ""
    at: dict[str, float] = field(default_factory=dict)
    lost: bool = False
    merged: bool = False

    @property
    def receipt(self) -> float | None:
        return self.at.get("answered") if self.channel == "call" else self.arrival


@dataclass(eq=False)
class Visit:
    """A tip at a stage that people do."""

    tip: Tip
    stage: str
    work: float
    entry: float
    done: simpy.Event
    taken: simpy.Event
    first: float | None = None
    since: float = 0.0
    turn: int = 0
    repeats: bool = False


@dataclass(eq=False)
class Person:
    pool: Pool
    on: bool = True
    visit: Visit | None = None
    idle_since: float = 0.0


@dataclass(eq=False)
class Pool:
    """People who share a line: the best rank first, then who came first."""

    line: Line
    rank: Callable[[Visit], int]
    interrupts: Callable[[Visit], bool] = lambda visit: False
    people: list[Person] = field(default_factory=list)
    waiting: list[Visit] = field(default_factory=list)
    work: float = 0.0
    overtime: float = 0.0

    def join(self, visit: Visit) -> None:
        self.waiting.append(visit)
        self.settle()

    def place(self, visit: Visit) -> tuple[int, float, int]:
        return self.rank(visit), visit.entry, visit.tip.number

    def settle(self) -> None:
        while self.waiting:
            best = min(self.waiting, key=self.place)
            free = [one for one in self.people if one.on and one.visit is None]
            if free:
                person = min(free, key=lambda one: one.idle_since)
            else:
                urgent = [one for one in self.waiting if self.interrupts(one)]
                if not urgent:
                    return
                best = min(urgent, key=self.place)
                busy = [one for one in self.people if one.on and one.visit and self.rank(one.visit) > self.rank(best)]
                if not busy:
                    return
                person = max(busy, key=lambda one: (self.rank(one.visit), one.visit.since, -one.visit.tip.number))  # type: ignore[arg-type, union-attr]
                self.put_back(person)
            for pool in self.line.pools:
                if best in pool.waiting:
                    pool.waiting.remove(best)
            self.line.begin(best, person)

    def put_back(self, person: Person, more: float = 0.0) -> None:
        """Who is interrupted goes back to where it waited, with the work that is left and so much more."""
        visit = person.visit
        assert visit is not None
        self.tally(person)
        visit.work += more
        visit.turn += 1
        person.visit = None
        person.idle_since = self.line.env.now
        self.waiting.append(visit)
        if visit.stage == "review":
            for pool in (self.line.officers, self.line.analysts):
                if pool is not self and (pool is self.line.officers or self.line.env.now >= visit.entry + 2):
                    pool.waiting.append(visit)
            if self is self.line.officers and self.line.env.now < visit.entry + 2:
                self.line.env.process(self.line.show(visit))

    def tally(self, person: Person) -> None:
        """What was worked since the spell began, on duty or not, and what is left of the visit."""
        assert person.visit is not None
        worked = self.line.env.now - person.visit.since
        person.visit.work -= worked
        person.visit.since = self.line.env.now
        if self.line.measuring:
            if person.on:
                self.work += worked
            else:
                self.overtime += worked


class Line:
    """One run: the world of described.yaml with the people that it has."""

    def __init__(self, seed: int, weeks: int, seats: tuple[int, int, int], analysts: int) -> None:
        self.env = simpy.Environment()
        self.rng = np.random.default_rng(seed)
        self.start, self.end = WEEK, WEEK + weeks * WEEK
        self.measuring = False
        self.tips: list[Tip] = []
        self.known: set[tuple[str, int | None]] = set()
        self.n_events = 0
        self.takers = Pool(self, lambda visit: 0 if visit.stage == "write_up" else 1)
        self.analysts = Pool(self, rank_of_analysts, lambda visit: visit.stage in ("review", "look"))
        self.officers = Pool(self, lambda visit: 0)
        self.pools = [self.takers, self.analysts, self.officers]
        self.analysts.people = [Person(self.analysts) for _ in range(analysts)]
        for begins, n_people in zip((7, 15, 23), seats, strict=True):
            for number in range(n_people):
                self.env.process(self.seat(begins * HOUR, (number + 1) / (n_people + 1)))
        for begins in (8, 20):
            self.env.process(self.officer(begins * HOUR))
        self.env.process(self.reports())
        self.env.process(self.measure())

    def run(self) -> Line:
        self.env.run(self.end + 3 * DAY)
        return self

    def measure(self) -> Iterator[simpy.Event]:
        for moment in (self.start, self.end):
            yield self.env.timeout(moment - self.env.now)
            for pool in self.pools:
                for person in pool.people:
                    if person.visit is not None:
                        pool.tally(person)
            self.measuring = not self.measuring

    # Time

    def lognormal(self, mean: float, cv: float) -> float:
        sigma = math.sqrt(math.log(1 + cv * cv))
        return float(self.rng.lognormal(math.log(mean) - sigma * sigma / 2, sigma))

    def exponential(self, mean: float) -> float:
        return float(self.rng.exponential(mean))

    def one_of(self, shares: dict[str, float]) -> str:
        return str(self.rng.choice(list(shares), p=list(shares.values())))

    # People

    def go(self, person: Person) -> None:
        """Nobody is taken any more; who is in hand is finished."""
        if person.visit is not None:
            person.pool.tally(person)
        person.on = False

    def come(self, person: Person) -> None:
        if person.visit is not None:
            person.pool.tally(person)
        person.on, person.idle_since = True, self.env.now
        person.pool.settle()

    def seat(self, begins: float, middle: float) -> Iterator[simpy.Event]:
        """A call taker: eight hours, with half an hour off around `middle` of them."""
        person = Person(self.takers, on=False)
        self.takers.people.append(person)
        day = -1
        while True:
            shift = day * DAY + begins
            pause = shift + 8 * HOUR * middle - 15
            for moment, on in ((shift, True), (pause, False), (pause + 30, True), (shift + 8 * HOUR, False)):
                if moment >= self.env.now:
                    yield self.env.timeout(moment - self.env.now)
                if on:
                    self.come(person)
                else:
                    self.go(person)
            day += 1

    def officer(self, begins: float) -> Iterator[simpy.Event]:
        """A duty officer: twelve hours, then what is in hand goes on with the next, five minutes later."""
        person = Person(self.officers, on=False)
        self.officers.people.append(person)
        day = -1
        while True:
            for moment, on in ((day * DAY + begins, True), (day * DAY + begins + 12 * HOUR, False)):
                if moment >= self.env.now:
                    yield self.env.timeout(moment - self.env.now)
                if on:
                    self.come(person)
                else:
                    if person.visit is not None:
                        self.officers.put_back(person, more=5.0)
                    person.on = False
                    self.officers.settle()
            day += 1

    # Reports

    def reports(self) -> Iterator[simpy.Event]:
        """Reports and events, as a Poisson process day by day and hour by hour."""
        day = 0
        hours, days = sum(BY_HOUR) / 24, sum(BY_WEEKDAY) / 7
        while day * DAY < self.end + 3 * DAY:
            busy = self.rng.gamma(100.0, 0.01) * BY_WEEKDAY[day % 7] / days
            for hour in range(24):
                factor = busy * BY_HOUR[hour] / hours
                began = day * DAY + hour * HOUR
                for rate, what in ((28000 / 365 / 24, self.report), (500 / 365 / 24, self.event)):
                    for _ in range(self.rng.poisson(rate * factor)):
                        self.env.process(after(self.env, began + self.rng.uniform(0, HOUR) - self.env.now, what))
            day += 1
            yield self.env.timeout(day * DAY - self.env.now)

    def report(self, risk: str | None = None, incident: int | None = None) -> None:
        risk = risk or self.one_of({"high": 0.02, "low": 0.38, "non": 0.60})
        channel = self.one_of({"call": 0.4, "sms": 0.1, "online": 0.5})
        tip = Tip(len(self.tips), self.env.now, channel, risk, incident)
        self.tips.append(tip)
        self.env.process(self.call(tip) if channel == "call" else self.text(tip))

    def event(self) -> None:
        risk = self.one_of({"high": 0.02, "low": 0.38, "non": 0.60})
        self.n_events += 1
        name = self.n_events
        for _ in range(int(self.rng.geometric(1 / 4))):
            later = self.exponential(2 * HOUR)
            self.env.process(after(self.env, later, lambda: self.report(risk, name)))

    # The way of a tip

    def call(self, tip: Tip) -> Iterator[simpy.Event]:
        for attempt in range(4):
            visit = self.join(self.takers, tip, "answer", self.lognormal(12, 1.0))
            yield visit.taken | self.env.timeout(self.exponential(60))
            if visit.first is not None:
                break
            self.takers.waiting.remove(visit)
            if attempt == 3 or self.rng.random() >= 0.5:
                tip.lost = True
                return
            yield self.env.timeout(self.exponential(15))
        tip.at["answered"] = visit.first
        heard = self.env.process(self.hear(tip, visit))
        yield self.env.timeout(visit.first + 3 - self.env.now) | visit.done
        yield from self.label(tip, heard)

    def hear(self, tip: Tip, visit: Visit) -> Iterator[simpy.Event]:
        """The rest of the call, and its writing up."""
        yield visit.done
        yield self.join(self.takers, tip, "write_up", self.lognormal(8, 1.0)).done
        tip.at["in_system"] = self.env.now

    def text(self, tip: Tip) -> Iterator[simpy.Event]:
        yield self.env.timeout(0.5)
        tip.at["in_system"] = self.env.now
        yield from self.label(tip, None)

    def label(self, tip: Tip, heard: simpy.Event | None) -> Iterator[simpy.Event]:
        """Software or a person labels, and the label decides: only what is high goes on while the call does."""
        if self.rng.random() < 0.6:
            tip.by = "classifier"
        else:
            yield self.join(self.analysts, tip, "look", self.lognormal(3, 0.8)).done
            tip.by = "analyst"
        tip.tier = self.one_of(ASSIGNS[tip.risk])
        if tip.tier == "high":
            visit = self.join(self.officers, tip, "review", self.lognormal(10, 0.8))
            self.env.process(self.show(visit))
            yield visit.done
            tip.at["rapid"] = visit.first  # type: ignore[assignment]
            tip.merged = visit.repeats
            if not tip.merged:
                yield self.env.timeout(self.lognormal(8, 1.0))
            tip.at["transferred"] = tip.at["disposed"] = self.env.now
            return
        if tip.tier == "non" and tip.by == "classifier":
            tip.at["disposed"] = self.env.now
            return
        if heard is not None:
            yield heard
        stage, mean, cv = ("assess", 25.0, 1.0) if tip.tier == "low" else ("file", 3.0, 0.7)
        visit = self.join(self.analysts, tip, stage, self.lognormal(mean, cv))
        yield visit.done
        tip.merged = visit.repeats
        tip.at["disposed"] = self.env.now

    def join(self, pool: Pool, tip: Tip, stage: str, work: float) -> Visit:
        visit = Visit(tip, stage, work, self.env.now, self.env.event(), self.env.event())
        pool.join(visit)
        return visit

    def show(self, visit: Visit) -> Iterator[simpy.Event]:
        """A review that has waited two minutes is seen by the analysts, too."""
        yield self.env.timeout(visit.entry + 2 - self.env.now)
        if visit in self.officers.waiting and visit not in self.analysts.waiting:
            self.analysts.join(visit)

    # Work

    def begin(self, visit: Visit, person: Person) -> None:
        if visit.first is None:
            visit.first = self.env.now
            if (visit.stage, visit.tip.incident) in self.known:
                visit.work, visit.repeats = 2.0, True
            visit.taken.succeed()
        visit.since, person.visit = self.env.now, visit
        self.env.process(self.serve(visit, person, visit.turn))

    def serve(self, visit: Visit, person: Person, turn: int) -> Iterator[simpy.Event]:
        yield self.env.timeout(max(0.0, visit.work))
        if visit.turn != turn:
            return  # interrupted
        person.pool.tally(person)
        person.visit, person.idle_since = None, self.env.now
        if visit.tip.incident is not None and visit.stage in ("review", "assess", "file"):
            self.known.add((visit.stage, visit.tip.incident))
        visit.done.succeed()
        yield self.env.timeout(0)
        person.pool.settle()

    # What it came to

    def figures(self) -> dict[str, float]:
        """Eleven figures of the tips that arrived while it was measured."""
        told = [tip for tip in self.tips if self.start <= tip.arrival < self.end]
        high = [tip for tip in told if tip.tier == "high" and not tip.lost]
        calls = [tip for tip in told if tip.channel == "call"]
        days = [tip.at["disposed"] - tip.arrival for tip in told if "disposed" in tip.at]
        waits = [tip.at["answered"] - tip.arrival for tip in calls if not tip.lost]
        weeks = (self.end - self.start) / WEEK
        return {
            "rapid": share(within(tip.receipt, tip.at.get("rapid"), 10) for tip in high),
            "transfer": share(within(tip.receipt, tip.at.get("transferred"), 30) for tip in high),
            "entry": share(within(tip.arrival, tip.at.get("in_system"), 60) for tip in told),
            "day": share(within(tip.arrival, tip.at.get("disposed"), DAY) for tip in told),
            "mean": sum(days) / len(days),
            "lost": share(tip.lost for tip in calls),
            "merged": share(tip.merged for tip in told),
            "wait": sum(waits) / len(waits),
            "call takers": self.takers.work / (weeks * 3 * 7 * 7.5 * HOUR),
            "analysts": self.analysts.work / (weeks * WEEK * len(self.analysts.people)),
            "duty officers": self.officers.work / (weeks * WEEK),
        }


def rank_of_analysts(visit: Visit) -> int:
    return {"review": 0, "look": 1, "assess": 2, "file": 3}[visit.stage]


def after(env: simpy.Environment, minutes: float, what: Callable[[], None]) -> Iterator[simpy.Event]:
    yield env.timeout(max(0.0, minutes))
    what()


def within(begun: float | None, ended: float | None, minutes: float) -> bool:
    return begun is not None and ended is not None and ended - begun <= minutes


def share(found: Iterator[bool]) -> float:
    all_of_them = list(found)
    return sum(all_of_them) / len(all_of_them)
