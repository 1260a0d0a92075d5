"""Deliberate faults: the reference engine, or a rule of order, with a few words of its text changed.

The text is changed, not the behaviour patched from outside, so that a mutant is what a wrong edit would be. When an
edit of the engine moves the words away, the mutant says so, and is to be put where the rule now stands.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from itertools import count
from types import ModuleType

from sim import dynamics
from sim.dynamics import order, reference
from tests.conftest import Engine

_NUMBER = count()


@dataclass(frozen=True)
class Mutant:
    """A fault, told in words, and the changes of text that commit it: (old, new) each."""

    fault: str
    changes: tuple[tuple[str, str], ...]
    rule: bool = False
    """Whether the fault is in `order` and not in the engine."""
    seeds: range = range(300)
    """Random worlds of which one at least notices it."""

    def engine(self) -> Engine:
        """The reference engine with this fault."""
        if self.rule:
            engine = _altered(reference, ())
            engine.order = _altered(order, self.changes)  # type: ignore[attr-defined]
        else:
            engine = _altered(reference, self.changes)
        return engine.simulate  # type: ignore[no-any-return]

    def both(self) -> tuple[Engine, Engine]:
        """The reference and the compiled engine, imported anew, with this fault in the rules that they share.

        For a process of its own: it leaves the fault in place, and what it compiles where compiled functions are kept.
        """
        faulty = _altered(order, self.changes)
        sys.modules["sim.dynamics.order"] = faulty
        dynamics.order = faulty  # type: ignore[attr-defined]
        fresh = {}
        for name in ("reference", "machinery", "loop", "compiled"):
            sys.modules.pop(f"sim.dynamics.{name}", None)
            fresh[name] = importlib.import_module(f"sim.dynamics.{name}")
        return fresh["reference"].simulate, fresh["compiled"].simulate


def _altered(module: ModuleType, changes: tuple[tuple[str, str], ...]) -> ModuleType:
    """A copy of a module with changed text, under a name of its own."""
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        assert text.count(old) == 1, f"{module.__name__} says {old!r} {text.count(old)} times, not once"
        text = text.replace(old, new)
    name = f"mutant_{next(_NUMBER)}"
    copy = ModuleType(name)
    copy.__file__ = module.__file__
    sys.modules[name] = copy
    exec(compile(text, name, "exec"), copy.__dict__)
    return copy


def _rule(fault: str, *changes: tuple[str, str], seeds: range = range(300)) -> Mutant:
    return Mutant(fault, changes, rule=True, seeds=seeds)


def _engine(fault: str, *changes: tuple[str, str]) -> Mutant:
    return Mutant(fault, changes)


_ONE_PASS = (
    ("        self.settling = False\n        started = True\n", ""),
    ("        while started:\n            started = False", "        for _ in range(1):"),
    ("                    started = True\n\n", "                    pass\n        self.settling = False\n\n"),
)
"""The pools settle once, whatever that sets off."""

MUTANTS = (
    # The order of events.
    _rule("SHIFT after END", ("SHIFT: Final = 3", "SHIFT: Final = 4"), ("\nEND: Final = 4", "\nEND: Final = 3")),
    _rule("ARRIVAL before END", ("\nEND: Final = 4", "\nEND: Final = 5"), ("ARRIVAL: Final = 5", "ARRIVAL: Final = 4")),
    _rule(
        "ABANDON before ARRIVAL",
        ("ARRIVAL: Final = 5", "ARRIVAL: Final = 6"),
        ("ABANDON: Final = 6", "ABANDON: Final = 5"),
    ),
    _rule(
        "ends in falling order of tips", ("(kind << 40) + index", "(kind << 40) + (index if kind != END else -index)")
    ),
    _rule(
        "who is released or comes back in falling order of tips",
        ("<< 40) + index", "<< 40) + (-index if later >= PASSES else index)"),
    ),
    _rule(
        "a tip comes before it becomes visible",
        (
            "SHOWS: Final = 0\nPASSES: Final = 1\nCOMES: Final = 2",
            "SHOWS: Final = 2\nPASSES: Final = 1\nCOMES: Final = 0",
        ),
        seeds=range(2060, 2100),
    ),
    _engine(
        "every attempt given up is taken for the first one",
        ("self.gave_up[draws] = self.now", "self.gave_up[int(self.visits.first_attempt[visit])] = self.now"),
    ),
    _engine(
        "events of a kind in the order in which they were made",
        ("        return _Moment(self.env, key,", "        return _Moment(self.env, key >> 43 << 43,"),
    ),
    _engine(
        "events of a kind in falling order of tips",
        ("        return _Moment(self.env, key,", "        return _Moment(self.env, (key >> 43 << 44) - key,"),
    ),
    _engine(
        "the freed server chooses before its tip joins the next line",
        (
            "        tip.served_at = None\n        tip.turn",
            "        tip.served_at = None\n        self.settle()\n        tip.turn",
        ),
    ),
    _engine("one start a settle", ("while self.start_next(place) or", "if self.start_next(place) or"), *_ONE_PASS),
    _engine("one pass a settle", *_ONE_PASS),
    _engine(
        "the pools settle in falling order",
        (
            "for place in self.places:\n                while",
            "for place in reversed(self.places):\n                while",
        ),
    ),
    _engine(
        "a gate releases each tip in an event of its own",
        ("for held in self.behind_gate[stage]:", "for held in [tip]:"),
        ("self.behind_gate[stage].clear()", "self.behind_gate[stage].remove(tip)"),
    ),
    _engine(
        "a gate opens in the event of a tip that is gone",
        ("        if tip.visit == visit and tip.behind_gate:", "        if True:"),
    ),
    _engine(
        "each tip of the backlog comes in an event of its own",
        ("if self.tips.n_backlog else None", "if False else None"),
    ),
    _engine("the horizon is simulated too", ("if tick >= self.rules.horizon:", "if tick > self.rules.horizon:")),
    # The line.
    _rule("the worst rank first", ("return rank, due, entry, tip", "return -rank, due, entry, tip")),
    _rule("the latest entry first", ("return rank, due, entry, tip", "return rank, due, -entry, tip")),
    _rule("the higher tip first", ("return rank, due, entry, tip", "return rank, due, entry, -tip")),
    _engine("ties in line by order of insertion", ("one.entry, one.index))", "one.entry, 0))")),
    _engine(
        "place in line counts from the release",
        (
            "        tip.waiting = True\n",
            "        tip.waiting = True\n        tip.entry = tip.entry if tip.started else self.now\n",
        ),
    ),
    _engine(
        "a tip that returns goes to the tail",
        ("left, NEVER\n        self.wait(tip)", "left, NEVER\n        tip.entry = self.now\n        self.wait(tip)"),
    ),
    _engine("the start is that of the last spell", ("if self.start[tip.visit] == NEVER:", "if True:")),
    # Teams.
    _engine(
        "busy leavers go before idle ones",
        ("while leaving > 0 and place.idle > 0:", "while leaving > len(place.busy) and place.idle > 0:"),
    ),
    _rule("the latest spell leaves first", ("return began, tip", "return -began, tip")),
    _rule("the higher tip leaves first", ("return began, tip", "return began, -tip")),
    _engine(
        "who leaves began first at their first spell",
        (
            "order.leaving_key(tip.began, tip.index)",
            "order.leaving_key(int(self.start[tip.visit]), tip.index)",
        ),
    ),
    _engine(
        "overtime frees a server",
        (
            "            self.end_overtime(tip)\n        self.write_spell",
            "            self.end_overtime(tip)\n            place.idle += 1\n        self.write_spell",
        ),
    ),
    _engine(
        "nobody stays for overtime",
        ("if place.at_shift_end == FINISH or tip.ends == self.now:", "if tip.ends == self.now:"),
    ),
    _engine(
        "work that ends now is interrupted",
        ("if place.at_shift_end == FINISH or tip.ends == self.now:", "if place.at_shift_end == FINISH:"),
    ),
    _rule("a hand-over adds nothing", ("return left + hand_over", "return left")),
    _rule("a hand-over begins anew", ("return left + hand_over", "return drawn + hand_over")),
    _rule("a restart resumes", ("        return drawn\n", "        return left\n")),
    _engine(
        "resumed work is that of the first relief",
        ("place.at_shift_end, tip.ends - self.now, drawn", "place.at_shift_end, drawn - (self.now - tip.began), drawn"),
    ),
    _engine("who returns ignores overtime", ("while returning > 0 and place.overtime:", "while False:")),
    _engine(
        "who joins takes over overtime",
        (
            "        while returning > 0 and place.overtime:",
            "        returning, joining = returning + joining, 0\n        while returning > 0 and place.overtime:",
        ),
    ),
    _engine(
        "those who join go before leavers",
        (
            "        while leaving > 0 and place.idle > 0:",
            "        place.idle += joining\n        joining = 0\n        while leaving > 0 and place.idle > 0:",
        ),
    ),
    _engine(
        "a leaver takes one slot",
        (
            "            int(column[row]) * place.concurrency\n",
            "            int(column[row]) * (1 if column is self.plan.leaving else place.concurrency)\n",
        ),
    ),
    # Pre-emption.
    _rule("the best of those in service gives way", ("return -rank, -began, tip", "return rank, -began, tip")),
    _rule("the earliest spell gives way", ("return -rank, -began, tip", "return -rank, began, tip")),
    _rule("the higher tip gives way", ("return -rank, -began, tip", "return -rank, -began, -tip")),
    _engine(
        "equals are pre-empted, once a tick",
        (
            "if order.outranks(rank, tip.served_rank) and tip.ends > self.now]",
            "if rank <= tip.served_rank and tip.ends > self.now > tip.began]",
        ),
    ),
    _engine(
        "pre-empted work is lost",
        (
            "self.interrupt(giver, PREEMPTED, giver.ends - self.now)",
            "self.interrupt(giver, PREEMPTED, int(self.visits.work[giver.visit]))",
        ),
    ),
    _engine("work that ends now is pre-empted", (" and tip.ends > self.now]", "]")),
    _engine(
        "only the first in line may pre-empt",
        ("taker = next((tip for tip in place.line if self", "taker = next((tip for tip in place.line[:1] if self"),
    ),
    _engine(
        "overtime is pre-empted",
        (
            "for tip in place.busy if order",
            "for tip in place.busy + place.overtime if order",
        ),
        (
            "        place.busy.remove(giver)\n",
            "        (place.busy if giver in place.busy else place.overtime).remove(giver)\n",
        ),
    ),
    # Patience and gates.
    _engine(
        "patience ends a tick late",
        ("self.at(self.now + bears, ", "self.at(self.now + bears + 1, "),
    ),
    _engine(
        "patience stops behind the gate",
        (
            "        if tip.behind_gate:\n            tip.behind_gate = False\n            stage",
            "        if tip.behind_gate:\n            return\n            stage",
        ),
    ),
    _engine(
        "patience goes on after the first start",
        (
            "or tip.started or self.outcome[visit] != OPEN:\n            return\n        if tip.behind",
            "or not (tip.waiting or tip.behind_gate):\n            return\n        if tip.behind",
        ),
    ),
    _engine(
        "a retry keeps its old place",
        (
            "tip.entry, tip.started = self.now, False",
            "tip.entry, tip.started = tip.entry if tip.attempt > 1 else self.now, False",
        ),
    ),
    _engine(
        "a retry has the patience of the first attempt",
        ("int(self.visits.patience[draws])", "int(self.visits.patience[int(self.visits.first_attempt[visit])])"),
    ),
    _engine("a retry passes a closed gate", ("if opens == self.now:\n", "if opens == self.now or tip.attempt > 1:\n")),
    _rule(
        "a gate is closed on its tick",
        (
            "return tick + (-(tick + gates.since_midnight)) % every",
            "return tick + 1 + (-(tick + 1 + gates.since_midnight)) % every",
        ),
    ),
    _rule("gates count from the start of the run", ("(-(tick + gates.since_midnight)) % every", "(-tick) % every")),
    _rule(
        "a window is open on the tick on which it closes",
        ("if gates.closes[middle] > tick:", "if gates.closes[middle] >= tick:"),
    ),
    _rule(
        "a window is closed on its first tick",
        ("return max(tick, int(gates.opens[low]))", "return max(tick, int(gates.opens[low]) + 1)"),
    ),
    _rule(
        "a gate that opens no more lets everybody through",
        ("        return NEVER\n    return max", "        return tick\n    return max"),
    ),
    _rule(
        "every gate has the windows of the first stage",
        ("= int(gates.first[stage]), int(gates.first[stage + 1])", "= int(gates.first[0]), int(gates.first[1])"),
    ),
    # Overflow.
    _engine(
        "overflow is seen a tick early",
        (
            "int(self.rules.stages.overflow_after[stage])\n",
            "max(int(self.rules.stages.overflow_after[stage]) - 1, 0)\n",
        ),
    ),
    _engine(
        "the overflow clock starts behind the gate",
        ("shows = self.now +", "shows = max(self.now, tip.entry +"),
        ("overflow_after[stage])\n            self.at(shows", "overflow_after[stage]))\n            self.at(shows"),
    ),
    _engine(
        "the overflow clock is reset by a retry",
        (
            "tip.entry, tip.started = self.now, False",
            "tip.entry, tip.started, tip.watched, tip.in_both = self.now, False, False, False",
        ),
    ),
    _engine(
        "an interruption ends the overflow",
        (
            "tip.served_at, tip.left, tip.ends = None, left, NEVER\n",
            "tip.served_at, tip.left, tip.ends = None, left, NEVER\n        tip.in_both = False\n",
        ),
    ),
    _engine(
        "a tip in two lines is ranked by its own pool",
        ("return tip.rank if tip.own is self else tip.overflow_rank", "return tip.rank"),
    ),
    _engine(
        "a tip in two lines pre-empts by its own pool's rule",
        ("allowed = kinds.preempts if tip.own is place else kinds.overflow_preempts", "allowed = kinds.preempts"),
    ),
    _engine(
        "a tip in the overflow pool is served by its own pool's rule",
        ("work_after_relief(place.at_shift_end, tip.ends", "work_after_relief(tip.own.at_shift_end, tip.ends"),
    ),
    # Centres.
    _engine("all tips go to the first centre", ("int(self.tips.centre[tip.index])\n", "0\n")),
)
