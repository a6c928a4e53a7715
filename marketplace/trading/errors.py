"""Refusals of the trading package."""

from accounts.errors import DomainError, InvalidInput


class NoEligiblePool(InvalidInput):
    """No pool on the exchange meets what the bid asks for."""

    code = "no_eligible_pool"


class NotOnSale(DomainError):
    """The licence plan cannot be ordered."""

    code = "not_on_sale"


class CannotCancel(DomainError):
    """The order is being cleared, or has ended."""

    code = "cannot_cancel"


class Fenced(DomainError):
    """Somebody else has claimed the round since; what this process worked out is not written."""

    code = "fenced"


class NotFreed(DomainError):
    """The hours of this contract cannot be offered again; the sentence says why."""

    code = "not_freed"
