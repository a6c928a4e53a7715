"""Vouchers on pages: a firm's and an issuer's owner, teammates without the role, strangers, an operator."""

import csv
import datetime
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from marketplace.trading.models import Order
from settlement.ledger.queries import balance_of
from settlement.vouchers.models import Affiliation, Application, Issuer, Programme, Voucher
from tests.factories import vouchers
from tests.factories.accounts import MemberFactory, OrganisationFactory
from tests.factories.listings import AcceleratorFactory, CapacityFactory, LicencePlanFactory, hour
from tests.factories.settlement import acting, fund
from tests.factories.trading import bid, cleared_round
from tests.settlement.browsing import as_user, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def programme():
    return vouchers.programme()


@pytest.fixture
def voucher(buyer, programme):
    """10,000 of which an order holds 120.00, and a traded one uses 72.00."""
    fund(buyer, 1_000_000)
    CapacityFactory()
    voucher = vouchers.voucher(buyer, programme)
    bid(buyer, voucher_id=voucher.pk)
    cleared_round()
    bid(buyer, voucher_id=voucher.pk)
    return voucher


def test_an_operator_makes_an_issuer_and_ends_it(operator, owner):
    body = OrganisationFactory(name_en="Bureau of Data")
    client = as_user(operator)
    client.post("/operator/vouchers/issuers/", {"organisation": body.pk})
    issuer = Issuer.objects.get()
    assert "Bureau of Data" in text_of(client.get("/operator/vouchers/"))
    client.post(f"/operator/vouchers/issuers/{issuer.pk}/end/")
    assert not Issuer.objects.active().exists()
    assert as_user(owner.user).get("/operator/vouchers/").status_code == 403
    for path in ("issuers/", f"issuers/{issuer.pk}/end/", "affiliations/"):
        assert as_user(owner.user).post(f"/operator/vouchers/{path}").status_code == 403


def test_an_issuer_writes_opens_and_closes_a_programme():
    body = vouchers.issuer(fen=2_000_000)
    client = as_user(acting(body).user)
    accelerator = AcceleratorFactory(domestic=True)
    form = {
        "name_en": "Compute for start-ups",
        "name_zh": "初创算力券",
        "budget": "10000",
        "cap": "2000.50",
        "currency": "CNY",
        "starts_on": "2026-05-01",
        "ends_on": "2026-12-31",
        "kinds": ["compute"],
        "ratio_start_up": "60",
        "ratio_specialised": "12.5",
        "domestic_only": "on",
        "accelerators": [accelerator.pk],
    }
    assert "above zero" in text_of(client.post("/vouchers/run/new/", form | {"cap": "10001"}))
    client.post("/vouchers/run/new/", form)
    draft = Programme.objects.get()
    assert (draft.cap, draft.ends_at) == (200_050, datetime.datetime(2026, 12, 31, 16, tzinfo=datetime.UTC))
    assert 'value="12.50"' in text_of(client.get(f"/vouchers/run/{draft.pk}/edit/"))
    client.post(f"/vouchers/run/{draft.pk}/edit/", form | {"ratio_specialised": "50"})
    assert "50.0 %" in text_of(client.get(f"/vouchers/run/{draft.pk}/"))
    client.post(f"/vouchers/run/{draft.pk}/open/")
    page = text_of(client.get(f"/vouchers/run/{draft.pk}/"))
    assert "¥10,000.00 in the account" in page
    assert "Compute for start-ups" in text_of(client.get("/vouchers/run/"))
    client.post(f"/vouchers/run/{draft.pk}/close/")
    assert balance_of(body).available == 2_000_000
    assert "Closed" in text_of(client.get(f"/vouchers/run/{draft.pk}/"))


def test_a_draft_is_thrown_away_and_a_refusal_is_told():
    body = vouchers.issuer(fen=0)
    client = as_user(acting(body).user)
    draft = vouchers.write_programme(actor=acting(body), rules=vouchers.rules(), now=vouchers.NOW)
    told = client.post(f"/vouchers/run/{draft.pk}/open/", follow=True)
    assert "available balance is ¥10,000.00 short" in text_of(told)
    client.post(f"/vouchers/run/{draft.pk}/discard/")
    assert not Programme.objects.exists()


