"""A funder's share of a hold and of a contract: set aside with the buyer's part, back by the same ratio."""

import datetime
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from settlement.contracts.funding import funded_state, returned_share, share_of
from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, open_contracts, pay_from_escrow
from settlement.delivery.models import CorrectionPayment
from settlement.delivery.operations import release
from settlement.ledger.check import differences
from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import Account, AccountKind, Hold, Transfer, TransferKind
from settlement.ledger.operations import (
    Funding,
    HoldPosting,
    Posting,
    expire_holds,
    open_accounts,
    place_hold,
    post_holds,
    post_transfer,
    void_hold,
)
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import OrganisationFactory
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, compute_draft, meter
from tests.settlement.triggers import drop_constraint, run

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)


@st.composite
def contracts_given_back(draw):
    """A contract's total, the funder's part, and how its money goes: (paid, back to the buyer) in turn."""
    total = draw(st.integers(1, 10_000))
    funded = draw(st.integers(0, total))
    cuts = sorted([*draw(st.lists(st.integers(0, total), max_size=12)), 0, total])
    steps = [after - before for before, after in pairwise(cuts)]
    return funded, total, [(step, draw(st.booleans())) for step in steps]


@given(contracts_given_back())
def test_neither_side_is_off_by_more_than_a_fen_and_both_are_exact_at_the_end(example):
    funded, total, steps = example
    returned = out = to_funder = 0
    for amount, back in steps:
        out += amount
        if back:
            part = returned_share(funded=funded, total=total, returned=returned, amount=amount)
            assert 0 <= part <= amount
            returned += amount
            to_funder += part
        assert abs(to_funder * total - funded * returned) <= total // 2
        state = funded_state(funded=funded, total=total, escrow=total - out, returned=returned)
        assert state.reserved + state.redeemed + state.returned == funded
        assert min(state.reserved, state.redeemed, state.returned) >= 0
        assert abs(state.redeemed * total - funded * (out - returned)) <= total
        assert state.returned == to_funder
    assert state.reserved == 0
    if returned == total:
        assert to_funder == funded
    if returned == 0:
        assert state.redeemed == funded


def test_half_a_fen_goes_to_the_even_side():
    assert [share_of(funded=1, total=2, part=part) for part in range(5)] == [0, 0, 1, 2, 2]


@pytest.fixture
def programme(db, fund, now) -> int:
    """A funder's account with 500 fen."""
    funder = OrganisationFactory()
    fund(funder, 500)
    account = Account.objects.create(organisation=funder, kind=AccountKind.PROGRAMME, shard=1)
    post_transfer(
        kind=TransferKind.PROGRAMME_FUNDED,
        source="test",
        source_id="1",
        postings=[
            Posting(open_accounts(organisation=funder)[AccountKind.AVAILABLE], -500),
            Posting(account.pk, 500),
        ],
        now=now,
    )
    return account.pk


def in_programme(account: int) -> int:
    return Account.objects.get(pk=account).balance


@pytest.fixture
def hold(buyer, fund, programme, now) -> Hold:
    """1,001 fen, 300 of them the funder's."""
    fund(buyer, 1000)
    return place_hold(
        organisation=buyer,
        amount=1001,
        source="bid",
        source_id="1",
        expires_at=now + HOUR,
        now=now,
        funding=Funding(programme, 300),
    )


def test_a_funded_hold_takes_from_both(buyer, hold, programme):
    assert balance_of(buyer) == Balances(available=299, held=1001)
    assert in_programme(programme) == 200
    assert (hold.funder_account_id, hold.funded) == (programme, 300)
    assert list(differences()) == []


def test_placing_it_again_returns_the_first_and_other_funding_is_refused(buyer, hold, programme, now):
    again = {"organisation": buyer, "amount": 1001, "source": "bid", "source_id": "1", "now": now}
    again["expires_at"] = now + HOUR
    assert place_hold(funding=Funding(programme, 300), **again) == hold
    for funding in (None, Funding(programme, 299)):
        with pytest.raises(KeyUsedForAnotherBody):
            place_hold(funding=funding, **again)
    assert in_programme(programme) == 200


def test_a_funder_that_lacks_the_money_is_named_and_nothing_is_half_done(buyer, hold, programme, now):
    with pytest.raises(InsufficientFunds, match=r"voucher programme balance is ¥0\.01 short"):
        place_hold(
            organisation=buyer,
            amount=201,
            source="bid",
            source_id="2",
            expires_at=None,
            now=now,
            funding=Funding(programme, 201),
        )
    assert (balance_of(buyer).held, in_programme(programme)) == (1001, 200)
    assert Hold.objects.count() == 1


