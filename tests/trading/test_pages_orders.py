"""A buyer's order pages: for a trader, a teammate without the role, and a stranger."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Member
from listings.models import Pool
from marketplace.trading.models import Order
from settlement.ledger.queries import balance_of
from tests.factories.listings import CapacityFactory, LicencePlanFactory
from tests.factories.trading import bid, cleared_round, fund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def signed_in(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def trading(trader: Member) -> Client:
    fund(trader.organisation, 1_000_000)
    return signed_in(trader)


@pytest.fixture
def pool() -> Pool:
    return CapacityFactory(reserve_price=1200).pool


@pytest.fixture
def order(trading: Client, trader: Member, pool: Pool) -> Order:
    return bid(trader.organisation)


def form(**changes: object) -> dict[str, object]:
    """Four accelerators for three hours at 20 CNY, typed in Shanghai (UTC+8)."""
    fields: dict[str, object] = {
        "quantity": 4,
        "hours": 3,
        "window_start": "2026-06-01T13:00",
        "window_end": "2026-06-02T00:00",
        "limit_price": "20.00",
    }
    return fields | changes


def test_a_trader_places_a_bid(trading, pool, buyer):
    response = trading.post("/orders/new/", form(hubs=["greater_bay"], minimum=2))
    placed = Order.objects.get()
    assert response.url == reverse("trading:order", args=[placed.pk])
    assert (placed.organisation, placed.quantity, placed.minimum, placed.hours) == (buyer, 4, 2, 3)
    assert placed.window_start == datetime.datetime(2026, 6, 1, 5, tzinfo=datetime.UTC)
    assert (placed.limit_price, placed.hubs) == (2000, ["greater_bay"])
    assert balance_of(buyer).held == 24_000


def test_a_trader_places_a_bid_with_a_licence(trading, pool, buyer):
    plan = LicencePlanFactory(price=5000)
    prefilled = trading.get(f"/orders/new/?plan={plan.pk}")
    assert prefilled.context["licence"]["plan"].value() == plan.pk
    assert "Both fill in one round, or neither" in prefilled.content.decode()
    chosen = {"licence-plan": plan.pk, "licence-seats": 2, "licence-limit_price": "60"}
    estimate = trading.post("/orders/new/estimate/", form(**chosen)).content.decode()
    assert "¥360.00" in estimate, "4 x 3 x 20 and 2 x 60"
    assert "¥120.00 of it for the licence" in estimate
    response = trading.post("/orders/new/", form(**chosen))
    taken, seats = Order.objects.order_by("kind")
    assert response.url == reverse("trading:order", args=[taken.pk])
    assert (seats.plan, seats.quantity, seats.limit_price, seats.bundled_with) == (plan, 2, 6000, taken)
    assert balance_of(buyer).held == 36_000
    for one, other in [(taken, seats), (seats, taken)]:
        page = trading.get(reverse("trading:order", args=[one.pk])).content.decode()
        assert reverse("trading:order", args=[other.pk]) in page
    again = trading.get(f"/orders/new/?like={taken.pk}").context["licence"]
    assert [again[name].value() for name in ("plan", "seats", "limit_price")] == [plan.pk, 2, 60]


@pytest.mark.parametrize("missing", ["seats", "limit_price"])
def test_a_chosen_licence_wants_its_seats_and_its_limit(trading, pool, missing):
    plan = LicencePlanFactory(price=5000)
    chosen = {"licence-plan": plan.pk, "licence-seats": 2, "licence-limit_price": "60"}
    response = trading.post("/orders/new/", form(**chosen | {f"licence-{missing}": ""}))
    assert missing in response.context["licence"].errors
    estimate = trading.post("/orders/new/estimate/", form(**chosen | {f"licence-{missing}": ""}))
    assert "¥144.00" in estimate.content.decode(), "the compute is estimated all the same"
    assert "Give it, or choose no licence." in estimate.content.decode()
    assert not Order.objects.exists()


def test_plans_that_are_not_on_sale_to_a_buyer_cannot_be_chosen(trading, pool, buyer):
    LicencePlanFactory(algorithm__publisher=buyer)
    LicencePlanFactory(status="withdrawn")
    on_sale = LicencePlanFactory()
    choices = trading.get("/orders/new/").context["licence"].fields["plan"].queryset
    assert list(choices) == [on_sale]


def test_an_accelerator_may_have_a_limit_of_its_own(trading, pool):
    accelerator = pool.accelerator_id
    fields = form(accelerators=[accelerator], limit_price="")
    trading.post("/orders/new/", fields | {f"limit_{accelerator}": "15.5"})
    assert [(each.accelerator_id, each.limit_price) for each in Order.objects.get().limits.all()] == [
        (accelerator, 1550)
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limit_price": "9999.00"}, "available"),
        ({"minimum": 5}, "minimum"),
        ({"window_end": "2026-06-01T14:00"}, "window"),
        ({"limit_price": ""}, "limit price"),
        ({"hubs": ["guizhou"]}, "pool"),
        ({"quantity": "many"}, "number"),
        ({"limit_price": "0.001"}, "decimal"),
    ],
)
def test_a_refused_bid_keeps_what_was_typed_and_says_why(trading, pool, changes, sentence):
    response = trading.post("/orders/new/", form(**changes))
    assert response.status_code == 200
    errors = " ".join(str(error) for error in response.context["form"].errors.values())
    assert sentence in errors.lower()
    assert 'value="2026-06-01T13:00"' in response.content.decode()
    assert not Order.objects.exists()


def test_the_estimate_shows_pools_and_costs_before_anything_is_placed(trading, pool):
    response = trading.post("/orders/new/estimate/", form())
    assert response.context["estimate"].most_it_can_cost == 24_000
    page = response.content.decode()
    assert pool.facility.name_en in page
    assert "¥144.00" in page  # 4 units x 3 hours x 12 CNY
    assert not Order.objects.exists()


def test_the_estimate_needs_no_limit_price_yet(trading, pool):
    response = trading.post("/orders/new/estimate/", form(limit_price=""))
    page = response.content.decode()
    assert "¥144.00" in page
    assert "give a limit price" in page


def test_the_estimate_says_what_is_wrong_or_too_dear(trading, pool):
    late = trading.post("/orders/new/estimate/", form(window_end="2026-06-01T14:00"))
    assert "window is shorter" in late.content.decode()
    dear = trading.post("/orders/new/estimate/", form(limit_price="9000"))
    assert "not enough to hold" in dear.content.decode()
    nothing = trading.post("/orders/new/estimate/", {})
    assert "Fill in the bid" in nothing.content.decode()


def test_an_order_that_did_not_fill_says_why_and_what_would_have_filled_it(trading, trader, pool):
    low = bid(trader.organisation, limit_price=1000)
    cleared_round()
    page = trading.get(reverse("trading:order", args=[low.pk])).content.decode()
    assert "The limit price was too low" in page
    assert "¥2.00" in page
    again = trading.get(f"/orders/new/?like={low.pk}")
    assert again.context["form"]["limit_price"].value() == 12  # what would have filled it


def test_a_filled_order_shows_its_trade_and_contract(trading, order):
    cleared_round()
    page = trading.get(reverse("trading:order", args=[order.pk])).content.decode()
    order.refresh_from_db()
    assert order.trade.contract.number in page
    assert "¥144.00" in page


def test_a_trader_cancels_and_the_money_comes_back(trading, order, buyer):
    assert balance_of(buyer).held == 24_000
    trading.post(reverse("trading:cancel_order", args=[order.pk]))
    order.refresh_from_db()
    assert order.status == Order.Status.CANCELLED
    assert balance_of(buyer).held == 0


def test_an_order_cannot_be_cancelled_twice_or_by_a_link(trading, order):
    address = reverse("trading:cancel_order", args=[order.pk])
    assert trading.get(address).status_code == 405
    trading.post(address)
    again = trading.post(address, follow=True)
    assert "cannot be cancelled" in again.content.decode()


def test_a_teammate_without_the_role_looks_but_does_not_trade(order, viewer):
    client = signed_in(viewer)
    assert order in client.get("/orders/").context["page"]
    page = client.get(reverse("trading:order", args=[order.pk])).content.decode()
    assert reverse("trading:cancel_order", args=[order.pk]) not in page
    assert "/orders/new/" not in page
    for address in ("/orders/new/", "/orders/new/estimate/", f"/orders/{order.pk}/cancel/"):
        assert client.post(address, form()).status_code == 403
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING
    assert Order.objects.count() == 1


def test_a_stranger_finds_nothing(order, stranger):
    client = signed_in(stranger)
    assert list(client.get("/orders/").context["page"]) == []
    assert client.get(reverse("trading:order", args=[order.pk])).status_code == 404
    assert client.post(reverse("trading:cancel_order", args=[order.pk])).status_code == 404
    assert client.get(f"/orders/new/?like={order.pk}").status_code == 404
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_nobody_in_particular_is_sent_to_sign_in(order):
    for address in ("/orders/", "/orders/new/", f"/orders/{order.pk}/"):
        assert Client().get(address).url.startswith("/account/login/")


def test_orders_are_filtered_by_the_address(trading, trader, pool):
    resting, cancelled = bid(trader.organisation), bid(trader.organisation)
    trading.post(reverse("trading:cancel_order", args=[cancelled.pk]))
    assert list(trading.get("/orders/?status=cancelled").context["page"]) == [cancelled]
    assert list(trading.get("/orders/?status=resting").context["page"]) == [resting]
    assert list(trading.get("/orders/?kind=licence").context["page"]) == []
    assert "No order meets these filters" in trading.get("/orders/?kind=licence").content.decode()
    assert list(trading.get("/orders/?placed_from=2026-06-02").context["page"]) == []


def test_an_empty_list_says_what_to_do_next(trading, viewer):
    assert "Place your first bid" in trading.get("/orders/").content.decode()
    assert "Your role can read them" in signed_in(viewer).get("/orders/").content.decode()


def test_a_trader_orders_a_licence(trading, buyer, settings):
    settings.LICENCE_ACCEPTANCE_DAYS = 9
    plan = LicencePlanFactory(price=10_000)
    address = reverse("trading:new_licence_order", args=[plan.pk])
    page = trading.get(address)
    assert page.context["form"]["limit_price"].value() == 100
    assert "9 days: until then the price waits in escrow" in page.content.decode()
    trading.post(address, {"seats": 3, "limit_price": "110.00"})
    placed = Order.objects.get()
    assert (placed.kind, placed.plan, placed.quantity, placed.limit_price) == ("licence", plan, 3, 11_000)
    assert balance_of(buyer).held == 33_000


def test_a_withdrawn_plan_is_not_for_sale(trading):
    plan = LicencePlanFactory(status="withdrawn")
    assert trading.get(reverse("trading:new_licence_order", args=[plan.pk])).status_code == 404