def test_a_firm_applies_with_papers_that_the_issuer_reads_and_approves(trader, programme):
    client = as_user(trader.user)
    page = f"/vouchers/programmes/{programme.pk}/"
    form = {"amount": "800", "statement": "We train a model.", "affiliates_named": "on"}
    assert "Name your affiliates first" in text_of(client.post(page, form | {"affiliates_named": ""}))
    paper = SimpleUploadedFile("plan.txt", b"our plan")
    assert client.post(page, form | {"papers": paper}).status_code == 302
    application = Application.objects.get()
    [file] = application.files.all()
    issuer = as_user(acting(programme.issuer).user)
    assert "We train a model." in text_of(issuer.get(f"/vouchers/run/applications/{application.pk}/"))
    assert b"".join(issuer.get(f"/vouchers/files/{file.pk}/").streaming_content) == b"our plan"
    decision = {"amount": "700", "reasons": "A part of it.", "decision": "approve"}
    issuer.post(f"/vouchers/run/applications/{application.pk}/", decision)
    assert Voucher.objects.get().amount == 70_000
    assert "A part of it." in text_of(client.get("/vouchers/"))


def test_an_application_is_rejected_in_writing(buyer, programme):
    application = vouchers.application(buyer, programme)
    issuer = as_user(acting(programme.issuer).user)
    page = f"/vouchers/run/applications/{application.pk}/"
    assert "This field is required" in text_of(issuer.post(page, {"decision": "reject", "reasons": ""}))
    issuer.post(page, {"decision": "reject", "reasons": "Not of public use."})
    application.refresh_from_db()
    assert (application.status, application.reasons) == ("rejected", "Not of public use.")


def test_a_firm_sees_what_its_voucher_paid_for_and_pays_a_bid_with_it(voucher, trader):
    client = as_user(trader.user)
    page = text_of(client.get(f"/vouchers/{voucher.pk}/"))
    for amount in ("¥1,000.00", "¥192.00", "¥808.00", "¥72.00", "¥48.00"):
        assert amount in page
    assert "Pay part with a voucher" in text_of(client.get("/orders/new/"))
    form = {
        "quantity": 4,
        "hours": 3,
        "window_start": _local(hour(1)),
        "window_end": _local(hour(12)),
        "limit_price": "20",
        "voucher": voucher.pk,
    }
    assert "¥120.00 of it by the voucher" in text_of(client.post(reverse("trading:bid_estimate"), form))
    assert client.post("/orders/new/", form).status_code == 302
    order = Order.objects.latest("pk")
    assert order.hold.funded == 12_000
    assert "¥120.00" in text_of(client.get(f"/orders/{order.pk}/"))


def _local(moment) -> str:
    return f"{moment.astimezone(datetime.timezone(datetime.timedelta(hours=8))):%Y-%m-%dT%H:%M}"


def test_a_licence_is_ordered_with_a_voucher(voucher, trader):
    plan = LicencePlanFactory(price=10_000)
    page = reverse("trading:new_licence_order", args=[plan.pk])
    client = as_user(trader.user)
    assert "Pay part with a voucher" in text_of(client.get(page))
    client.post(page, {"seats": 1, "limit_price": "100", "voucher": voucher.pk})
    assert Order.objects.latest("pk").hold.funded == 5000


def test_a_firm_without_a_voucher_is_not_asked_for_one(trader):
    assert "Pay part with a voucher" not in text_of(as_user(trader.user).get("/orders/new/"))


