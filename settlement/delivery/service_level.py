"""What the buyer gets back of an hour that fell short: a table on the contract, in whole numbers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from settlement.contracts.models import Contract
from settlement.money import half_even

BASIS_POINTS = 10_000
SECONDS_A_SLOT = 3600


@dataclass(frozen=True)
class Tier:
    """Below this availability, this share of the hour's price is credited; both in basis points."""

    below: int
    credit: int


DEFAULT = (Tier(below=9950, credit=1000), Tier(below=9900, credit=3000), Tier(below=9500, credit=10_000))


def contracted_seconds(contract: Contract) -> int:
    """Accelerator-seconds of one slot."""
    return contract.quantity * SECONDS_A_SLOT


def tiers_of(contract: Contract) -> Sequence[Tier]:
    """The contract's own table, `terms.service_level.tiers`, or the default."""
    terms = json.loads(contract.document)["terms"]
    level = terms.get("service_level") if isinstance(terms, dict) else None
    tiers = level.get("tiers") if isinstance(level, dict) else None
    if tiers is None:
        return DEFAULT
    return [Tier(below=each["below"], credit=each["credit"]) for each in tiers]


def credit_on(amount: int, delivered: int, contracted: int, tiers: Sequence[Tier]) -> int:
    """The credit in fen: `amount` x the highest tier that applies, half-even, at most `amount`."""
    shares = [tier.credit for tier in tiers if delivered * BASIS_POINTS < tier.below * contracted]
    return min(amount, half_even(amount * max(shares, default=0), BASIS_POINTS))
