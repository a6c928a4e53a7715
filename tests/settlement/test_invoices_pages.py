"""Who sees and does what on the pages of invoices, and what the files hold."""

import csv
import io
import json

import pytest
from django.test import Client

from accounts.models import Role
from settlement.invoices.models import FapiaoRequest, Invoice, InvoiceProfile
from settlement.invoices.operations import issue_contract_invoices, issue_monthly_invoices
from settlement.invoices.tasks import invoice_contracts, invoice_months
from tests.factories.settlement import HOUR
from tests.settlement.browsing import as_user, member_of, text_of
from tests.settlement.invoicing import AUGUST, JULY, by_contract, corrected, mainland, opened, paid

pytestmark = pytest.mark.django_db
NUMBER = "24442000000012345678"
OF_PLATFORM = "/operator/fapiao/"


@pytest.fixture(autouse=True)
def _july(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: JULY + 30 * HOUR)


@pytest.fixture
def provider(provider):
    return mainland(provider)


@pytest.fixture
def invoice(buyer, provider) -> Invoice:
    paid(opened(buyer, provider))
    issue_monthly_invoices(now=JULY)
    return Invoice.objects.get(kind="supply")


def test_both_parties_see_an_invoice_with_its_lines_and_proof(invoice, buyer, provider, owner):
    for client, words in [
        (as_user(owner.user), [provider.name_en, "sells to us"]),
        (member_of(provider, Role.FINANCE), [buyer.name_en, "buys from us"]),
    ]:
        seen = text_of(client.get("/invoices/"))
        for word in [*words, invoice.number, "¥62.00", "¥3.51", "2026-06"]:
            assert word in seen
        page = text_of(client.get(f"/invoices/{invoice.number}/"))
        for word in ("SP-2026-000001", "¥58.49", invoice.sha256, "the platform signed this document"):
            assert word in page


OF_MONEY = ["statements/", "statements/statement.csv", "costs/", "costs/focus.csv", "profile/"]
PATHS = ["", "invoice.pdf", "invoice.json"]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_finds_none_and_a_viewer_may_not_look(invoice, viewer, stranger, path):
    address = f"/invoices/{invoice.number}/{path}"
    assert as_user(stranger.user).get(address).status_code == 404
    assert as_user(viewer.user).get(address).status_code == 403
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("path", ["", *OF_MONEY])
def test_a_viewer_sees_no_page_of_money(viewer, path):
    assert as_user(viewer.user).get(f"/invoices/{path}").status_code == 403


def test_the_fee_is_the_providers_alone(invoice, provider, owner):
    fee = Invoice.objects.get(kind="fee")
    assert as_user(owner.user).get(f"/invoices/{fee.number}/").status_code == 404
    assert "¥1.24" in text_of(member_of(provider, Role.OWNER).get(f"/invoices/{fee.number}/"))


def test_the_files_are_the_document_and_its_paper(invoice, owner):
    client = as_user(owner.user)
    response = client.get(f"/invoices/{invoice.number}/invoice.json")
    assert response.content.decode() == invoice.document
    for language in ("en", "zh-hans"):
        paper = client.get(f"/invoices/{invoice.number}/invoice.pdf", {"language": language})
        assert paper["Content-Type"] == "application/pdf"
        assert invoice.number in paper["Content-Disposition"]
        assert paper.content.startswith(b"%PDF-")


def test_the_list_is_filtered(invoice, buyer, provider, owner):
    corrected(invoice.lines.get().contract, seconds=7000, now=JULY + HOUR)
    issue_monthly_invoices(now=AUGUST)
    client = as_user(owner.user)
    assert "CN-2026-000002" in text_of(client.get("/invoices/"))
    seen = text_of(client.get("/invoices/", {"series": "INV"}))
    assert "CN-2026-000002" not in seen
    assert invoice.number in seen
    assert "No invoice meets" in text_of(client.get("/invoices/", {"contract": "SP-2026-000009"}))
    assert "No invoice meets" in text_of(client.get("/invoices/", {"side": "seller"}))
    assert invoice.number in text_of(client.get("/invoices/CN-2026-000002/"))


def test_the_providers_statement_shows_gross_fee_and_net(invoice, provider):
    client = member_of(provider, Role.FINANCE)
    page = text_of(client.get("/invoices/statements/", {"side": "provider", "month": "2026-06"}))
    for word in ("¥62.00", "¥3.51", "¥1.24", "¥0.07", "¥60.76"):
        assert word in page
    [row] = read(client.get("/invoices/statements/statement.csv", {"side": "provider", "month": "2026-06"}))
    assert [*row.values()][3:] == ["62.00", "3.51", "58.49", "1.24", "0.07", "60.76"]


def test_the_buyers_statement_shows_no_fee(invoice, owner):
    client = as_user(owner.user)
    page = text_of(client.get("/invoices/statements/"))
    assert "¥62.00" in page
    assert "¥1.24" not in page
    [row] = read(client.get("/invoices/statements/statement.csv", {"side": "buyer"}))
    assert [*row.values()][3:] == ["62.00", "3.51", "58.49"]


def read(response) -> list[dict[str, str]]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return list(csv.DictReader(io.StringIO(body.decode().removeprefix("\ufeff"))))


def test_costs_are_exported_for_the_months_chosen(invoice, owner):
    client = as_user(owner.user)
    months = {"since": "2026-06", "until": "2026-06"}
    assert "¥62.00" in text_of(client.get("/invoices/costs/", months))
    table = read(client.get("/invoices/costs/focus.csv", months))
    assert [row["BilledCost"] for row in table] == ["20.00", "24.00", "18.00"]
    assert read(client.get("/invoices/costs/focus.csv", {"since": "2026-07", "until": "2026-08"})) == []
    for wrong in ({"since": "2026-07", "until": "2026-06"}, {"since": "x", "until": "9999-12"}, {}):
        assert client.get("/invoices/costs/focus.csv", wrong).status_code == 422


