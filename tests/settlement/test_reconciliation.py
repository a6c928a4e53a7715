"""Each day the ledger is held against the bank's statement, and the clearing accounts against their rows."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidInput, NotAllowed
from settlement.ledger.models import AccountKind, TransferKind
from settlement.ledger.operations import Posting, platform_account, post_transfer
from settlement.payments.errors import AlreadyDecided
from settlement.payments.models import BankLine, Difference, PayoutSource, Reconciled, Reconciliation
from settlement.payments.operations import (
    import_bank_lines,
    pay_payouts,
    reconcile,
    resolve_difference,
    run_reconciliation,
    top_up_reference,
)
from settlement.payments.statement_days import Gap, Line, closing
from tests.factories.payouts import asked, earn, operator, sent
from tests.factories.settlement import acting
from tests.settlement.triggers import drop_trigger, run

Kind = Difference.Kind
DAY = datetime.timedelta(days=1)
HEADER = "serial,date,amount,balance,payer,remark\n"


def book(text, now):
    return import_bank_lines(actor=operator(), csv_text=HEADER + text, now=now)


def run_on(now) -> dict[str, Reconciliation]:
    return {each.account: each for each in reconcile(day=now.date(), now=now)}


def open_now() -> list[tuple[str, str, str, int]]:
    return sorted(Difference.objects.open().values_list("account", "kind", "what", "amount"))


@pytest.fixture
def paid(buyer, now):
    """¥500 came in for the buyer, ¥200 of it was paid out again; the statement does not have that yet."""
    book(f"S1,2026-06-01,500,500,ACME,{top_up_reference(buyer)}\n", now)
    payout = asked(buyer, 20_000, taken_from=PayoutSource.AVAILABLE)
    sent(payout)
    pay_payouts(payout_ids=[payout.pk], now=now)
    return payout


@pytest.mark.django_db
def test_what_agrees_makes_no_difference(paid, now):
    book(f"S2,2026-06-01,-200,300,ACME,{paid.serial}\n", now)
    runs = run_on(now)
    assert {account: (each.ledger, each.statement) for account, each in runs.items()} == {
        Reconciled.BANK: (30_000, 30_000),
        Reconciled.STRIPE: (0, None),
        Reconciled.PAYOUTS: (0, 0),
        Reconciled.SUSPENSE: (0, 0),
    }
    assert open_now() == []


@pytest.mark.django_db
def test_a_payment_is_listed_until_the_statement_has_it(paid, now):
    bank = run_on(now)["bank"]
    assert (bank.ledger, bank.statement, bank.difference) == (30_000, 50_000, 20_000)
    [(account, kind, what, amount)] = open_now()
    assert (account, kind, amount) == ("bank", Kind.TRANSFER_ALONE, 20_000)
    assert paid.serial in what
    run_on(now + DAY)
    assert Difference.objects.count() == 1
    book(f"S2,2026-06-02,-200,300,ACME,{paid.serial}\n", now)
    run_on(now + DAY)
    assert open_now() == []
    assert Difference.objects.get().gone_at == now + DAY


@pytest.mark.django_db
def test_the_end_of_a_day_is_the_statements_not_the_imports(paid, now):
    book(f"S2,2026-06-02,-200,300,ACME,{paid.serial}\n", now)
    assert run_on(now)["bank"].difference == 0
    assert run_on(now + DAY)["bank"].ledger == 30_000


@pytest.mark.django_db
def test_a_line_that_nothing_explains_is_listed(now):
    book("S1,2026-06-01,-12.50,-12.50,Bank,charge\n", now)
    run_on(now)
    assert open_now() == [("bank", Kind.LINE_ALONE, "S1", -1_250)]


@pytest.mark.django_db
def test_a_missing_line_is_a_gap(buyer, now):
    code = top_up_reference(buyer)
    book(f"S1,2026-06-01,500,500,A,{code}\nS3,2026-06-02,100,700,A,{code}\n", now)
    assert run_on(now + DAY)["bank"].difference == 10_000
    assert open_now() == [("bank", Kind.GAP, "2026-06-02", 10_000)]
    book(f"S2,2026-06-02,100,600,A,{code}\n", now)
    run_on(now + DAY)
    assert open_now() == []


@pytest.mark.django_db
def test_an_amount_that_differs_is_listed(paid, now):
    drop_trigger("payments_bankline", "immutable")
    drop_trigger("payments_bankline", "assigned_once")
    run("UPDATE payments_bankline SET amount = 49000, balance = 49000 WHERE serial = 'S1'")
    run_on(now)
    assert ("bank", Kind.AMOUNTS, "S1", -1_000) in open_now()


@pytest.mark.django_db
def test_what_no_line_says_is_listed_as_the_rest(now):
    book("S1,2026-06-01,100,1100,A,?\n", now)
    run_on(now)
    assert open_now() == [("bank", Kind.BALANCE, "", 100_000)]


@pytest.mark.django_db
def test_a_clearing_account_that_does_not_return_to_zero_is_listed(paid, now):
    clearing = platform_account(kind=AccountKind.PAYOUTS).shard_for(str(paid.pk))
    fees = platform_account(kind=AccountKind.FEES).shard_for("")
    post_transfer(
        kind=TransferKind.MANUAL,
        source="slip",
        source_id="1",
        postings=[Posting(fees, -7), Posting(clearing, 7)],
        now=now,
    )
    assert run_on(now)["payouts"].difference == -7
    assert ("payouts", Kind.NOT_ZERO, "slip 1", -7) in open_now()


@pytest.mark.django_db
def test_what_waits_too_long_is_listed(provider, now):
    book("S1,2026-06-01,100,100,A,?\n", now)
    earn(provider, 20_000)
    payout = asked(provider, 20_000)
    ageing = {("payouts", Kind.AGEING, payout.serial, 20_000), ("suspense", Kind.AGEING, "S1", 10_000)}
    run_on(now + 3 * DAY)
    assert not ageing & set(open_now())
    run_on(now + 8 * DAY)
    assert ageing <= set(open_now())
    assert Difference.objects.get(what="S1").since == now.date()


@pytest.mark.django_db
def test_an_operator_answers_for_a_difference_once(paid, now, owner):
    run_on(now)
    difference = Difference.objects.get()
    with pytest.raises(NotAllowed):
        resolve_difference(actor=acting(owner.organisation), difference_id=difference.pk, note="x", now=now)
    with pytest.raises(InvalidInput):
        resolve_difference(actor=operator(), difference_id=difference.pk, note=" ", now=now)
    resolve_difference(actor=operator(), difference_id=difference.pk, note="The bank is late", now=now)
    with pytest.raises(AlreadyDecided):
        resolve_difference(actor=operator(), difference_id=difference.pk, note="Again", now=now)
    run_on(now + DAY)
    assert open_now() == []
    assert Difference.objects.count() == 1


@pytest.mark.django_db
def test_only_operators_run_it_by_hand(paid, now, owner):
    with pytest.raises(NotAllowed):
        run_reconciliation(actor=acting(owner.organisation), now=now)
    person = operator()
    assert {each.ran_by for each in run_reconciliation(actor=person, now=now)} == {person.user}


@pytest.mark.django_db
def test_without_a_balance_column_the_lines_add_up(buyer, now):
    text = f"serial,date,amount,payer,remark\nS1,2026-06-01,500,A,{top_up_reference(buyer)}\n"
    import_bank_lines(actor=operator(), csv_text=text, now=now)
    assert run_on(now)["bank"].statement == 50_000
    assert BankLine.objects.get().balance is None


@given(
    opening=st.integers(-500, 500),
    amounts=st.lists(st.integers(-99, 99).filter(bool), min_size=1, max_size=12),
    days=st.integers(1, 3),
    order=st.randoms(use_true_random=False),
)
def test_a_complete_statement_has_no_gap_in_whatever_order(opening, amounts, days, order):
    lines, balance = [], opening
    for place, amount in enumerate(amounts):
        balance += amount
        day = datetime.date(2026, 6, 1) + place * days // len(amounts) * DAY
        lines.append(Line(day, amount, balance))
    first_day = [line for line in lines if line.day == lines[0].day]
    order.shuffle(lines)
    if sum(line.amount for line in first_day) == 0:
        return  # A first day that ends where it began does not say where that was.
    assert closing(lines) == (balance, [])


@given(amounts=st.lists(st.integers(1, 99), min_size=4, max_size=12), missing=st.data())
def test_a_line_left_out_is_a_gap_of_its_amount(amounts, missing):
    lines, balance = [], 0
    for amount in amounts:
        balance += amount
        lines.append(Line(datetime.date(2026, 6, 1), amount, balance))
    left_out = lines.pop(missing.draw(st.integers(1, len(lines) - 2)))
    assert closing(lines) == (balance, [Gap(datetime.date(2026, 6, 1), left_out.amount)])
