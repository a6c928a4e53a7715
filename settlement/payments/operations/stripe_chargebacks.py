"""Chargebacks: what Stripe took leaves the balance, or is owed; what Stripe gives back pays arrears first."""

import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.models import Role
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.letters import write_to
from settlement.money import show_amount
from settlement.payments import stripe_api
from settlement.payments.models import CardTopUp, Chargeback
from settlement.payments.operations.arrears import pay_arrears, take_or_owe
from settlement.payments.operations.stripe_fees import book_fee
from settlement.payments.operations.stripe_payments import STRIPE, sync_payment
from settlement.payments.stripe_api import Kind, Object


def sync_chargeback(dispute_id: str, account: str, now: datetime.datetime) -> None:
    """Bring a chargeback to what Stripe says of it now, its payment first.

    The money follows the dispute's balance transactions: one takes it, another gives it back; an inquiry has
    none.
    """
    dispute = stripe_api.fetch(Kind.DISPUTE, dispute_id, account=account)
    top_up = sync_payment(dispute["payment_intent"], account, now) if dispute["payment_intent"] else None
    if top_up is None:
        return
    _apply(top_up.pk, dispute, now)
    for movement in dispute["balance_transactions"]:
        book_fee(movement, now)


@transaction.atomic
def _apply(top_up_id: int, dispute: Object, now: datetime.datetime) -> None:
    top_up = CardTopUp.objects.select_for_update(no_key=True).get(pk=top_up_id)
    answer_by = (dispute["evidence_details"] or {}).get("due_by")
    chargeback, _created = Chargeback.objects.get_or_create(
        dispute_id=dispute["id"],
        defaults={
            "top_up": top_up,
            "amount": dispute["amount"],
            "reason": dispute["reason"],
            "status": dispute["status"],
            "opened_at": _moment(dispute["created"]),
            "answer_by": _moment(answer_by) if answer_by else None,
        },
    )
    if chargeback.status not in (
        Chargeback.Status.WON,
        Chargeback.Status.LOST,
    ):  # These are Stripe's last words.
        chargeback.status = dispute["status"]
    amounts = [movement["amount"] for movement in dispute["balance_transactions"]]
    if chargeback.taken is None and any(amount < 0 for amount in amounts):
        _take(chargeback, top_up, now)
    if chargeback.given_back is None and any(amount > 0 for amount in amounts):
        _give_back(chargeback, top_up, now)
    chargeback.save(update_fields=["status", "taken", "given_back"])


def _take(chargeback: Chargeback, top_up: CardTopUp, now: datetime.datetime) -> None:
    currency = Currency(top_up.currency)
    stripe = platform_account(kind=AccountKind.STRIPE, currency=currency).shard_for(chargeback.dispute_id)
    chargeback.taken = take_or_owe(
        organisation_id=top_up.organisation_id,
        currency=currency,
        amount=chargeback.amount,
        to_account=stripe,
        kind=TransferKind.CHARGEBACK,
        source=STRIPE,
        source_id=chargeback.dispute_id,
        memo=top_up.payment_intent_id or "",
        now=now,
    )
    owed = sum(-entry.amount for entry in chargeback.taken.entries.filter(account__kind=AccountKind.ARREARS))
    _tell(chargeback, top_up, owed, now)


def _give_back(chargeback: Chargeback, top_up: CardTopUp, now: datetime.datetime) -> None:
    currency = Currency(top_up.currency)
    stripe = platform_account(kind=AccountKind.STRIPE, currency=currency).shard_for(chargeback.dispute_id)
    available = open_accounts(organisation=top_up.organisation, currency=currency)[AccountKind.AVAILABLE]
    chargeback.given_back = post_transfer(
        kind=TransferKind.CHARGEBACK_WON,
        source=STRIPE,
        source_id=chargeback.dispute_id,
        postings=[Posting(stripe, -chargeback.amount), Posting(available, chargeback.amount)],
        memo=top_up.payment_intent_id or "",
        now=now,
    )
    pay_arrears(organisation_ids=[top_up.organisation_id], currency=currency, now=now)


def _tell(chargeback: Chargeback, top_up: CardTopUp, owed: int, now: datetime.datetime) -> None:
    text = gettext_noop(
        "The holder of the card that paid %(amount)s contests the payment. The bank has taken the money back,"
        " and it left your available balance. If the exchange wins the case, it returns there.\n"
    )
    blocked = gettext_noop(
        "The holder of the card that paid %(amount)s contests the payment. The bank has taken the money back."
        " %(owed)s of it had been spent: your organisation owes this amount and cannot place orders until it"
        " is paid. Any top-up pays it first.\n"
    )
    write_to(
        organisation_id=top_up.organisation_id,
        roles=[Role.OWNER, Role.FINANCE],
        subject=gettext_noop("A card payment of %(amount)s is contested"),
        text=blocked if owed else text,
        values={
            "amount": show_amount(chargeback.amount, top_up.currency),
            "owed": show_amount(owed, top_up.currency),
        },
        now=now,
    )


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
