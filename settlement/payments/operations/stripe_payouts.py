"""Payouts on the rail Stripe. The money leaves the platform with the transfer to the provider's account at
Stripe, and is back when that transfer is reversed in full: only then does the ledger move."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from settlement.ledger.models import Currency
from settlement.payments import stripe_api
from settlement.payments.errors import NoPayoutAccount
from settlement.payments.models import Payout, PayoutSource, Rail, StripeAccount, StripeCall, StripePayout
from settlement.payments.operations.payout import ask_payout, fail_payout, pay_payouts, send_payout
from settlement.payments.operations.stripe_calls import ring, write_call
from settlement.payments.stripe_api import Kind, Object, Verb

NOT_TAKEN = ("failed", "canceled")


@transaction.atomic
def ask_stripe_payout(*, actor: Actor, amount: int, key: str, now: datetime.datetime) -> Payout:
    """Pay `amount` fen of what was earned to the provider's bank by way of Stripe, once per key.

    Raises NoPayoutAccount, PayoutRefused and InsufficientFunds.
    """
    account = StripeAccount.objects.filter(organisation=actor.organisation).first()
    if account is None or not account.is_ready:
        raise NoPayoutAccount(_("Complete your account at Stripe first."))
    payout = ask_payout(
        actor=actor,
        amount=amount,
        taken_from=PayoutSource.RECEIVABLE,
        key=key,
        rail=Rail.STRIPE,
        now=now,
    )
    _begin(payout, account, now)
    return payout


def begin_stripe_payouts(*, now: datetime.datetime) -> int:
    """Set waiting payouts of this rail on their way, whoever opened them."""
    waiting = Payout.objects.filter(rail=Rail.STRIPE, status=Payout.Status.WAITING, through_stripe=None)
    return sum(_take_up(payout_id, now) for payout_id in waiting.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _take_up(payout_id: int, now: datetime.datetime) -> bool:
    payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
    if payout.status != Payout.Status.WAITING:
        return False
    account = StripeAccount.objects.filter(organisation=payout.organisation_id).first()
    if account is None or not account.is_ready:
        fail_payout(payout_id=payout_id, reason=_("The account at Stripe may not be paid out."), now=now)
        return False
    return _begin(payout, account, now)


def _begin(payout: Payout, account: StripeAccount, now: datetime.datetime) -> bool:
    if StripePayout.objects.filter(pk=payout.pk).exists():
        return False
    call = write_call(
        verb=Verb.TRANSFER,
        params={
            "amount": payout.amount,
            "currency": Currency(payout.currency).lower(),
            "destination": account.account_id,
            "description": payout.serial,
        },
        now=now,
    )
    StripePayout.objects.create(payout=payout, account=account, transfer_call=call)
    ring("make_stripe_call", call.pk)
    return True


def record_transfer(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    way = _locked(StripePayout.objects.get(transfer_call=call).pk)
    if made is not None:
        _apply_transfer(way, made, now)
    else:
        fail_payout(payout_id=way.pk, reason=call.refusal, now=now)


def sync_transfer(transfer_id: str, account: str, now: datetime.datetime) -> None:
    made = stripe_api.fetch(Kind.TRANSFER, transfer_id, account=account)
    ours = StripePayout.objects.filter(transfer_call__key=stripe_api.key_of(made)).first()
    if ours is not None:
        with transaction.atomic():
            _apply_transfer(_locked(ours.pk), made, now)


def _apply_transfer(way: StripePayout, made: Object, now: datetime.datetime) -> None:
    if way.transfer_id is None:
        way.transfer_id = made["id"]
        way.save(update_fields=["transfer_id"])
        send_payout(payout_id=way.pk, external_id=made["id"], now=now)
        pay_payouts(payout_ids=[way.pk], now=now)
    if made["reversed"]:  # Part of it: the books stay, and the reconciliation shows the difference.
        fail_payout(payout_id=way.pk, reason=way.failure or _("The transfer was reversed."), now=now)
    elif way.bank_call is None:
        way.bank_call = write_call(
            verb=Verb.PAYOUT,
            params={
                "amount": way.payout.amount,
                "currency": Currency(way.payout.currency).lower(),
                "statement_descriptor": way.payout.serial,
            },
            account=way.account.account_id or "",
            now=now,
        )
        way.save(update_fields=["bank_call"])
        ring("make_stripe_call", way.bank_call.pk)


def record_payout(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    way = _locked(StripePayout.objects.get(bank_call=call).pk)
    if made is not None:
        _apply_payout(way, made, now)
    else:
        _call_back(way, call.refusal, now)


def sync_payout(payout_id: str, account: str, now: datetime.datetime) -> None:
    """A provider's payout. The platform's own, to its own bank, comes as a line of its bank's statement."""
    if not account:
        return
    made = stripe_api.fetch(Kind.PAYOUT, payout_id, account=account)
    ours = StripePayout.objects.filter(bank_call__key=stripe_api.key_of(made)).first()
    if ours is not None:
        with transaction.atomic():
            _apply_payout(_locked(ours.pk), made, now)


def _apply_payout(way: StripePayout, made: Object, now: datetime.datetime) -> None:
    way.bank_payout_id = made["id"]
    if made["status"] in NOT_TAKEN:  # One that arrived may still be sent back; one that failed stays failed.
        _call_back(way, made["failure_message"] or made["status"], now)
    elif made["status"] == "paid" and way.bank == StripePayout.Bank.AWAITED:
        way.bank = StripePayout.Bank.ARRIVED
    way.save(update_fields=["bank_payout_id", "bank"])


def _call_back(way: StripePayout, reason: str, now: datetime.datetime) -> None:
    """The money lies at the provider's account at Stripe: reverse the transfer that brought it there."""
    if way.reversal_call is not None:
        return
    way.bank = StripePayout.Bank.FAILED
    way.failure = reason[:300]
    way.reversal_call = write_call(
        verb=Verb.REVERSAL,
        target=way.transfer_id or "",
        params={"amount": way.payout.amount},
        now=now,
    )
    way.save(update_fields=["bank", "failure", "reversal_call"])
    ring("make_stripe_call", way.reversal_call.pk)


def record_reversal(call: StripeCall, made: Object | None, now: datetime.datetime) -> None:
    way = _locked(StripePayout.objects.get(reversal_call=call).pk)
    if made is not None:
        fail_payout(payout_id=way.pk, reason=way.failure, now=now)
    else:  # It stays at the provider's account at Stripe, where the provider sees it.
        way.failure = f"{way.failure} {call.refusal}"[:300]
        way.save(update_fields=["failure"])


def _locked(payout_id: int) -> StripePayout:
    """The payout's row before its way's, by everyone."""
    payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
    way = StripePayout.objects.select_for_update(no_key=True).get(pk=payout_id)
    way.payout = payout
    return way
