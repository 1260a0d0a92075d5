"""The command `init`: a commented scenario to start from, as it is shipped or made of answers to a few questions; or a
commented ledger of claims.

The schema by which editors explain and check it goes beside it; nothing else that is there is written over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sim.cli.options import BAD_INPUT, DONE, say

SCHEMA_FILE: Final = "tipline.schema.json"
LEDGER_SCHEMA_FILE: Final = "tipline.ledger.schema.json"


def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="What to write; it must not be there yet. scenario.yaml or claims.yaml.",
            show_default=False,
        ),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask a few questions, and write the line of the answers.")] = False,
    ledger: Annotated[bool, typer.Option("--ledger", help="Write a ledger of claims instead.")] = False,
) -> int:
    """Write a commented scenario to start from, or a ledger, and the schema by which editors know it."""
    from importlib.resources import files

    from sim.scenario.editors import EDITED_WITH, json_schema, ledger_schema

    if ask and ledger:
        raise typer.BadParameter("questions are asked for a scenario, not for a ledger", param_hint="--ask")
    file = file or Path("claims.yaml" if ledger else "scenario.yaml")
    there = f"{file} is there already, and is left as it is"
    if file.exists():
        say(there)
        return BAD_INPUT
    template = "ledger_template.yaml" if ledger else "template.yaml"
    text = written(_asked()) if ask else files("sim.cli").joinpath(template).read_text(encoding="utf-8")
    schema_file = LEDGER_SCHEMA_FILE if ledger else SCHEMA_FILE
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(f"{EDITED_WITH.format(schema_file)}\n{text}")
    except FileExistsError:
        say(there)
        return BAD_INPUT
    _leave_schema(file.parent / schema_file, ledger_schema() if ledger else json_schema())
    then = f"judge it on a scenario:\n  tipline check {file}\n  tipline claims {file} SCENARIO"
    if not ledger:
        then = f"run it:\n  tipline check {file}\n  tipline run {file}"
    print(f"{file} is written. Look at what it says, then {then}")
    return DONE


def _leave_schema(file: Path, schema: dict[str, Any]) -> None:
    """A schema in a file: put in place of an older one of this program, but of nothing else."""
    try:
        there = json.loads(file.read_text(encoding="utf-8")).get("$id") if file.exists() else schema["$id"]
    except (ValueError, AttributeError):
        there = None
    if there != schema["$id"]:
        say(f"{file} is no schema of this program, and is left as it is; editors need: tipline schema OF --out FILE")
        return
    file.write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Question:
    """One question: its name, its words, the answer that is taken where none is given, and what an answer means."""

    name: str
    asks: str
    usual: str
    read: Callable[[str], Any]
    """What an answer means; ValueError with the rule where it means nothing."""


def _name(text: str) -> str:
    if not text or any(letter in text for letter in ":#\n{}[]\"'"):
        raise ValueError("write a few words, without : # { } [ ] or quotation marks")
    return text


def _rate(text: str) -> str:
    from sim.scenario.units import rate

    rate(text)
    return text


def _duration(text: str) -> str:
    from sim.scenario.units import duration

    if duration(text) <= 0:
        raise ValueError("must be longer than 0")
    return text


def _share(text: str) -> float:
    from sim.scenario.units import share

    return share(text)


def _part(text: str) -> float:
    found = _share(text)
    if not 0 < found < 1:
        raise ValueError("must lie between 0 % and 100 %, such as 5 %")
    return found


def _channels(text: str) -> dict[str, str]:
    """Channels with their shares: "call 60 %, online 40 %", or one name alone."""
    import re

    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and re.fullmatch(r"\w+", parts[0]):
        return {parts[0]: "100 %"}
    found = {}
    for part in parts:
        match = re.fullmatch(r"([A-Za-z]\w*)\s+([\d.]+\s*%)", part)
        if match is None:
            raise ValueError("write them so: call 60 %, online 40 %")
        found[match[1]] = match[2]
    total = sum(map(_share, found.values()))
    if abs(total - 1) > 1e-6:
        raise ValueError(f"they must add up to 100 %, and these add up to {100 * total:.6g} %")
    return found


def _hours(text: str) -> tuple[str, str, str] | None:
    """None around the clock; or days, from and to: "mon-fri 08:00-18:00"."""
    import re

    from sim.scenario.units import days, time_of_day

    if text == "always":
        return None
    match = re.fullmatch(r"([\w-]+)\s+(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", text)
    if match is None:
        raise ValueError("write always, or days and times such as mon-fri 08:00-18:00")
    days(match[1])
    if time_of_day(match[2]) >= (time_of_day(match[3]) or time_of_day("23:59")):
        raise ValueError("it must open before it closes")
    return match[1], match[2], match[3]


def _people(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or not least <= int(text) <= 10_000:
            raise ValueError(f"a whole number from {least} on")
        return int(text)

    return read


def _patience(text: str) -> str:
    return "" if text in ("for ever", "forever", "never") else _duration(text)


QUESTIONS: Final = (
    Question("name", "What is the line called?", "My line", _name),
    Question("volume", "How many tips come? (30000/year, 60/day, 3.4/h)", "20000/year", _rate),
    Question("channels", "How do they come? (names with shares)", "call 60 %, online 40 %", _channels),
    Question("urgent", "What share of them is urgent?", "5 %", _part),
    Question("hours", "When is the line open? (always, or mon-fri 08:00-18:00)", "always", _hours),
    Question("takers", "How many people take tips at a time?", "4", _people(1)),
    Question("takes", "How long does taking one last on average?", "8 min", _duration),
    Question("patience", "How long do people wait before they give up, on average? (or: for ever)", "5 min", _patience),
    Question("analysts", "How many people then look at the urgent ones? (0: nobody does)", "2", _people(0)),
    Question("looks", "How long does that last on average?", "30 min", _duration),
    Question("within", "Promise: within what time are urgent tips begun there, or taken?", "30 min", _duration),
    Question("share", "Promise: for what share of them?", "80 %", _part),
)


def _asked() -> dict[str, Any]:
    """What the answers to the questions mean; each is asked again until it means something."""
    found: dict[str, Any] = {}
    for question in QUESTIONS:
        if question.name == "looks" and not found["analysts"]:
            found["looks"] = question.read(question.usual)
            continue
        while question.name not in found:
            given = str(typer.prompt(question.asks, default=question.usual)).strip()
            try:
                found[question.name] = question.read(given)
            except ValueError as error:
                say(f"  {error}")
    return found


def written(said: Mapping[str, Any]) -> str:
    """The scenario of the answers, with comments."""
    from sim.scenario.units import percent

    hours, channels = said["hours"], said["channels"]
    urgent = percent(said["urgent"])
    open_ = "" if hours is None else ", open: hours"
    ways = ", ".join(f"{name}: {{share: {share}{open_}}}" for name, share in channels.items())
    calendar = (
        ""
        if hours is None
        else f"""
