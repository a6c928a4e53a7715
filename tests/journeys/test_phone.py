"""Every page fits the width of a phone, in both languages, with something on it."""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.audit import Actor
from accounts.models import EventKind, Organisation, Role, Scope, User
from accounts.operations import create_api_key
from accounts.operations.webhooks import add_endpoint, ping
from settlement.contracts.models import Ground
from settlement.delivery.operations import open_dispute, propose_termination
from settlement.invoices.operations import issue_contract_invoices
from settlement.ledger.models import AccountKind
from settlement.payments.models import BankLine
from settlement.payments.operations import (
    Place,
    import_bank_lines,
    propose_manual_transfer,
    run_reconciliation,
)
from settlement.vouchers.operations import declare_affiliation
from tests.factories.accounts import NOW, MemberFactory, OrganisationFactory, UserFactory
from tests.factories.licences import licensed, token_of
from tests.factories.listings import AlgorithmVersionFactory, CapacityFactory, LicencePlanFactory
from tests.factories.payouts import asked, earn, sent
from tests.factories.settlement import acting, meter
from tests.factories.trading import bid, cleared_round, funded_buyer
from tests.factories.vouchers import voucher
from tests.settlement.invoicing import by_contract, opened, paid

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
    pytest.mark.xdist_group("browser"),
]

