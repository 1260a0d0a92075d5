"""What arithmetic says of the claims of a ledger: found from their kinds and numbers, for any ledger.

Nothing is simulated here, and no claim is known by its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.scenario.claims import Availability, BestCase, Claim, GrowthRate, Mean, ShareOfWhole, ShareWithin, Volume, Zero
from sim.scenario.ledger import Ledger
from sim.studies.claims.counts import counts_found
from sim.studies.claims.findings import Finding
from sim.studies.claims.growth import growth_found
from sim.studies.claims.limits import limits_found
from sim.studies.claims.times import times_found


def relations(ledger: Ledger) -> list[Finding]:
    """Every finding between the claims of a ledger, those on one claim together, in the ledger's order."""
    found = [*repeats(ledger), *times_found(ledger), *limits_found(ledger)]
    found += [*counts_found(ledger), *growth_found(ledger)]
    order = {name: number for number, name in enumerate(ledger.claims)}
    return sorted(found, key=lambda one: order[one.about])


def repeats(ledger: Ledger) -> Iterator[Finding]:
    """Claims that give one figure of one thing: which says as much, and which says less."""
    seen: list[str] = []
    for name, claim in ledger.claims.items():
        for other in seen:
            before = ledger.claims[other]
            if _thing(before) == _thing(claim) and _thing(claim) is not None:
                weaker, stronger = (name, other) if _strength(claim) <= _strength(before) else (other, name)
                same = _strength(claim) == _strength(before)
                how = "says the same as" if same else "says less than"
                yield Finding(
                    "one figure",
                    weaker,
                    (stronger,),
                    "implied",
                    "the same figure of the same thing",
                    (),
                    f"{weaker} {how} {stronger}: score them once",
                )
                break
        else:
            seen.append(name)


def _thing(claim: Claim) -> tuple[object, ...] | None:
    """What a claim gives a figure of, with the figure; None for kinds that are not compared so."""
    if isinstance(claim, ShareWithin | Mean | BestCase):
        return ("time", claim.subject, claim.clock, claim.quantity)
    if isinstance(claim, Availability):
        return ("availability", claim.subject, claim.quantity)
    if isinstance(claim, ShareOfWhole):
        return (claim.kind, claim.subject, claim.of, claim.quantity)
    if isinstance(claim, Volume | GrowthRate | Zero):
        return (claim.kind, claim.subject, claim.quantity)
    return None


def _strength(claim: Claim) -> int:
    """How much a claim says beside others of the same figure."""
    if isinstance(claim, BestCase):
        return 0
    if isinstance(claim, GrowthRate | Volume):
        return int(claim.each_year)
    if isinstance(claim, Availability):
        return int(claim.of is not None)
    return 1