@pytest.mark.parametrize("end", ["void", "expire"])
def test_what_becomes_of_no_contract_goes_back_to_both(buyer, hold, programme, now, end):
    if end == "void":
        void_hold(hold_id=hold.pk, now=now)
    else:
        assert expire_holds(now=now + HOUR) == 1
    assert balance_of(buyer) == Balances(available=1000)
    assert in_programme(programme) == 500


@pytest.mark.parametrize(("part", "share"), [(1001, 300), (500, 149), (3, 0), (0, 0)])
def test_a_part_that_is_posted_never_passes_the_ratio(buyer, hold, programme, now, part, share):
    escrow = open_accounts(organisation=buyer)[AccountKind.ESCROW]
    post_holds(postings=[HoldPosting(hold.pk, escrow, part)], now=now)
    assert in_programme(programme) == 500 - share
    assert balance_of(buyer) == Balances(available=1000 - part + share, escrow=part)
    assert hold.funded_share(part) == share


def test_the_database_holds_a_funded_hold_to_its_amount(hold):
    with pytest.raises(IntegrityError, match="hold_funded_within_amount"), transaction.atomic():
        Hold.objects.create(
            organisation=hold.organisation,
            transfer=Transfer.objects.exclude(pk=hold.transfer_id).first(),
            amount=5,
            funder_account=hold.funder_account,
            funded=6,
            placed_at=hold.placed_at,
        )


@pytest.fixture
def contract(buyer, provider, fund, programme, now) -> Contract:
    """Three hours of 1,001, 999 and 0 fen, one unit; of the 2,403 fen held, 400 are the funder's."""
    fund(buyer, 5000)
    pool = PoolFactory(facility__provider=provider)
    funding = Funding(programme, 400)
    draft = compute_draft(buyer, pool, now=now, units=1, prices=(1001, 999, 0), held=2403, funding=funding)
    [opened] = open_contracts(drafts=[draft], now=now)
    return opened


def test_a_contract_says_what_its_funder_bears(contract, buyer, programme):
    assert (contract.total, contract.funded, contract.funder_account_id) == (2000, 332, programme)
    assert '"funded_fen":332' in contract.document
    assert in_programme(programme) == 500 - 332
    assert balance_of(buyer).escrow == 2000


def test_paid_hours_use_the_funders_share_and_credited_ones_return_it(contract, buyer, provider, programme):
    available = balance_of(buyer).available
    meter(contract, now=START + HOUR)
    release(now=START + HOUR)
    assert in_programme(programme) == 168
    meter(contract, now=START + 2 * HOUR, seconds=0, revision=1)  # The first hour is corrected, too.
    release(now=START + 2 * HOUR)
    contract.refresh_from_db()
    assert contract.returned == 2000
    assert in_programme(programme) == 500
    assert balance_of(buyer).available == available + 2000 - 332
    assert CorrectionPayment.objects.count() == 1
    assert list(differences()) == []


def test_a_replay_is_split_as_it_was(contract, buyer, programme):
    first = EscrowPayment(contract.pk, key="a", buyer=3, kind=TransferKind.TERMINATION)
    second = EscrowPayment(contract.pk, key="b", buyer=4, kind=TransferKind.TERMINATION)
    before = in_programme(programme)
    pay_from_escrow(payments=[first, second, first], now=START)
    assert in_programme(programme) == before + 1
    moved = Transfer.objects.count()
    pay_from_escrow(payments=[second], now=START)
    pay_from_escrow(payments=[first, second], now=START)
    assert Transfer.objects.count() == moved
    contract.refresh_from_db()
    assert (contract.returned, contract.escrow) == (7, 1993)


def test_the_funders_part_of_a_contract_never_changes(contract):
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        run("UPDATE contracts_contract SET funded = 1")


def test_more_than_left_the_escrow_cannot_count_as_returned(contract):
    with pytest.raises(IntegrityError, match="contract_returns_what_left_escrow"), transaction.atomic():
        run("UPDATE contracts_contract SET returned = 1")
    run("SET CONSTRAINTS ALL IMMEDIATE")
    drop_constraint("contracts_contract", "contract_returns_what_left_escrow")
    assert run("UPDATE contracts_contract SET returned = 1") == 1
