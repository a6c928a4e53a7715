import datetime

import pytest

from settlement.ledger.errors import HoldResolved, InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import AccountKind, Hold, Transfer
from settlement.ledger.operations import (
    HoldPosting,
    expire_holds,
    open_accounts,
    place_hold,
    post_holds,
    void_hold,
)
from settlement.ledger.queries import Balances, balance_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def hold(buyer, fund, now) -> Hold:
    """600 of 1,000 fen."""
    fund(buyer, 1000)
    return place_hold(organisation=buyer, amount=600, source="bid", source_id="1", expires_at=None, now=now)


def escrow_of(organisation) -> int:
    return open_accounts(organisation=organisation)[AccountKind.ESCROW]


def test_a_hold_sets_available_money_aside(buyer, hold):
    assert balance_of(buyer) == Balances(available=400, held=600)
    assert hold.status == Hold.Status.PENDING


def test_a_hold_beyond_the_balance_is_refused_and_says_what_is_missing(buyer, hold, now):
    with pytest.raises(InsufficientFunds, match=r"available balance is ¥2\.01 short") as refusal:
        place_hold(organisation=buyer, amount=601, source="bid", source_id="2", expires_at=None, now=now)
    assert refusal.value.missing == 201
    assert balance_of(buyer) == Balances(available=400, held=600)


def test_placing_the_same_hold_again_returns_the_first(buyer, hold, now):
    again = place_hold(organisation=buyer, amount=600, source="bid", source_id="1", expires_at=None, now=now)
    assert again == hold
    assert balance_of(buyer) == Balances(available=400, held=600)


@pytest.mark.parametrize("change", [{"amount": 100}, {"expires_at": datetime.datetime.now(datetime.UTC)}])
def test_the_same_key_with_another_body_is_refused(buyer, hold, now, change):
    body = {"amount": 600, "expires_at": None} | change
    with pytest.raises(KeyUsedForAnotherBody):
        place_hold(organisation=buyer, source="bid", source_id="1", now=now, **body)
    assert balance_of(buyer) == Balances(available=400, held=600)


def test_posting_in_part_gives_the_rest_back(buyer, hold, now):
    post_holds(postings=[HoldPosting(hold.pk, escrow_of(buyer), 450)], now=now)
    assert balance_of(buyer) == Balances(available=550, escrow=450)
    hold.refresh_from_db()
    assert (hold.status, hold.posted, hold.resolved_at) == (Hold.Status.POSTED, 450, now)


def test_posting_more_than_is_held_is_refused(buyer, hold, now):
    with pytest.raises(InsufficientFunds, match=r"held balance is ¥0\.01 short"):
        post_holds(postings=[HoldPosting(hold.pk, escrow_of(buyer), 601)], now=now)
    assert balance_of(buyer) == Balances(available=400, held=600)


def test_voiding_gives_all_back_once(buyer, hold, now):
    void_hold(hold_id=hold.pk, now=now)
    void_hold(hold_id=hold.pk, now=now)
    assert balance_of(buyer) == Balances(available=1000)
    assert Transfer.objects.count() == 3


def test_a_posted_hold_cannot_be_posted_or_voided(buyer, hold, now):
    posting = HoldPosting(hold.pk, escrow_of(buyer), 600)
    post_holds(postings=[posting], now=now)
    with pytest.raises(HoldResolved, match="already posted"):
        post_holds(postings=[posting], now=now)
    with pytest.raises(HoldResolved):
        void_hold(hold_id=hold.pk, now=now)


def test_one_batch_cannot_post_a_hold_twice(buyer, hold, now):
    posting = HoldPosting(hold.pk, escrow_of(buyer), 300)
    with pytest.raises(HoldResolved):
        post_holds(postings=[posting, posting], now=now)
    assert balance_of(buyer) == Balances(available=400, held=600)


def test_a_hold_expires_when_its_time_is_over(buyer, fund, now):
    fund(buyer, 1000)
    hour = datetime.timedelta(hours=1)
    for number, expiry in enumerate([now + hour, now + 2 * hour, None]):
        place_hold(
            organisation=buyer, amount=10, source="bid", source_id=str(number), expires_at=expiry, now=now
        )
    assert expire_holds(now=now) == 0
    assert expire_holds(now=now + hour) == 1
    assert expire_holds(now=now + hour) == 0
    assert balance_of(buyer) == Balances(available=980, held=20)
