"""Money in another currency than the renminbi has its own balance and statement: pages, CSV and API."""

import csv
import io

import pytest
from django.test import Client

from accounts.models import Organisation
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.ledger.queries import currencies_of
from tests.api.conftest import caller
from tests.settlement.browsing import as_user, text_of

pytestmark = pytest.mark.django_db
__all__ = ["caller"]
STATEMENT = "/balance/statement/"


@pytest.fixture
def dollars(buyer, fund, clock) -> Organisation:
    """The buyer, with ¥100 and HK$250 of which HK$50 went back."""
    fund(buyer, 10_000)
    available = open_accounts(organisation=buyer, currency=Currency.HKD)[AccountKind.AVAILABLE]
    stripe = platform_account(kind=AccountKind.STRIPE, currency=Currency.HKD).shard_for("1")
    for kind, fen in [(TransferKind.TOP_UP, 25_000), (TransferKind.REFUND, -5_000)]:
        postings = [Posting(stripe, -fen), Posting(available, fen)]
        post_transfer(kind=kind, source="test", source_id="1", postings=postings, now=clock)
    return buyer


def test_an_account_that_never_moved_is_no_currency_of_the_organisation(buyer, dollars, provider):
    open_accounts(organisation=provider, currency=Currency.HKD)
    assert currencies_of(provider) == [Currency.CNY]
    assert currencies_of(dollars) == [Currency.CNY, Currency.HKD]


def test_the_balance_page_lists_both_currencies(dollars, owner):
    page = text_of(as_user(owner.user).get("/balance/"))
    assert "¥100.00" in page
    assert "HK$200.00" in page
    assert f'href="{STATEMENT}?currency=HKD"' in page


def test_where_all_is_renminbi_nothing_speaks_of_currencies(buyer, fund, owner):
    fund(buyer, 10_000)
    client = as_user(owner.user)
    assert "HK$" not in text_of(client.get("/balance/"))
    page = client.get(STATEMENT, {"currency": "HKD"})
    assert 'name="currency"' not in text_of(page)
    assert page.context["statement"].closing == 10_000


def test_the_statement_is_of_one_currency(dollars, owner):
    client = as_user(owner.user)
    for asked, closing, shown, other in [
        ({}, 10_000, "¥100.00", "HK$"),
        ({"currency": "HKD"}, 20_000, "HK$200.00", "¥"),
    ]:
        response = client.get(STATEMENT, asked)
        page = text_of(response)
        assert response.context["statement"].closing == closing
        assert shown in page
        assert other not in page
        assert 'name="currency"' in page


def test_a_currency_that_there_is_not_is_said_to_be_wrong(dollars, owner):
    page = as_user(owner.user).get(STATEMENT, {"currency": "XAU"})
    assert "XAU is not one of the available choices" in text_of(page)
    assert page.context["statement"].closing == 10_000


@pytest.mark.parametrize(("language", "amount"), [("en", "Amount (HKD)"), ("zh-hans", "金额（HKD）")])
def test_the_csv_is_of_the_currency_asked_for(dollars, owner, language, amount):
    owner.user.language = language
    owner.user.save()
    response = as_user(owner.user).get("/balance/statement.csv", {"currency": "HKD"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][4] == amount
    assert [row[4:] for row in rows[2:4]] == [["250.00", "250.00"], ["-50.00", "200.00"]]
    assert "statement-available-HKD.csv" in response["Content-Disposition"]


def test_the_choice_is_in_chinese_too(dollars, owner):
    owner.user.language = "zh-hans"
    owner.user.save()
    client = as_user(owner.user)
    page = text_of(client.get(STATEMENT, {"currency": "HKD"}))
    assert "币种" in page
    assert "港元" in page


def test_a_teammate_without_the_role_and_a_stranger_see_none_of_it(dollars, viewer, stranger):
    for path in ("/balance/", f"{STATEMENT}?currency=HKD", "/balance/statement.csv?currency=HKD"):
        assert as_user(viewer.user).get(path).status_code == 403
        assert Client().get(path).status_code == 302
        assert "HK$" not in text_of(as_user(stranger.user).get(path))


def test_the_api_answers_in_the_currency_asked_for(dollars, caller):
    program = caller(dollars)
    assert program.get("balance").json()["available_fen"] == 10_000
    hong_kong = program.get("balance?currency=HKD").json()
    assert (hong_kong["currency"], hong_kong["available_fen"]) == ("HKD", 20_000)
    assert [(each["currency"], each["available_fen"]) for each in program.get("balances").json()] == [
        ("CNY", 10_000),
        ("HKD", 20_000),
    ]
    renminbi, found = (program.get(f"statement{asked}").json() for asked in ("", "?currency=HKD"))
    assert [line["amount_fen"] for line in renminbi["lines"]] == [10_000]
    assert (found["currency"], found["closing_fen"]) == ("HKD", 20_000)
    assert [line["amount_fen"] for line in found["lines"]] == [25_000, -5_000]


@pytest.mark.parametrize("address", ["balance", "statement"])
def test_the_api_refuses_a_currency_that_there_is_not(dollars, caller, address):
    refused = caller(dollars).get(f"{address}?currency=XAU")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["currency"]


def test_a_strangers_key_sees_its_own_money_alone(dollars, provider, caller):
    stranger = caller(provider)
    assert stranger.get("balance?currency=HKD").json()["available_fen"] == 0
    assert stranger.get("statement?currency=HKD").json()["lines"] == []
    assert [each["currency"] for each in stranger.get("balances").json()] == ["CNY"]
