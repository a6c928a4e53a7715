"""Pages in a browser, beyond their HTML: filters, charts, the live estimate, the language, the keyboard."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Member
from marketplace.trading.models import Order
from tests.factories.listings import AcceleratorFactory, CapacityFactory
from tests.factories.trading import bid, cleared_round, fund
from tests.journeys.conftest import open_page

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def settled_market(db: None) -> None:
    """Two pools; one of them sold."""
    CapacityFactory(
        pool__accelerator=AcceleratorFactory(vendor="Huawei", name="Ascend 910B", domestic=True),
        reserve_price=900,
    )
    CapacityFactory(pool__accelerator=AcceleratorFactory(name="H100"), reserve_price=1800)
    bid()
    cleared_round()


@pytest.fixture
def signed_in_trader(trader: Member, sign_in) -> Member:
    fund(trader.organisation, 1_000_000)
    sign_in(trader.user)
    return trader


def test_filters_change_table_chart_and_address_and_going_back_undoes_them(settled_market, page: Page):
    page.goto("/market/")
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator("#heatmap canvas")).to_be_visible()

    page.get_by_label("Accelerator's origin").select_option("True")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"domestic=True"))
    assert "hub=" not in page.url  # what is not set stays out of the address
    expect(page.locator("#heatmap canvas")).to_be_visible()

    page.get_by_label("Facility or city").fill("nowhere")
    expect(page.get_by_text("No pool meets these filters")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No pool meets these filters")).to_be_visible()

    page.go_back()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Facility or city")).to_have_value("")


def test_a_pools_charts_and_the_depth_of_one_hour(settled_market, page: Page):
    page.goto("/market/")
    page.get_by_role("cell").get_by_role("link").first.click()
    expect(page.locator("#hours canvas")).to_be_visible()
    expect(page.locator("#depth-chart canvas")).to_be_visible()
    page.get_by_label("Hour", exact=True).select_option(index=1)
    expect(page).to_have_url(re.compile(r"slot=2026-06-01T"))
    expect(page.locator("#depth-chart canvas")).to_be_visible()


def test_the_estimate_follows_what_is_typed_and_the_bid_can_be_placed_and_cancelled(
    settled_market, signed_in_trader, page: Page
):
    page.goto("/orders/new/")
    page.get_by_label("Accelerators", exact=False).first.fill("2")
    page.get_by_label("Hours in a row").fill("3")
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("¥54.00")  # 2 units x 3 hours x 9 CNY
    page.get_by_label("Limit price", exact=True).fill("10")
    expect(estimate).to_contain_text("¥60.00")
    expect(estimate).to_contain_text("1 of 2 eligible pools are within your limit")

    with page.expect_response("**/estimate/**"):  # Leaving the field asks once more.
        page.get_by_label("Limit price", exact=True).blur()
    page.get_by_role("button", name="Place the bid").click()
    expect(page.get_by_text("The bid is placed")).to_be_visible()
    placed = Order.objects.get(organisation=signed_in_trader.organisation)
    assert (placed.quantity, placed.hours, placed.limit_price) == (2, 3, 1000)

    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cancel the order").click()
    placed.refresh_from_db()
    assert placed.status == Order.Status.RESTING  # the question was answered with no
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_text("The order is cancelled")).to_be_visible()


def test_the_language_is_chosen_and_kept(page: Page):
    page.goto("/market/")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    page.goto("/market/rounds/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_the_first_key_stroke_offers_to_skip_the_navigation(page: Page):
    page.goto("/market/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_what_the_security_policy_blocks_is_complained_of(context: BrowserContext):
    complaints: list[str] = []
    page = open_page(context, complaints)
    page.goto("/market/")
    assert complaints == []
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = true'}))"
    )
    assert page.evaluate("window.ran") is None
    assert "Content Security Policy" in complaints[0]


def focused(page: Page) -> str:
    """The name of the control that has the focus, or the words of a link or button."""
    return page.evaluate("document.activeElement.name || document.activeElement.innerText.trim()")


def test_a_bid_is_placed_by_keyboard_alone(settled_market, signed_in_trader, page: Page):
    typed = {"quantity": "2", "hours": "3", "limit_price": "10"}
    page.goto("/orders/new/")
    reached: list[str] = []
    while (name := focused(page)) != "Place the bid":
        assert reached.count(name) < 20, f"Tab never leaves {name}: {reached}"
        reached.append(name)
        if name in typed:
            page.keyboard.press("Control+A")
            page.keyboard.type(typed[name])
        page.keyboard.press("Tab")
        expect(page.locator(":focus-within").last).to_be_in_viewport()  # a date's picker is within it
    order = ["quantity", "hours", "minimum", "limit_price", "window_start", "window_end", "expires_at"]
    assert [name for name in dict.fromkeys(reached) if name in order] == order
    page.keyboard.press("Enter")
    expect(page.get_by_text("The bid is placed")).to_be_visible()
    placed = Order.objects.get(organisation=signed_in_trader.organisation)
    assert (placed.quantity, placed.hours, placed.limit_price) == (2, 3, 1000)


def test_the_menu_opens_on_a_phone(signed_in_trader, page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/market/")
    orders = page.get_by_role("link", name="Orders")
    expect(orders).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(orders).to_be_visible()
