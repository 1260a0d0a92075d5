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
        for name in ("reference", "machinery", "hands", "branches", "queues", "loop", "stations", "compiled"):
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


def _engine(fault: str, *changes: tuple[str, str], seeds: range = range(300)) -> Mutant:
    return Mutant(fault, changes, seeds=seeds)


_ONE_PASS = (
    ("        self.settling = False\n        started = True\n", ""),
    ("        while started:\n            started = False", "        for _ in range(1):"),
    (
        "                    started = True\n        if self.joined",
        "                    pass\n        self.settling = False\n        if self.joined",
    ),
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
        "ends in falling order of tips", ("(kind << 37) + index", "(kind << 37) + (index if kind != END else -index)")
    ),
    _rule(
        "who is released or comes back in falling order of tips",
        ("<< 37) + index", "<< 37) + (-index if kind == ARRIVAL and later & 15 >= PASSES else index)"),
    ),
    _rule(
        "a tip comes before it becomes visible",
        (
            "SHOWS: Final = 1\nACCEPTS: Final = 6\nPASSES: Final = 7\nCOMES: Final = 8",
            "SHOWS: Final = 8\nACCEPTS: Final = 6\nPASSES: Final = 7\nCOMES: Final = 1",
        ),
        seeds=range(1740, 1760),
    ),
    _engine(
        "every attempt given up is taken for the first one",
        (
            "(self.gave_up if became == ABANDONED else self.turned_away)[draws] = self.now",
            "(self.gave_up if became == ABANDONED else self.turned_away)[int(self.visits.first_attempt[visit])] "
            "= self.now",
        ),
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
            "        if not spell.wrapping:\n            self.leave_room",
            "        self.settle()\n        if not spell.wrapping:\n            self.leave_room",
        ),
    ),
    _engine("one start a settle", ("while place.line and", "if place.line and"), *_ONE_PASS),
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
        ("for held in sorted(self.behind_gate[stage], key=lambda one: (one.index, one.visit)):", "for held in [tip]:"),
        ("self.behind_gate[stage].clear()", "self.behind_gate[stage].remove(tip)"),
    ),
    _engine(
        "a gate opens in the event of a tip that is gone",
        ("        if tip.behind_gate:\n            for held", "        if True:\n            for held"),
    ),
    _engine(
        "each tip of the backlog comes in an event of its own",
        ("together = self.tips.n_backlog", "together = 0"),
    ),
    _engine("the horizon is simulated too", ("if tick >= self.rules.horizon:", "if tick > self.rules.horizon:")),
    # The line.
    _rule("the worst rank first", ("return rank, due, entry, tip", "return -rank, due, entry, tip")),
    _rule("the latest entry first", ("return rank, due, entry, tip", "return rank, due, -entry, tip")),
    _rule("the higher tip first", ("return rank, due, entry, tip", "return rank, due, entry, -tip")),
    _engine(
        "ties in line by order of insertion",
        (
            "*order.line_key(tip.ranks[self.index], entry, tip.index, tip.stage, due), tip.visit",
            "order.line_key(tip.ranks[self.index], entry, 0, 0, due)",
        ),
    ),
    _engine(
        "place in line counts from the release",
        (
            "        tip.waiting = True\n",
            "        tip.waiting = True\n        tip.entry = tip.entry if tip.started else self.now\n",
        ),
    ),
    _engine(
        "a tip that returns goes to the tail",
        (
            "spell.left\n        self.wait(spell.tip)",
            "spell.left\n        spell.tip.entry = self.now\n        self.wait(spell.tip)",
        ),
    ),
    _engine(
        "the start is that of the last spell", ("        if self.start[tip.visit] != NEVER:\n            return\n", "")
    ),
    # People.
    _rule("the most in hand serves first", ("return in_hand, since, person", "return -in_hand, since, person")),
    _rule("the one idle shortest serves first", ("return in_hand, since, person", "return in_hand, -since, person")),
    _rule("ties go to the later row", ("return in_hand, since, person", "return in_hand, since, -person")),
    _engine(
        "the lowest of a row serves first",
        ("order.serving_key(len(self.in_hand), self.since", "order.serving_key(len(self.in_hand), 0"),
    ),
    _engine(
        "what is in hand does not matter",
        ("order.serving_key(len(self.in_hand), self.since", "order.serving_key(0, self.since"),
    ),
    _engine(
        "coming back is not becoming idle",
        ("                person.since = self.now\n", "                person.since = person.since or self.now\n"),
    ),
    _engine(
        "an idle person leaves in place of a busy one",
        (
            "        person.where, person.off_since = CLEARING",
            "        if person.in_hand and not action and place.able(ON_DUTY):\n"
            "            person = place.able(ON_DUTY)[0]\n"
            "        person.where, person.off_since = CLEARING",
        ),
    ),
    _engine(
        "overtime frees a person",
        (
            "person.in_hand:\n            self.leave_overtime(spell.place, person, OFF)",
            "person.in_hand:\n            self.leave_overtime(spell.place, person, ON_DUTY)",
        ),
    ),
    _engine(
        "overtime begins when the tip in hand did",
        (
            "            self.overtime.append((person.off_since,",
            "            self.overtime.append((max(person.since, person.off_since),",
        ),
    ),
    _rule(
        "nobody stays for overtime",
        ("return at_shift_end in (FINISH, CLEAR_LINE) or left", "return at_shift_end == CLEAR_LINE or left"),
    ),
    _rule("work that ends now is interrupted", ("or left == 0 or wrapping", "or wrapping")),
    _rule("a hand-over adds nothing", ("return left + hand_over", "return left")),
    _rule("a hand-over begins anew", ("return left + hand_over", "return drawn + hand_over")),
    _rule("a restart resumes", ("        return drawn\n", "        return left\n")),
    _engine(
        "who goes leaves one tip and finishes the others",
        ("        for spell in list(person.in_hand):\n", "        for spell in list(person.in_hand)[:1]:\n"),
    ),
    _engine(
        "who comes back waits for the end of what is in hand",
        (
            "                self.leave_overtime(place, person, ON_DUTY)\n",
            "                if not person.in_hand:\n                    self.leave_overtime(place, person, ON_DUTY)\n",
        ),
    ),
    _engine(
        "a person has one slot",
        (
            "one.where == where and not one.takes_no_more and len(one.in_hand) < self.slots",
            "one.where == where and not one.takes_no_more and len(one.in_hand) < 1",
        ),
    ),
    _engine("last_start is passed over", ("                person.takes_no_more = True\n", "                pass\n")),
    _engine(
        "who takes no more gives way",
        ("(person.where == ON_DUTY and not person.takes_no_more)", "(person.where == ON_DUTY)"),
    ),
    # Clearing the line.
    _rule("the line is not cleared", ("return at_shift_end == CLEAR_LINE and action == GOES_HOME", "return False")),
    _rule(
        "a break clears the line",
        ("return at_shift_end == CLEAR_LINE and action == GOES_HOME", "return at_shift_end == CLEAR_LINE"),
    ),
    _rule("who enters at the end is taken too", ("return entry < end", "return entry <= end")),
    _engine("whoever comes is taken", ("        return order.may_clear(tip.entry, self.end)", "        return True")),
    _engine(
        "who clears the line takes turns with those on duty",
        (
            "        able, first = place.able(ON_DUTY), place.next_of(place.line)\n",
            "        able, first = place.able(ON_DUTY), place.next_of(place.line)\n"
            "        able += [one for one in place.able(CLEARING) if first and one.may_clear(first)]\n",
        ),
        seeds=range(300, 330),
    ),
    _engine(
        "only the first in line is cleared",
        (
            "first = place.next_of(tip for tip in place.line if any",
            "first = place.next_of(tip for tip in place.line[:1] if any",
        ),
    ),
    _engine(
        "who has cleared the line goes with the last tip",
        (
            "FINISHING and not person.in_hand:\n            self.leave_overtime(spell",
            "FINISHING + person.where % 2 and not person.in_hand:\n            self.leave_overtime(spell",
        ),
    ),
    # Levels.
    _engine("a level that is exceeded starts", ("            if place.free <= 0:", "            if place.free == 0:")),
    _engine("a level is people without slots", ("int(plan.heads[row]) * place.slots", "int(plan.heads[row])")),
    _engine(
        "a tip is displaced beyond the level",
        ("place.tells_apart else place.free != 0:", "place.tells_apart else place.free > 0:"),
    ),
    _engine(
        "when the level falls the busy leave",
        (
            "        place.free += int(plan.heads[row]) * place.slots\n",
            "        place.free += int(plan.heads[row]) * place.slots\n"
            "        while place.free < 0 and any(s.ends > self.now and not s.wrapping for s in place.spells):\n"
            "            stopped = next(s for s in place.spells if s.ends > self.now and not s.wrapping)\n"
            "            self.interrupt(stopped, RELIEVED)\n",
        ),
    ),
    # Speed.
    _rule("speed is passed over", ("both = by_tick * by_stage", "by_hand = FULL_SPEED\n    both = by_hand * by_hand")),
    _rule("the stage does not matter", ("both = by_tick * by_stage", "both = by_tick * FULL_SPEED")),
    _rule("the time of day does not matter", ("both = by_tick * by_stage", "both = by_stage * FULL_SPEED")),
    _rule(
        "what is in hand slows nobody down",
        ("both = by_tick * by_stage", "by_hand = FULL_SPEED\n    both = by_tick * by_stage"),
    ),
    _rule("the end is rounded down", ("-(-second // at)", "second // at")),
    _rule(
        "what is done is rounded up",
        ("elapsed % FULL_SPEED * part // FULL_SPEED", "-(-(elapsed % FULL_SPEED) * part // FULL_SPEED)"),
    ),
    _engine(
        "work left counts at the speed of the spell",
        (
            "        spell.left = order.left_after(spell.left, until - spell.reckoned, spell.speed)",
            "        spell.left = max(spell.left - (until - spell.reckoned), 0)",
        ),
    ),
    _engine(
        "the speed of a spell is that of its start",
        (
            "spell is not but and spell.ends > self.now and self.speed",
            "spell is not but and not spell.ends and self.speed",
        ),
    ),
    _engine(
        "the time of day is that of now",
        (
            "        return order.speed(spell.by_tick, spell",
            "        step = bisect_right(spell.place.steps, self.now) - 1\n"
            "        step += int(self.rules.speeds.first_step[spell.place.index])\n"
            "        by_tick = int(self.rules.speeds.by_tick[step])\n"
            "        return order.speed(by_tick, spell",
        ),
    ),
    # Wrapping up.
    _engine("nobody wraps up", ("        if after:\n", "        if False:\n")),
    _engine(
        "the tip waits for the wrap-up",
        (
            "        if not spell.wrapping:\n            self.leave_room",
            "        if not after:\n            self.leave_room",
        ),
    ),
    _rule("a wrap-up is interrupted", ("or left == 0 or wrapping", "or left == 0")),
    _engine("a wrap-up is displaced", ("return on_duty and not spell.wrapping and spell", "return on_duty and spell")),
    _engine(
        "who wraps up could take another",
        (
            "                spell.person.in_hand[spell.person.in_hand.index(spell)] = wrap_up",
            "                spell.person.in_hand.remove(spell)",
        ),
    ),
    _engine(
        "a wrap-up goes at full speed",
        (
            "            self.set_out(wrap_up)\n",
            "            wrap_up.by_tick = wrap_up.by_stage = FULL_SPEED\n            self.set_out(wrap_up)\n",
        ),
    ),
    _engine(
        "the ends of one tip come by falling stage",
        ("first_visit[tip])), stage)", "first_visit[tip])), 255 - stage)"),
    ),
    # Pre-emption.
    _rule("the best of those in service gives way", ("return -rank, -began, tip", "return rank, -began, tip")),
    _rule("the earliest spell gives way", ("return -rank, -began, tip", "return -rank, began, tip")),
    _rule("the higher tip gives way", ("return -rank, -began, tip", "return -rank, -began, -tip")),
    _engine(
        "equals are pre-empted, once a tick",
        (
            "if order.outranks(rank, one.rank) and self.may_give_way(one)]",
            "if rank <= one.rank and self.may_give_way(one) and self.now > one.began]",
        ),
    ),
    _engine(
        "pre-empted work is lost",
        (
            "        self.interrupt(giver, PREEMPTED)\n",
            "        self.interrupt(giver, PREEMPTED)\n        giver.tip.left = int(self.visits.work[giver.visit])\n",
        ),
    ),
    _engine(
        "work that ends now is pre-empted",
        (" and not spell.wrapping and spell.ends > self.now", " and not spell.wrapping"),
    ),
    _engine(
        "only the first in line may pre-empt",
        (
            "taker = place.next_of(tip for tip in place.line if self",
            "taker = place.next_of(tip for tip in place.line[:1] if self",
        ),
    ),
    _engine(
        "overtime is pre-empted",
        ("(person.where == ON_DUTY and not person.takes_no_more)", "(not person.takes_no_more)"),
    ),
    # Patience and gates.
    _engine(
        "patience ends a tick late",
        ("self.at(self.now + bears, ", "self.at(self.now + bears + 1, "),
    ),
    _engine(
        "patience stops behind the gate",
        (
            "        if tip.behind_gate:\n            tip.behind_gate = False\n            self",
            "        if tip.behind_gate:\n            return\n            self",
        ),
    ),
    _engine(
        "patience goes on after the first start",
        (
            "        if not self.is_waiting_at(tip, attempt):\n            return\n        if tip.behind",
            "        here = tip.attempt == attempt\n"
            "        if not here or not (tip.waiting or tip.behind_gate):\n"
            "            return\n"
            "        if tip.behind",
        ),
    ),
    _engine(
        "a retry keeps its old place",
        (
            "            tip.entry, tip.started, tip.called_back, tip.away = self.now, False, False, False\n",
            "            tip.entry, tip.started, tip.called_back, tip.away = tip.entry if tip.attempt > 1 else "
            "self.now, False, False, False\n",
        ),
    ),
    _engine(
        "a retry has the patience of the first attempt",
        ("int(visits.patience[draws])", "int(visits.patience[int(visits.first_attempt[visit])])"),
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
            "int(self.rules.stages.overflow_after[tip.stage, which - 1])\n",
            "max(int(self.rules.stages.overflow_after[tip.stage, which - 1]) - 1, 0)\n",
        ),
    ),
    _engine(
        "the overflow clock starts behind the gate",
        (
            "shows = self.now + int(self.rules.stages.overflow_after[tip.stage, which - 1])",
            "shows = max(self.now, tip.entry + int(self.rules.stages.overflow_after[tip.stage, which - 1]))",
        ),
    ),
    _engine(
        "the overflow clock is reset by a retry",
        (
            "            tip.entry, tip.started, tip.called_back, tip.away = self.now, False, False, False\n",
            "            tip.entry, tip.started, tip.called_back, tip.away = self.now, False, False, False\n"
            "            tip.watched, tip.seen = (NO_VISIT, 0), {0}\n",
        ),
    ),
    _engine(
        "an interruption ends the overflow",
        (
            "        spell.tip.left = spell.left\n",
            "        spell.tip.left = spell.left\n        spell.tip.in_both = False\n",
        ),
    ),
    _engine(
        "a tip in two lines is ranked by its own pool",
        (
            "found = kinds.rank[kind] if which == 0 else kinds.overflow_rank[kind, which - 1]",
            "found = kinds.rank[kind]",
        ),
    ),
    _engine(
        "a tip in two lines pre-empts by its own pool's rule",
        ("kinds.preempts[kind] if which == 0 else kinds.overflow_preempts[kind, which - 1]", "kinds.preempts[kind]"),
    ),
    _engine(
        "a tip in the overflow pool is served by its own pool's rule",
        ("work_after_relief(place.at_shift_end, spell", "work_after_relief(spell.tip.own.at_shift_end, spell"),
    ),
    # Tips of one incident.
    _engine(
        "who has started gets the repeat in place of its own work",
        (
            "if self.start[tip.visit] == NEVER and self.merges(tip, stage, REPEATS):",
            "if self.merges(tip, stage, REPEATS):",
        ),
    ),
    _engine(
        "who has itself ended there is merged on coming again",
        ("            and (tip.index, stage) not in self.served\n", ""),
    ),
    _engine(
        "a repeat ends like any service",
        ("            if became == SERVED and not tip.repeating:\n", "            if became == SERVED:\n"),
    ),
    _engine("merged tips are wrapped up", ("spell.wrapping or spell.tip.repeating or not", "spell.wrapping or not")),
    _engine(
        "a repeat that is begun anew takes the tip's own work",
        ("(self.visits.repeat if spell.tip.repeating else self.visits.work)", "self.visits.work"),
    ),
    _engine(
        "who comes once its incident is known waits like any other",
        (
            "        if self.merges(tip, tip.stage, LEAVES):\n            self.merge(tip, visit)\n        else:",
            "        if True:",
        ),
    ),
    _engine(
        "who is away waits again on coming back",
        (
            "            if self.merges(tip, tip.stage, LEAVES):\n"
            "                self.merge(tip, visit)\n"
            "                return\n",
            "",
        ),
    ),
    _engine("who is behind the gate stays there", ("            if other.behind_gate:\n", "            if False:\n")),
    _engine("who is in line stays there", ("            elif other.waiting:\n", "            elif False:\n")),
    _engine(
        "an incident is known from the start of the first service",
        (
            "        self.stop_waiting(tip)\n        tip.started = True\n",
            "        self.stop_waiting(tip)\n        self.make_known(tip, stage)\n        tip.started = True\n",
        ),
    ),
    # Orders, ageing and rooms.
    _rule("of the last come the earliest is first", ("    return -entry\n", "    return entry\n")),
    _engine(
        "every pool takes the first come", ("if self.order == LAST_COME else tip.entry", "if False else tip.entry")
    ),
    _engine("nobody is due", ("tip.due if self.order == DUE_FIRST else NEVER", "NEVER")),
    _engine("all are due from their arrival", ("self.now if stages.due_from_enter[stage] else", "0 if False else")),
    _engine("a random order is that of arrival", ("        if self.order != IN_RANDOM_ORDER:\n", "        if True:\n")),
    _engine(
        "a random order is drawn once for each visit",
        ("order.shuffled(tip.lot, self.starts)", "order.shuffled(tip.lot, 0)"),
    ),
    _engine(
        "a random order mixes the ranks",
        ("if tip.ranks[self.index] == tips[0].ranks[self.index]]", "if tip.ranks[self.index] >= 0]"),
    ),
    _engine("nobody moves up while waiting", ("if tip.attempt != attempt or not tip.waiting:", "if True:")),
    _engine(
        "who was interrupted returns with the old rank",
        ("if self.now - tip.entry >= after:", "if self.now - tip.entry >= after and not tip.started:"),
    ),
    _engine(
        "a tip moves up a tick late",
        (
            "self.at(self.now + after, self.own_key(tip, order.MOVES_UP)",
            "self.at(self.now + after + 1, self.own_key(tip, order.MOVES_UP)",
        ),
        ("if self.now - tip.entry >= after:", "if self.now - tip.entry > after:"),
    ),
    _engine("the lowest are turned away", ("(-tip.index, -tip.visit)", "(tip.index, tip.visit)")),
    _engine(
        "who came to a room before somebody went on to it from another is not asked again",
        (
            "                turned = True\n        return",
            "                turned = True\n        self.joined.clear()\n        return",
        ),
        seeds=range(1_001_492, 1_001_493),
    ),
    _engine(
        "waiting rooms are one larger",
        ("int(self.rules.stages.waiting_room[room[0]])", "int(self.rules.stages.waiting_room[room[0]]) - 1"),
    ),
    _engine(
        "a room is asked before its tips overflow at once",
        ("if after[which - 1] == 0 and which not in tip.seen]", "if after[which - 1] < 0]"),
    ),
    _engine(
        "who was turned away still stands where it overflowed at once",
        ("tip.watched, tip.seen = (NO_VISIT, 0), {0}", "tip.watched = NO_VISIT, 0"),
        seeds=range(1300, 1310),
    ),
    _engine(
        "lines are one more", ("self.filled[room] >= stages.lines[stage]", "self.filled[room] > stages.lines[stage]")
    ),
    _engine(
        "lines wait for the wrap-up",
        (
            "        if not spell.wrapping:\n            self.leave_room(spell.tip)\n",
            "        if not after:\n            self.leave_room(spell.tip)\n        if not spell.wrapping:\n",
        ),
    ),
    _engine("the backlog may be turned away", ("and tip.attempt == 1\n", "and tip.attempt == 0\n")),
    _engine(
        "the interrupted may be turned away",
        ("and tip.waiting and not tip.started]", "and tip.waiting]"),
        (
            "        tip.waiting = True\n",
            "        tip.waiting = True\n"
            "        if tip.room and tip.started:\n"
            "            self.joined.setdefault(tip.room, []).append(tip)\n",
        ),
    ),
    _engine(
        "a centre has the rooms of all",
        ("int(self.tips.centre[tip.index]) if stages.place_step[stage] else 0\n        first", "0\n        first"),
    ),
    _engine(
        "who gives up keeps the room",
        (
            "            self.stop_waiting(tip)\n            self.leave_room(tip)\n        tip.turn.succeed(ABANDONED)",
            "            self.stop_waiting(tip)\n        tip.turn.succeed(ABANDONED)",
        ),
    ),
    _engine(
        "who was turned away is lost at once",
        ("            if back_after == NEVER:\n", "            if back_after == NEVER or became == TURNED_AWAY:\n"),
    ),
    # Call-backs, asides, delays and lists of overflow pools.
    _engine(
        "a call-back keeps the room",
        (
            "            tip.called_back = True\n            self.leave_room(tip)\n",
            "            tip.called_back = True\n",
        ),
    ),
    _engine(
        "who is called back behind the gate fills a room",
        ("        if tip.called_back:\n            return True\n", ""),
    ),
    _engine(
        "who was turned away goes where one gives up to",
        ("visits.given_up_to if self.outcome[visit] == ABANDONED else visits.turned_away_to", "visits.given_up_to"),
    ),
    _engine(
        "who goes to an aside is lost",
        ("        if to == NO_VISIT:\n            self.lost", "        if True:\n            self.lost"),
    ),
    _engine(
        "after an aside the next visit written follows",
        ("int(visits.follows[visit]) if visits.follows.size else visit + 1", "visit + 1"),
    ),
    _engine("a delay is never given up", ("return ABANDONED if tip.turn.triggered else SERVED", "return SERVED")),
    _engine(
        "all overflow pools are seen when the first is",
        ("stages.overflow_after[tip.stage, which - 1]", "stages.overflow_after[tip.stage, 0]"),
    ),
    _engine(
        "who was turned away is seen by overflow pools in time",
        (
            "                if tip.watched == (tip.visit, tip.attempt):\n"
            "                    tip.watched, tip.seen = (NO_VISIT, 0), {0}\n",
            "",
        ),
    ),
    # Branches.
    _engine(
        "what hangs on a start waits as long after the entry",
        (
            "self.at(self.now + after, self.end_key(tip.index",
            "self.at(max(self.now, int(self.enter[tip.visit]) + after), self.end_key(tip.index",
        ),
        ("self.now - int(self.start[tip.visit])))", "self.now - int(self.enter[tip.visit])))"),
    ),
    _engine("a mark at the end of its stage has an event of its own", ("== OPEN and ends != self.now:", "== OPEN:")),
    _engine(
        "a mark comes though its visit was given up",
        (
            "if self.outcome[tip.visit] == OPEN and ends",
            "if self.outcome[tip.visit] in (OPEN, ABANDONED, MERGED) and ends",
        ),
        seeds=range(300, 420),
    ),
    _engine(
        "a mark that is later than the end never comes",
        (
            "self.visits.moment_after[moment] <= after:",
            "after * (after == NEVER) <= self.visits.moment_after[moment] <= after:",
        ),
    ),
    _engine(
        "a join begins with the first that comes",
        (
            "if self.awaited[to] == 0:\n                    begin.append(to)",
            "if self.awaited[to] == self.visits.awaits[to] - 1:\n                    begin.append(to)",
        ),
    ),
    _engine(
        "one visit begins at the arrival",
        ("if self.visits.awaits[visit] == 0])", "if self.visits.awaits[visit] == 0][:1])"),
    ),
    _engine(
        "a tip is lost when it last gives up",
        ("self.lost[tip] = min(self.lost[tip], self.now)", "self.lost[tip] = self.now"),
    ),
    _engine(
        "of one tip's visits the one written last gives way",
        ("one.began, one.tip.index, one.tip.stage)", "one.began, one.tip.index, -one.tip.stage)"),
        seeds=range(600, 700),
    ),
    _engine(
        "of one tip's visits the one that came last passes first",
        (
            "order.own_later(what, nth), tip.stage)",
            "order.own_later(what, nth), 255 - tip.stage)",
        ),
    ),
    _rule(
        "of one tip's visits the one written last is first in line",
        ("return rank, due, entry, tip, stage", "return rank, due, entry, tip, -stage"),
    ),
    # Asides beside branches.
    _engine(
        "what cannot come any more is awaited all the same",
        ("return [to, *self.forsake(tip, visit, to)] if visits.branch else [to]", "return [to]"),
    ),
    _engine(
        "what awaited nothing but what cannot come begins",
        ("if self.awaited[to] == 0 and self.forsaken[to] < visits.awaits[to]:", "if self.awaited[to] == 0:"),
    ),
    _engine(
        "what hangs on what is not come to is awaited",
        ("                    gone.add(to)\n", "                    pass\n"),
    ),
    _engine(
        "the end of an aside stands for nothing",
        ("if self.came[moment] or (at_end and (to, cue) in carries):", "if self.came[moment]:"),
    ),
    _engine(
        "the end of an aside stands for what hangs on a start too",
        ("(at_end and (to, cue) in carries)", "(to in {one for one, _ in carries})"),
    ),
    # Centres.
    _engine(
        "all tips go to the first centre",
        ("centre, stage = int(self.tips.centre[tip.index]), tip.stage", "centre, stage = 0, tip.stage"),
    ),
)
