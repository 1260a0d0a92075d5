"""What a run came to, as tables: one function a table, from the sample of all replications to a data frame.

Headers carry units: `_tips`, `_min`, `_h`, `_erlangs`, `_share`; where a column mixes shares and minutes, `unit` tells.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.measures import passes
from sim.measures.bins import EDGES, at_most, percentile
from sim.measures.estimates import Estimate, mean_interval, share_interval
from sim.measures.frame import HOURS_A_WEEK, UNITS
from sim.measures.held import quotient
from sim.measures.kinds import kind_of
from sim.measures.tallies import COLUMNS
from sim.measures.targets import Joint, TargetResult, joint, results
from sim.scenario.cost import a_month, a_year, cost_a_week, full_time, paid
from sim.scenario.targets import Between

if TYPE_CHECKING:
    from sim.measures.sample import Sample

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS_OF_A_WEEK_OF_TICKS: Final = 7 * DAY / HOUR


def every(sample: Sample) -> dict[str, pd.DataFrame]:
    """All tables of a run, by name."""
    return {
        "targets": targets(sample),
        "joint": together(joint(sample)),
        "replications": replications(sample),
        "cohort": cohort(sample),
        "tips": tips(sample),
        "pools": pools(sample),
        "stages": stages(sample),
        "hours": hours(sample),
        "response": response(sample),
    }


def threshold_minutes(result: TargetResult) -> float | None:
    """The time within which a share of the tips is asked for; None for other targets."""
    target = result.target
    return target.limit / MINUTE if isinstance(target, Between) and target.unit == "share" else None


def targets(sample: Sample) -> pd.DataFrame:
    """One row a target: threshold, value with its own interval, verdict; then the simultaneous interval and verdict."""
    together = {one.name: one for one in joint(sample).results}
    rows = []
    for one in results(sample):
        rows.append(
            {
                "target": one.name,
                "claim": one.claim,
                "kind": one.kind,
                "unit": one.unit,
                "threshold_min": threshold_minutes(one),
                "share_or_mean": one.in_unit(one.threshold),
                "value": one.in_unit(one.value),
                "low": one.in_unit(one.low),
                "high": one.in_unit(one.high),
                "verdict": one.word,
                "is_lower_bound": one.lower_bound,
                "simultaneous_low": one.in_unit(together[one.name].low),
                "simultaneous_high": one.in_unit(together[one.name].high),
                "simultaneous_verdict": together[one.name].word,
                "per": one.target.per,
                "held_windows_share": one.windows.share.value,
                "empty_windows": one.windows.n_silent,
                "lost_without_label_tips": one.unlabelled_lost,
                "open_without_label_tips": one.unlabelled_open,
            }
        )
    columns = ["target", "claim", "kind", "unit", "threshold_min", "share_or_mean", "value", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else columns)


def together(found: Joint) -> pd.DataFrame:
    """One row a calendar unit: the share of its periods in which every target held."""
    rows = [
        {
            "period": unit,
            "held_share": held.share.value,
            "low_share": held.share.low,
            "high_share": held.share.high,
            "judged_periods": held.n_judged,
            "empty_periods": held.n_silent,
            "whole": held.whole,
        }
        for unit, held in found.shares.items()
    ]
    return pd.DataFrame(rows)


def replications(sample: Sample) -> pd.DataFrame:
    """One row a replication: its tips, the value of every target, and whether all held."""
    frame: dict[str, Any] = {"replication": sample.index, "arrived_tips": sample.arrived}
    for one in results(sample):
        frame[f"{one.name}_{one.unit}"] = [one.in_unit(value) for value in one.values]
    run = UNITS.index("run")
    spoke, _, surely, _ = sample.joint[:, run].T
    frame["all_held"] = np.where(spoke > 0, surely > 0, False)
    return pd.DataFrame(frame)


def cohort(sample: Sample) -> pd.DataFrame:
    """One row a target on tips: where each tip of the cohort is counted; the counts add up to `arrived_tips`."""
    arrived = int(sample.arrived.sum())
    rows = [
        {"target": one.name, "arrived_tips": arrived} | {f"{column}_tips": n for column, n in one.counts.items()}
        for one in results(sample)
        if one.about_tips
    ]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["target", "arrived_tips"])


def tips(sample: Sample) -> pd.DataFrame:
    """One row a channel, true risk and last label that came: tips that were through, lost and open at the horizon."""
    scenario = sample.frame.scenario
    total = sample.cohort.sum(axis=0)
    labels = ("", *scenario.tiers)
    rows = []
    for place in np.argwhere(total.sum(axis=-1) > 0):
        channel, risk, label = (int(i) for i in place)
        through, lost, still_open = (int(n) for n in total[channel, risk, label])
        rows.append(
            {
                "channel": scenario.channels[channel],
                "risk": scenario.risks[risk],
                "tier": labels[label],
                "arrived_tips": through + lost + still_open,
                "through_tips": through,
                "lost_tips": lost,
                "open_tips": still_open,
            }
        )
    return pd.DataFrame(rows)


def pools(sample: Sample) -> pd.DataFrame:
    """One row a pool, and in several centres one a centre: loads, occupancy, hours a week, cost."""
    scenario, confidence = sample.frame.scenario, sample.frame.scenario.run.confidence
    names = list(scenario.pools)
    pool_of_place = sample.frame.pool_of_place
    several = len(scenario.centres) > 1
    rows = []
    for p, name in enumerate(names):
        own = np.flatnonzero(pool_of_place == p)
        rows.append(_pool_row(sample, name, "all" if several else "", own, confidence))
        if several and not scenario.pools[name].shared:
            rows += [
                _pool_row(sample, name, centre, own[c : c + 1], confidence)
                for c, centre in enumerate(scenario.centre_names)
            ]
    return pd.DataFrame(rows)


def _pool_row(sample: Sample, name: str, centre: str, places: Any, confidence: float) -> dict[str, Any]:
    scenario = sample.frame.scenario
    pool = scenario.pools[name]
    ticks = sample.places[:, places].sum(axis=1).astype(float)
    measured = float(sample.frame.last - sample.frame.first)
    mean = ticks.mean(axis=0) / measured
    busy = _occupancy(ticks, confidence)
    hours = HOURS_OF_A_WEEK_OF_TICKS
    seat = mean[passes.ON_DUTY] / pool.concurrency * hours
    overtime = mean[passes.OVERTIME] / pool.concurrency * hours
    rostered = paid(scenario, name, seat)
    hours_paid = rostered + overtime
    cost = cost_a_week(scenario, name, rostered, overtime)
    return {
        "pool": name,
        "centre": centre,
        "offered_load_erlangs": mean[passes.OFFERED],
        "servers_on_duty_mean": mean[passes.ON_DUTY],
        "occupancy_share": busy.value,
        "occupancy_low_share": busy.low,
        "occupancy_high_share": busy.high,
        "utilisation_share": mean[passes.BUSY] / pool.concurrency * hours / hours_paid if hours_paid > 0 else math.nan,
        "waiting_tips_mean": mean[passes.WAITING],
        "staffed_h_a_week": seat,
        "overtime_h_a_week": overtime,
        "paid_h_a_week": hours_paid,
        "fte": full_time(scenario, hours_paid),
        "cost_a_week": cost,
        "cost_a_month": a_month(cost),
        "cost_a_year": a_year(cost),
    }


def _occupancy(ticks: Any, confidence: float) -> Estimate:
    busy, on_duty = ticks[:, passes.BUSY], ticks[:, passes.ON_DUTY]
    if not on_duty.any():
        return Estimate(math.nan, math.nan, math.nan)
    size = on_duty[on_duty > 0].mean()
    return share_interval(busy / size, on_duty / size, confidence)


def stages(sample: Sample) -> pd.DataFrame:
    """One row a stage and last label, and one for all labels: visits, and the waits of those that started."""
    scenario = sample.frame.scenario
    waits = sample.pooled.waits
    labels = ("", *scenario.tiers)
    rows = []
    for s, stage in enumerate(scenario.stages):
        for tier, chosen in [
            ("all", slice(None)),
            *((label or "none", slice(k, k + 1)) for k, label in enumerate(labels)),
        ]:
            table = sample.stages[:, s, chosen].sum(axis=1)
            total = table.sum(axis=0)
            if total[passes.REACHED] == 0 and tier != "all":
                continue
            bins = waits[s, chosen].sum(axis=0)
            wait = _mean_wait(table, scenario.run.confidence)
            rows.append(
                {
                    "stage": stage.name,
                    "tier": tier,
                    "visits": int(total[passes.REACHED]),
                    "started_visits": int(total[passes.STARTED]),
                    "given_up_visits": int(total[passes.GAVE_UP]),
                    "open_visits": int(total[passes.STILL_OPEN]),
                    "wait_mean_min": wait.value / MINUTE,
                    "wait_mean_low_min": wait.low / MINUTE,
                    "wait_mean_high_min": wait.high / MINUTE,
                    **{f"wait_p{share}_min": percentile(bins, share / 100) / MINUTE for share in (50, 80, 90, 95, 99)},
                    "work_mean_min": float(quotient(total[[passes.WORK, passes.STARTED]].astype(float))) / MINUTE,
                }
            )
    return pd.DataFrame(rows)


def _mean_wait(table: Any, confidence: float) -> Estimate:
    started = table[:, passes.STARTED].astype(float)
    if not started.any():
        return Estimate(math.nan, math.nan, math.nan)
    return mean_interval(table[:, passes.WAIT].astype(float), started, confidence)


def hours(sample: Sample) -> pd.DataFrame:
    """One row an hour of the week: arrivals; for each pool load, busy, on duty and waiting; failures of each target."""
    scenario = sample.frame.scenario
    hour = np.arange(HOURS_A_WEEK)
    frame: dict[str, Any] = {
        "hour_of_week_h": hour,
        "weekday": [WEEKDAYS[h // 24] for h in hour],
        "hour_h": hour % 24,
        "arrivals_tips_an_hour": _mean(sample.arrivals),
    }
    week = sample.week
    for p, name in enumerate(scenario.pools):
        for number, title in (
            (passes.OFFERED, "offered_erlangs"),
            (passes.BUSY, "busy_servers"),
            (passes.ON_DUTY, "on_duty_servers"),
            (passes.WAITING, "waiting_tips"),
        ):
            frame[f"{name}_{title}"] = _mean(week[:, number, p])
    for k, name in enumerate(scenario.targets):
        judged, failed = sample.pooled.failing[k].T
        if judged.any():
            frame[f"{name}_judged_tips"] = judged
            frame[f"{name}_failed_tips"] = failed
    return pd.DataFrame(frame)


STEP: Final = 0.0025
"""A curve is told at every time by which so many more of its tips are through."""


def tips_of_curve(one: TargetResult) -> int:
    """How many tips the curve of a target's times is a share of; none where it has no curve."""
    return sum(one.counts[COLUMNS[column]] for column in kind_of(one.target).curve)


def response(sample: Sample) -> pd.DataFrame:
    """One row a target on times and a time: the share of its tips that are through by then."""
    rows = []
    for k, one in enumerate(results(sample)):
        if not (judged := tips_of_curve(one)):
            continue
        reached = at_most(sample.pooled.times[k]) / judged
        told = -1.0
        for edge, share in zip(EDGES[1:], reached, strict=True):
            if share - told >= STEP or (share > told and share == reached[-1]):
                rows.append({"target": one.name, "time_min": edge / MINUTE, "through_share": share})
                told = share
    return pd.DataFrame(rows, columns=["target", "time_min", "through_share"])


def _mean(values: Any) -> Any:
    """The mean over replications, NaN where an hour never came."""
    with np.errstate(invalid="ignore"):
        counted = ~np.isnan(values)
        return np.where(counted.any(axis=0), np.nansum(values, axis=0) / np.maximum(counted.sum(axis=0), 1), np.nan)
