"""What everything costs: one table, measured in one run, with peers beside it. It asserts no time.

    python tests/bench.py               the rows that take seconds to minutes
    python tests/bench.py --row engine  some rows; --row more than once for more
    python tests/bench.py --all         also searches, maps, claims and 10 million tips: half an hour, and 4 GB
    python tests/bench.py --list        the rows, with the goal of each

Figures are processor time, for walls depend on who else is at work; only `jobs` is told in walls, as a ratio. Every
figure is of a process of its own, so that memory peaks do not mix: of parts of this program the median of repeats after
one that warms up, of commands that of three after one. Rows of peers (ciw, salabim, simpy, cimba) end with mean waits,
which show that all simulate the same line; those that are not installed are left out: pip install -e '.[bench]'. What
was measured with each version is kept in docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

SCENARIOS = Path(__file__).parent.parent / "scenarios"
DAY_TIPS = 60 * 24
INTAKE, REVIEW = 10, 18
SHARES = (0.1, 0.6, 0.3)
CLASSES = ("high", "low", "non")

Waits = dict[str, float]


def lognormal(mean: float, cv: float) -> tuple[float, float]:
    """Mu and sigma of a lognormal time with this mean and coefficient of variation."""
    variance = math.log(1 + cv * cv)
    return math.log(mean) - variance / 2, math.sqrt(variance)


WORK = lognormal(8, 1.0), lognormal(20, 1.2)


def mean_waits(waits: dict[str, list[float]]) -> Waits:
    """The mean of each list of waits, in minutes."""
    return {name: sum(values) / max(len(values), 1) for name, values in waits.items()}


def no_waits() -> dict[str, list[float]]:
    return {f"{stage} {one}": [] for stage in ("intake", "review") for one in CLASSES}


# The peers: the two-stage line as their own tutorials would write it.


def plain_simpy(n_tips: int) -> Waits:
    import simpy

    env, draws, waits = simpy.Environment(), random.Random(1), no_waits()
    pools = simpy.PriorityResource(env, INTAKE), simpy.PriorityResource(env, REVIEW)

    def tip(risk: int) -> Iterable[Any]:
        for stage, pool, law in zip(("intake", "review"), pools, WORK, strict=True):
            if stage == "review" and risk == 2:
                return
            since = env.now
            with pool.request(priority=risk) as turn:
                yield turn
                waits[f"{stage} {CLASSES[risk]}"].append(env.now - since)
                yield env.timeout(draws.lognormvariate(*law))

    def arrivals() -> Iterable[Any]:
        for _ in range(n_tips):
            yield env.timeout(draws.expovariate(1.0))
            env.process(tip(draws.choices((0, 1, 2), SHARES)[0]))

    env.process(arrivals())
    env.run()
    return mean_waits(waits)


def ciw_line(n_tips: int) -> Waits:
    import ciw

    high, low, non = (ciw.dists.Exponential(share) for share in SHARES)
    intake, review = (ciw.dists.Lognormal(*law) for law in WORK)
    on, off = [[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]
    network = ciw.create_network(
        arrival_distributions={"high": [high, None], "low": [low, None], "non": [non, None]},
        service_distributions={one: [intake, review] for one in CLASSES},
        routing={"high": on, "low": on, "non": off},
        priority_classes={one: rank for rank, one in enumerate(CLASSES)},
        number_of_servers=[INTAKE, REVIEW],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n_tips, method="Finish")
    waits = no_waits()
    for record in simulation.get_all_records():
        waits[f"{('intake', 'review')[record.node - 1]} {record.customer_class}"].append(record.waiting_time)
    return mean_waits(waits)


def salabim_line(n_tips: int) -> Waits:
    import salabim as sim

    sim.yieldless(False)
    env = sim.Environment(random_seed=1)
    draws, waits = random.Random(1), no_waits()
    pools = sim.Resource("intake", INTAKE, monitor=False), sim.Resource("review", REVIEW, monitor=False)

    class Tip(sim.Component):  # type: ignore[misc]
        def setup(self, risk: int) -> None:
            self.risk = risk

        def process(self) -> Iterable[Any]:
            for stage, pool, law in zip(("intake", "review"), pools, WORK, strict=True):
                if stage == "review" and self.risk == 2:
                    return
                since = env.now()
                yield self.request((pool, 1, self.risk))
                waits[f"{stage} {CLASSES[self.risk]}"].append(env.now() - since)
                yield self.hold(draws.lognormvariate(*law))
                self.release(pool)

    class Arrivals(sim.Component):  # type: ignore[misc]
        def process(self) -> Iterable[Any]:
            for _ in range(n_tips):
                yield self.hold(draws.expovariate(1.0))
                Tip(risk=draws.choices((0, 1, 2), SHARES)[0])

    Arrivals()
    env.run()
    return mean_waits(waits)


@cache
def cimba_model() -> type[Any]:
    """In the idiom of its tutorials: tips lie in stores by priority, and as many processes as people take from them."""
    global cb  # where it looks for the names in annotations
    import cimba as cb
    from cimba import inputs

    far = 1e9  # a tip is told by when it came, and how far beyond that by its class
    low, non = SHARES[0], SHARES[0] + SHARES[1]

    class Line(cb.Model):  # type: ignore[name-defined, misc]
        gap: cb.Input[float] = inputs.dist.exponential(mean=1.0)
        intake_work: cb.Input[float] = inputs.dist.lognormal(mean=WORK[0][0], sigma=WORK[0][1])
        review_work: cb.Input[float] = inputs.dist.lognormal(mean=WORK[1][0], sigma=WORK[1][1])
        n_tips: cb.Param[int] = 0
        to_take: cb.PriorityStore[float]
        to_review: cb.PriorityStore[float]
        waited: cb.Array[float]
        came: cb.Array[int]
        intake_high: cb.Output[float]
        intake_low: cb.Output[float]
        intake_non: cb.Output[float]
        review_high: cb.Output[float]
        review_low: cb.Output[float]

        @cb.process
        def arrivals(self) -> None:
            for _ in range(self.n_tips):
                cb.hold(self.gap.next())
                one = cb.random.uniform()
                risk = 0 if one < low else 1 if one < non else 2
                self.to_take.put(cb.now() + risk * far, -risk)

        @cb.process(copies=INTAKE)
        def intake(self) -> None:
            while True:
                told = self.to_take.get()
                risk = int(told // far)
                self.waited[risk] += cb.now() - (told - risk * far)
                self.came[risk] += 1
                cb.hold(self.intake_work.next())
                if risk < 2:
                    self.to_review.put(cb.now() + risk * far, -risk)

        @cb.process(copies=REVIEW)
        def review(self) -> None:
            while True:
                told = self.to_review.get()
                risk = int(told // far)
                self.waited[3 + risk] += cb.now() - (told - risk * far)
                self.came[3 + risk] += 1
                cb.hold(self.review_work.next())

        @cb.on_end
        def tell(self) -> None:
            self.intake_high = self.waited[0] / self.came[0]
            self.intake_low = self.waited[1] / self.came[1]
            self.intake_non = self.waited[2] / self.came[2]
            self.review_high = self.waited[3] / self.came[3]
            self.review_low = self.waited[4] / self.came[4]

    return Line


def cimba_line(n_tips: int) -> Waits:
    import cimba as cb

    line = cimba_model()()
    line.n_tips = n_tips
    line.waited, line.came = cb.Array([0.0] * 6), cb.Array([0] * 6)
    found = cb.Experiment(line, seed=1).run()[line]
    names = ("intake high", "intake low", "intake non", "review high", "review low")
    return {name: float(getattr(found, name.replace(" ", "_")).values.ravel()[0]) for name in names}


# This program.


def scenario_of(world: str, n_tips: int) -> Any:
    from sim.scenario.loading import load

    if world in ("national", "described"):
        return load(SCENARIOS / f"{world}.yaml")
    if world == "overloaded":
        return load(SCENARIOS / "volumes.yaml", variant="tips_100000")
    return load(SCENARIOS / "two_stage.yaml", changes=[f"run.length={max(round(n_tips / DAY_TIPS), 1)} d"])


def waits_of(log: Any, replication: Any, scenario: Any) -> Waits:
    """Mean waits by stage and class of the tips of the two-stage line."""
    import numpy as np

    from sim.dynamics.clock import MINUTE, NEVER

    stage = replication.rules.kinds.stage[replication.visits.kind]
    risk = np.repeat(replication.tips.risk, np.diff(replication.tips.first_visit))
    started = log.start < NEVER
    wait = np.where(started, log.start - log.enter, 0) / MINUTE
    return {
        f"{one.name} {name}": float(wait[started & (stage == s) & (risk == r)].mean())
        for s, one in enumerate(scenario.stages)
        for r, name in enumerate(scenario.risks)
        if np.any(started & (stage == s) & (risk == r))
    }


def own(part: str, world: str, n_tips: int, repeats: int) -> dict[str, Any]:
    """The cost of one part of this program: draw, compiled, reference or measure; or all of it, whole or sliced."""
    from sim.draw import draw
    from sim.dynamics.engines import simulate
    from sim.measures.frame import Frame
    from sim.measures.measures import measure
    from sim.studies.replicate import ReplicationWork

    scenario = scenario_of(world, n_tips)
    frame = Frame(scenario)
    if part in ("whole", "sliced"):
        work = ReplicationWork(frame, scenario.run.seed, "compiled")
        one = work.whole if part == "whole" else work.in_slices
        n = int(one(0)["cohort"].sum())
        cost, _ = timed(one, n, repeats, warm=False)
        return {"ns": cost, "tips": n, "waits": {}}
    replication = draw(scenario, 0)
    log = simulate(replication) if part == "measure" else None
    steps: dict[str, Callable[[int], Any]] = {
        "draw": lambda i: draw(scenario, i),
        "compiled": lambda _: simulate(replication, "compiled"),
        "reference": lambda _: simulate(replication, "reference"),
        "measure": lambda _: measure(log, replication, frame),
    }
    cost, last = timed(steps[part], len(replication.tips), repeats)
    waits = waits_of(last, replication, scenario) if world == "two_stage" and part in ("compiled", "reference") else {}
    return {"ns": cost, "tips": len(replication.tips), "waits": waits}


RULES = (
    ("{of: {tier: high}, from: receipt, to: rapid_channel,", "within: %d min, share: 80 %%}"),
    ("{from: arrival, to: disposed,", "mean: %d min}"),
    ("{of: {channel: call}, from: arrival, to: in_system,", "within: %d min, share: 60 %%}"),
    ("{of: {risk: low}, from: in_system, to: disposed,", "within: %d min, share: 70 %%}"),
)
WINDOWS = ("", "per: day, hold: 90 %,", "in_each: tier,", "per: hour, hold: 90 %,", "in_each: weekday,")


def with_targets(number: int) -> Any:
    """The national centre with so many targets: shares and means of several kinds of tips, of the run, in windows of a
    day or an hour, and in each of several places."""
    import yaml

    from sim.scenario.loading import load

    asked = {}
    for k in range(number):
        (tips, limit), window = RULES[k % len(RULES)], WINDOWS[k % len(WINDOWS)]
        asked[f"t{k}"] = yaml.safe_load(f"{tips} {window} {limit % (k + 5)}")
    return load(SCENARIOS / "national.yaml", changes={"targets": asked})


def measuring(number: int, repeats: int) -> dict[str, Any]:
    """Nanoseconds a visit that measuring takes by the number of targets: with all tables, and for verdicts alone."""
    from sim.draw import draw
    from sim.dynamics.engines import simulate
    from sim.measures.frame import Frame
    from sim.measures.measures import measure

    scenario = with_targets(number)
    frame, replication = Frame(scenario), draw(scenario, 0)
    log, n_visits = simulate(replication), len(replication.visits)
    whole, _ = timed(lambda _: measure(log, replication, frame), n_visits, repeats)
    alone, _ = timed(lambda _: measure(log, replication, frame, pooled=False, only_targets=True), n_visits, repeats)
    return {"whole": whole, "alone": alone}


def searching() -> dict[str, Any]:
    """Replications that a search for the staff of seven posts runs, draws, and needs: those that differ."""
    from sim.scenario.loading import load
    from sim.studies import trials
    from sim.studies.replicate import Settings
    from sim.studies.staff.staffing import staff

    drawn: list[tuple[int, int]] = []
    real_draw = trials.draw

    def draw(scenario: Any, index: int, *, seed: int, streams: Any = None) -> Any:
        drawn.append((seed, index))
        return real_draw(scenario, index, seed=seed, streams=streams)

    trials.draw = draw
    ran = [0]

    def count(n: int) -> None:
        ran[0] = n

    scenario = load(SCENARIOS / "national_recorded.yaml", changes=["run.length=26 weeks", "run.replications=4"])
    begun = time.process_time()
    staff(scenario, trials=trials.Trials(scenario.run.seed, Settings(count=count)), pools=dict.fromkeys(scenario.pools))
    seconds = time.process_time() - begun
    return {"ran": ran[0], "drawn": len(drawn), "different": len(set(drawn)), "seconds": seconds}


PEERS: Final = {"cimba": cimba_line, "simpy": plain_simpy, "ciw": ciw_line, "salabim": salabim_line}


def peer(name: str, n_tips: int, repeats: int) -> dict[str, Any]:
    # Only what compiles its model has to warm up.
    cost, waits = timed(lambda _: PEERS[name](n_tips), n_tips, repeats, warm=name == "cimba")
    return {"ns": cost, "tips": n_tips, "waits": waits}


def timed(work: Callable[[int], Any], n_tips: int, repeats: int, *, warm: bool = True) -> tuple[float, Any]:
    """Median CPU nanoseconds a tip over the repeats, and what the last one gave."""
    last = work(0) if warm else None
    costs = []
    for repeat in range(repeats):
        begun = time.process_time_ns()
        last = work(repeat)
        costs.append((time.process_time_ns() - begun) / n_tips)
    return statistics.median(costs), last


# The table.


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    figure: str
    beside: str = ""
    peak_mb: float = math.nan


@dataclass(frozen=True)
class Row:
    """What is measured together, under a name."""

    goal: str
    lines: Callable[[], Iterable[Line]]
    long: bool = False
    """Whether it takes minutes, so that only --all or its name asks for it."""


TITLES: Final = "intake high", "intake non", "review low"


def part(name: str, world: str, n_tips: int, repeats: int) -> dict[str, Any]:
    """One part of this program, or a peer, measured in a process of its own."""
    command = [sys.executable, __file__, "--part", name, world, str(n_tips), str(repeats)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def a_tip(name: str, world: str, n_tips: int, repeats: int) -> Line:
    found = part(name, world, n_tips, repeats)
    waits = ", ".join(f"{found['waits'][one]:.3f}" for one in TITLES if one in found["waits"])
    told = f"{name} {world} {found['tips']:,} tips"
    return Line(told, f"{found['ns']:,.0f} ns a tip", f"mean waits {waits} min" if waits else "", found["peak_mb"])


def engine() -> Iterator[Line]:
    for n_tips, repeats in ((100_000, 7), (1_000_000, 3)):
        for name in ("draw", "compiled", "measure"):
            yield a_tip(name, "two_stage", n_tips, repeats)


def peers() -> Iterator[Line]:
    yield a_tip("reference", "two_stage", 100_000, 1)
    for name, n_tips in (("cimba", 100_000), ("simpy", 100_000), ("ciw", 20_000), ("salabim", 20_000)):
        if find_spec(name):
            yield a_tip(name, "two_stage", n_tips, 1)


def centre() -> Iterator[Line]:
    for name in ("draw", "compiled", "measure"):
        yield a_tip(name, "national", 30_000, 7)
    yield a_tip("reference", "national", 30_000, 1)


def described() -> Iterator[Line]:
    yield a_tip("compiled", "described", 30_000, 7)
    yield a_tip("compiled", "overloaded", 100_000, 3)


def growth() -> Iterator[Line]:
    small, large = (part("compiled", "two_stage", n, 1) for n in (100_000, 10_000_000))
    ratio = large["ns"] / small["ns"]
    yield Line("compiled two_stage, 10^7 over 10^5", f"{ratio:.2f} times a tip", "", large["peak_mb"])
    for name in ("whole", "sliced"):
        yield a_tip(name, "two_stage", 10_000_000, 1)


def targets() -> Iterator[Line]:
    base = math.nan
    for number in (1, 10, 100):
        found = part("measuring", "national", number, 7)
        base = found["whole"] if number == 1 else base
        beside = f"for verdicts alone {found['alone']:.0f}; {found['whole'] / base:.1f} times that of 1"
        yield Line(f"measuring {number} targets", f"{found['whole']:.0f} ns a visit", beside, found["peak_mb"])


def search() -> Iterator[Line]:
    found = part("searching", "national", 0, 1)
    told = f"{found['ran']:,} replications, {found['drawn']:,} drawn, {found['different']:,} differ"
    yield Line("a search for seven posts, 4 x 26 weeks", f"{found['seconds']:.0f} s", told, found["peak_mb"])


def spent(arguments: str, cache: str | None = None) -> tuple[float, float, float]:
    """Processor seconds, seconds by the clock and peak MB of a command; in a cache of its own if one is given."""
    environment = os.environ | ({} if cache is None else {"XDG_CACHE_HOME": cache})
    with tempfile.TemporaryDirectory() as folder:
        out = [] if arguments.startswith(("check", "--")) else ["--out", folder]
        begun = time.perf_counter()
        command = [sys.executable, "-m", "sim", *arguments.split(), *out]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=SCENARIOS.parent, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


def of_command(arguments: str, repeats: int) -> Line:
    """The median of so many runs after one that warms up; of one run, if one is asked for, which does not."""
    runs = [spent(arguments) for _ in range(repeats if repeats == 1 else repeats + 1)][-repeats:]
    cpu, wall, peak = (statistics.median(column) for column in zip(*runs, strict=True))
    return Line(f"tipline {arguments.replace('scenarios/', '')}", f"{cpu:.2f} s", f"{wall:.2f} s by the clock", peak)


YEARS: Final = "run scenarios/national.yaml --quiet --replications"


def start() -> Iterator[Line]:
    yield of_command("--help", 5)
    yield of_command("check scenarios/national.yaml", 5)


def first() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as cache:
        cold, cold_wall, peak = spent(f"{YEARS} 2", cache)
        warm, warm_wall, _ = spent(f"{YEARS} 2", cache)
    told = f"{cold:.1f} against {warm:.1f} s; {cold_wall - warm_wall:.1f} s more by the clock"
    yield Line("the first run after installing", f"{cold - warm:.1f} s more", told, peak)


def jobs() -> Iterator[Line]:
    walls = {(n, j): spent(f"{YEARS} {n} --jobs {j}")[1] for j in (1, 2) for n in (2, 200)}
    one, two = (walls[200, j] - walls[2, j] for j in (1, 2))
    yield Line("two jobs over one, 198 national years", f"{one / two:.2f} times as fast", f"{one:.1f} and {two:.1f} s")


RECORDED: Final = "scenarios/national_recorded.yaml --quiet --jobs 1 --set run.length=182d --replications 10"

POOLS: Final = " ".join(f"--pools {name}" for name in ("call_takers", "analysts", "duty_officers", "receivers"))


def apart(pool: str, rows: Iterable[tuple[str, str, int]]) -> str:
    """The change that gives a pool its shifts for weekdays and for weekends apart."""
    days = ("mon-fri", ["sat", "sun"])
    shifts = [{"from": begin, "to": end, "staff": n, "days": some} for some in days for begin, end, n in rows]
    return f"--set pools.{pool}.shifts={json.dumps(shifts, separators=(',', ':'))}"


TWELVE: Final = " ".join(
    (
        apart("call_takers", (("07:00", "15:00", 3), ("15:00", "23:00", 3), ("23:00", "07:00", 2))),
        apart("duty_officers", (("08:00", "20:00", 1), ("20:00", "08:00", 1))),
    )
)


def certificate() -> Iterator[Line]:
    for posts, more in (("seven", ""), ("twelve", TWELVE)):
        yield replace(of_command(f"staff {RECORDED} {POOLS} {more}", 1), what=f"tipline staff, {posts} posts")


ROWS: Final = {
    "engine": Row("draw and dynamics 170 ns at 10^5, 200 at 10^6; with all measures 270", engine),
    "peers": Row("ahead of all, cimba by 2.2 with all measures", peers),
    "centre": Row("", centre),
    "described": Row("", described),
    "growth": Row("1.3 times a tip at 10^7", growth, long=True),
    "measuring": Row("100 targets 3 times that of 1", targets),
    "start": Row("", start),
    "first": Row("4 s more than a later one", first),
    "national": Row("3 s", lambda: [of_command(f"{YEARS} 20", 3)]),
    "memory": Row("300 MB, the same for any number", lambda: [of_command(f"{YEARS} 200 --jobs 1", 1)], long=True),
    "jobs": Row("1.9", jobs, long=True),
    "search": Row("as many drawn as differ", search, long=True),
    "certificate": Row("15 s for seven posts, 30 for twelve", certificate, long=True),
    "map": Row(
        "10 s",
        lambda: [
            of_command(
                f"map {RECORDED} --x demand.volume=10000..60000/year:12 "
                "--y pools.analysts.staff=1,2,3,4,5,6,7,8,9,10,11,12",
                1,
            )
        ],
        long=True,
    ),
    "sensitivity": Row(
        "40 s for a design of 16 rows",
        lambda: [of_command("sensitivity scenarios/label_first.yaml --quiet --points 16", 1)],
        long=True,
    ),
    "claims": Row(
        "40 s", lambda: [of_command("claims scenarios/claims.yaml scenarios/national.yaml --quiet", 1)], long=True
    ),
}


def measured(name: str, world: str, number: int, repeats: int) -> dict[str, Any]:
    """What a process of its own measures."""
    if name == "measuring":
        return measuring(number, repeats)
    if name == "searching":
        return searching()
    if name in PEERS:
        return peer(name, number, repeats)
    return own(name, world, number, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this one; may be given again")
    parser.add_argument("--all", action="store_true", help="those that take minutes, too")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        name, world, number, repeats = given.part
        found = measured(name, world, int(number), int(repeats))
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    if given.list:
        for name, row in ROWS.items():
            print(f"{name:12} {'--all ' if row.long else '':6} {row.goal}")
        return
    print(f"{'row':12} {'what':52} {'figure':>20} {'peak MB':>8}   beside it; goal")
    for name in given.row or [name for name, row in ROWS.items() if given.all or not row.long]:
        for number, line in enumerate(ROWS[name].lines()):
            goal = f"goal: {ROWS[name].goal}" if ROWS[name].goal and number == 0 else ""
            peak = "" if math.isnan(line.peak_mb) else f"{line.peak_mb:,.0f}"
            beside = "; ".join(filter(None, (line.beside, goal)))
            print(f"{name:12} {line.what:52} {line.figure:>20} {peak:>8}   {beside}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
