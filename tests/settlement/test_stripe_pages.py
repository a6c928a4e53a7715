"""Cards and the account at Stripe on the pages: owner, finance, a teammate without the role, a stranger."""

import pytest
from django.test import Client

from accounts.models import Role
from settlement.ledger.operations import place_hold
from settlement.ledger.queries import Balances, balance_of
from settlement.payments import operations
from settlement.payments.models import CardRefund, CardTopUp, SavedCard, StripeAccount, StripePayout
from tests.factories.payouts import earn
from tests.factories.settlement import acting
from tests.settlement.browsing import member_of, text_of

pytestmark = pytest.mark.django_db


def pay(world, client, amount="500.00", **more) -> str:
    """Ask for a page, fill it in at Stripe, and come back: the page that is then shown."""
    asked = client.post("/balance/cards/top-up/", {"amount": amount, "currency": "CNY", "key": "k"} | more)
    assert asked.status_code == 302, asked.content.decode()
    session_id = asked["Location"].rsplit("/", 1)[1]
    session = world.stripe.cards.complete(session_id)
    back = session["success_url"]
    assert back.startswith("http://testserver/balance/cards/top-up/")
    return text_of(client.get(back.removeprefix("http://testserver"), follow=True))


def test_a_top_up_goes_by_stripes_page_and_comes_back_paid(world, buyer):
    client = member_of(buyer, Role.FINANCE)
    assert "Top up by card" in text_of(client.get("/balance/"))
    page = pay(world, client, save_card="on")
    assert "¥500.00 is on your balance." in page
    world.hear()
    assert balance_of(buyer) == Balances(available=50_000)
    assert "Visa •••• 4242" in text_of(client.get("/balance/cards/"))


def test_a_saved_card_is_charged_and_removed(world, buyer):
    card = world.saved_card(buyer)
    client = member_of(buyer)
    form = {"amount": "300", "currency": "CNY", "card": card.pk, "key": "once"}
    for _ in range(2):
        page = text_of(client.post("/balance/cards/top-up/", form, follow=True))
        assert "¥300.00 is on your balance." in page
    assert balance_of(buyer) == Balances(available=30_000)
    assert "is removed" in text_of(client.post(f"/balance/cards/{card.pk}/remove/", follow=True))
    assert "No card is saved." in text_of(client.get("/balance/cards/"))
    assert client.post("/balance/cards/top-up/", form).status_code == 422


def test_a_declined_card_says_what_to_do(world, buyer):
    card = world.saved_card(buyer, "4000000000000341")
    form = {"amount": "300", "currency": "CNY", "card": card.pk, "key": "once"}
    page = text_of(member_of(buyer).post("/balance/cards/top-up/", form, follow=True))
    assert "was not paid. Your card was declined. Try another card" in page


def test_a_card_is_added_without_a_charge(world, buyer):
    client = member_of(buyer)
    page = client.post("/balance/cards/add/")["Location"]
    world.stripe.cards.complete(page.rsplit("/", 1)[1])
    world.hear()
    assert SavedCard.objects.get().organisation == buyer
    assert not CardTopUp.objects.exists()


def test_a_bad_amount_is_an_error_of_the_form(world, buyer):
    client = member_of(buyer)
    for amount in ("1", "12.345", "-5", "", "99999999"):
        answer = client.post("/balance/cards/top-up/", {"amount": amount, "currency": "CNY", "key": "k"})
        assert answer.status_code == 422, amount
    assert not CardTopUp.objects.exists()


def test_a_silent_stripe_is_told_on_the_page(world, buyer):
    world.stripe.errors_next = 1
    answer = member_of(buyer).post("/balance/cards/top-up/", {"amount": "500", "currency": "CNY", "key": "k"})
    assert answer.status_code == 422
    assert "Stripe gives no answer just now" in answer.content.decode()


def test_a_refund_is_asked_for_once(world, buyer):
    top_up = world.top_up(buyer)
    client = member_of(buyer, Role.FINANCE)
    path = f"/balance/cards/top-ups/{top_up.pk}/refund/"
    assert "1000.00" in text_of(client.get(path))
    too_much = client.post(path, {"amount": "1000.01", "key": "k"})
    assert too_much.status_code == 422
    assert "At most ¥1,000.00" in too_much.content.decode()
    for _ in range(2):
        assert "on its way to the card" in text_of(
            client.post(path, {"amount": "400", "key": "k"}, follow=True)
        )
    assert CardRefund.objects.count() == 1
    assert balance_of(buyer) == Balances(available=60_000)


def test_arrears_stand_on_the_balance_page(world, buyer):
    top_up = world.top_up(buyer)
    place_hold(
        organisation=buyer, amount=100_000, source="test", source_id="1", expires_at=None, now=world.now
    )
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    client = member_of(buyer)
    assert "Your organisation owes ¥1,000.00" in text_of(client.get("/balance/"))
    assert "Contested, ¥1,000.00: Needs an answer" in text_of(client.get("/balance/cards/"))