def test_the_profile_is_edited_by_finance_and_seen_by_the_trader(buyer, trader):
    form = {
        "title": "Hanyun",
        "tax_number": "",
        "kind": "ordinary",
        "cycle": "contract",
        "email": "a@b.example",
    }
    trading, finance = as_user(trader.user), member_of(buyer, Role.FINANCE)
    assert "Owners and finance can change this" in text_of(trading.get("/invoices/profile/"))
    assert "Your role does not include" in text_of(trading.post("/invoices/profile/", form), 403)
    assert not InvoiceProfile.objects.exists()
    assert finance.post("/invoices/profile/", form).status_code == 302
    assert InvoiceProfile.objects.get().title == "Hanyun"
    mainland(buyer)
    assert "18 characters" in text_of(finance.post("/invoices/profile/", form))


def test_a_fapiao_walks_from_request_to_number(invoice, buyer, provider, trader, owner, stranger):
    path = f"/invoices/{invoice.number}/fapiao/"
    entry = {"number": NUMBER, "issued_on": "2026-07-01"}
    assert as_user(trader.user).post(path + "request/").status_code == 403
    assert as_user(stranger.user).post(path + "request/").status_code == 404
    assert "Ask for the fapiao" in text_of(as_user(owner.user).get(f"/invoices/{invoice.number}/"))
    assert as_user(owner.user).post(path + "request/").status_code == 302
    sells = member_of(provider, Role.FINANCE)
    page = text_of(sells.get(f"/invoices/{invoice.number}/"))
    for word in ("Enter the fapiao", "What to write on it", buyer.registration_number):
        assert word in page
    assert "What to write on it" not in text_of(as_user(owner.user).get(f"/invoices/{invoice.number}/"))
    assert "20 digits" in text_of(sells.post(path, entry | {"number": "7"}), 422)
    assert text_of(as_user(owner.user).post(path, entry), 422)
    assert sells.post(path, entry).status_code == 302
    assert NUMBER in text_of(as_user(owner.user).get(f"/invoices/{invoice.number}/"))


def test_the_operator_enters_the_platforms_own(invoice, provider, operator, owner):
    fee = Invoice.objects.get(kind="fee")
    member_of(provider, Role.OWNER).post(f"/invoices/{fee.number}/fapiao/request/")
    entry = {"invoice": fee.number, "number": NUMBER, "issued_on": "2026-07-01"}
    operates = as_user(operator)
    page = text_of(operates.get("/operator/fapiao/"))
    for word in (fee.number, "What to write on it", provider.registration_number):
        assert word in page
    assert as_user(owner.user).get("/operator/fapiao/").status_code == 403
    assert as_user(owner.user).post("/operator/fapiao/", entry).status_code == 403
    assert "20 digits" in text_of(operates.post("/operator/fapiao/", entry | {"number": "7"}), 422)
    early = operates.post("/operator/fapiao/", entry | {"issued_on": "2026-06-30"})
    assert "from 2026-07-01, when the invoice was issued" in text_of(early, 422)
    assert operates.post("/operator/fapiao/", entry).status_code == 302
    assert FapiaoRequest.objects.get().number == NUMBER
    assert "Nobody waits" in text_of(operates.get("/operator/fapiao/"))
    assert operates.post("/operator/fapiao/", {"invoice": "INV-0"}).status_code == 404


def test_a_refused_number_stays_with_the_invoice_it_was_typed_for(provider, buyer, operator):
    by_contract(provider)
    for number in (1, 2):
        paid(opened(buyer, provider, number=number))
    issue_contract_invoices(now=JULY)
    first, second = Invoice.objects.filter(kind="fee").order_by("pk")
    for fee in (first, second):
        member_of(provider, Role.OWNER).post(f"/invoices/{fee.number}/fapiao/request/")
    operates = as_user(operator)
    entry = {"invoice": second.number, "number": "7", "issued_on": "2026-07-01"}
    named = f'<input type="hidden" name="invoice" value="{second.number}">'
    assert named in text_of(operates.post(OF_PLATFORM, entry), 422)
    assert named in text_of(operates.get(OF_PLATFORM, {"invoice": second.number}))
    assert first.number in text_of(operates.get(OF_PLATFORM))
    assert operates.post(OF_PLATFORM, entry | {"number": NUMBER}).status_code == 302
    again = text_of(operates.post(OF_PLATFORM, entry | {"number": NUMBER}), 422)
    assert "No fapiao is waiting for this invoice" in again
    assert 'name="number"' not in again, "a number typed for one invoice is not offered for another"


def test_the_tasks_issue_what_is_due(buyer, provider):
    by_contract(buyer)
    paid(opened(buyer, provider))
    invoice_contracts()
    assert list(Invoice.objects.values_list("series", flat=True)) == ["INV"]
    invoice_months()
    assert set(Invoice.objects.values_list("series", flat=True)) == {"INV", "FEE"}
    assert json.loads(Invoice.objects.get(series="FEE").document)["period"]["until"] == "2026-06-30T16:00:00Z"


def test_pages_without_anything_say_what_comes(owner):
    client = as_user(owner.user)
    assert "No invoices yet" in text_of(client.get("/invoices/"))
    assert "Nothing was paid yet" in text_of(client.get("/invoices/statements/"))
    assert "¥0.00" in text_of(client.get("/invoices/costs/"))
