"""The money rule of a termination: what becomes of the price of hours that will not be delivered.

| ground | provider | buyer |
| --- | --- | --- |
| agreement, force majeure, the provider's breach | nothing | all |
| the buyer's breach | the break fee that the contract states | the rest |

The platform takes no fee in any case.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from settlement.contracts.models import Contract, Ground
from settlement.contracts.queries import BASIS_POINTS
from settlement.contracts.terms import break_fee_basis_points_of
from settlement.money import half_even


def break_fee_basis_points(contract: Contract, *, ground: Ground, breaching_id: int | None) -> int:
    """The provider's share of the undelivered hours."""
    if ground == Ground.BREACH and breaching_id == contract.buyer_id:
        return break_fee_basis_points_of(contract)
    return 0


def break_fees(amounts: Sequence[int], basis_points: int) -> list[int]:
    """Each amount's part of the break fee on all of them, in fen; together exactly the fee, half-even."""
    until = [half_even(sum_ * basis_points, BASIS_POINTS) for sum_ in accumulate(amounts, initial=0)]
    return [after - before for before, after in pairwise(until)]
