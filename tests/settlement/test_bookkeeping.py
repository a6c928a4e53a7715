"""Stories from a bookkeeping textbook, told to the ledger. Positive is credit."""

import datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import Account, AccountKind, Currency, Entry, Transfer, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    open_accounts,
    platform_account,
    post_transfer,
    post_transfers,
    reverse_transfer,
)
from settlement.ledger.queries import Balances, balance_of, statement
from tests.settlement.triggers import drop_constraint, drop_trigger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> int:
    return platform_account(kind=AccountKind.BANK).shard_for("")


@pytest.fixture
def mine(buyer) -> int:
    return open_accounts(organisation=buyer)[AccountKind.AVAILABLE]


@pytest.fixture
def yours(provider) -> int:
    return open_accounts(organisation=provider)[AccountKind.AVAILABLE]


def draft(key: str, *lines: tuple[int, int], **fields) -> TransferDraft:
    return TransferDraft(TransferKind.TOP_UP, "test", key, [Posting(*line) for line in lines], **fields)


def check_now() -> None:
    """Run the deferred constraints that would run at the commit."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


@transaction.atomic
def post_and_commit(*drafts: TransferDraft, now: datetime.datetime) -> None:
    post_transfers(drafts=drafts, now=now)
    check_now()


def add_entries(transfer: Transfer, *lines: tuple[int, int], **claimed: int) -> None:
    Entry.objects.bulk_create(
        Entry(
            transfer=transfer,
            account_id=account,
            amount=amount,
            balance_after=amount,
            version=9,
            **{"place": place, "entry_count": transfer.entry_count} | claimed,
        )
        for place, (account, amount) in enumerate(lines, start=transfer.entry_count + 1)
    )


@transaction.atomic
def add_and_commit(transfer: Transfer, *lines: tuple[int, int], **claimed: int) -> None:
    add_entries(transfer, *lines, **claimed)
    check_now()


def test_ms_li_deposits_a_thousand_yuan_and_pays_mr_wang_two_hundred(buyer, provider, bank, mine, yours, now):
    post_transfers(
        drafts=[
            draft("deposit", (bank, -100_000), (mine, 100_000)),
            draft("payment", (mine, -20_000), (yours, 20_000)),
        ],
        now=now,
    )
    assert balance_of(buyer) == Balances(available=80_000)
    assert balance_of(provider) == Balances(available=20_000)
    assert Account.objects.get(pk=bank).balance == -100_000
    lines = Entry.objects.filter(account=mine).order_by("version")
    assert list(lines.values_list("amount", "balance_after", "version")) == [
        (100_000, 100_000, 1),
        (-20_000, 80_000, 2),
    ]


def test_one_account_may_move_twice_in_a_transfer(buyer, bank, mine, now):
    lines = [Posting(mine, 70), Posting(bank, -100), Posting(mine, 30)]
    post_transfer(kind=TransferKind.TOP_UP, source="test", source_id="twice", postings=lines, now=now)
    check_now()
    assert balance_of(buyer) == Balances(available=100)
    moved = Entry.objects.filter(account=mine).order_by("version")
    assert list(moved.values_list("place", "balance_after")) == [(1, 70), (3, 100)]


def test_a_transfer_may_split_among_many(bank, mine, yours, now):
    post_transfer(
        kind=TransferKind.TOP_UP,
        source="test",
        source_id="split",
        postings=[Posting(bank, -100), Posting(mine, 67), Posting(yours, 33)],
        now=now,
    )
    assert Transfer.objects.get().entries.count() == 3


@pytest.mark.parametrize("lines", [[-100], [-100, 99], []])
def test_what_does_not_sum_to_zero_is_refused_at_the_commit(bank, mine, now, lines):
    accounts = [bank, mine]
    with pytest.raises(IntegrityError, match="sum to zero"):
        post_and_commit(draft("bad", *zip(accounts, lines, strict=False)), now=now)


def test_without_the_trigger_it_would_be_posted(bank, mine, now):
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_trigger("ledger_transfer", "sums_to_zero")
    run("SET CONSTRAINTS ALL DEFERRED")
    post_transfers(drafts=[draft("bad", (bank, -99), (mine, 100))], now=now)
    check_now()
    assert Transfer.objects.exists()


def test_two_currencies_do_not_cancel_each_other(buyer, bank, now):
    dollars = open_accounts(organisation=buyer, currency=Currency.HKD)[AccountKind.AVAILABLE]
    with pytest.raises(IntegrityError, match="sum to zero"):
        post_and_commit(draft("exchange", (bank, -100), (dollars, 100)), now=now)


@pytest.mark.parametrize("amounts", [[1], [-1, 1]])
@pytest.mark.parametrize(
    ("claimed", "guard"),
    [
        ({}, "entry_moves_something_in_its_place"),
        ({"place": 2}, "entry_of_its_transfer_once"),
        ({"entry_count": 4}, "entry_of_a_transfer_of_so_many"),
    ],
)
def test_entries_cannot_join_a_transfer_later(bank, mine, now, amounts, claimed, guard):
    post_transfers(drafts=[draft("one", (bank, -100), (mine, 100))], now=now)
    check_now()
    lines = list(zip([bank, mine], amounts, strict=False))
    with pytest.raises(IntegrityError, match=guard):
        add_and_commit(Transfer.objects.get(), *lines, **claimed)


def test_without_their_guard_they_can(bank, mine, now):
    post_transfers(drafts=[draft("one", (bank, -100), (mine, 100))], now=now)
    check_now()
    drop_constraint("ledger_entry", "entry_moves_something_in_its_place")
    add_entries(Transfer.objects.get(), (bank, 1))
    check_now()
    assert Entry.objects.count() == 3


def test_a_replay_returns_the_first_transfer_and_moves_nothing(buyer, bank, mine, now):
    later = now + datetime.timedelta(days=900)
    [first] = post_transfers(drafts=[draft("one", (bank, -100), (mine, 100))], now=now)
    [again] = post_transfers(drafts=[draft("one", (mine, 100), (bank, -100))], now=later)
    assert again == first
    assert again.posted_at == now
    assert balance_of(buyer) == Balances(available=100)


@pytest.mark.parametrize("other", [{"amount": 101}, {"memo": "else"}])
def test_the_same_key_with_another_body_is_refused(buyer, bank, mine, now, other):
    post_transfers(drafts=[draft("one", (bank, -100), (mine, 100))], now=now)
    amount = other.pop("amount", 100)
    with pytest.raises(KeyUsedForAnotherBody, match="test:one:top_up"), transaction.atomic():
        post_transfers(
            drafts=[
                draft("two", (bank, -5), (mine, 5)),
                draft("one", (bank, -amount), (mine, amount), **other),
            ],
            now=now,
        )
    assert balance_of(buyer) == Balances(available=100)


def test_one_key_twice_in_a_batch_posts_once(buyer, bank, mine, now):
    one = draft("one", (bank, -100), (mine, 100))
    first, second = post_transfers(drafts=[one, one], now=now)
    assert first == second
    assert balance_of(buyer) == Balances(available=100)


def test_an_overdraft_is_refused_even_in_the_middle_of_a_batch(buyer, bank, mine, yours, now):
    with pytest.raises(InsufficientFunds) as refusal, transaction.atomic():
        post_transfers(
            drafts=[
                draft("pay", (mine, -70), (yours, 70)),
                draft("deposit", (bank, -100), (mine, 100)),
            ],
            now=now,
        )
    assert refusal.value.missing == 70
    assert not Transfer.objects.exists()


def test_the_platforms_fee_account_may_go_below_zero(yours, now):
    fees = platform_account(kind=AccountKind.FEES).shard_for("x")
    post_transfers(drafts=[draft("goodwill", (fees, -5), (yours, 5))], now=now)
    assert Account.objects.get(pk=fees).balance == -5


def test_an_account_that_does_not_exist_is_refused(bank, now):
    with pytest.raises(IntegrityError), transaction.atomic():
        post_transfers(drafts=[draft("lost", (bank, -5), (10**9, 5))], now=now)
    lines = [Posting(bank, -5), Posting(10**9, 5)]
    post_transfer(kind=TransferKind.TOP_UP, source="test", source_id="lost", postings=lines, now=now)
    with pytest.raises(IntegrityError, match="the 2 entries it names"):
        check_now()


@pytest.mark.parametrize(
    ("kind", "shard", "owned"),
    [
        (AccountKind.BANK, 0, True),
        (AccountKind.AVAILABLE, 0, False),
        (AccountKind.AVAILABLE, 1, True),
        (AccountKind.PROGRAMME, 0, True),
    ],
)
def test_an_account_is_of_a_kind_for_its_owner(buyer, kind, shard, owned):
    account = Account(organisation=buyer if owned else None, kind=kind, shard=shard, currency=Currency.HKD)
    with pytest.raises(DatabaseError, match="kind_has_its_owner"), transaction.atomic():
        account.save()
    drop_trigger("ledger_account", "kind_has_its_owner")
    account.save()


@pytest.mark.parametrize("change", [{"kind": AccountKind.STRIPE}, {"shard": 7}, {"currency": Currency.HKD}])
def test_an_account_stays_what_it_is(bank, change):
    changed = Account.objects.filter(pk=bank)
    with pytest.raises(DatabaseError, match="stays_what_it_is"), transaction.atomic():
        changed.update(**change)
    drop_trigger("ledger_account", "stays_what_it_is")
    assert changed.update(**change) == 1


def test_a_correction_is_a_linked_reversal_made_once(buyer, bank, mine, now):
    [wrong] = post_transfers(drafts=[draft("one", (bank, -100), (mine, 100))], now=now)
    reversal = reverse_transfer(transfer=wrong, now=now, memo="Booked to the wrong buyer.")
    assert reverse_transfer(transfer=wrong, now=now, memo="Booked to the wrong buyer.") == reversal
    assert (reversal.reverses, reversal.kind) == (wrong, TransferKind.REVERSAL)
    assert balance_of(buyer) == Balances()
    assert Transfer.objects.count() == 2


def test_a_statement_opens_and_closes_with_the_accounts_balance(bank, mine, buyer, now):
    day = datetime.timedelta(days=1)
    for number, amount in enumerate([100, -30, 50, -20]):
        post_transfers(drafts=[draft(str(number), (bank, -amount), (mine, amount))], now=now + number * day)
    accounts = Account.objects.filter(pk=mine)
    march = statement(accounts=accounts, since=now + day, until=now + 3 * day)
    assert (march.opening, march.closing) == (100, 120)
    assert [(line.amount, line.running) for line in march.lines] == [(-30, 70), (50, 120)]
    whole = statement(accounts=accounts, since=None, until=None)
    assert (whole.opening, whole.closing) == (0, balance_of(buyer).available)


def test_ten_transfers_cost_as_many_statements_as_one(bank, mine, now, django_assert_num_queries):
    for count in (1, 10):
        drafts = [draft(f"{count}-{number}", (bank, -5), (mine, 5)) for number in range(count)]
        with django_assert_num_queries(1 + 2 * connection.in_atomic_block):  # and the savepoint
            post_transfers(drafts=drafts, now=now)
