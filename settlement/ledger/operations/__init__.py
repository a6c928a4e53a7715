"""The ledger's verbs. Everything that moves money passes through `post_transfers`."""

from settlement.ledger.operations.accounts import (
    PlatformAccount,
    accounts_of,
    numbered_account,
    open_accounts,
    platform_account,
)
from settlement.ledger.operations.holds import (
    Funding,
    HoldPosting,
    expire_holds,
    place_hold,
    post_holds,
    void_hold,
    void_holds,
)
from settlement.ledger.operations.post import (
    Posting,
    TransferDraft,
    post_transfer,
    post_transfers,
    reverse_transfer,
)
from settlement.ledger.operations.seal import seal_transfers

__all__ = [
    "Funding",
    "HoldPosting",
    "PlatformAccount",
    "Posting",
    "TransferDraft",
    "accounts_of",
    "expire_holds",
    "numbered_account",
    "open_accounts",
    "place_hold",
    "platform_account",
    "post_holds",
    "post_transfer",
    "post_transfers",
    "reverse_transfer",
    "seal_transfers",
    "void_hold",
    "void_holds",
]
