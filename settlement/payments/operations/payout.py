"""Payouts on either rail: money goes to the clearing account, and from there out, or back."""

import datetime
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation, Role, User
from accounts.permissions import Permission, require, require_operator, require_verified
from settlement.ledger.errors import KeyUsedForAnotherBody
from settlement.ledger.models import AccountKind, Currency, Transfer, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    open_accounts,
    platform_account,
    post_transfers,
)
from settlement.ledger.queries import balance_of
from settlement.letters import write_to
from settlement.money import show_yuan
from settlement.payments.errors import PayoutRefused
from settlement.payments.models import Payout, PayoutAccount, PayoutSource, Rail
from settlement.payments.queries import usable_account

PAYOUT = "payout"  # The `source` of its transfers; their source_id is its number.
PAID_FROM = {Rail.BANK: AccountKind.BANK, Rail.STRIPE: AccountKind.STRIPE}
CONCERNED = [Role.OWNER, Role.FINANCE]
Status = Payout.Status

PAID = gettext_noop("Payout %(serial)s is paid")
PAID_TEXT = gettext_noop("%(amount)s went to %(account)s.")
FAILED = gettext_noop("Payout %(serial)s failed")
FAILED_TEXT = gettext_noop(
    "%(amount)s could not be paid out and is back on your balance.\n\nThe reason: %(reason)s"
)


@transaction.atomic
def ask_payout(
    *,
    actor: Actor,
    amount: int,
    taken_from: PayoutSource,
    key: str,
    now: datetime.datetime,
    rail: Rail = Rail.BANK,
) -> Payout:
    """Pay out `amount` fen, once per key. The money leaves the balance at once.

    Raises PayoutRefused and InsufficientFunds.
    """
    organisation = require(actor, Permission.MOVE_MONEY)
    before = Payout.objects.filter(organisation=organisation, key=key).exists()
    if not before:
        refuse_unless_payable(organisation, amount)
    payout = open_payout(
        organisation=organisation,
        rail=rail,
        taken_from=taken_from,
        amount=amount,
        key=key,
        asked_by=actor.user,
        now=now,
    )
    if not before:
        record(actor=actor, verb="ask", subject=payout, detail={"fen": amount}, now=now)
    return payout


def refuse_unless_payable(organisation: Organisation, amount: int) -> None:
    """Raise NotVerified or PayoutRefused where no payout of `amount` fen may leave, on whatever rail."""
    require_verified(organisation)
    if amount < settings.PAYOUT_MINIMUM_FEN:
        raise PayoutRefused(
            _("The least that is paid out is %(minimum)s.")
            % {"minimum": show_yuan(settings.PAYOUT_MINIMUM_FEN)}
        )
    owed = -balance_of(organisation).arrears
    if owed > 0:
        raise PayoutRefused(
            _("%(amount)s is owed to the exchange: top up, then money can be paid out again.")
            % {"amount": show_yuan(owed)}
        )


@transaction.atomic
def open_payout(
    *,
    organisation: Organisation,
    rail: Rail,
    taken_from: PayoutSource,
    amount: int,
    key: str,
    asked_by: User | None,
    now: datetime.datetime,
    currency: Currency = Currency.CNY,
) -> Payout:
    """Move the money to the clearing account, once per (organisation, key).

    A replay returns the first payout, and is refused with KeyUsedForAnotherBody where it asks for something
    else. Raises InsufficientFunds, and PayoutRefused where a bank payout has no account to go to.
    """
    first = Payout.objects.filter(organisation=organisation, key=key).first()
    payout, new = (
        (first, False)
        if first
        else Payout.objects.get_or_create(
            organisation=organisation,
            key=key,
            defaults={
                "rail": rail,
                "taken_from": taken_from,
                "amount": amount,
                "currency": currency,
                "account": _destination(organisation, rail, now),
                "asked_by": asked_by,
                "asked_at": now,
            },
        )
    )
    if (payout.rail, payout.taken_from, payout.amount, payout.currency) != (
        rail,
        taken_from,
        amount,
        currency,
    ):
        raise KeyUsedForAnotherBody(key)
    if new:
        _post([payout], TransferKind.PAYOUT, now)
    return payout


def _destination(organisation: Organisation, rail: Rail, now: datetime.datetime) -> PayoutAccount | None:
    if rail == Rail.STRIPE:
        return None  # Stripe knows the bank of a connected account.
    account = usable_account(organisation, now)
    if account is None:
        raise PayoutRefused(
            _("Name the bank account to pay to first. A new one waits for a second person, and for a while.")
        )
    return account


