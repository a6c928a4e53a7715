"""What a screen reader and a keyboard need of every page, checked on the pages as they are served."""

from datetime import datetime
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Member
from accounts.operations.webhooks import add_endpoint, ping
from settlement.licences.operations import activate
from tests.factories import vouchers
from tests.factories.licences import licensed, machine, token_of
from tests.factories.listings import CapacityFactory, LicencePlanFactory
from tests.factories.settlement import acting
from tests.factories.trading import bid, cleared_round, fund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
VOID = {"meta", "link", "input", "img", "br", "hr"}
REFUSED = {"/nowhere/": 404, "/artefacts/no-ticket/": 403}
UNLABELLED = {"hidden", "submit"}


class Page(HTMLParser):
    """Collects what the tests ask: headings, ids, controls with the ways they are named."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.described: set[str] = set()
        self.headings: list[str] = []
        self.title = ""
        self.images_without_text: list[str] = []
        self.language: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "html":
            self.language = given.get("lang")
        if tag == "h1":
            self.headings.append("")
        if tag == "label" and "for" in given:
            self.labels.add(given["for"])
        if tag in ("input", "select", "textarea") and given.get("type") not in UNLABELLED:
            self.controls.append(given | {"inside a label": "label" in self.open})
        if tag == "img" and "alt" not in given:
            self.images_without_text.append(given["src"])
        self.described |= set((given.get("aria-describedby") or "").split())

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "h1" in self.open:
            self.headings[-1] += data.strip()
        if "title" in self.open:
            self.title += data.strip()

    def unnamed(self):
        return [
            control
            for control in self.controls
            if not control["inside a label"]
            and control.get("id") not in self.labels
            and "aria-label" not in control
        ]


@pytest.fixture
def addresses(trader: Member, settings) -> list[str]:
    """The pages that a trader finds, with something on each."""
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = "set"
    fund(trader.organisation, 1_000_000)
    pool = CapacityFactory().pool
    filled = bid(trader.organisation)
    low = bid(trader.organisation, limit_price=1)
    done = cleared_round()
    filled.refresh_from_db()
    plan = LicencePlanFactory()
    held = licensed(trader.organisation, algorithm=plan.algorithm, kind="per_call", calls=9)
    activate(token=token_of(held), machine=machine("m"), now=held.issued_at)
    voucher = vouchers.voucher(trader.organisation)
    paid = bid(trader.organisation, voucher_id=voucher.pk)
    return [
        "/",
        "/market/",
        "/market/?q=nothing-is-called-this",
        reverse("trading:pool", args=[pool.pk]),
        "/market/rounds/",
        reverse("trading:round", args=[done.pk]),
        "/orders/",
        "/orders/new/",
        reverse("trading:order", args=[filled.pk]),
        reverse("trading:order", args=[low.pk]),
        reverse("trading:new_licence_order", args=[plan.pk]),
        "/algorithms/",
        reverse("listings:algorithm", args=[plan.algorithm.slug]),
        reverse("listings:facility", args=[pool.facility_id]),
        "/contracts/",
        reverse("contracts:contract", args=[filled.trade.contract.number]),
        reverse("delivery:termination", args=[filled.trade.contract.number]),
        "/agreement/",
        reverse("contracts:verify", args=[filled.trade.contract.sha256]),
        "/licences/",
        reverse("licences:licence", args=[held.number]),
        "/artefacts/no-ticket/",
        "/balance/",
        "/balance/statement/",
        "/balance/payouts/",
        "/balance/cards/",
        "/balance/stripe-account/",
        "/invoices/",
        "/invoices/statements/",
        "/invoices/costs/",
        "/invoices/profile/",
        "/vouchers/",
        "/vouchers/affiliates/",
        reverse("vouchers:voucher", args=[voucher.pk]),
        reverse("vouchers:programme", args=[voucher.programme_id]),
        reverse("trading:order", args=[paid.pk]),
        "/organisation/",
        "/account/",
        "/nowhere/",
    ]


@pytest.fixture
def owners_addresses(owner: Member, clock: datetime) -> list[str]:
    """The pages that owners alone find, with something on each."""
    actor = acting(owner.organisation)
    urls = ["https://partner.example/hooks", "https://partner.example/more"]
    endpoint, _other = [add_endpoint(actor=actor, url=url, kinds=[], now=clock)[0] for url in urls]
    ping(actor=actor, endpoint_id=endpoint.pk, now=clock)
    return [
        "/organisation/keys/",
        "/organisation/keys/create/",
        "/organisation/webhooks/",
        "/organisation/webhooks/add/",
        reverse("accounts:edit_webhook", args=[endpoint.pk]),
        "/organisation/audit/",
    ]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_are_named_labelled_and_unambiguous(addresses, trader, language):
    check(addresses, trader, language)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_of_owners_are_so_too(owners_addresses, owner, language):
    check(owners_addresses, owner, language)


def check(addresses, member, language):
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.force_login(member.user)
    for address in addresses:
        response = client.get(address)
        assert response.status_code == REFUSED.get(address, 200), address
        page = Page(response.content.decode())
        assert page.language == language, address
        assert len(page.headings) == 1, address
        assert page.headings[0], address
        assert page.title, address
        assert page.unnamed() == [], address
        assert sorted(page.ids) == sorted(set(page.ids)), address
        assert page.described <= set(page.ids), address
        assert page.images_without_text == [], address
        assert "content" in page.ids, address  # where the skip link leads


def test_a_refused_form_ties_each_error_to_its_field(trader):
    client = Client()
    client.force_login(trader.user)
    page = Page(client.post("/orders/new/", {"quantity": "many"}).content.decode())
    assert "id_quantity_error" in page.described
    assert page.described <= set(page.ids)


def test_an_unnamed_control_would_be_found():
    assert Page("<input type='text' id='a'>").unnamed()
    assert not Page("<label for='a'>A</label><input type='text' id='a'>").unnamed()
    assert not Page("<label>A <input type='text'></label>").unnamed()
