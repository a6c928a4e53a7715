from django.utils.translation import gettext as _

from accounts.errors import DomainError
from settlement.ledger.models import Hold
from settlement.money import show_yuan


class InsufficientFunds(DomainError):
    """An account would go below zero by `missing` fen."""

    code = "insufficient_funds"

    def __init__(self, *, missing: int, account: str) -> None:
        self.missing = missing
        self.account = account
        super().__init__(
            _("The %(account)s balance is %(missing)s short. Top up, or make the amount smaller.")
            % {"account": account, "missing": show_yuan(missing)}
        )


class KeyUsedForAnotherBody(DomainError):
    """The idempotency key already made something else."""

    code = "key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            _("%(key)s was already posted with other amounts. Use a new key for a new transfer.")
            % {"key": key}
        )


class HoldResolved(DomainError):
    """The hold is no longer pending."""

    code = "hold_resolved"

    def __init__(self, hold_id: int, status: Hold.Status) -> None:
        super().__init__(
            _("Hold %(hold)s is already %(status)s: it can be resolved only once.")
            % {"hold": hold_id, "status": str(status.label).lower()}
        )
