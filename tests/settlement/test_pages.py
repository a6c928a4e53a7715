"""Who sees the money's pages, and what stands there: an owner, a teammate, a stranger, an operator."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Role
from settlement.contracts.operations import open_contracts
from settlement.delivery.operations import release
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.models import BankLine
from settlement.payments.operations import top_up_reference
from tests.factories.accounts import MemberFactory
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, compute_draft, meter
from tests.settlement.browsing import as_user, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(buyer, provider, fund, now):
    """Two units for three hours, the first of them paid: 2,000 of 6,200 fen."""
    fund(buyer, 10_000)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    meter(opened, now=now + 2 * HOUR)
    release(now=now + 2 * HOUR)
    return opened


def test_the_balance_page_shows_the_money_and_the_reference_code(contract, owner, buyer):
    page = text_of(as_user(owner.user).get("/balance/"))
    for amount in ("¥38.00", "¥42.00", "¥0.00"):
        assert amount in page
    assert top_up_reference(buyer) in page
    assert "Top-up" in page


def test_a_teammate_who_may_not_see_money_and_a_stranger_do_not(contract, viewer, stranger):
    for path in ("/balance/", "/balance/statement/", "/balance/statement.csv"):
        assert as_user(viewer.user).get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert "¥38.00" not in text_of(as_user(stranger.user).get("/balance/"))


def test_the_statement_is_filtered_by_account_and_day(contract, owner):
    client = as_user(owner.user)
    escrow = text_of(client.get("/balance/statement/", {"account": "escrow"}))
    assert "Statement: Escrow" in escrow
    assert [word in escrow for word in ("¥62.00", "−¥20.00", "¥42.00")] == [True] * 3
    later = client.get("/balance/statement/", {"account": "escrow", "since": "2026-06-02"})
    assert (later.context["statement"].opening, later.context["statement"].closing) == (4200, 4200)
    assert "Nothing moved" in text_of(later)


def test_the_statement_downloads_as_csv(contract, owner):
    response = as_user(owner.user).get("/balance/statement.csv", {"account": "escrow"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][4:] == ["Amount (CNY)", "Balance (CNY)"]
    assert rows[1][2:] == ["Opening balance", "", "", "0.00"]
    assert [row[4:] for row in rows[2:4]] == [["62.00", "62.00"], ["-20.00", "42.00"]]
    assert rows[2][3] == contract.number
    assert rows[4][5] == "42.00"


def test_both_parties_see_the_contract_and_nobody_else(contract, owner, viewer, provider, stranger):
    provides = MemberFactory(organisation=provider, role=Role.VIEWER)
    path = f"/contracts/{contract.number}/"
    for member in (owner, viewer, provides):
        client = as_user(member.user)
        page = text_of(client.get(path))
        assert contract.sha256 in page
        assert "¥42.00" in page
        assert contract.number in text_of(client.get("/contracts/"))
        assert json.loads(client.get(path + "document.json").content)["number"] == contract.number
    outsider = as_user(stranger.user)
    assert outsider.get(path).status_code == 404
    assert outsider.get(path + "document.json").status_code == 404
    assert contract.number not in text_of(outsider.get("/contracts/"))


def test_only_the_provider_sees_the_fee(contract, owner, provider):
    path = f"/contracts/{contract.number}/"
    assert "Platform fee" not in text_of(as_user(owner.user).get(path))
    provides = MemberFactory(organisation=provider, role=Role.OWNER)
    assert "Platform fee" in text_of(as_user(provides.user).get(path))


def test_contracts_are_filtered_by_side_and_status(contract, owner):
    client = as_user(owner.user)
    assert contract.number in text_of(client.get("/contracts/", {"side": "buyer", "status": "active"}))
    assert "No contract meets" in text_of(client.get("/contracts/", {"side": "provider"}))
    assert "No contract meets" in text_of(client.get("/contracts/", {"status": "completed"}))


def upload(client: Client, text: str):
    file = SimpleUploadedFile("lines.csv", text.encode("gbk"))
    return client.post("/operator/bank/", {"file": file}, follow=True)


def test_an_operator_imports_a_statement_and_resolves_suspense(operator, buyer):
    client = as_user(operator)
    header = "流水号,交易日期,贷方金额,对方户名,对方账号,附言\n"
    text = f"{header}1,20260601,100,甲,6,{top_up_reference(buyer)}\n2,20260601,50,乙,6,?\n"
    assert "1 booked, 1 in suspense" in text_of(upload(client, text))
    assert balance_of(buyer) == Balances(available=10_000)
    line = BankLine.objects.get(serial="2")
    assert "乙" in text_of(client.get("/operator/bank/", {"status": "suspense"}))
    page = client.post(f"/operator/bank/{line.pk}/", {"organisation": buyer.pk}, follow=True)
    assert "The money is available to" in text_of(page)
    assert balance_of(buyer) == Balances(available=15_000)


def test_a_bad_statement_names_its_lines(operator):
    page = upload(
        as_user(operator), "serial,date,amount,payer,remark\n1,2026-06-01,x,A,\n2,2026-06-01,1,A,\n"
    )
    assert page.status_code == 422
    assert "Line 2: “x” is not an amount" in page.content.decode()
    assert not BankLine.objects.exists()


def test_bank_lines_are_the_operators_alone(owner, stranger):
    for member in (owner, stranger):
        assert as_user(member.user).get("/operator/bank/").status_code == 403
        assert upload(as_user(member.user), "").status_code == 403
    assert Client().get("/operator/bank/").status_code == 302
