"""Double entry in integer fen. Positive is credit: what the platform owes to the account's owner.

The triggers that guard what is inserted are in migration 0002, beside `ledger_post`.
"""

from settlement.ledger.models.account import (
    KINDS,
    NEVER_NEGATIVE_KINDS,
    NUMBERED_KINDS,
    ORGANISATION_KINDS,
    PLATFORM_KINDS,
    Account,
    AccountKind,
    Currency,
    KindRule,
    Owner,
    Side,
)
from settlement.ledger.models.hold import Hold
from settlement.ledger.models.transfer import HOLD, Entry, Transfer, TransferKind

__all__ = [
    "HOLD",
    "KINDS",
    "NEVER_NEGATIVE_KINDS",
    "NUMBERED_KINDS",
    "ORGANISATION_KINDS",
    "PLATFORM_KINDS",
    "Account",
    "AccountKind",
    "Currency",
    "Entry",
    "Hold",
    "KindRule",
    "Owner",
    "Side",
    "Transfer",
    "TransferKind",
]
