"""What an organisation owes after money that it had spent was taken back: how it arises, how it is paid."""

import datetime
from collections.abc import Collection

from django.db import transaction

from settlement.ledger.models import Account, AccountKind, Currency, Transfer, TransferKind
from settlement.ledger.operations import Posting, accounts_of, post_transfer

ARREARS = "arrears"  # The `source` of what is paid on them.


@transaction.atomic
def take_or_owe(
    *,
    organisation_id: int,
    currency: Currency,
    amount: int,
    to_account: int,
    kind: TransferKind,
    source: str,
    source_id: str,
    memo: str,
    now: datetime.datetime,
) -> Transfer:
    """Take `amount` fen of the available balance, and let the organisation owe what it has not.

    How the amount divides is read under lock, so a replay may divide it otherwise: let the caller's own row,
    locked, remember that it was taken.
    """
    accounts = accounts_of(organisation_ids=[organisation_id], currency=currency)
    available, arrears = (
        accounts[organisation_id, AccountKind.AVAILABLE],
        accounts[organisation_id, AccountKind.ARREARS],
    )
    balances = _locked([available, arrears, to_account])
    there = min(amount, balances[available].balance)
    lines = [
        Posting(available, -there),
        Posting(arrears, there - amount),
        Posting(to_account, amount),
    ]
    return post_transfer(
        kind=kind,
        source=source,
        source_id=source_id,
        postings=[line for line in lines if line.amount],
        memo=memo,
        now=now,
    )


@transaction.atomic
def pay_arrears(*, organisation_ids: Collection[int], currency: Currency, now: datetime.datetime) -> int:
    """Pay what these organisations owe from what is available to them; how many fen were paid.

    Call it in the transaction that brings money in, so that no order can spend it before.
    """
    owing = Account.objects.filter(
        organisation__in=organisation_ids, currency=currency, kind=AccountKind.ARREARS, balance__lt=0
    )
    paid = 0
    for organisation_id in sorted(owing.values_list("organisation_id", flat=True)):
        assert organisation_id is not None, "arrears belong to an organisation"
        paid += _pay(organisation_id, currency, now)
    return paid


def _pay(organisation_id: int, currency: Currency, now: datetime.datetime) -> int:
    accounts = accounts_of(organisation_ids=[organisation_id], currency=currency)
    available, arrears = (
        accounts[organisation_id, AccountKind.AVAILABLE],
        accounts[organisation_id, AccountKind.ARREARS],
    )
    rows = _locked([available, arrears])
    amount = min(rows[available].balance, -rows[arrears].balance)
    if amount <= 0:
        return 0
    post_transfer(
        kind=TransferKind.ARREARS_PAID,
        source=ARREARS,
        source_id=f"{arrears}:{rows[arrears].version}",
        postings=[Posting(available, -amount), Posting(arrears, amount)],
        now=now,
    )
    return amount


def collect_arrears(*, now: datetime.datetime) -> int:
    """Pay arrears from money that became available otherwise than by a top-up, say from a hold given back."""
    paid = 0
    for currency in Currency:
        owing = Account.objects.filter(kind=AccountKind.ARREARS, currency=currency, balance__lt=0)
        able = Account.objects.filter(
            kind=AccountKind.AVAILABLE,
            currency=currency,
            balance__gt=0,
            organisation__in=owing.values("organisation"),
        )
        for organisation_id in able.order_by("organisation").values_list("organisation_id", flat=True):
            assert organisation_id is not None, "arrears belong to an organisation"
            paid += pay_arrears(organisation_ids=[organisation_id], currency=currency, now=now)
    return paid


def _locked(account_ids: list[int]) -> dict[int, Account]:
    rows = Account.objects.filter(pk__in=account_ids).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}
