"""From sign-up to a contract, in a real browser, with a real worker; nothing is mocked.

The buyer signs up, proves the address, sets up a second factor, registers a firm; an operator verifies it; it
accepts the master agreement; the operator books its bank transfer; a provider lists capacity; the buyer bids;
the worker clears; the contract is there.
"""

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import OutgoingEmail, Role, User
from accounts.registration_numbers import credit_code_check_character
from listings.slots import SLOT, slot_of
from marketplace.trading.models import Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.tasks import run_round_now
from settlement.contracts.models import Contract
from tests.factories.accounts import MemberFactory, UserFactory
from tests.factories.listings import PoolFactory
from tests.faults.processes import wait_until, worker
from tests.journeys.conftest import open_page

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "lin@shenzhen.example"
PASSWORD = "beads-on-a-wire-42"
CODE = "91440300MA5JOURNX".replace("O", "0")
CREDIT_CODE = CODE + credit_code_check_character(CODE)


def totp(secret: str) -> str:
    """The six digits of now for a base32 secret (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def local(moment: datetime) -> str:
    """As a date and time field of an organisation in Shanghai takes it."""
    return f"{moment.astimezone(timezone.get_fixed_timezone(480)):%Y-%m-%dT%H:%M}"


@pytest.fixture
def desk(browser: Browser, live_server, complaints: list[str]) -> Iterator[Callable[[User], Page]]:
    """`desk(user)`: a page of another browser, where this user has signed in."""
    contexts = []

    def open_desk(user: User) -> Page:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = browser.new_context(base_url=live_server.url, locale="en-GB")
        context.set_default_timeout(15_000)
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        contexts.append(context)
        return open_page(context, complaints)

    yield open_desk
    for context in contexts:
        context.close()


def test_from_sign_up_to_a_contract(page: Page, desk: Callable[[User], Page]) -> None:
    with worker():
        sign_up(page)
        set_up_second_factor(page)
        register(page)
        operator = desk(UserFactory(is_staff=True))
        verify(operator)
        accept_agreement(page)
        top_up(page, operator)
        list_capacity(desk)
        bid(page)
        clear()
        see_contract(page)


def sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Your name").fill("Lin")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/confirm-email/**")
    wait_until(lambda: OutgoingEmail.objects.filter(to=EMAIL).exists())
    code = re.search(r"^([A-Z0-9-]{6,9})$", OutgoingEmail.objects.get(to=EMAIL).text, re.MULTILINE)
    assert code is not None
    page.get_by_label("Code").fill(code[1])
    page.get_by_role("button", name="Confirm").click()


def set_up_second_factor(page: Page) -> None:
    page.goto("/account/2fa/totp/activate/")
    page.get_by_label("Password").fill(PASSWORD)  # a change of how one signs in asks again
    page.get_by_role("button", name="Confirm").click()
    secret = page.locator("#authenticator_secret").input_value()
    page.get_by_label("Authenticator code").fill(totp(secret))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("Authenticator app activated")).to_be_visible()


def register(page: Page) -> None:
    page.goto("/organisation/create/")
    page.get_by_label("Legal name in Chinese").fill("深圳林氏智能有限公司")
    page.get_by_label("Legal name in English").fill("Lin Intelligence Ltd")
    page.get_by_label("Jurisdiction").select_option("mainland")
    page.get_by_label("Registration number").fill(CREDIT_CODE)
    page.get_by_label("Tier").select_option("start_up")
    page.get_by_label("Activity").select_option("buy")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Pending").first).to_be_visible()


def verify(operator: Page) -> None:
    operator.goto("/operator/verification/")
    operator.get_by_role("link", name="Lin Intelligence Ltd").click()
    operator.get_by_label("Evidence or reason").fill("Licence and register agree.")
    operator.get_by_role("button", name="Verify").click()
    expect(operator.get_by_text("Verified").first).to_be_visible()


def accept_agreement(page: Page) -> None:
    page.goto("/orders/new/")
    page.get_by_role("link", name="Read and accept it").click()
    page.get_by_label("I have read the agreement").check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Your organisation accepted the master agreement.")).to_be_visible()


def top_up(page: Page, operator: Page) -> None:
    page.goto("/balance/")
    reference = page.locator("strong.figure").inner_text()
    line = f"JOURNEY-1,{timezone.now():%Y-%m-%d},50000.00,深圳林氏智能有限公司,{reference}"
    statement = "serial,date,amount,payer,remark\n" + line
    operator.goto("/operator/bank/")
    operator.get_by_label("Bank statement (CSV)").set_input_files(
        [{"name": "bank.csv", "mimeType": "text/csv", "buffer": statement.encode()}]
    )
    operator.get_by_role("button", name="Import").click()
    expect(operator.get_by_role("link", name="JOURNEY-1")).to_be_visible()
    page.reload()
    expect(figure(page, "Available")).to_have_text("¥50,000.00")


def list_capacity(desk: Callable[[User], Page]) -> None:
    pool = PoolFactory(units=16)
    provider = desk(MemberFactory(organisation=pool.facility.provider, role=Role.TRADER).user)
    provider.goto(f"/listings/pools/{pool.pk}/capacity/add/")
    provider.get_by_label("Units").fill("16")
    provider.get_by_label("From").fill(local(slot_of(timezone.now()) + SLOT))
    provider.get_by_label("Until").fill(local(slot_of(timezone.now()) + 49 * SLOT))
    provider.get_by_label("Reserve price").fill("9.50")
    provider.get_by_role("button", name="List").click()
    expect(provider.get_by_text("¥9.50").first).to_be_visible()


def bid(page: Page) -> None:
    page.goto("/orders/new/")
    page.get_by_label("Accelerators", exact=True).fill("8")
    page.get_by_label("Hours in a row").fill("24")
    page.get_by_label("Limit price", exact=True).fill("12.00")
    page.get_by_label("Earliest start").fill(local(slot_of(timezone.now()) + 2 * SLOT))
    page.get_by_label("Latest end").fill(local(slot_of(timezone.now()) + 40 * SLOT))
    expect(page.get_by_text("¥2,304.00").first).to_be_visible()  # held: 8 x 24 x 12.00
    expect(page.get_by_text("¥1,824.00").first).to_be_visible()  # at the reserve price: 8 x 24 x 9.50
    page.get_by_role("button", name="Place the bid").click()
    expect(page.get_by_text("Resting").first).to_be_visible()


def clear() -> None:
    opened = open_round(now=timezone.now())
    run_round_now.delay(opened.pk)
    wait_until(lambda: Round.objects.get(pk=opened.pk).status == Round.Status.SETTLED)


def figure(page: Page, label: str) -> Locator:
    """The amount in the card of this label."""
    return page.locator(".stat", has=page.get_by_text(label, exact=True)).locator(".value")


def see_contract(page: Page) -> None:
    contract = Contract.objects.get()
    page.goto("/contracts/")
    page.get_by_role("link", name=contract.number).click()
    for shown in ("Lin Intelligence Ltd", contract.provider.name_en, contract.sha256[:8], "¥1,824.00"):
        expect(page.get_by_text(shown).first).to_be_visible()
    page.goto("/balance/")
    for label, amount in [("Available", "¥48,176.00"), ("Held", "¥0.00"), ("Escrow", "¥1,824.00")]:
        expect(figure(page, label)).to_have_text(amount)
