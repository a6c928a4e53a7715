"""A program asks for payouts; each Idempotency-Key is paid out once."""

import pytest

from accounts.models import IdempotentRequest, Organisation
from settlement.ledger.queries import balance_of
from settlement.payments.models import Payout
from tests.api.conftest import Caller
from tests.factories.payouts import earn, payout_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(provider: Organisation, caller) -> Caller:
    earn(provider, 50_000)
    payout_account(provider)
    return caller(provider)


def test_a_payout_is_asked_for_and_read(program: Caller, provider: Organisation) -> None:
    answer = program.post("payouts", {"amount_fen": 20_000}, key="k-1")
    assert answer.status_code == 201
    body = answer.json()
    payout = Payout.objects.get()
    assert {
        name: body[name] for name in ("id", "serial", "amount_fen", "taken_from", "status", "account")
    } == {
        "id": payout.pk,
        "serial": payout.serial,
        "amount_fen": 20_000,
        "taken_from": "receivable",
        "status": "waiting",
        "account": "••••\u00a01234",
    }
    assert program.get(f"payouts/{payout.pk}").json() == body
    assert program.get("payouts", status="waiting").json()["results"] == [body]
    assert program.get("payouts", status="paid").json()["results"] == []
    assert balance_of(provider).receivable == 30_000


def test_the_same_key_pays_once_also_past_the_outer_belt(program: Caller, provider: Organisation) -> None:
    first = program.post("payouts", {"amount_fen": 20_000}, key="k-1").json()
    assert program.post("payouts", {"amount_fen": 20_000}, key="k-1").json() == first
    IdempotentRequest.objects.all().delete()
    assert program.post("payouts", {"amount_fen": 20_000}, key="k-1").json() == first
    refused = program.post("payouts", {"amount_fen": 30_000}, key="k-1")
    assert refused.json()["code"] == "idempotency_key_reused"
    assert balance_of(provider).receivable == 30_000


@pytest.mark.parametrize(
    ("fen", "status", "code"), [(9_999, 409, "payout_refused"), (50_001, 409, "insufficient_funds")]
)
def test_a_refusal_says_why_and_keeps_the_money(program, provider, fen, status, code) -> None:
    answer = program.post("payouts", {"amount_fen": fen}, key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert balance_of(provider).receivable == 50_000


def test_the_account_shows_its_last_digits_alone(program: Caller) -> None:
    body = program.get("payout-account").json()
    assert (body["number"], body["cnaps"]) == ("••••\u00a01234", "102100099996")


def test_without_an_account_there_is_none(buyer, caller) -> None:
    assert caller(buyer).get("payout-account").status_code == 404
