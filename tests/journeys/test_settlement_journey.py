"""What follows a trade, in a real browser, in Chinese and English by turns; nothing is mocked but the time.

The buyer accepts the master agreement and its bid is filled; it reads the contract and takes the PDF; the
provider reports the delivery; the buyer disputes, the provider answers, an operator decides; the buyer finds
the invoice; the provider asks for a payout, and two operators send it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Organisation, Role, User
from settlement.contracts.models import Contract
from settlement.delivery.operations import release
from settlement.invoices.operations import issue_contract_invoices
from settlement.ledger.queries import balance_of
from settlement.payments.models import Payout
from tests.factories.accounts import NOW, OrganisationFactory, UserFactory
from tests.factories.listings import CapacityFactory, hour
from tests.factories.payouts import payout_account
from tests.factories.settlement import acting, fund, meter
from tests.factories.trading import bid, cleared_round
from tests.settlement.invoicing import by_contract

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("browser")]

ENGLISH, CHINESE = "en", "zh-hans"
HOURS, UNITS, LIMIT = 3, 4, 2000
As = Callable[[User, str], Page]


class Clock:
    """The time, as every door reads it."""

    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)
    return clock


@pytest.fixture
def as_(context: BrowserContext, page: Page, sign_in: Callable[[User], None], live_server) -> As:
    """`as_(user, language)`: the page, where this user has signed in and reads this language."""

    def as_(user: User, language: str) -> Page:
        context.clear_cookies()
        cookie = {"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}
        context.add_cookies([cookie])
        sign_in(user)
        return page

    page.on("dialog", lambda dialog: dialog.accept())
    return as_


@pytest.fixture
def buyer(db: None) -> Organisation:
    buyer = OrganisationFactory(activity=Organisation.Activity.BUY, bound=False)
    fund(buyer, 1_000_000_00)
    by_contract(buyer)
    return buyer


@pytest.fixture
def provider(db: None) -> Organisation:
    provider = CapacityFactory().pool.facility.provider
    payout_account(provider)
    return provider


def test_from_the_agreement_to_the_payout(
    as_: As, clock: Clock, buyer: Organisation, provider: Organisation
) -> None:
    owner, publisher = acting(buyer).user, acting(provider).user
    accept(as_(owner, CHINESE))
    contract = traded(buyer, clock)
    read(as_(owner, ENGLISH), contract)
    report(as_(publisher, CHINESE), contract)
    meter(contract, now=clock.now)
    dispute = disputed(as_(owner, ENGLISH), contract)
    answer(as_(publisher, CHINESE), dispute)
    decide(as_(UserFactory(is_staff=True), ENGLISH), contract)
    release(now=clock.now)
    issue_contract_invoices(now=clock.now)
    see_invoice(as_(owner, CHINESE), contract)
    earned = balance_of(provider).receivable
    assert earned > 0
    ask(as_(acting(provider, Role.FINANCE).user, ENGLISH), earned)
    file = collect(as_(UserFactory(is_staff=True), CHINESE))
    approve(as_(UserFactory(is_staff=True), ENGLISH), file)
    assert balance_of(provider).receivable == 0
    assert Payout.objects.get().status == Payout.Status.SENT


def accept(page: Page) -> None:
    page.goto("/orders/new/")
    page.get_by_role("link", name="阅读并接受").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="接受").click()
    expect(page.get_by_text("贵机构已接受主协议")).to_be_visible()


def traded(buyer: Organisation, clock: Clock) -> Contract:
    """The factories' bid, filled; its hours are over."""
    window = {"window_start": hour(1), "window_end": hour(1 + HOURS)}
    order = bid(buyer, quantity=UNITS, hours=HOURS, limit_price=LIMIT, **window)
    cleared_round()
    clock.now = NOW + timedelta(hours=HOURS + 1)
    order.refresh_from_db()
    return order.trade.contract


def read(page: Page, contract: Contract) -> None:
    page.goto("/contracts/")
    page.get_by_role("link", name=contract.number).click()
    paper = page.request.get(page.get_by_role("link", name="PDF in English").get_attribute("href") or "")
    assert (paper.status, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.body().startswith(b"%PDF-")


def report(page: Page, contract: Contract) -> None:
    page.goto(f"/contracts/{contract.number}/delivery/")
    page.locator("select[name=state]").select_option("active")
    page.get_by_role("button", name="上报").first.click()
    page.get_by_label("时段起始时间").fill(local(contract.starts_at))
    page.get_by_label("已交付").fill(str(UNITS * 3600))
    page.get_by_role("button", name="上报").last.click()
    expect(page.get_by_role("cell", name="100.00%").first).to_be_visible()


def local(moment: datetime) -> str:
    """As a field for a date and a time takes it, in Shanghai."""
    return f"{moment + timedelta(hours=8):%Y-%m-%dT%H:%M}"


def disputed(page: Page, contract: Contract) -> str:
    """Returns the dispute's address."""
    page.goto(f"/contracts/{contract.number}/delivery/")
    page.get_by_role("link", name="Open a dispute").click()
    page.get_by_label("From the hour").select_option(index=1)
    page.get_by_label("To the hour").select_option(index=1)
    page.get_by_label("Text").fill("One machine was unreachable.")
    page.get_by_role("button", name="Open the dispute").click()
    expect(page.get_by_text("The dispute is open")).to_be_visible()
    return page.url


def answer(page: Page, dispute: str) -> None:
    page.goto(dispute)
    page.get_by_label("说明").fill("四台机器均正常运行。")
    page.get_by_role("button", name="发送").click()
    expect(page.get_by_text("您的留言已加入记录")).to_be_visible()


def decide(page: Page, contract: Contract) -> None:
    page.goto("/operator/disputes/")
    page.get_by_role("link", name=contract.number).click()
    page.get_by_label("Back to the buyer").fill("10")
    page.get_by_label("Reasons").fill("One machine of four: a part comes back.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Decided; the money has moved")).to_be_visible()


def see_invoice(page: Page, contract: Contract) -> None:
    page.goto(f"/contracts/{contract.number}/")
    expect(page.get_by_text("已裁决")).to_be_visible()
    page.get_by_role("link", name="INV-").click()
    expect(page.get_by_role("cell", name=contract.number)).to_be_visible()
    expect(page.get_by_text("不含税金额").first).to_be_visible()


def ask(page: Page, earned: int) -> None:
    page.goto("/balance/")
    page.get_by_role("link", name="Payouts").click()
    page.get_by_label("Amount").fill(f"{earned / 100:.2f}")
    page.get_by_role("button", name="Ask for a payout").click()
    expect(page.get_by_text("is asked for.")).to_be_visible()


def collect(page: Page) -> str:
    """Returns the file's address."""
    page.goto("/operator/payouts/")
    page.get_by_role("button", name="制作付款文件").click()
    expect(page.get_by_role("button", name="批准")).to_have_count(0)
    return page.url


def approve(page: Page, file: str) -> None:
    page.goto(file)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: download the file")).to_be_visible()
