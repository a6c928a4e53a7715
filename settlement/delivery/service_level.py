"""What the buyer gets back of an hour that fell short: by the contract's table, in whole numbers."""

from collections.abc import Sequence

from settlement.contracts.models import Contract
from settlement.contracts.queries import BASIS_POINTS
from settlement.contracts.terms import Tier
from settlement.money import half_even

SECONDS_A_SLOT = 3600


def contracted_seconds(contract: Contract) -> int:
    """Accelerator-seconds of one slot."""
    return contract.quantity * SECONDS_A_SLOT


def credit_on(amount: int, delivered: int, contracted: int, tiers: Sequence[Tier]) -> int:
    """The credit in fen: `amount` x the highest tier that applies, half-even, at most `amount`."""
    shares = [tier.credit for tier in tiers if delivered * BASIS_POINTS < tier.below * contracted]
    return min(amount, half_even(amount * max(shares, default=0), BASIS_POINTS))
