"""Hold the platform's accounts against what others say of them; what differs is a row until it is gone."""

import datetime
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import User
from accounts.permissions import require_operator
from settlement.ledger.models import AccountKind, Currency
from settlement.payments.compare import (
    NOTHING_PROVED,
    Compared,
    Finding,
    Kind,
    Opening,
    compare_bank,
    compare_payouts,
    compare_suspense,
    entries_since,
    zone,
)
from settlement.payments.compare_stripe import compare_stripe
from settlement.payments.errors import AlreadyDecided
from settlement.payments.models import (
    BankLine,
    Difference,
    Reconciled,
    Reconciliation,
    StripeBalanceTransaction,
)
from settlement.payments.operations.hold_still import hold_still
from settlement.payments.queries import last_proof

Compare = Callable[[datetime.date, Currency, Opening], Compared]
# The account, how it is compared, and whether in every currency of the market: the bank's is in renminbi.
COMPARE: list[tuple[Reconciled, Compare, bool]] = [
    (Reconciled.BANK, compare_bank, False),
    (Reconciled.STRIPE, compare_stripe, True),
    (Reconciled.PAYOUTS, compare_payouts, True),
    (Reconciled.SUSPENSE, compare_suspense, False),
]
# What others say line by line.
LINES: dict[Reconciled, type[models.Model]] = {
    Reconciled.BANK: BankLine,
    Reconciled.STRIPE: StripeBalanceTransaction,
}


def reconcile(
    *,
    day: datetime.date,
    now: datetime.datetime,
    ran_by: User | None = None,
    from_the_beginning: bool = False,
) -> list[Reconciliation]:
    """Reconcile each account as it stood at the end of `day`; may run as often as one likes.

    Each goes on from the last run of its account that proved it without difference, and so trusts what was
    read before; `from_the_beginning` reads everything again.
    """
    market = sorted({Currency.CNY, *(Currency(code) for code in settings.STRIPE_CURRENCIES)})
    return [
        _reconcile(account, currency, compare, day, now, ran_by, from_the_beginning)
        for account, compare, everywhere in COMPARE
        for currency in (market if everywhere else [Currency.CNY])
    ]


def run_reconciliation(*, actor: Actor, now: datetime.datetime) -> list[Reconciliation]:
    """An operator asks for it, as of today."""
    operator = require_operator(actor)
    return reconcile(day=now.astimezone(zone()).date(), now=now, ran_by=operator)


@transaction.atomic
def resolve_difference(*, actor: Actor, difference_id: int, note: str, now: datetime.datetime) -> Difference:
    """An operator answers for a difference, in writing. Raises AlreadyDecided the second time."""
    operator = require_operator(actor)
    if not note.strip():
        raise InvalidInput(_("Write down what became of it."))
    resolved = Difference.objects.open().filter(pk=difference_id)
    if not resolved.update(resolved_by=operator, resolved_at=now, note=note.strip()):
        raise AlreadyDecided(_("This difference is resolved, or gone, already."))
    difference = Difference.objects.get(pk=difference_id)
    record(actor=actor, verb="resolve", subject=difference, detail={"note": note.strip()}, now=now)
    return difference


@transaction.atomic
def _reconcile(
    account: Reconciled,
    currency: Currency,
    compare: Compare,
    day: datetime.date,
    now: datetime.datetime,
    ran_by: User | None,
    from_the_beginning: bool,
) -> Reconciliation:
    hold_still(AccountKind(account.value), currency)
    proof = None if from_the_beginning else last_proof(account, currency, day)
    opening = _opening(proof) if proof else NOTHING_PROVED
    compared = compare(day, currency, opening)
    findings = _with_the_rest(compared, day)
    run = Reconciliation.objects.create(
        account=account,
        currency=currency,
        day=day,
        ledger=compared.ledger,
        statement=compared.statement,
        ran_by=ran_by,
        ran_at=now,
        went_on_from=proof,
        is_proof=compared.statement == compared.ledger and all(each.kind == Kind.AGEING for each in findings),
        settled=compared.settled,
        carried=compared.carried,
        last_entry=_last(entries_since(opening, AccountKind(account.value), currency)) or opening.last_entry,
        last_line=_last(LINES[account]._default_manager.all()) if account in LINES else 0,
    )
    found = {(each.kind.value, each.what, each.amount): each for each in findings}
    standing = {
        (each.kind, each.what, each.amount): each.pk
        for each in Difference.objects.standing().filter(account=account, currency=currency)
    }
    gone = [pk for key, pk in standing.items() if key not in found]
    Difference.objects.filter(pk__in=gone).update(gone_at=now)
    Difference.objects.bulk_create(
        Difference(
            account=account,
            currency=currency,
            kind=each.kind,
            what=each.what,
            amount=each.amount,
            since=each.since,
            found_by=run,
        )
        for key, each in found.items()
        if key not in standing
    )
    return run


def _opening(proof: Reconciliation) -> Opening:
    return Opening(proof.settled, proof.carried, proof.last_entry, proof.last_line, proof.day)


def _last(rows: QuerySet[Any]) -> int:
    return rows.aggregate(last=Max("pk"))["last"] or 0


def _with_the_rest(compared: Compared, day: datetime.date) -> list[Finding]:
    """The findings, and what they leave unexplained of the difference between the balances."""
    if compared.statement is None:
        return list(compared.findings)
    told = sum(each.amount for each in compared.findings if each.kind != Kind.AGEING)
    rest = compared.statement - compared.ledger - told
    return [*compared.findings, *([Finding(Kind.BALANCE, "", rest, day)] if rest else [])]