def test_money_in_hong_kong_dollars_is_shown_apart(world, buyer):
    page = pay(world, member_of(buyer), currency="HKD")
    assert "HK$500.00" in page
    balance = text_of(member_of(buyer).get("/balance/"))
    assert "In other currencies" in balance
    assert "HK$500.00" in balance
    assert "¥0.00" in balance


# Who may


PATHS = ["/balance/cards/", "/balance/stripe-account/"]
MOVES = [
    "/balance/cards/top-up/",
    "/balance/cards/add/",
    "/balance/stripe-account/payout/",
    "/balance/stripe-account/schedule/",
]


def test_a_teammate_without_the_role_looks_and_does_not_touch(world, buyer, provider):
    top_up, card = world.top_up(buyer), world.saved_card(buyer)
    trader, viewer = member_of(buyer, Role.TRADER), member_of(buyer, Role.VIEWER)
    for path in PATHS:
        assert trader.get(path).status_code == 200
        assert viewer.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    moves = [*MOVES, f"/balance/cards/top-ups/{top_up.pk}/refund/", f"/balance/cards/{card.pk}/remove/"]
    for path in moves:
        assert trader.post(path, {"amount": "500"}).status_code == 403, path
    assert member_of(provider, Role.FINANCE).post("/balance/stripe-account/onboard/").status_code == 403
    assert "Refund</a>" not in text_of(trader.get("/balance/cards/"))


def test_a_stranger_finds_nothing_of_ours(world, buyer, stranger):
    top_up, card = world.top_up(buyer), world.saved_card(buyer)
    outsider = Client()
    outsider.force_login(stranger.user)
    assert "¥1,000.00" not in text_of(outsider.get("/balance/cards/"))
    for path in (f"/balance/cards/top-ups/{top_up.pk}/refund/", f"/balance/cards/{card.pk}/remove/"):
        assert outsider.post(path, {"amount": "1", "key": "k"}).status_code == 404
    assert outsider.get(f"/balance/cards/top-up/{top_up.call.key}/").status_code == 404
    chosen = {"amount": "500", "currency": "CNY", "card": card.pk, "key": "k"}
    assert outsider.post("/balance/cards/top-up/", chosen).status_code == 422
    card.refresh_from_db()
    assert card.removed_at is None


def test_without_keys_nothing_of_stripe_is_offered(world, buyer, settings):
    settings.STRIPE_SECRET_KEY = ""
    client = member_of(buyer)
    assert "Top up by card" not in text_of(client.get("/balance/"))
    for path in PATHS:
        assert client.get(path).status_code == 404
    assert client.post("/balance/cards/top-up/", {"amount": "500"}).status_code == 404


# The provider


def test_an_owner_opens_the_account_and_finance_is_paid_out(world, buyer, provider):
    world.top_up(buyer, 1_000_000)
    earn(provider, 200_000)
    owner, finance = member_of(provider), member_of(provider, Role.FINANCE)
    page = owner.post("/balance/stripe-account/onboard/", {"country": "HK"})["Location"]
    world.stripe.connect.prove(page.rsplit("/", 1)[1])
    shown = text_of(owner.get("/balance/stripe-account/back/", follow=True))
    assert "Ready" in shown
    for _ in range(2):
        asked = finance.post("/balance/stripe-account/payout/", {"amount": "1500", "key": "k"}, follow=True)
        assert "is asked for" in text_of(asked)
    world.sweep()
    way = StripePayout.objects.get()
    assert way.payout.serial in text_of(finance.get("/balance/stripe-account/"))
    assert balance_of(provider) == Balances(receivable=50_000)
    saved = finance.post("/balance/stripe-account/schedule/", {"frequency": "weekly"}, follow=True)
    assert "The schedule is saved." in text_of(saved)
    too_much = finance.post("/balance/stripe-account/payout/", {"amount": "501", "key": "l"})
    assert too_much.status_code == 422


def test_an_account_that_is_not_ready_asks_for_nothing(world, provider):
    owner = member_of(provider)
    owner.post("/balance/stripe-account/onboard/", {"country": "HK"})
    assert "Details are missing" in text_of(owner.get("/balance/stripe-account/"))
    refused = owner.post("/balance/stripe-account/payout/", {"amount": "1500", "key": "k"})
    assert refused.status_code == 422
    assert owner.post("/balance/stripe-account/onboard/", {"country": "XX"}).status_code == 422
    assert StripeAccount.objects.count() == 1


# The operator


def test_the_operator_sees_what_is_stuck_and_what_is_contested(world, buyer, operator, owner):
    top_up = world.top_up(buyer)
    world.stripe.cards.open_dispute(top_up.payment_intent_id)
    world.hear()
    operations.ask_refund(
        actor=acting(buyer), top_up_id=world.top_up(buyer).pk, amount=1, key="k", now=world.now
    )
    world.stripe.errors_next = 1
    world.sweep()
    client = Client()
    client.force_login(operator)
    page = text_of(client.get("/operator/stripe/"))
    assert "refunds.create" in page
    assert "fraudulent" in page
    assert member_of(buyer).get("/operator/stripe/").status_code == 403
