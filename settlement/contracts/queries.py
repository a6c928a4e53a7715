from settlement.money import half_even

BASIS_POINTS = 10_000


def most_it_can_cost(price_fen: int) -> int:
    """What a buyer's hold must cover for this price: no more today, since the provider bears the fee."""
    return price_fen


def fee_on(amount_fen: int, basis_points: int) -> int:
    """The platform's fee on one contract-hour, or on a licence: here alone a rate meets an amount."""
    return half_even(amount_fen * basis_points, BASIS_POINTS)
