"""The line as a document: every value with where it came from, and what a log cannot tell as a range."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.demand import FEW, SAME, Apart, LoggedDemand, mean_correlation
from sim.calibration.found import WITHIN, Calibration, StageFound
from sim.logs.calls import CleanedLog
from sim.logs.counts import CI
from sim.logs.times import DAY, as_datetime, day_number
from sim.scenario.units import DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.calibration.fits import Fitted
    from sim.calibration.staff import Group

MOST_INLINE: Final = 48
"""Intervals of a day whose profile stands in the document; finer ones stand in a file."""
MOST_LISTED: Final = 40
"""Values of a law that stand in the document; longer lists stand in a file."""
REPLICATIONS: Final = 20
WORK: Final = ("2 min", "15 min")
PATIENCE: Final = ("1 min", "30 min")
STAFFED: Final = (1.05, 1.6)
"""What is plausible where a log does not tell: mean work, mean patience, people over the offered load."""


@dataclass(slots=True)
class LineFiles:
    """The document of a line with the files that it names."""

    text: str
    files: dict[str, str]
    """By name: staff by interval, lists of times, the recorded tips."""
    ranges: list[tuple[str, str, str, str]] = field(default_factory=list)
    """What the log does not tell: path, from, to, and why."""


@dataclass(slots=True)
class _Writing:
    found: Calibration
    files: dict[str, str] = field(default_factory=dict)
    ranges: list[tuple[str, str, str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def say(self, text: str, why: str = "") -> None:
        """A line, and where its value came from."""
        self.lines.append(f"{text}    # {why}" if why else text)

    def note(self, text: str, indent: int = 0) -> None:
        """A comment of its own, in as many lines as it takes."""
        words, line = text.split(), " " * indent + "#"
        for word in words:
            if len(line) + len(word) > 118:
                self.lines.append(line)
                line = " " * indent + "#"
            line += f" {word}"
        self.lines.append(line)

    def unknown(self, path: str, low: str, high: str, why: str) -> None:
        self.ranges.append((path, low, high, why))


def line_of(found: Calibration) -> LineFiles:
    """The line that a log told."""
    writing = _Writing(found)
    first, n_days = _span(found)
    writing.say(f"scenario: {_quoted(f'A line as {found.path.name} tells it')}")
    writing.say(f"about: {_quoted('Made by tipline calibrate; each value says where it came from.')}")
    zone = found.log.map.zone
    _run(writing, first, n_days, zone)
    _demand(writing, found.demand)
    if found.stages:
        for stage in found.stages:
            _check_stage(writing, stage)
        _pools(writing, first, n_days)
        _stages(writing)
        _targets(writing)
    else:
        _line_unknown(writing)
    _variants(writing)
    _plausible(writing)
    return LineFiles("\n".join(writing.lines) + "\n", writing.files, writing.ranges)


def _span(found: Calibration) -> tuple[date, int]:
    if found.demand is None:
        return date(2025, 1, 6), 28
    return found.demand.dates[0], len(found.demand.dates)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _key(name: str) -> str:
    return name if name.replace("_", "").isalpha() and name.lower() not in ("y", "n", "on", "off") else _quoted(name)


def _run(writing: _Writing, first: date, n_days: int, zone: str) -> None:
    writing.say("run:")
    dated = "the first date of the log" if writing.found.demand is not None else "a date: the log has none"
    writing.say(f"  start: {first.isoformat()} 00:00", dated)
    writing.say(
        f"  length: {n_days} d", "as many dates as the log has" if writing.found.demand is not None else "four weeks"
    )
    if zone:
        writing.say(f"  zone: {zone}", "as the map says")
    writing.say(f"  replications: {REPLICATIONS}")
    writing.say("  seed: 1")
    writing.say("  interval: 30 min")


# Demand


def _demand(writing: _Writing, demand: LoggedDemand | None) -> None:
    writing.say("demand:")
    if demand is None:
        _demand_without_dates(writing)
        return
    volume, low, high = demand.volume
    whole = len(demand.dates) < 7
    usual = float(demand.week.sum()) / 7 if not whole else volume
    n = int(demand.known.sum())
    within = f"{n} date{'' if n == 1 else 's'}; a date of the log has {volume:,.1f} (95 %: {low:,.1f} to {high:,.1f})"
    split = writing.found.apart if writing.found.apart is not None and writing.found.apart.differ else None
    if demand.counts.shape[1] > MOST_INLINE:
        writing.files["week.csv"] = _week_file(writing, demand)
        writing.say("  counts: week.csv", f"by weekday and {demand.step // 60} min; {within}")
    elif split is not None:
        writing.note(within, 2)
        if len(split.own) < len(split.by_channel):
            _profile(writing, demand, whole)
    else:
        writing.say(f"  volume: {usual:.6g}/day", within)
        _profile(writing, demand, whole)
    if odd := demand.odd:
        named = f", those of {demand.country} by name" if demand.country else ""
        writing.say("  by_date:", f"dates far from others of their weekday{named}")
        for one in odd:
            writing.say(
                f"    - {{on: {one.on.isoformat()}, factor: {100 * one.factor:.0f} %}}",
                one.name or "no holiday that is known",
            )
    _swings(writing, demand)
    if split is not None:
        _channels_apart(writing, demand, split, whole=whole)
    else:
        _channels(writing)
    _risk(writing)


def _profile(writing: _Writing, demand: LoggedDemand, whole: bool, indent: int = 2) -> None:
    margin = " " * indent
    departure, p, where = demand.product_form
    week, n = demand.week, int(demand.known.sum())
    if not demand.tells_hours:
        if not whole and (demand.tells_weekdays or (week == 0).any()):
            writing.say(f"{margin}by_weekday: {_numbers(week.sum(axis=1))}", "whole days are counted, and no hours")
        return
    if week.shape[1] < 24:
        # What is counted over several hours comes evenly within them.
        week = np.repeat(week, 24 // week.shape[1], axis=1)
    if whole or not demand.tells_weekdays:
        if not whole and (week.sum(axis=1) == 0).any():
            lists = _by_day(week)
            writing.say(f"{margin}by_hour:", f"fewer than {FEW} dates: one profile for the weekdays that came")
            for day, numbers in lists:
                writing.say(f"{margin}  {day}: {numbers}")
        else:
            writing.say(
                f"{margin}by_hour: {_numbers(week[week.sum(axis=1).argmax()])}",
                f"{n} date{'' if n == 1 else 's'}: one profile for all",
            )
        return
    if p > 0.01:
        writing.say(
            f"{margin}by_weekday: {_numbers(week.sum(axis=1))}",
            f"weekday times hour: no departure beyond chance (p = {p:.2g})",
        )
        writing.say(f"{margin}by_hour: {_numbers(week.mean(axis=0))}")
        return
    told = f"; weekday times hour would be up to {departure:+.0%} off ({where})" if where else ""
    writing.say(f"{margin}by_hour:", f"each weekday has its own: p = {p:.2g} for one profile of all{told}")
    for day, numbers in _by_day(week):
        writing.say(f"{margin}  {day}: {numbers}")


def _by_day(week: NDArray[np.float64]) -> list[tuple[str, str]]:
    return [(DAYS[day], _numbers(week[day])) for day in range(7)]


def _numbers(values: Sequence[float] | NDArray[np.float64]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"


def _week_file(writing: _Writing, demand: LoggedDemand) -> str:
    split = writing.found.apart
    parts = {"": demand}
    if split is not None and split.differ:
        parts = {f",{writing.found.channels[name]}": one for name, one in split.by_channel.items()}
    rows = ["day,time,tips" + (",channel" if "" not in parts else "")]
    for channel, part in parts.items():
        for day, counts in enumerate(part.week.tolist()):
            for at, count in enumerate(counts):
                second = at * demand.step
                rows.append(f"{DAYS[day]},{second // 3600:02d}:{second // 60 % 60:02d},{count:.6g}{channel}")
    return "\n".join(rows) + "\n"


def _swings(writing: _Writing, demand: LoggedDemand) -> None:
    cv = demand.day_cv[0]
    swing, handed = demand.swing
    if not math.isfinite(cv):
        writing.note("busyness_cv: how much one day differs from another is not told by so few dates", 2)
        writing.unknown("demand.busyness_cv", "0 %", "15 %", "too few dates to tell how much days differ")
        return
    if swing >= 0.01:
        n = int((demand.week > 0).any(axis=0).sum())
        # What swings within a day moves its total too; the day's own factor is what is left.
        of_day = swing**2 * mean_correlation(handed, n)
        cv = math.sqrt(max(cv**2 - of_day, 0.0))
        writing.say(
            f"  busyness: {{cv: {100 * swing:.2g} %, correlation: {handed:.3g}, every: {demand.step // 60} min}}",
            f"counts vary {demand.dispersion:.2f} times as much as Poisson ones within days; "
            f"{demand.correlation():.2f} of it is handed to the next",
        )
    if cv >= 0.001:
        value, low, high = demand.day_cv
        writing.say(
            f"  busyness_cv: {100 * cv:.3g} %",
            f"days beside their weekday: {value:.3f} (95 %: {low:.3f} to {high:.3f})",
        )


def _demand_without_dates(writing: _Writing) -> None:
    counts = writing.found.log
    assert not isinstance(counts, CleanedLog)
    if counts.shape == "profile":
        total = float(counts.count.sum()) * (counts.step / 3600 if counts.step != 3600 else 1)
        writing.say(
            f"  volume: {total:.6g}/day", "the sum of the profile, if its numbers are those of one interval each"
        )
        hours = [0.0] * 24
        for begin, count in zip(counts.begins.tolist(), counts.count.tolist(), strict=True):
            hours[int(begin // 3600) % 24] += count
        missing = [hour for hour in range(24) if hour not in {int(begin // 3600) % 24 for begin in counts.begins}]
        lacks = f"; the profile has no {missing[0]}:00 to {missing[-1] + 1}:00, taken as 0" if missing else ""
        writing.say(f"  by_hour: {_numbers(hours)}", f"the usual day of the log{lacks}")
        writing.unknown("demand.busyness_cv", "0 %", "20 %", "a usual day does not tell how much days differ")
        return
    days = _days_of_months(counts.begins)
    a_day = float(counts.count.sum() / days.sum())
    spread = counts.count / days
    error = float(spread.std(ddof=1) / math.sqrt(len(spread))) if len(spread) > 1 else 0.0
    writing.say(
        f"  volume: {a_day:.6g}/day",
        f"{counts.count.sum():,.0f} in {len(days)} periods (95 % for a period's mean: {a_day - CI * error:,.1f} to "
        f"{a_day + CI * error:,.1f})",
    )
    monthly = spread / spread.mean()
    from_year = float(monthly.std(ddof=1)) if len(monthly) > 1 else 0.0
    writing.note(
        f"from period to period the volume a day has a cv of {from_year:.3f}; hours and weekdays are not told", 2
    )
    writing.unknown("demand.busyness_cv", "0 %", "20 %", "long periods do not tell how much days differ")
    _channels(writing)


def _days_of_months(begins: NDArray[np.float64]) -> NDArray[np.float64]:
    starts = [as_datetime(one).date() for one in begins.tolist()]
    ends = [*starts[1:], starts[-1] + timedelta(days=(starts[-1] - starts[-2]).days)]
    if all(one.day == 1 for one in starts):
        last = starts[-1]
        ends[-1] = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    return np.array([(end - start).days for start, end in zip(starts, ends, strict=True)], dtype=np.float64)


def _channels_apart(writing: _Writing, demand: LoggedDemand, split: Apart, *, whole: bool) -> None:
    """Channels whose shares vary over the day, each with its own volume and profile."""
    most = f"; with one profile {split.where} would be {split.departure:+.0%} off" if split.where else ""
    why = f"their shares vary over the day: p = {split.p:.2g} for one profile of all{most}"
    names = writing.found.channels
    if "week.csv" in writing.files:
        told = ", ".join(f"{_key(names[name])}: {{}}" for name in split.by_channel)
        writing.say(f"  channels: {{{told}}}", f"each has its own counts; {why}")
        return
    writing.say("  channels:", why)
    # A tip whose channel is not told is of any, in proportion.
    every = sum(float(np.nansum(one.counts)) for one in split.by_channel.values())
    size = float(np.nansum(demand.counts)) / every
    for name, one in split.by_channel.items():
        n = float(np.nansum(one.counts))
        usual = size * (one.volume[0] if whole else float(one.week.sum()) / 7)
        writing.say(f"    {_key(names[name])}:")
        writing.say(f"      volume: {usual:.6g}/day", f"{n:,.0f} in the log, {n / every:.1%} of all")
        if name in split.own:
            _profile(writing, one, whole, 6)


def _channels(writing: _Writing) -> None:
    found = writing.found
    if found.visits is not None:
        if len(found.visits.channel.names) < 2:
            return
        code = found.visits.channel.code[found.new]
        n = [int((code == one).sum()) for one in range(len(found.visits.channel.names))]
        names = [found.channels[name] for name in found.visits.channel.names]
        _write_shares(writing, names, [100 * one / max(sum(n), 1) for one in n])
    elif not isinstance(found.log, CleanedLog) and found.log.channels:
        total = sum(float(column.sum()) for column in found.log.channels.values())
        shares = [100 * float(column.sum()) / total for column in found.log.channels.values()]
        _write_shares(writing, [found.channels[name] for name in found.log.channels], shares)


def _risk(writing: _Writing) -> None:
    """Priorities as risks: what a tip is, by which lines may go; by channel where these differ."""
    found = writing.found
    visits, risks = found.visits, found.risks
    if visits is None or not risks:
        return
    n_channels = max(len(visits.channel.names), 1)
    known = found.new & (visits.priority.code >= 0)
    table = np.zeros((n_channels, len(risks)))
    channel = np.maximum(visits.channel.code, 0)
    np.add.at(table, (channel[known], visits.priority.code[known]), 1)
    every = table.sum(axis=0)

    def told(counts: NDArray[np.float64]) -> str:
        shares = [round(100 * float(one), 4) for one in counts / counts.sum()]
        shares[int(counts.argmax())] += 100 - sum(shares)
        named = zip(risks.values(), shares, strict=True)
        return "{" + ", ".join(f"{_key(name)}: {share:.6g} %" for name, share in named) + "}"

    whence = f"'{found.log.map.columns.get('priority', 'priority')}' of {int(known.sum()):,} tips"
    if n_channels == 1 or not _channels_differ(table):
        writing.say(f"  risk: {told(every)}", whence)
    else:
        writing.say("  risk:", f"{whence}; channels differ beyond chance")
        for name, counts in zip(visits.channel.names, table, strict=True):
            writing.say(f"    {_key(found.channels[name])}: {told(counts if counts.sum() else every)}")
    if not any(stage.ranks is not None and stage.ranks.decide for stage in found.stages):
        some = [stage.ranks for stage in found.stages if stage.ranks is not None]
        why = (
            f"of {some[0].pairs:,} pairs of one taken and one of another priority left waiting {some[0].by_entry:.0%} "
            f"are in order of entry, and {some[0].explained:.0%} in that of priority"
            if some
            else "too few waited beside one of another priority to tell"
        )
        writing.note(f"no `serve_first`: {why}", 2)


def _channels_differ(table: NDArray[np.float64]) -> bool:
    from scipy.stats import chi2_contingency

    some = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return min(some.shape) > 1 and bool(chi2_contingency(some).pvalue < SAME)


def _write_shares(writing: _Writing, names: Sequence[str], shares: Sequence[float]) -> None:
    rounded = [round(share, 4) for share in shares]
    rounded[0] = round(100 - sum(rounded[1:]), 4)
    told = ", ".join(f"{_key(name)}: {share:g} %" for name, share in zip(names, rounded, strict=True))
    writing.say(f"  channels: {{{told}}}", "as they came in the log")


# People and stages


def _check_stage(writing: _Writing, stage: StageFound) -> None:
    if stage.group is None and not stage.has_delays_only and not stage.served_by:
        load = _load(writing, stage)
        low, high = (max(math.ceil(load * one), 1) for one in STAFFED)
        writing.unknown(f"pools.{stage.name}.staff", str(low), str(max(high, low + 1)), "who served is not told")


def _load(writing: _Writing, stage: StageFound) -> float:
    """People that the work of a stage would keep busy in its busiest hours."""
    demand = writing.found.demand
    if demand is None:
        return 1.0
    peak = float(np.quantile(demand.week[demand.week > 0], 0.9)) / demand.step if (demand.week > 0).any() else 0.0
    mean = stage.work[0].mean if stage.work else 300.0
    return max(peak * stage.share * mean, 0.2)


def _pools(writing: _Writing, first: date, n_days: int) -> None:
    if not any(not stage.has_delays_only for stage in writing.found.stages):
        writing.say("pools: {}", "the log does not tell who serves")
        return
    writing.say("pools:")
    for stage in writing.found.stages:
        if stage.has_delays_only or stage.served_by:
            continue
        writing.say(f"  {_key(stage.name)}:")
        group = stage.group
        if group is None:
            load = _load(writing, stage)
            n = max(math.ceil(load * 1.2), 1)
            writing.say(
                f"    staff: {n}", f"NOT in the log: {load:.1f} people are kept busy at busy times; see `plausible`"
            )
            continue
        if stage.order is not None and stage.order.by_channel:
            writing.say(
                "    order: due",
                f"of {stage.order.pairs:,} pairs of one taken and one of another channel left waiting "
                f"{stage.order.explained:.0%} are in order of `due`, {stage.order.by_entry:.0%} in order of entry",
            )
        if stage.ranks is not None and stage.ranks.decide and writing.found.risks:
            ranks, risks = stage.ranks, list(writing.found.risks.values())
            before = ", ".join(f"{{risk: {_key(risks[code])}}}" for code in ranks.order[:-1])
            writing.say(
                f"    serve_first: [{before}]",
                f"of {ranks.pairs:,} pairs of one taken and one of another priority left waiting {ranks.explained:.0%} "
                f"are in this order, {ranks.by_entry:.0%} in order of entry",
            )
        if group.slots > 1:
            writing.say(f"    concurrency: {group.slots}", "so many each has in hand while others wait")
        name, text = staff_file(stage.name, group, first, n_days)
        writing.files[name] = text
        told = f"{group.persons} people" if group.persons else "people without names"
        share = f"; there for {group.share:.0%} of {group.on_line:,.1f} h on line" if math.isfinite(group.share) else ""
        stays = "; one stays on at closing" if group.stays else ""
        writing.say(f"    levels: {name}", f"{told}, by {group.step // 60} min, from {group.from_whom}{share}{stays}")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def staff_file(stage: str, group: Group, first: date, n_days: int) -> tuple[str, str]:
    """The name and the text of the file of the people of a stage: heads by interval over the dates of the run.

    Nobody is there where the log shows nobody; of one date it is for every day.
    """
    name, step, zero = f"staff_{_file_name(stage)}.csv", group.step, day_number(first) * DAY
    n = n_days * DAY // step + DAY // step
    table = np.zeros(n, dtype=np.int64)
    place = np.round((group.begins - zero) / step).astype(np.int64)
    some = (place >= 0) & (place < n)
    table[place[some]] = group.heads[some]
    if n_days == 1:
        past = table[DAY // step :]
        table = table[: DAY // step]
        table[: len(past)] += past
        told = [
            f"daily,{at * step // 3600:02d}:{at * step // 60 % 60:02d},{many}" for at, many in enumerate(table.tolist())
        ]
        return name, "\n".join(["day,time,staff", *told]) + "\n"
    rows = ["from,staff"]
    rows += [f"{as_datetime(zero + at * step):%Y-%m-%d %H:%M},{many}" for at, many in enumerate(table.tolist())]
    return name, "\n".join(rows) + "\n"


def _stages(writing: _Writing) -> None:
    writing.say("stages:")
    for stage in writing.found.stages:
        writing.say(f"  - name: {_key(stage.name)}")
        if stage.channels:
            writing.say(
                f"    for: {{channel: [{', '.join(_key(one) for one in stage.channels)}]}}",
                "of the others less than 1 % come to it" if stage.few_others else "served by people of their own",
            )
        if stage.share < 0.999:
            writing.say(f"    share: {100 * stage.share:.4g} %", "of the cases come to it")
        if stage.has_delays_only:
            law = _law(writing, stage, stage.delay, "delay") if stage.delay else "0 s"
            writing.say(f"    delay: {law}", "from the end before to its own: how much of it was work is not told")
            continue
        if stage.served_by:
            writing.say(f"    pool: {_key(stage.served_by)}", "served by the same people")
        else:
            writing.say(f"    pool: {_key(stage.name)}")
        _due(writing, stage)
        if stage.work:
            _laws(writing, stage, stage.work, "service")
        else:
            writing.say("    service: {exponential: {mean: 5 min}}", "NOT in the log; see `plausible`")
            path = f"stages.{stage.name}.service.exponential.mean"
            writing.unknown(path, *WORK, "how long work lasts is not told")
        group = next(one for one in writing.found.stages if one.name == (stage.served_by or stage.name)).group
        if group is not None and group.wrap_up is not None:
            _laws(writing, stage, [group.wrap_up], "wrap_up")
        else:
            writing.note("wrap_up: work after the talk is not told; it is none here, and would take people's time", 4)
        if stage.patience:
            _laws(writing, stage, [one.fitted for one in stage.patience], "patience")
        elif _may_give_up(writing, stage):
            writing.say("    patience: {exponential: {mean: 5 min}}", "NOT in the log; see `plausible`")
            path = f"stages.{stage.name}.patience.exponential.mean"
            writing.unknown(path, *PATIENCE, "how long people bear to wait is not told")
        _retry(writing, stage)


def _retry(writing: _Writing, stage: StageFound) -> None:
    """Who comes back after giving up, where callers are known and more come back than of those who were served."""
    retries = stage.retries
    if retries is None or not retries.told or retries.after is None or not stage.patience:
        return
    after = _law(writing, stage, [retries.after], "retry")
    writing.say(
        f"    retry: {{share: {100 * retries.share:.4g} %, after: {after}, at_most: {retries.at_most}}}",
        f"{retries.again} of {retries.lost} who gave up called again within an hour, {retries.by_chance:.1%} of those "
        f"who were served; their later calls are no demand above; {_why(retries.after)}",
    )


def _due(writing: _Writing, stage: StageFound) -> None:
    """The head starts of channels, as times at which each is due after joining the line."""
    visits = writing.found.visits
    if stage.order is None or not stage.order.by_channel or stage.group is None or visits is None:
        return
    behind = stage.order.behind
    least = min(behind)
    told = [
        f"{_key(writing.found.channels[name])}: {late - least + 1:g} s"
        for name, late in zip(visits.channel.names, behind, strict=True)
        if not stage.channels or writing.found.channels[name] in stage.channels
    ]
    writing.say(f"    due: {{by: channel, {', '.join(told)}}}", "head starts of channels, from who was passed over")
    writing.say("    due_from: enter")


def _may_give_up(writing: _Writing, stage: StageFound) -> bool:
    visits = writing.found.visits
    return visits is not None and bool(visits.gave_up[stage.rows].any())


def _laws(writing: _Writing, stage: StageFound, fits: Sequence[Fitted], key: str) -> None:
    """A law, or one by channel where the first, which is of all, is followed by others."""
    if len(fits) == 1:
        writing.say(f"    {key}: {_law(writing, stage, fits, key)}", _why(fits[0]))
        return
    by = fits[1].by
    writing.say(f"    {key}:", f"{'channels' if by == 'channel' else 'priorities'} differ beyond chance")
    writing.say(f"      by: {by}")
    own = [one for one in fits[1:] if one.of != "other"]
    rest = next((one for one in fits[1:] if one.of == "other"), fits[0])
    written = writing.found.channels if by == "channel" else writing.found.risks
    for one in own:
        name = written[one.of]
        writing.say(f"      {_key(name)}: {_law(writing, stage, [one], key)}", _why(one))
    known = {one.of for one in own}
    visits = writing.found.visits
    named = () if visits is None else visits.channel.names if by == "channel" else visits.priority.names
    served = [name for name in named if by != "channel" or not stage.channels or written[name] in stage.channels]
    if any(name not in known for name in served):
        writing.say(f"      other: {_law(writing, stage, [rest], key)}", _why(rest))


def _why(one: Fitted) -> str:
    n = f"{one.n:,} times" if not one.n_censored else f"{one.n:,} ended, {one.n_censored:,} were cut off"
    if one.chosen is None:
        refused = "; ".join(f"{fit.law}: {fit.refused}" for fit in one.tried) or "too few for a law"
        return f"{n}; no law fits ({refused})"
    return f"{n}; the best of {len(one.tried)} laws by AIC, KS {one.chosen.ks:.3f}"


def _law(writing: _Writing, stage: StageFound, fits: Sequence[Fitted], key: str) -> str:
    one = fits[0]
    if one.chosen is not None:
        return _parametric(one)
    # 240 values that are as likely as each other stand for a long list, with its mean.
    values = np.maximum(one.values, 0.1 if key != "service" else 0.5)
    if len(values) <= MOST_LISTED:
        return "{empirical: {values: [" + ", ".join(f"{value:.6g} s" for value in values.tolist()) + "]}}"
    of = f"_{_file_name(one.of)}" if one.of else ""
    name = f"{key}_{_file_name(stage.name)}{of}.csv"
    writing.files[name] = "seconds\n" + "\n".join(f"{value:.6g}" for value in values.tolist()) + "\n"
    return f"{{empirical: {{csv: {name}, column: seconds, unit: s}}}}"


def _parametric(one: Fitted) -> str:
    fit = one.chosen
    assert fit is not None
    told = fit.parameters
    if fit.law == "hyperexponential":
        share = round(100 * told["share"], 4)
        means = f"[{_time(told['one'])}, {_time(told['other'])}]"
        return f"{{hyperexponential: {{shares: [{share:g} %, {round(100 - share, 4):g} %], means: {means}}}}}"
    inner = [f"mean: {_time(told['mean'])}"]
    inner += [f"{name}: {told[name]:.5g}" for name in ("cv", "shape") if name in told]
    return f"{{{fit.law}: {{{', '.join(inner)}}}}}"


def _time(seconds: float) -> str:
    return f"{seconds:.6g} s" if seconds < 600 else f"{seconds / 60:.6g} min"


def _targets(writing: _Writing) -> None:
    """What the log itself came to, as targets: no promise, but something to hold a change against."""
    visits = writing.found.visits
    if visits is None:
        return
    lines = []
    for stage in writing.found.stages:
        if stage.has_delays_only:
            continue
        mine = visits.take(stage.rows)
        known = np.isfinite(mine.wait)
        if not known.any():
            continue
        level = 100 * float((mine.served & known & (mine.wait <= WITHIN)).sum()) / max(int(known.sum()), 1)
        name = "in_time" if len(writing.found.stages) == 1 else f"in_time_{_file_name(stage.name)}"
        level = min(max(level, 0.1), 99.9)
        lines.append(f"  {name}: {{stage: {_key(stage.name)}, service_level: {level:.4g} %, within: {WITHIN:g} s}}")
        lost = 100 * float(mine.gave_up.mean())
        if lost > 0:
            name = "given_up" if len(writing.found.stages) == 1 else f"given_up_{_file_name(stage.name)}"
            lines.append(f"  {name}: {{stage: {_key(stage.name)}, abandoned: {lost:.4g} %}}")
    if lines:
        writing.say("targets:", "what the log itself came to; put your promises here")
        writing.lines += lines


def _line_unknown(writing: _Writing) -> None:
    """A line of which only the demand is known."""
    demand = writing.found.demand
    log = writing.found.log
    if demand is not None:
        a_day = demand.volume[0]
    else:
        assert not isinstance(log, CleanedLog)
        a_day = float(log.count.sum() / (1 if log.shape == "profile" else _days_of_months(log.begins).sum()))
    load = max(a_day / DAY * 300, 0.5)
    low, high = max(math.ceil(load), 1), max(math.ceil(4 * load), 2)
    writing.note("NOT in the log: who serves, how long work lasts and how long people bear to wait; see `plausible`")
    writing.say(f"pools: {{people: {{staff: {math.ceil(2 * load)}}}}}")
    writing.say("stages:")
    writing.say("  - name: answer")
    writing.say("    pool: people")
    writing.say("    service: {exponential: {mean: 5 min}}")
    writing.say("    patience: {exponential: {mean: 5 min}}")
    if not isinstance(writing.found.log, CleanedLog) and math.isfinite(writing.found.log.given_up_share[0]):
        share, least, most = writing.found.log.given_up_share
        told = (
            f"of the counts ({least:.2%} to {most:.2%}); what is plausible is to be fitted to it (`tipline validate`)"
        )
        writing.say("targets:")
        writing.say(f"  given_up: {{stage: answer, abandoned: {min(max(100 * share, 0.1), 99.9):.4g} %}}", told)
    writing.unknown("pools.people.staff", str(low), str(high), "who serves is not told")
    writing.unknown("stages.answer.service.exponential.mean", *WORK, "how long work lasts is not told")
    writing.unknown("stages.answer.patience.exponential.mean", *PATIENCE, "how long people bear to wait is not told")


# The record


def _variants(writing: _Writing) -> None:
    """The record itself in place of what is drawn, as a variant: the same tips, their work and their patience."""
    found = writing.found
    visits = found.visits
    if visits is None or not found.stages:
        return
    writing.files["trace.csv"] = trace_of(found)
    writing.say("variants:")
    writing.say("  replay:", "the recorded tips with their work and patience, and nothing of the demand above")
    writing.say("    demand.trace: {file: trace.csv, keep: run}")
    for key in ("volume", "counts", "by_hour", "by_weekday", "by_date", "busyness", "busyness_cv"):
        if any(line.startswith(f"  {key}:") for line in writing.lines):
            writing.say(f"    demand.{key}: null")
    for stage in found.stages:
        if stage.retries is not None and stage.retries.told and stage.patience:
            writing.say(f"    {_quoted(f'stages.{stage.name}.retry')}: null", "who came back is in the record")


def trace_of(found: Calibration) -> str:
    """The recorded cases as a trace: when they came, how, the work of each stage, giving up known or cut off."""
    visits = found.visits
    assert visits is not None
    n = int(visits.case.max()) + 1
    first = np.full(n, -1, dtype=np.int64)
    row = np.arange(len(visits))
    order = np.lexsort((row, visits.enter))
    for at in order[::-1].tolist():
        first[visits.case[at]] = at
    cases = np.flatnonzero(first >= 0)
    cases = cases[np.argsort(visits.arrival[first[cases]], kind="stable")]
    has_channels = len(visits.channel.names) > 1
    told = [stage for stage in found.stages if stage.work and not stage.has_delays_only]
    gives_up = any(stage.patience for stage in found.stages)
    wraps = np.isfinite(visits.wrap_up).any() and any(
        stage.group is not None and stage.group.wrap_up is not None for stage in found.stages
    )
    names = [found.channels[name] for name in visits.channel.names]
    work: list[dict[int, float]] = []
    for stage in told:
        own = np.flatnonzero(stage.rows & np.isfinite(visits.work))[::-1]
        work.append(dict(zip(visits.case[own].tolist(), (visits.work[own] / 60).tolist(), strict=True)))
    risks = list(found.risks.values())
    head = [
        "received",
        *(["channel"] if has_channels else []),
        *(["risk"] if risks else []),
        *(f"{stage.name}_min" for stage in told),
    ]
    head += (["gave_up"] if gives_up else []) + (["wrap_up"] if wraps else [])
    rows = [",".join(head)]
    for case in cases.tolist():
        at = int(first[case])
        cells = [as_datetime(round(float(visits.arrival[at]), 3)).isoformat(sep=" ")]
        if has_channels:
            code = int(visits.channel.code[at])
            cells.append(names[code] if code >= 0 else "")
        if risks:
            code = int(visits.priority.code[at])
            cells.append(risks[code] if code >= 0 else "")
        cells += [f"{one[case]:.5f}" if case in one else "" for one in work]
        if gives_up:
            wait = float(visits.left[at] - visits.enter[at]) / 60
            cells.append(
                "" if not math.isfinite(wait) else f"{wait:.5f}" if visits.gave_up[at] else f">{max(wait, 0):.5f}"
            )
        if wraps:
            after = float(visits.wrap_up[at]) / 60
            cells.append(f"{after:.5f}" if math.isfinite(after) else "")
        rows.append(",".join(cells))
    return "\n".join(rows) + "\n"


def _plausible(writing: _Writing) -> None:
    if not writing.ranges:
        return
    writing.say("plausible:", "what the log cannot tell")
    for path, low, high, why in writing.ranges:
        writing.say(f"  {_quoted(path)}: {{from: {low}, to: {high}, source: {_quoted(why)}}}")
