"""A hundred spenders of one balance: never overdrawn, and nothing left that could be spent."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds
from settlement.ledger.models import Account, AccountKind, Entry, Hold, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    open_accounts,
    place_hold,
    platform_account,
    post_transfer,
    post_transfers,
    void_hold,
)
from settlement.ledger.queries import Balances, balance_of
from tests.faults.races import at_once
from tests.settlement.triggers import without_constraint

pytestmark = pytest.mark.django_db(transaction=True)

SPENDERS = 100
# How each function keeps two callers apart, and the same without it, slowly.
CARELESS = {
    "ledger_post_one": (
        "WHEN a.balance + e.amount < 0",
        "WHEN (SELECT o.balance FROM ledger_account o, pg_sleep(0.02) WHERE o.id = a.id) + e.amount < 0",
    ),
    "ledger_post": (
        "PERFORM FROM ledger_account a WHERE a.id = ANY (entry_accounts) ORDER BY a.id FOR NO KEY UPDATE;",
        "",
    ),
}


@pytest.fixture
def rich(buyer, now):
    """A buyer with 1,000 fen."""
    accounts = open_accounts(organisation=buyer)
    bank = platform_account(kind=AccountKind.BANK).shard_for("")
    post_transfer(
        kind=TransferKind.TOP_UP,
        source="test",
        source_id="1",
        postings=[Posting(bank, -1000), Posting(accounts[AccountKind.AVAILABLE], 1000)],
        now=now,
    )
    return buyer


@pytest.fixture
def without_lock(function):
    """The function looks at a balance that may have changed since: the harm a lock prevents."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [function])
        guarded = cursor.fetchone()[0]
        careless = guarded.replace(*CARELESS[function])
        assert careless != guarded
        cursor.execute(careless)
        with (
            without_constraint(Account, "account_never_negative"),
            without_constraint(Entry, "entry_in_its_place"),
        ):
            yield
            cursor.execute(guarded)
            cursor.execute("TRUNCATE ledger_hold, ledger_entry, ledger_transfer, ledger_account CASCADE")


def won_by(work: Callable[[int], object], count: int) -> list[bool]:
    """Whether each of `count` calls at once succeeded."""
    refusals = at_once([partial(work, number) for number in range(count)], refusals=(InsufficientFunds,))
    return [refusal is None for refusal in refusals]


def hold(organisation, now):
    def place(number: int) -> None:
        place_hold(
            organisation=organisation,
            amount=70,
            source="bid",
            source_id=str(number),
            expires_at=None,
            now=now,
        )

    return place


def pay_in_batches(organisation, now):
    """35 fen twice in one call."""
    accounts = open_accounts(organisation=organisation)
    postings = [Posting(accounts[AccountKind.AVAILABLE], -35), Posting(accounts[AccountKind.HELD], 35)]

    def pay(number: int) -> None:
        drafts = [TransferDraft(TransferKind.MANUAL, "race", f"{number}-{half}", postings) for half in "ab"]
        post_transfers(drafts=drafts, now=now)

    return pay


SPEND = {"ledger_post_one": hold, "ledger_post": pay_in_batches}


@pytest.mark.parametrize("function", SPEND)
def test_a_hundred_spenders_never_overdraw(rich, now, function):
    won = won_by(SPEND[function](rich, now), SPENDERS)
    assert sum(won) == 1000 // 70
    assert balance_of(rich) == Balances(available=1000 - 14 * 70, held=14 * 70)
    proved = [each for each in differences() if "pending holds" not in each]
    assert proved == []


@pytest.mark.parametrize("function", SPEND)
def test_without_the_lock_they_do(rich, now, without_lock, function):
    won = won_by(SPEND[function](rich, now), SPENDERS)
    assert sum(won) > 1000 // 70


def test_the_same_hold_placed_by_many_is_placed_once(rich, now):
    place = hold(rich, now)
    assert all(won_by(lambda number: place(1), 40))
    assert balance_of(rich) == Balances(available=930, held=70)
    assert Hold.objects.count() == 1


def test_transfers_back_and_forth_do_not_deadlock(rich, provider, now):
    accounts = [open_accounts(organisation=each)[AccountKind.AVAILABLE] for each in (rich, provider)]

    def pay(number: int) -> None:
        source, target = accounts if number % 2 == 0 else accounts[::-1]
        post_transfer(
            kind=TransferKind.TOP_UP,
            source="race",
            source_id=str(number),
            postings=[Posting(source, -1), Posting(target, 1)],
            now=now,
        )

    won = won_by(pay, 200)
    assert balance_of(rich).available + balance_of(provider).available == 1000
    assert balance_of(provider).available == sum(won[0::2]) - sum(won[1::2])
    assert list(differences()) == []


def test_many_voids_of_one_hold_give_it_back_once(rich, now):
    placed = place_hold(organisation=rich, amount=70, source="bid", source_id="1", expires_at=None, now=now)
    assert all(won_by(lambda number: void_hold(hold_id=placed.pk, now=now), 40))
    assert balance_of(rich) == Balances(available=1000)
