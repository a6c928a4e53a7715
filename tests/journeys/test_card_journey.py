"""A finance member tops up by card in a real browser: to Stripe's page and back, and webhooks come in."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organisation, Role
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.operations import process_due_events
from tests.factories.accounts import MemberFactory, OrganisationFactory
from tests.stripe_standin import SECRET_KEY, WEBHOOK_SECRET, StandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("browser")]


@pytest.fixture
def stripe(settings) -> Iterator[StandIn]:
    with StandIn() as standin:
        settings.STRIPE_SECRET_KEY = SECRET_KEY
        settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        settings.STRIPE_API_BASE = standin.address
        settings.FORM_TARGETS = [standin.address]
        yield standin


@pytest.fixture
def buyer() -> Organisation:
    return OrganisationFactory()


def hear(stripe: StandIn, live_server) -> None:
    stripe.deliver(stripe.post_to(f"{live_server.url}/stripe/webhook/"), times=2, seed=1)
    process_due_events(now=timezone.now())


def test_a_card_tops_up_is_saved_charged_again_and_refunded(page: Page, sign_in, stripe, buyer, live_server):
    sign_in(MemberFactory(organisation=buyer, role=Role.FINANCE).user)
    page.goto("/balance/")
    page.get_by_label("Amount").fill("1000")
    page.get_by_label("Save the card").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="pay").click()  # Stripe's page, where the card's number is.
    expect(page.get_by_text("¥1,000.00 is on your balance.")).to_be_visible()
    hear(stripe, live_server)

    page.goto("/balance/cards/")
    page.get_by_label("Amount").fill("250")
    page.get_by_label("Card", exact=True).select_option(label="Visa •••• 4242")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("¥250.00 is on your balance.")).to_be_visible()

    page.get_by_role("link", name="Refund").first.click()
    page.get_by_label("Amount").fill("100")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("on its way to the card")).to_be_visible()
    hear(stripe, live_server)
    assert balance_of(buyer) == Balances(available=115_000)


def test_a_browser_leads_no_form_elsewhere(page: Page, sign_in, stripe, settings, buyer, complaints):
    """The negative control of FORM_TARGETS."""
    settings.FORM_TARGETS = []
    sign_in(MemberFactory(organisation=buyer, role=Role.FINANCE).user)
    page.goto("/balance/")
    page.get_by_label("Amount").fill("1000")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.get_by_role("button", name="Go on").click()
    assert stripe.address not in page.url
    complaints.clear()
