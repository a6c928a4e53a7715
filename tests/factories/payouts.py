"""Organisations that can be paid out, and payouts on their way to them."""

import datetime

from accounts.audit import Actor
from accounts.models import Organisation, Role
from settlement.ledger.models import Account, AccountKind, TransferKind
from settlement.ledger.operations import Posting, open_accounts, post_transfer
from settlement.payments.models import Payout, PayoutAccount, PayoutFile, PayoutSource
from settlement.payments.operations import (
    BankDetails,
    approve_payout_account,
    approve_payout_file,
    ask_payout,
    collect_payouts,
    propose_payout_account,
)
from tests.factories.accounts import NOW, UserFactory
from tests.factories.settlement import acting, fund

LONG_AGO = NOW - datetime.timedelta(days=30)
CNAPS = "102100099996"


def details_of(organisation: Organisation, **changes: str) -> BankDetails:
    fields = {
        "holder": organisation.name_zh,
        "bank": "工商银行深圳分行",
        "cnaps": CNAPS,
        "number": "4000 0212 3920 0001 234",
    }
    return BankDetails(**fields | changes)


def payout_account(organisation: Organisation, *, now: datetime.datetime = LONG_AGO) -> PayoutAccount:
    """Proposed by an owner, approved by finance; a day later it is used."""
    account = propose_payout_account(
        actor=acting(organisation, Role.OWNER), details=details_of(organisation), now=now
    )
    return approve_payout_account(actor=acting(organisation, Role.FINANCE), account_id=account.pk, now=now)


def earn(organisation: Organisation, fen: int) -> None:
    """Money from the bank that the organisation has receivable, without the contract that earned it."""
    fund(organisation, fen)
    accounts = open_accounts(organisation=organisation)
    moved = accounts[AccountKind.AVAILABLE]
    post_transfer(
        kind=TransferKind.RELEASE,
        source="test",
        source_id=f"earned-{organisation.pk}-{_last_version(moved)}",
        postings=[Posting(moved, -fen), Posting(accounts[AccountKind.RECEIVABLE], fen)],
        now=NOW,
    )


def _last_version(account_id: int) -> int:
    return Account.objects.values_list("version", flat=True).get(pk=account_id)


def asked(
    organisation: Organisation,
    fen: int,
    *,
    now: datetime.datetime = NOW,
    key: str = "1",
    taken_from: PayoutSource = PayoutSource.RECEIVABLE,
) -> Payout:
    if not PayoutAccount.objects.in_force().filter(organisation=organisation).exists():
        payout_account(organisation)
    return ask_payout(
        actor=acting(organisation, Role.FINANCE), amount=fen, taken_from=taken_from, key=key, now=now
    )


def operator() -> Actor:
    return Actor(user=UserFactory(is_staff=True))


def sent(*payouts: Payout, now: datetime.datetime = NOW) -> PayoutFile:
    """In a file that another operator approved."""
    file = collect_payouts(actor=operator(), payout_ids=[payout.pk for payout in payouts], now=now)
    return approve_payout_file(actor=operator(), file_id=file.pk, sha256=file.sha256, now=now)


def clearing() -> int:
    """What stands on the payouts' clearing account."""
    return sum(Account.objects.filter(kind=AccountKind.PAYOUTS).values_list("balance", flat=True))
