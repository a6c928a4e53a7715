import json

import pytest

from settlement.canonical import sha256_of_text
from settlement.contracts.errors import ContractRefused
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.ledger.errors import HoldResolved, InsufficientFunds
from settlement.ledger.operations import void_hold
from settlement.ledger.queries import Balances, balance_of
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, compute_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(provider):
    return PoolFactory(facility__provider=provider)


@pytest.fixture
def rich(buyer, fund):
    fund(buyer, 100_000)
    return buyer


def test_the_price_goes_from_hold_to_escrow_and_the_rest_back(rich, pool, now):
    draft = compute_draft(rich, pool, now=now, held=10_000)
    [contract] = open_contracts(drafts=[draft], now=now)
    assert contract.total == contract.escrow == 2 * (1000 + 1200 + 900)
    assert balance_of(rich) == Balances(available=93_800, escrow=6200)


def test_the_document_tells_all_terms_and_is_hashed_with_the_contract_before(rich, pool, now):
    drafts = [compute_draft(rich, pool, now=now, number=number) for number in (1, 2)]
    first, second = open_contracts(drafts=drafts, now=now)
    assert [first.number, second.number] == ["SP-2026-000001", "SP-2026-000002"]
    document = json.loads(second.document)
    assert document["previous_sha256"] == second.previous_sha256 == first.sha256
    assert second.sha256 == sha256_of_text(second.document)
    assert document["buyer"]["registration_number"] == rich.registration_number
    assert document["hourly_prices_fen"] == [1000, 1200, 900]
    assert document["starts_at"] == "2026-06-01T05:00:00Z"


def test_opening_again_returns_the_same_contracts_and_moves_nothing(rich, pool, now):
    drafts = [compute_draft(rich, pool, now=now, number=number) for number in (1, 2)]
    first = open_contracts(drafts=drafts[:1], now=now)
    both = open_contracts(drafts=drafts, now=now)
    assert both[0] == first[0]
    assert open_contracts(drafts=drafts, now=now) == both
    assert balance_of(rich) == Balances(available=100_000 - 12_400, escrow=12_400)


def test_the_same_source_with_other_terms_is_refused(rich, pool, now):
    draft = compute_draft(rich, pool, now=now)
    open_contracts(drafts=[draft], now=now)
    other = compute_draft(rich, pool, now=now, number=2, units=3, source=draft.source)
    with pytest.raises(ContractRefused, match="already has contract SP-2026-000001"):
        open_contracts(drafts=[other], now=now)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"total": 6201}, "the total is not units times"),
        ({"hourly_prices": (1000, 2100)}, "one price an hour"),
        ({"ends_at": None}, "one price an hour"),
    ],
)
def test_a_draft_that_does_not_add_up_is_refused(rich, pool, now, change, sentence):
    with pytest.raises(ContractRefused, match=sentence):
        open_contracts(drafts=[compute_draft(rich, pool, now=now, **change)], now=now)


def test_anothers_hold_cannot_pay(rich, stranger, fund, pool, now):
    fund(stranger.organisation, 10_000)
    theirs = compute_draft(stranger.organisation, pool, now=now, number=2)
    mine = compute_draft(rich, pool, now=now, hold_id=theirs.hold_id)
    with pytest.raises(ContractRefused, match="not the buyer's"):
        open_contracts(drafts=[mine], now=now)


def test_one_bad_draft_leaves_nothing_behind(rich, pool, now):
    good, small = compute_draft(rich, pool, now=now), compute_draft(rich, pool, now=now, number=2, held=6199)
    with pytest.raises(InsufficientFunds, match=r"¥0\.01"):
        open_contracts(drafts=[good, small], now=now)
    assert not Contract.objects.exists()
    assert balance_of(rich).escrow == 0


def test_a_voided_hold_cannot_become_a_contract(rich, pool, now):
    draft = compute_draft(rich, pool, now=now)
    void_hold(hold_id=draft.hold_id, now=now)
    with pytest.raises(HoldResolved):
        open_contracts(drafts=[draft], now=now + HOUR)
