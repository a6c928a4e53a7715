"""What Stripe keeps of each movement on the platform's balance."""

import datetime

from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, platform_account, post_transfer
from settlement.payments.stripe_api import Object

STRIPE_FEE = "stripe_fee"  # The `source` of its transfers; their source_id is the balance transaction's id.


def book_fee(balance_transaction: Object | None, now: datetime.datetime) -> None:
    """Book the fee, once per balance transaction, which is None until Stripe has booked the movement itself.

    A fee below zero is one that Stripe gives back.
    """
    if balance_transaction is None or not balance_transaction["fee"]:
        return
    key, fee = balance_transaction["id"], balance_transaction["fee"]
    currency = Currency(balance_transaction["currency"].upper())
    stripe = platform_account(kind=AccountKind.STRIPE, currency=currency).shard_for(key)
    processing = platform_account(kind=AccountKind.PROCESSING, currency=currency).shard_for(key)
    post_transfer(
        kind=TransferKind.PROCESSING_COST,
        source=STRIPE_FEE,
        source_id=key,
        postings=[Posting(stripe, fee), Posting(processing, -fee)],
        memo=str(balance_transaction["source"]),
        now=now,
    )
