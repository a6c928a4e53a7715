"""Who bears what of a contract that a funder pays in part: each fen of it by the contract's one ratio."""

from dataclasses import dataclass

from settlement.money import half_even


def share_of(*, funded: int, total: int, part: int) -> int:
    """What the funder bears of `part` fen out of `total`, of which it bears `funded`."""
    return half_even(funded * part, total) if funded else 0


def returned_share(*, funded: int, total: int, returned: int, amount: int) -> int:
    """What the funder gets of `amount` fen that go back after `returned` fen have.

    Both are counted from the start, so that neither side is ever more than a fen from its part, and has it
    exactly once all is returned.
    """
    after = share_of(funded=funded, total=total, part=returned + amount)
    return after - share_of(funded=funded, total=total, part=returned)


@dataclass(frozen=True)
class FundedState:
    """Where a funder's money is: `reserved` in escrow, `redeemed`, `returned` to it; in fen."""

    reserved: int
    redeemed: int
    returned: int


def funded_state(*, funded: int, total: int, escrow: int, returned: int) -> FundedState:
    """The three sum to `funded`; what is redeemed is what left the escrow and did not come back."""
    out = share_of(funded=funded, total=total, part=total - escrow)
    back = share_of(funded=funded, total=total, part=returned)
    return FundedState(reserved=funded - out, redeemed=out - back, returned=back)
