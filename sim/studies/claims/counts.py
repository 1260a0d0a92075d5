"""What claims about numbers say of each other: volumes, shares and costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sim.dynamics.clock import DAY, YEAR
from sim.scenario.claims import CostRatio, ShareOfWhole, Volume
from sim.scenario.ledger import Ledger
from sim.studies.claims.findings import (
    VACUOUS,
    Finding,
    Verdict,
    a_year,
    percent,
    three,
    times,
)
from sim.studies.claims.statements import NEAR, Range, bounds


def counts_found(ledger: Ledger) -> Iterator[Finding]:
    """Every finding on numbers."""
    yield from _volume_and_share(ledger)
    yield from _parts(ledger)
    yield from _share_of_volume(ledger)
    yield from _volume_in_volume(ledger)
    yield from _costs(ledger)


def volumes(ledger: Ledger) -> dict[str, Volume]:
    """The claims of volumes."""
    return {name: claim for name, claim in ledger.claims.items() if isinstance(claim, Volume)}


def shares(ledger: Ledger) -> dict[str, ShareOfWhole]:
    """The claims of shares."""
    return {name: claim for name, claim in ledger.claims.items() if isinstance(claim, ShareOfWhole)}


def yearly(volume: float) -> float:
    """A rate a day as a number a year."""
    return volume * YEAR / DAY


def totals(ledger: Ledger, subject: str) -> list[Range]:
    """What claims say of the volume of a subject a year: directly, or by that of a part and its share."""
    found = [_yearly(bounds(name, claim)) for name, claim in volumes(ledger).items() if claim.subject == subject]
    for volume, share in _pairs(ledger):
        if shares(ledger)[share].of == subject and shares(ledger)[share].quantity > 0:
            part, of = bounds(volume, volumes(ledger)[volume]), bounds(share, shares(ledger)[share])
            found.append(_yearly(part.over(of)))
    return found


def _yearly(one: Range) -> Range:
    return Range(yearly(one.low), yearly(one.high), yearly(one.figure), one.by)


def _pairs(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """A volume and a share of one subject."""
    for name, volume in volumes(ledger).items():
        for other, share in shares(ledger).items():
            if volume.subject == share.subject:
                yield name, other


def _volume_and_share(ledger: Ledger) -> Iterator[Finding]:
    """The volume of a part over its share is the volume of the whole."""
    for part_name, share_name in _pairs(ledger):
        part, share = volumes(ledger)[part_name], shares(ledger)[share_name]
        for name, whole in volumes(ledger).items():
            if whole.subject != share.of or share.quantity == 0:
                continue
            implied = _yearly(bounds(part_name, part).over(bounds(share_name, share)))
            stated = _yearly(bounds(name, whole))
            factor = implied.figure / stated.figure
            figures = (
                a_year("total by volume and share", implied.figure),
                a_year("total claimed", stated.figure),
                times("the one over the other", factor),
                a_year("part by total and share", stated.figure * share.quantity),
            )
            said = (
                f"{three(yearly(part.quantity))} a year that are {three(100 * share.quantity)} % make a total of "
                f"{three(implied.figure)}"
            )
            formula = "total = volume of part / share of part"
            rests = (part_name, share_name)
            verdict = _of_totals(implied, stated)
            says = f"{said}; {name} says {whole.sense} {three(stated.figure)}"
            yield Finding("volume and share", name, rests, verdict, formula, figures, says)
            if verdict != "at odds" and abs(factor - 1) > NEAR:
                says = f"{said}, {three(factor)} times the {three(stated.figure)} of {name}"
                yield Finding("volume and share", name, rests, "at odds", formula, figures, says, ("levels",))


def _of_totals(implied: Range, stated: Range) -> Verdict:
    """The verdict on a total as it bounds, beside the one that others imply."""
    if implied.low > stated.high or implied.high < stated.low:
        return "at odds"
    factor = implied.figure / stated.figure
    if implied.low >= stated.low and implied.high <= stated.high:
        return "vacuous" if max(factor, 1 / factor) >= VACUOUS else "implied"
    return "implied" if abs(factor - 1) <= NEAR else "independent"


def _parts(ledger: Ledger) -> Iterator[Finding]:
    """Parts that exclude each other are together at most the whole."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, share in shares(ledger).items():
        subject = ledger.subjects[share.subject]
        if subject.part_of == share.of and subject.by is not None:
            groups.setdefault((share.of, subject.by), []).append(name)
    for (whole, by), names in groups.items():
        of_subject = {shares(ledger)[name].subject: name for name in names}
        if len(of_subject) < 2:
            continue
        named = tuple(of_subject.values())
        claimed = [bounds(name, shares(ledger)[name]) for name in named]
        together = sum(one.figure for one in claimed)
        rest = max(1 - together, 0.0)
        over = sum(one.low for one in claimed) > 1 + 1e-9
        figures = [percent("together", together), percent("left for all others", rest)]
        known = totals(ledger, whole)
        figures += [a_year(f"left, of {three(total.figure)}", rest * total.figure) for total in known]
        by_totals = (name for total in known for name in total.by if name != named[-1])
        yield Finding(
            "parts of a whole",
            named[-1],
            tuple(dict.fromkeys((*named[:-1], *by_totals))),
            "at odds" if over else "independent",
            "sum of shares <= 1",
            tuple(figures),
            f"by {by} they make {three(100 * together)} % together"
            + (", more than all" if over else f", which leaves {three(100 * rest)} %"),
        )