calendars:                       # outside these hours nobody can leave a tip; `closed: [2025-12-25]` adds dates
  hours: {{open: [{{days: {hours[0]}, from: "{hours[1]}", to: "{hours[2]}"}}]}}
"""
    )

    def people(name: str, many: int, at_the_end: str) -> str:
        if hours is None:
            return f"  {name}:\n    staff: {many}                     # around the clock\n"
        row = f'{{days: {hours[0]}, from: "{hours[1]}", to: "{hours[2]}", staff: {many}}}'
        return f"  {name}:\n    shifts: [{row}]\n    at_shift_end: {at_the_end}\n"

    looked_at = said["analysts"] > 0
    pools = people("call_takers", said["takers"], "finish         # the tip in hand is finished in overtime")
    if looked_at:
        pools += people("analysts", said["analysts"], "resume         # what is not done waits for the next day")
    patience = f"\n    patience: {{exponential: {{mean: {said['patience']}}}}}" if said["patience"] else ""
    look = (
        f"""
  - name: assess                 # only what was labelled urgent
    for: {{tier: urgent}}
    pool: analysts
    service: {{lognormal: {{mean: {said["looks"]}, cv: 1.0}}}}"""
        if looked_at
        else ""
    )
    until = "assess.start" if looked_at else "take.start"
    of = "tier" if looked_at else "risk"
    lost = "\n  lost: {lost: 5 %}              # at most so many give up" if said["patience"] else ""
    clock = ", clock: hours" if hours is not None else ""
    promise = f"from: arrival, to: {until}, within: {said['within']}, share: {percent(said['share'])}{clock}"
    few, many = percent(said["urgent"] / 2), percent(min(2 * said["urgent"], 0.9))
    return f"""# {said["name"]}, made of answers to `tipline init --ask`. What is a guess of the program's says so.
scenario: {said["name"]}
run:
  start: 2025-01-06 00:00        # a Monday
  warm_up: 7 d                   # simulated, but not measured
  length: 91 d                   # the tips that come in this time count
  replications: 20               # so many independent draws of it
  shrinkage: 30 %                # a guess: paid time that is not on the line; for hours and cost only
{calendar}
demand:
  volume: {said["volume"]}
  by_hour: [2,1,1,1,1,2,4,7,9,11,12,12,11,11,12,12,11,10,9,8,7,6,4,3]   # a guess: relative, from midnight
  channels: {{{ways}}}
  risk: {{urgent: {urgent}, other: {percent(1 - said["urgent"])}}}              # what a tip truly is

labels:                          # a guess: how well the first look tells urgent tips
  first_look: {{assigns: {{urgent: {{urgent: 90 %, other: 10 %}}, other: {{urgent: 5 %, other: 95 %}}}}}}

pools:
{pools}
stages:                          # in order; a tip skips those that are not for it
  - name: take
    pool: call_takers
    service: {{lognormal: {{mean: {said["takes"]}, cv: 0.8}}}}   # a guess: the cv{patience}
    label: first_look{look}

targets:                         # what the run is judged by
  urgent: {{of: {{{of}: urgent}}, {promise}}}{lost}

plausible:                       # what is not known, for `tipline sensitivity`
  demand.risk.urgent: {{from: {few}, to: {many}, source: a guess}}
"""