WIDTH = 390
LONG_NAMES = {
    "name_en": "Guangdong-Hong Kong-Macao Greater Bay Area Intelligent Computing Technology Company Limited",
    "name_zh": "粤港澳大湾区智能计算科技发展（深圳前海）股份有限公司",
}
Walk = tuple[User | None, list[str]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> datetime.datetime:
    """Six hours after the tests' `now`: the first contract is delivered, and one hour of it disputed."""
    later = NOW + datetime.timedelta(hours=6)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    return later


@pytest.fixture
def context(browser: Browser, live_server) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": WIDTH, "height": 844})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture(autouse=True)
def cards_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STRIPE_SECRET_KEY", "set")
    monkeypatch.setattr(settings, "STRIPE_WEBHOOK_SECRET", "set")


@dataclass(frozen=True)
class Papers:
    """What follows trades, and who walks its pages: both parties, the buyer alone, operators."""

    parties: list[str]
    buyer: list[str]
    operator: list[str]


def papers_of(buyer: Organisation, provider: Organisation, operator: User, now: datetime.datetime) -> Papers:
    """A contract paid and invoiced, another that may end, a licence in use, a payout and books kept."""
    by_contract(buyer)
    contract = opened(buyer, provider, number=901)
    paid(contract)
    [invoice, *_] = issue_contract_invoices(now=now)
    ending = opened(buyer, provider, number=902, prices=(1000,) * 12)
    propose_termination(
        actor=acting(buyer),
        contract_id=ending.pk,
        ground=Ground.AGREEMENT,
        from_slot=now + datetime.timedelta(hours=2),
        reason="The project is over.",
        now=now,
    )
    licence = licensed(buyer, algorithm__publisher=provider)
    token_of(licence)
    earn(provider, 90_000)
    payout = asked(provider, 50_000)
    file = sent(payout)
    asked(provider, 20_000, key="2")
    manual = propose_manual_transfer(
        actor=Actor(user=operator),
        debit=Place(AccountKind.RECEIVABLE, provider),
        credit=Place(AccountKind.FEES),
        amount=100,
        reason="A slip corrected.",
        now=now,
    )
    run_reconciliation(actor=Actor(user=operator), now=now)
    affiliation = declare_affiliation(
        actor=acting(buyer), other=provider, statement="One holding company.", now=now
    )
    return Papers(
        parties=[
            reverse("contracts:contract", args=[contract.number]),
            reverse("delivery:termination", args=[ending.number]),
            "/agreement/",
            "/agreement/1/",
            "/licences/",
            reverse("licences:licence", args=[licence.number]),
            "/invoices/",
            reverse("invoices:invoice", args=[invoice.number]),
            "/invoices/statements/",
            "/invoices/profile/",
            "/balance/payouts/",
            "/balance/payouts/account/",
        ],
        buyer=["/invoices/costs/", "/vouchers/", "/vouchers/affiliates/"],
        operator=[
            "/operator/contracts/",
            reverse("delivery:operator_contract", args=[ending.number]),
            "/operator/licences/",
            reverse("licences:operator_licence", args=[licence.number]),
            "/operator/payouts/",
            reverse("payments:payout", args=[payout.pk]),
            reverse("payments:payout_file", args=[file.pk]),
            "/operator/transfers/",
            "/operator/transfers/new/",
            reverse("payments:manual_transfer", args=[manual.pk]),
            "/operator/reconciliation/",
            "/operator/fapiao/",
            "/operator/vouchers/",
            reverse("vouchers:affiliation", args=[affiliation.pk]),
        ],
    )


@pytest.fixture
def walks(operator: User, clock: datetime.datetime) -> list[Walk]:
    """Who walks which pages: a visitor, a newcomer, an operator, and owners of a buyer, a provider, a firm
    that has a voucher, and its issuer.
    """
    capacity = CapacityFactory(pool__facility__provider=OrganisationFactory(**LONG_NAMES))
    pool = capacity.pool
    provider = pool.facility.provider
    buyer = funded_buyer(1_000_000)
    filled, low = bid(buyer), bid(buyer, limit_price=1)
    done = cleared_round()
    filled.refresh_from_db()
    contract = filled.trade.contract
    meter(contract, now=clock)
    dispute = open_dispute(
        actor=acting(buyer),
        contract_id=contract.pk,
        first_slot=contract.starts_at,
        last_slot=contract.starts_at + datetime.timedelta(hours=1),
        text="The machines were unreachable.",
        now=clock,
    )
    create_api_key(
        actor=acting(buyer),
        name="cluster-scheduler-production",
        scopes=list(Scope),
        expires_at=clock + datetime.timedelta(days=30),
        now=clock,
    )
    endpoint, _secret = add_endpoint(
        actor=acting(buyer, Role.OWNER),
        url=f"https://{'scheduler.' * 12}example/hooks",
        kinds=list(EventKind),
        now=clock,
    )
    ping(actor=acting(buyer, Role.OWNER), endpoint_id=endpoint.pk, now=clock)
    plan = LicencePlanFactory(algorithm__publisher=provider)
    AlgorithmVersionFactory(algorithm=plan.algorithm)
    statement = (
        f"serial,date,amount,payer,remark\nB-1,2026-06-01,1234567.00,{LONG_NAMES['name_zh']},no code\n"
    )
    import_bank_lines(actor=Actor(user=operator), csv_text=statement, now=clock)
    pending = OrganisationFactory(
        **LONG_NAMES,
        verification=Organisation.Verification.PENDING,
        verification_note="",
        verified_by=None,
        verified_at=None,
    )
    papers = papers_of(buyer, provider, operator, clock)
    granted = voucher(OrganisationFactory(tier=Organisation.Tier.START_UP))
    programme = granted.programme
    anybody = [
        "/",
        "/market/",
        reverse("trading:pool", args=[pool.pk]),
        "/market/rounds/",
        reverse("trading:round", args=[done.pk]),
        "/algorithms/",
        reverse("listings:algorithm", args=[plan.algorithm.slug]),
        "/accelerators/",
        reverse("listings:facility", args=[pool.facility_id]),
        reverse("contracts:verify", args=[contract.sha256]),
    ]
    parties = [
        "/contracts/",
        reverse("contracts:contract", args=[contract.number]),
        reverse("delivery:delivery", args=[contract.number]),
        reverse("delivery:dispute", args=[dispute.pk]),
        "/balance/",
        "/balance/statement/",
        "/balance/cards/",
        "/balance/stripe-account/",
        "/organisation/",
        "/organisation/edit/",
        "/organisation/members/",
        "/organisation/keys/",
        "/organisation/webhooks/",
        "/organisation/webhooks/add/",
        "/organisation/audit/",
    ]
    return [
        (None, [*anybody, "/account/login/", "/account/signup/", "/account/password/reset/"]),
        (UserFactory(second_factor=False), ["/organisation/create/", "/account/", "/account/2fa/"]),
        (
            acting(buyer, Role.OWNER).user,
            [
                *anybody,
                *parties,
                *papers.parties,
                *papers.buyer,
                reverse("accounts:edit_webhook", args=[endpoint.pk]),
                reverse("vouchers:programme", args=[programme.pk]),
                "/orders/",
                "/orders/new/",
                reverse("trading:order", args=[filled.pk]),
                reverse("trading:order", args=[low.pk]),
                reverse("trading:new_licence_order", args=[plan.pk]),
                reverse("delivery:new_dispute", args=[contract.number]),
            ],
        ),
        (
            MemberFactory(organisation=provider).user,
            [
                *parties,
                *papers.parties,
                "/listings/",
                "/listings/facilities/add/",
                reverse("listings:edit_facility", args=[pool.facility_id]),
                reverse("listings:add_pool", args=[pool.facility_id]),
                reverse("listings:pool", args=[pool.pk]),
                reverse("listings:list_capacity", args=[pool.pk]),
                reverse("listings:capacity", args=[capacity.pk]),
                "/listings/upload/",
                "/listings/algorithms/add/",
                reverse("listings:own_algorithm", args=[plan.algorithm_id]),
                reverse("listings:edit_algorithm", args=[plan.algorithm_id]),
                reverse("listings:add_version", args=[plan.algorithm_id]),
                reverse("listings:add_plan", args=[plan.algorithm_id]),
                reverse("listings:edit_plan", args=[plan.pk]),
            ],
        ),
        (
            acting(granted.organisation).user,
            [reverse("vouchers:voucher", args=[granted.pk])],
        ),
        (
            acting(programme.issuer).user,
            [
                "/vouchers/run/",
                "/vouchers/run/new/",
                reverse("vouchers:run_programme", args=[programme.pk]),
                reverse("vouchers:application", args=[granted.application_id]),
                reverse("vouchers:issued_voucher", args=[granted.pk]),
            ],
        ),
        (
            operator,
            [
                *papers.operator,
                "/operator/rounds/",
                "/operator/verification/",
                reverse("accounts:verification", args=[pending.pk]),
                "/operator/bank/",
                reverse("payments:bank_line", args=[BankLine.objects.get().pk]),
                "/operator/stripe/",
                "/operator/disputes/",
                reverse("delivery:decide", args=[dispute.pk]),
            ],
        ),
    ]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_is_wider_than_a_phone(
    walks: list[Walk],
    context: BrowserContext,
    page: Page,
    sign_in: Callable[[User], None],
    live_server,
    language: str,
) -> None:
    cookie = {"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}
    widths = {}
    for user, addresses in walks:
        context.clear_cookies()
        context.add_cookies([cookie])
        if user:
            sign_in(user)
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert (answer.status, page.url) == (200, live_server.url + address)
            assert page.locator("html").get_attribute("lang") == language, address
            widths[address] = page.evaluate("document.documentElement.scrollWidth")
    assert {address: width for address, width in widths.items() if width > WIDTH} == {}