def _share_of_volume(ledger: Ledger) -> Iterator[Finding]:
    """How many a share is, by each total that is claimed; where a volume of the part is claimed, that says it."""
    claimed = {share for _, share in _pairs(ledger)}
    for name, share in shares(ledger).items():
        found = totals(ledger, share.of)
        if name in claimed or not found:
            continue
        figures = tuple(a_year(f"of {three(total.figure)}", share.quantity * total.figure) for total in found)
        yield Finding(
            "share of a volume",
            name,
            tuple(dict.fromkeys(by for total in found for by in total.by if by != name)),
            "independent",
            "part = share x total",
            figures,
            f"{three(100 * share.quantity)} % are " + ", or ".join(f"{three(one.value)} {one.what}" for one in figures),
        )


def _volume_in_volume(ledger: Ledger) -> Iterator[Finding]:
    """A part is no more than the whole; what share it would be."""
    with_share = {volume for volume, _ in _pairs(ledger)}
    for name, part in volumes(ledger).items():
        outer = ledger.within(part.subject)[1:]
        for whole in outer:
            found = totals(ledger, whole)
            if name in with_share or not found:
                continue
            claimed = _yearly(bounds(name, part))
            over = any(claimed.low > total.high for total in found)
            levels = not over and all(claimed.figure > total.figure for total in found)
            figures = tuple(percent(f"of {three(total.figure)}", claimed.figure / total.figure) for total in found)
            shown = ", or ".join(f"{three(one.value)} % {one.what}" for one in figures)
            yield Finding(
                "volume in a volume",
                name,
                tuple(dict.fromkeys(by for total in found for by in total.by)),
                "at odds" if over or levels else "independent",
                "volume of part <= volume of whole",
                figures,
                f"{three(claimed.figure)} a year are {shown}",
                ("levels",) if levels else (),
            )


def _costs(ledger: Ledger) -> Iterator[Finding]:
    """Two costs as shares of others: how the bases differ if the costs are one, and the other way round."""
    ratios = {name: claim for name, claim in ledger.claims.items() if isinstance(claim, CostRatio)}
    for name, other in combinations(ratios, 2):
        one, two = ratios[name], ratios[other]
        if one.quantity == 0 or two.quantity == 0:
            continue
        factor = one.quantity / two.quantity
        same = (one.subject == two.subject, one.of == two.of)
        figures = (
            times("base of the second, if one cost", factor),
            times("cost of the second, if one base", 1 / factor),
        )
        alike = abs(factor - 1) <= NEAR
        verdict: Verdict = "independent" if alike and not all(same) else "implied" if alike else "at odds"
        yield Finding(
            "cost ratios",
            other,
            (name,),
            verdict,
            "q1 / q2 = base2 / base1 of one cost",
            figures,
            f"if the costs are one, the second base is {three(factor)} times the first; if the bases are one, the "
            f"second cost is {three(1 / factor)} times the first",
            () if all(same) or alike else ("one thing",),
        )