def test_a_firm_declares_its_affiliates_and_an_operator_lifts_one(trader, viewer, operator, provider):
    client = as_user(trader.user)
    client.post("/vouchers/affiliates/", {"other": provider.pk, "statement": "Our parent."})
    affiliation = Affiliation.objects.get()
    assert "Our parent." in text_of(client.get("/vouchers/affiliates/"))
    assert "Declare an affiliate" not in text_of(as_user(viewer.user).get("/vouchers/affiliates/"))
    page = f"/operator/vouchers/affiliations/{affiliation.pk}/"
    as_user(operator).post(page, {"decision": "lift", "reasons": "Sold."})
    affiliation.refresh_from_db()
    assert affiliation.status == Affiliation.Status.LIFTED
    other = OrganisationFactory()
    pair = {"first": other.pk, "second": provider.pk, "statement": "One holding."}
    as_user(operator).post("/operator/vouchers/affiliations/", pair)
    assert Affiliation.objects.standing().get().declared_for is None


def test_the_report_is_read_on_the_page_as_csv_and_in_the_statement(voucher, programme, buyer):
    finance = MemberFactory(organisation=programme.issuer, role=Role.FINANCE)
    client = as_user(finance.user)
    page = text_of(client.get(f"/vouchers/run/{programme.pk}/"))
    assert "¥192.00" in page
    assert "differ by" not in page
    rows = list(
        csv.reader(io.StringIO(client.get(f"/vouchers/run/{programme.pk}/report.csv").content.decode()))
    )
    figures = {(row[1], row[2], row[3]): row[4] for row in rows[1:]}
    assert figures["Programme", "", "Funded"] == "10000.00"
    assert figures["Firm", buyer.name_en, "Reserved"] == "192.00"
    assert figures["Programme", "", "Left in the account"] == "9808.00"
    statement = text_of(client.get(f"/vouchers/run/{programme.pk}/statement/"))
    assert "−¥120.00" in statement
    assert "¥9,808.00" in statement


def test_an_issuer_revokes_a_voucher(voucher, programme):
    client = as_user(acting(programme.issuer).user)
    page = f"/vouchers/run/vouchers/{voucher.pk}/"
    assert "Revoke it" in text_of(client.get(page))
    client.post(page, {"reasons": "Misused."})
    assert "Misused." in text_of(client.get(page))


def test_teammates_without_the_role(voucher, programme, viewer):
    looks = as_user(viewer.user)
    assert "Ask an owner or a trader" in text_of(
        looks.get(f"/vouchers/programmes/{vouchers.programme().pk}/")
    )
    of_issuer = as_user(MemberFactory(organisation=programme.issuer, role=Role.VIEWER).user)
    application = Application.objects.get()
    for path in (
        "/vouchers/run/",
        "/vouchers/run/new/",
        f"/vouchers/run/{programme.pk}/",
        f"/vouchers/run/{programme.pk}/report.csv",
        f"/vouchers/run/{programme.pk}/statement/",
        f"/vouchers/run/applications/{application.pk}/",
        f"/vouchers/run/vouchers/{voucher.pk}/",
    ):
        assert of_issuer.get(path).status_code == 403, path
    trader = as_user(MemberFactory(organisation=programme.issuer, role=Role.TRADER).user)
    assert trader.get(f"/vouchers/run/{programme.pk}/").status_code == 200
    assert trader.post(f"/vouchers/run/{programme.pk}/close/").status_code == 403
    trader.post(f"/vouchers/run/vouchers/{voucher.pk}/", {"reasons": "x"})
    voucher.refresh_from_db()
    assert voucher.revoked_at is None


def test_strangers_find_nothing(voucher, programme, stranger):
    application = Application.objects.get()
    client = as_user(stranger.user)
    for path in (
        f"/vouchers/{voucher.pk}/",
        "/vouchers/run/",
        "/vouchers/run/new/",
        f"/vouchers/run/{programme.pk}/",
        f"/vouchers/run/{programme.pk}/edit/",
        f"/vouchers/run/{programme.pk}/report.csv",
        f"/vouchers/run/applications/{application.pk}/",
        f"/vouchers/run/vouchers/{voucher.pk}/",
    ):
        assert client.get(path).status_code == 404, path
        assert Client().get(path).status_code == 302, path
    assert client.post(f"/vouchers/run/{programme.pk}/close/").status_code == 404
    assert text_of(client.get("/vouchers/")).count(programme.name_en) == 1  # open to all: not a voucher