@transaction.atomic
def send_payout(*, payout_id: int, external_id: str, now: datetime.datetime) -> None:
    """The rail took a waiting payout and calls it `external_id`; a second call does nothing."""
    waiting = Payout.objects.filter(pk=payout_id, status=Status.WAITING).exclude(rail=Rail.BANK)
    if waiting.update(status=Status.SENT, sent_at=now, external_id=external_id):
        return
    payout = Payout.objects.get(pk=payout_id)
    if payout.external_id != external_id:
        raise PayoutRefused(_("Payout %(serial)s was not waiting to be sent.") % {"serial": payout.serial})


@transaction.atomic
def pay_payouts(*, payout_ids: Sequence[int], now: datetime.datetime) -> dict[int, Transfer]:
    """The rail says that these, which were sent, are paid; the transfer of each, by its payout.

    One that was paid before keeps its first transfer. Raises PayoutRefused for any other.
    """
    payouts = _locked(payout_ids)
    for payout in payouts:
        if payout.status not in (Status.SENT, Status.PAID):
            raise PayoutRefused(
                _("Payout %(serial)s is not on its way: it is %(status)s.")
                % {"serial": payout.serial, "status": str(payout.get_status_display()).lower()}
            )
    new = [payout for payout in payouts if payout.status == Status.SENT]
    changed = Payout.objects.filter(pk__in=[each.pk for each in new], status=Status.SENT).update(
        status=Status.PAID, paid_at=now
    )
    assert changed == len(new), "they are locked"
    transfers = dict(
        zip((each.pk for each in payouts), _post(payouts, TransferKind.PAYOUT_PAID, now), strict=True)
    )
    for payout in new:
        values = {"amount": show_yuan(payout.amount), "account": str(payout.account or payout.rail)}
        _tell(payout, PAID, PAID_TEXT, values, now)
    return transfers


@transaction.atomic
def fail_payout(*, payout_id: int, reason: str, now: datetime.datetime) -> Transfer:
    """The money goes back to where it came from, also where the rail sends back what it had paid.

    A second call returns the first transfer.
    """
    [payout] = _locked([payout_id])
    failed = Transfer.objects.filter(
        source=PAYOUT, source_id=str(payout.pk), kind=TransferKind.PAYOUT_FAILED
    ).first()
    if failed:
        return failed
    if not reason.strip():
        raise InvalidInput(_("Write down the reason."))
    [transfer] = _post([payout], TransferKind.PAYOUT_FAILED, now)
    Payout.objects.filter(pk=payout.pk).update(
        status=Status.FAILED, failed_at=now, reason=reason.strip()[:300], file=payout.file
    )
    values = {"amount": show_yuan(payout.amount), "reason": reason.strip()}
    _tell(payout, FAILED, FAILED_TEXT, values, now)
    return transfer


@transaction.atomic
def refuse_payout(*, actor: Actor, payout_id: int, reason: str, now: datetime.datetime) -> Payout:
    """An operator gives a payout back that waits, and says why."""
    require_operator(actor)
    [payout] = _locked([payout_id])
    if payout.status != Status.WAITING:
        raise PayoutRefused(_("Only a waiting payout can be given back."))
    fail_payout(payout_id=payout_id, reason=reason, now=now)
    record(
        actor=actor,
        verb="refuse",
        subject=payout,
        detail={"note": reason},
        organisation=payout.organisation,
        now=now,
    )
    payout.refresh_from_db()
    return payout


def _locked(payout_ids: Sequence[int]) -> list[Payout]:
    """In primary-key order, before the ledger locks its accounts."""
    return list(
        Payout.objects.filter(pk__in=payout_ids)
        .select_related("organisation", "account", "file")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )


def _post(payouts: Sequence[Payout], kind: TransferKind, now: datetime.datetime) -> list[Transfer]:
    return post_transfers(
        drafts=[
            TransferDraft(kind, PAYOUT, str(payout.pk), _postings(payout, kind), payout.serial)
            for payout in payouts
        ],
        now=now,
    )


def _postings(payout: Payout, kind: TransferKind) -> list[Posting]:
    currency, key = Currency(payout.currency), str(payout.pk)
    own = open_accounts(organisation=payout.organisation, currency=currency)[AccountKind(payout.taken_from)]
    clearing = platform_account(kind=AccountKind.PAYOUTS, currency=currency).shard_for(key)
    rail = platform_account(kind=PAID_FROM[Rail(payout.rail)], currency=currency).shard_for(key)
    if kind == TransferKind.PAYOUT:
        source, target = own, clearing
    elif kind == TransferKind.PAYOUT_PAID:
        source, target = clearing, rail
    else:
        source, target = (rail if payout.status == Status.PAID else clearing), own
    return [Posting(source, -payout.amount), Posting(target, payout.amount)]


def _tell(payout: Payout, subject: str, text: str, values: dict[str, str], now: datetime.datetime) -> None:
    write_to(
        organisation_id=payout.organisation_id,
        roles=CONCERNED,
        subject=subject,
        text=text,
        values={"serial": payout.serial, **values},
        now=now,
    )
