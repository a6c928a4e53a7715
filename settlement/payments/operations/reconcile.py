"""Hold the platform's accounts against what others say of them; what differs is a row until it is gone."""

import datetime
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import User
from accounts.permissions import require_operator
from settlement.ledger.models import Account, Currency
from settlement.payments.compare import (
    Compared,
    Finding,
    Kind,
    compare_bank,
    compare_payouts,
    compare_suspense,
    zone,
)
from settlement.payments.compare_stripe import compare_stripe
from settlement.payments.errors import AlreadyDecided
from settlement.payments.models import Difference, Reconciled, Reconciliation

Compare = Callable[[datetime.date, Currency], Compared]
# The account, how it is compared, and whether in every currency of the market: the bank's is in renminbi.
COMPARE: list[tuple[Reconciled, Compare, bool]] = [
    (Reconciled.BANK, compare_bank, False),
    (Reconciled.STRIPE, compare_stripe, True),
    (Reconciled.PAYOUTS, compare_payouts, True),
    (Reconciled.SUSPENSE, compare_suspense, False),
]


def reconcile(
    *, day: datetime.date, now: datetime.datetime, ran_by: User | None = None
) -> list[Reconciliation]:
    """Reconcile each account as it stood at the end of `day`; may run as often as one likes."""
    market = sorted({Currency.CNY, *(Currency(code) for code in settings.STRIPE_CURRENCIES)})
    return [
        _reconcile(account, currency, compare, day, now, ran_by)
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
) -> Reconciliation:
    _hold_still(account, currency)
    compared = compare(day, currency)
    run = Reconciliation.objects.create(
        account=account,
        currency=currency,
        day=day,
        ledger=compared.ledger,
        statement=compared.statement,
        ran_by=ran_by,
        ran_at=now,
    )
    found = {(each.kind.value, each.what, each.amount): each for each in _with_the_rest(compared, day)}
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


def _hold_still(account: Reconciled, currency: Currency) -> None:
    """Lock the account as `ledger_post` does: what moves its money commits before, or waits."""
    rows = Account.objects.filter(organisation=None, kind=account.value, currency=currency).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _with_the_rest(compared: Compared, day: datetime.date) -> list[Finding]:
    """The findings, and what they leave unexplained of the difference between the balances."""
    if compared.statement is None:
        return list(compared.findings)
    told = sum(each.amount for each in compared.findings if each.kind != Kind.AGEING)
    rest = compared.statement - compared.ledger - told
    return [*compared.findings, *([Finding(Kind.BALANCE, "", rest, day)] if rest else [])]
