"""What a tip costs: one table, measured in one run, of this program's parts and of its peers. It asserts no time.

    python tests/bench.py            two-stage line and the national centre, peers on the two-stage line
    python tests/bench.py --large    also the two-stage line with 10 million tips (about 4 GB; in slices 0.3 GB)

Every row is a process of its own, so that memory peaks do not mix; the time is the median of its repeats, in CPU
nanoseconds a tip, after one repeat that warms up. The mean waits by class show that all rows simulate the same line.
Below it: measuring by the number of targets, with all tables and for verdicts alone, and how many replications a search
for staff draws. Peers that are not installed are left out: pip install -e '.[bench]'. What was measured with each
version is kept in docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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


# This program.


def scenario_of(world: str, n_tips: int) -> Any:
    from sim.scenario.loading import load

    if world == "national":
        return load(SCENARIOS / "national.yaml")
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

    def draw(scenario: Any, index: int, *, seed: int) -> Any:
        drawn.append((seed, index))
        return real_draw(scenario, index, seed=seed)

    trials.draw = draw
    ran = [0]

    def count(n: int) -> None:
        ran[0] = n

    scenario = load(SCENARIOS / "national_recorded.yaml", changes=["run.length=26 weeks", "run.replications=4"])
    begun = time.process_time()
    staff(scenario, trials=trials.Trials(scenario.run.seed, Settings(count=count)), pools=dict.fromkeys(scenario.pools))
    seconds = time.process_time() - begun
    return {"ran": ran[0], "drawn": len(drawn), "different": len(set(drawn)), "seconds": seconds}


def peer(name: str, n_tips: int, repeats: int) -> dict[str, Any]:
    model = {"simpy": plain_simpy, "ciw": ciw_line, "salabim": salabim_line}[name]
    cost, waits = timed(lambda _: model(n_tips), n_tips, repeats, warm=False)
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


def rows(large: bool) -> Iterable[tuple[str, str, int, int]]:
    """What is measured: part or peer, world, tips, repeats."""
    for part in ("draw", "compiled", "measure"):
        yield part, "two_stage", 100_000, 7
    yield "reference", "two_stage", 100_000, 1
    for name in ("simpy", "ciw", "salabim"):
        if find_spec(name):
            yield name, "two_stage", 100_000 if name == "simpy" else 20_000, 1
    for part in ("draw", "compiled", "measure"):
        yield part, "national", 30_000, 7
    yield "reference", "national", 30_000, 1
    for n_tips in (1_000_000, 10_000_000)[: 2 if large else 1]:
        for part in ("draw", "compiled", "measure", "whole", "sliced"):
            yield part, "two_stage", n_tips, 3


def one_row(part: str, world: str, n_tips: int, repeats: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--row", part, world, str(n_tips), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def start_up(arguments: list[str]) -> float:
    """Median CPU seconds of a command, over five runs after one that warms up."""
    costs = []
    for _ in range(6):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "sim", *arguments]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=SCENARIOS.parent)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(costs[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also 10 million tips")
    parser.add_argument("--row", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        part, world, n_tips, repeats = given.row[0], given.row[1], int(given.row[2]), int(given.row[3])
        if part == "measuring":
            found = measuring(n_tips, repeats)
        elif part == "searching":
            found = searching()
        elif part in ("simpy", "ciw", "salabim"):
            found = peer(part, n_tips, repeats)
        else:
            found = own(part, world, n_tips, repeats)
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    titles = [f"{stage} {one}" for stage, one in (("intake", "high"), ("intake", "non"), ("review", "low"))]
    print(f"{'':10} {'world':>10} {'tips':>10} {'ns a tip':>9} {'ratio':>7} {'peak MB':>8}   mean wait, minutes")
    print(f"{'':59}   {'   '.join(f'{title:>11}' for title in titles)}")
    base: dict[str, float] = {}
    for part, world, n_tips, repeats in rows(given.large):
        found = one_row(part, world, n_tips, repeats)
        base.setdefault(world, math.nan)
        if part == "compiled" and math.isnan(base[world]):
            base[world] = found["ns"]
        ratio = found["ns"] / base[world]
        waits = "   ".join(
            f"{found['waits'][title]:11.3f}" if title in found["waits"] else " " * 11 for title in titles
        )
        print(
            f"{part:10} {world:>10} {found['tips']:>10,} {found['ns']:9,.0f} {ratio:7.1f} {found['peak_mb']:8,.0f}"
            f"   {waits}".rstrip(),
            flush=True,
        )
    print()
    for number in (1, 10, 100):
        found = one_row("measuring", "national", number, 7)
        targets = "1 target" if number == 1 else f"{number} targets"
        print(
            f"measuring {targets}: {found['whole']:.0f} ns a visit, for verdicts alone {found['alone']:.0f}", flush=True
        )
    found = one_row("searching", "national", 0, 1)
    print(
        f"a search for seven posts: {found['ran']:,} replications in the search, {found['drawn']:,} drawn in all, of "
        f"them {found['different']:,} different; {found['seconds']:.0f} s, peak {found['peak_mb']:.0f} MB",
        flush=True,
    )
    for arguments in ("--help", "check scenarios/national.yaml"):
        print(f"tipline {arguments}: {start_up(arguments.split()):.2f} s of processor time")
    print("\nratio: to the compiled engine on the same line; simpy, ciw and salabim draw as they go.")


if __name__ == "__main__":
    main()
