"""For every address of an organisation: its own key, a key without the scope, and a stranger's key.

The cases are checked against the schema, so that a new address without a case here fails.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.audit import Actor
from accounts.models import Member, Organisation, Scope
from accounts.operations.webhooks import add_endpoint, ping
from settlement.contracts.models import Contract, Ground
from settlement.contracts.operations import EscrowPayment, open_contracts, pay_from_escrow
from settlement.delivery.operations import open_dispute, propose_termination, terminate
from settlement.invoices.models import Invoice, InvoiceProfile
from settlement.invoices.operations import issue_contract_invoices
from settlement.licences.models import Licence
from settlement.payments.models import PayoutSource
from settlement.vouchers.operations import approve_issuer
from tests.api.conftest import Caller
from tests.api.test_listings_api import FACILITY, terms
from tests.api.test_publisher_api import ALGORITHM, PLAN, version
from tests.factories import vouchers
from tests.factories.accounts import MemberFactory, OrganisationFactory, UserFactory
from tests.factories.licences import licensed
from tests.factories.listings import (
    AcceleratorFactory,
    AlgorithmFactory,
    CapacityFactory,
    FacilityFactory,
    LicencePlanFactory,
    PoolFactory,
    hour,
)
from tests.factories.payouts import asked
from tests.factories.settlement import acting, compute_draft
from tests.factories.trading import bid, cleared_round, fund

pytestmark = pytest.mark.django_db
BID = {
    "quantity": 1,
    "hours": 1,
    "window_start": hour(1),
    "window_end": hour(9),
    "limit_price_fen": 10,
}
BUNDLE = {"bid": BID, "licence_order": {"plan": "{elsewhere}", "seats": 1, "limit_price_fen": 9_000_000}}

PROFILE = {"title": "算力有限公司", "tax_number": "1", "kind": "ordinary", "cycle": "contract"}
USAGE = {"readings": [{"contract": "{provided}", "slot": hour(-4), "delivered_seconds": 9, "meter": "a"}]}
END = {"ground": "agreement", "from_slot": "{first_hour}", "reason": "We need less."}

# Method, address, body, and the scope without which it is refused.
ON_ROWS: list[tuple[str, str, Any, Scope]] = [
    ("GET", "orders/{order}", None, Scope.READ),
    ("POST", "orders/{order}/cancel", None, Scope.ORDERS),
    ("GET", "contracts/{contract}", None, Scope.READ),
    ("GET", "invoices/{invoice}", None, Scope.READ),
    ("GET", "invoices/{invoice}/pdf", None, Scope.READ),
    ("POST", "invoices/{invoice}/fapiao", None, Scope.MONEY),
    ("GET", "contracts/{contract}/delivery", None, Scope.READ),
    ("GET", "contracts/{contract}/hours", None, Scope.READ),
    ("POST", "contracts/{provided}/delivery/state", {"state": "provisioning"}, Scope.DELIVERY),
    ("POST", "contracts/{provided}/delivery/access", {"text": "ssh gpu"}, Scope.DELIVERY),
    ("POST", "contracts/{contract}/disputes", {"text": "It was slow.", "amount_fen": 1}, Scope.DELIVERY),
    ("GET", "disputes/{dispute}", None, Scope.READ),
    ("GET", "payouts/{payout}", None, Scope.READ),
    ("POST", "disputes/{dispute}/messages", {"text": "As agreed."}, Scope.DELIVERY),
    ("GET", "contracts/{contract}/document", None, Scope.READ),
    ("GET", "contracts/{contract}/pdf", None, Scope.READ),
    ("POST", "contracts/{bought}/acceptance", None, Scope.DELIVERY),
    ("GET", "contracts/{contract}/terminations", None, Scope.READ),
    ("POST", "contracts/{contract}/terminations", END, Scope.ORDERS),
    ("POST", "contracts/{proposed}/terminations/{proposal}/answer", {"accept": False}, Scope.ORDERS),
    ("GET", "contracts/{ended}/freed-hours", None, Scope.READ),
    ("POST", "contracts/{ended}/freed-hours", None, Scope.LISTINGS),
    ("PUT", "own/facilities/{facility}", FACILITY, Scope.LISTINGS),
    ("PUT", "own/pools/{pool}", {"units": 70}, Scope.LISTINGS),
    ("GET", "capacities/{capacity}", None, Scope.READ),
    ("PUT", "capacities/{capacity}", terms(), Scope.LISTINGS),
    ("POST", "capacities/{capacity}/pause", None, Scope.LISTINGS),
    ("POST", "capacities/{paused}/resume", None, Scope.LISTINGS),
    ("POST", "capacities/{capacity}/withdraw", None, Scope.LISTINGS),
    ("GET", "own/algorithms/{draft}", None, Scope.READ),
    ("PUT", "own/algorithms/{draft}", ALGORITHM, Scope.LISTINGS),
    ("POST", "own/algorithms/{ready}/list", None, Scope.LISTINGS),
    ("POST", "own/algorithms/{listed}/withdraw", None, Scope.LISTINGS),
    ("POST", "own/algorithms/{draft}/versions", version(accelerators=[]), Scope.LISTINGS),
    ("POST", "own/algorithms/{draft}/plans", PLAN, Scope.LISTINGS),
    ("PUT", "own/plans/{plan}", PLAN, Scope.LISTINGS),
    ("POST", "own/plans/{plan}/withdraw", None, Scope.LISTINGS),
    ("POST", "own/plans/{withdrawn}/relist", None, Scope.LISTINGS),
    ("GET", "licences/{licence}", None, Scope.READ),
    ("POST", "licences/{licence}/suspend", {"reason": "Resold."}, Scope.LISTINGS),
    ("POST", "licences/{suspended}/reinstate", None, Scope.LISTINGS),
    ("GET", "voucher-programmes/{programme}/report", None, Scope.READ),
    ("GET", "webhook-endpoints/{endpoint}", None, Scope.READ),
    ("PUT", "webhook-endpoints/{endpoint}", {"url": "https://new.example/"}, Scope.WEBHOOKS),
    ("DELETE", "webhook-endpoints/{endpoint}", None, Scope.WEBHOOKS),
    ("POST", "webhook-endpoints/{endpoint}/rotate", None, Scope.WEBHOOKS),
    ("POST", "webhook-endpoints/{endpoint}/ping", None, Scope.WEBHOOKS),
    ("GET", "events/{event}", None, Scope.READ),
    ("POST", "events/{event}/replay", None, Scope.WEBHOOKS),
]
# A stranger gets its own rows here: none, as it has none.
LISTS = [
    *("orders", "trades", "contracts", "own/facilities", "own/pools", "capacities", "own/algorithms"),
    *("disputes", "licences", "payouts", "invoices", "voucher-applications"),
    *("webhook-endpoints", "events"),
]
APPLICATION = {
    "programme": "{open_programme}",
    "amount_fen": 1000,
    "statement": "We train.",
    "affiliates_named": True,
}
OF_THE_CALLER: list[tuple[str, str, Any, Scope]] = [
    *[("GET", rows, None, Scope.READ) for rows in LISTS],
    ("GET", "organisation", None, Scope.READ),
    ("GET", "agreement", None, Scope.READ),
    ("GET", "balance", None, Scope.READ),
    ("GET", "balances", None, Scope.READ),
    ("GET", "statement", None, Scope.READ),
    ("GET", "top-up", None, Scope.READ),
    ("GET", "payout-account", None, Scope.READ),
    ("POST", "payouts", {"amount_fen": 10_000, "taken_from": "available"}, Scope.MONEY),
    ("GET", "invoice-profile", None, Scope.READ),
    ("PUT", "invoice-profile", PROFILE, Scope.MONEY),
    ("GET", "monthly-statement?side=buyer&month=2026-06", None, Scope.READ),
    ("GET", "costs/focus.csv?since=2026-06-01T00:00Z&until=2026-07-01T00:00Z", None, Scope.READ),
    ("GET", "vouchers", None, Scope.READ),
    ("GET", "voucher-programmes", None, Scope.READ),
    ("POST", "voucher-applications", APPLICATION, Scope.ORDERS),
    ("POST", "webhook-endpoints", {"url": "https://other.example/"}, Scope.WEBHOOKS),
    ("POST", "bids", BID, Scope.ORDERS),
    (
        "POST",
        "licence-orders",
        {"plan": "{elsewhere}", "seats": 1, "limit_price_fen": 9_000_000},
        Scope.ORDERS,
    ),
    ("POST", "bundles", BUNDLE, Scope.ORDERS),
    ("POST", "own/facilities", FACILITY | {"name_en": "New", "name_zh": "新"}, Scope.LISTINGS),
    ("POST", "own/pools", {"facility": "{facility}", "accelerator": "spare", "units": 8}, Scope.LISTINGS),
    ("POST", "capacities", {"pool": "{pool}", **terms()}, Scope.LISTINGS),
    ("POST", "own/algorithms", ALGORITHM, Scope.LISTINGS),
    (
        "POST",
        "usage",
        USAGE,
        Scope.DELIVERY,
    ),
]
# It reads the public market alone, and asks for no permission.
FOR_ANY_KEY = {("POST", "estimates")}
ALL = [*ON_ROWS, *OF_THE_CALLER]
NAMES = [f"{method} {address}" for method, address, _, _ in ALL]


@pytest.fixture
def firm(clock: object) -> Organisation:
    return OrganisationFactory(activity=Organisation.Activity.BOTH)


@pytest.fixture
def rows(firm: Organisation) -> dict[str, Any]:
    """A row of each kind that is the firm's."""
    fund(firm, 100_000_000)
    traded = CapacityFactory(reserve_price=10, ends_at=hour(24))
    own = CapacityFactory(pool__facility__provider=firm, reserve_price=10, ends_at=hour(24))
    for _ in range(2):
        bid(firm, limit_price=2000)
    bid(quantity=8, limit_price=2000, accelerators={own.pool.accelerator_id: 2000})
    cleared_round()
    contract, proposed = Contract.objects.filter(buyer=firm)
    ended = Contract.objects.get(provider=firm)
    assert contract.pool_id == traded.pool_id
    proposal = propose_termination(
        actor=acting(firm),
        contract_id=proposed.pk,
        ground=Ground.AGREEMENT,
        from_slot=proposed.starts_at,
        reason="We need less.",
        now=contract.opened_at,
    )
    terminate(
        actor=Actor(user=UserFactory(is_staff=True)),
        contract_id=ended.pk,
        ground=Ground.BREACH,
        breaching_id=ended.buyer_id,
        from_slot=ended.starts_at,
        reason="It did not come.",
        now=contract.opened_at,
    )
    facility = FacilityFactory(provider=firm)
    pool = PoolFactory(facility=facility)
    AcceleratorFactory(slug="spare")
    listed = LicencePlanFactory(algorithm__publisher=firm).algorithm
    ready = LicencePlanFactory(algorithm__publisher=firm, algorithm__status="draft").algorithm
    ready.versions.create(
        number="1", reference="https://models.example/1", sha256="b" * 64, size_bytes=1, stacks=["CPU"],
        released_at=contract.opened_at,
    )  # fmt: skip
    sold = licensed(OrganisationFactory(), algorithm=listed)
    bought = licensed(firm)
    suspended = licensed(OrganisationFactory(), algorithm=listed)
    Licence.objects.filter(pk=suspended.pk).update(status="suspended", suspended_by="publisher")
    customer = OrganisationFactory(activity=Organisation.Activity.BUY)
    fund(customer, 1_000_000)
    draft = compute_draft(customer, pool, now=hour(-5), number=0)
    [provided] = open_contracts(drafts=[draft], now=hour(-5))
    claim = {"contract_id": provided.pk, "text": "It was slow.", "amount": 1, "now": hour(0)}
    approve_issuer(actor=Actor(user=UserFactory(is_staff=True)), organisation=firm, now=contract.opened_at)
    vouchers.voucher(firm)
    return {
        **told(firm),
        "licence": sold.number,
        "suspended": suspended.number,
        "bought": bought.number,
        "provided": provided.number,
        "dispute": open_dispute(actor=acting(customer), **claim).pk,
        "programme": vouchers.programme(firm).pk,
        "open_programme": vouchers.programme().pk,
        "order": bid(firm, limit_price=1).pk,
        "payout": asked(firm, 10_000, taken_from=PayoutSource.AVAILABLE).pk,
        "contract": contract.number,
        "invoice": invoiced(firm).number,
        "proposed": proposed.number,
        "ended": ended.number,
        "proposal": proposal.pk,
        "first_hour": contract.starts_at,
        "facility": facility.pk,
        "pool": pool.pk,
        "capacity": CapacityFactory(pool=pool, starts_at=hour(30), ends_at=hour(40)).pk,
        "paused": CapacityFactory(
            pool=pool, starts_at=hour(30), ends_at=hour(40), status="paused"
        ).pk,
        "draft": AlgorithmFactory(publisher=firm, status="draft").slug,
        "ready": ready.slug,
        "listed": listed.slug,
        "plan": LicencePlanFactory(algorithm=listed, name="Other").pk,
        "elsewhere": LicencePlanFactory().pk,
        "withdrawn": LicencePlanFactory(algorithm=listed, name="Old", status="withdrawn").pk,
    }  # fmt: skip


def told(firm: Organisation) -> dict[str, Any]:
    owner = MemberFactory(organisation=firm, role="owner")
    actor = Actor(user=owner.user, organisation=firm)
    endpoint, _ = add_endpoint(actor=actor, url="https://firm.example/", kinds=[], now=hour(0))
    event = ping(actor=actor, endpoint_id=endpoint.pk, now=hour(0))
    return {"endpoint": endpoint.pk, "event": event.uid}


def invoiced(firm: Organisation) -> Invoice:
    """The invoice of a mainland seller for all of a contract, which is paid."""
    fund(firm, 1_000_000)
    pool = PoolFactory(facility__provider__jurisdiction="mainland")
    [contract] = open_contracts(drafts=[compute_draft(firm, pool, now=hour(-9), number=9)], now=hour(-9))
    InvoiceProfile.objects.create(organisation=firm, title="Firm", cycle="contract")
    whole = EscrowPayment(contract.pk, key="all", provider=contract.total, settled_until=contract.ends_at)
    pay_from_escrow(payments=[whole], now=hour(-5))
    [invoice] = issue_contract_invoices(now=hour(0))
    return invoice


def filled(part: Any, rows: dict[str, Any]) -> Any:
    """A body with the rows that it names."""
    if isinstance(part, dict):
        return {name: filled(value, rows) for name, value in part.items()}
    if isinstance(part, list):
        return [filled(each, rows) for each in part]
    return rows[part[1:-1]] if isinstance(part, str) and part.startswith("{") else part


def send(program: Caller, case: tuple[str, str, Any, Scope], rows: dict[str, Any]) -> Any:
    method, address, body, _ = case
    return program.send(method, address.format(**rows), filled(body, rows))


def test_no_address_of_an_organisation_is_left_out() -> None:
    documented = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1/")))
        for path, operations in SchemaGenerator().get_schema(public=True)["paths"].items()
        for method, operation in operations.items()
        if {"apiKey": []} in operation["security"] and {} not in operation["security"]
    }
    tested = {(method, re.sub(r"\{\w+\}", "{}", address.partition("?")[0])) for method, address, _, _ in ALL}
    assert documented - FOR_ANY_KEY == tested


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_its_own_key_may(
    firm: Organisation, rows: dict[str, Any], caller: Callable[..., Caller], case: Any
) -> None:
    answer = send(caller(firm), case, rows)
    assert answer.status_code in (200, 201, 204), answer.content


def refusals(
    cases: list[Any], rows: dict[str, Any], program_for: Callable[[Scope], Caller]
) -> dict[str, Any]:
    """What each case is answered. One world serves them all: a refusal changes nothing."""
    answers = {f"{case[0]} {case[1]}": send(program_for(case[3]), case, rows) for case in cases}
    assert {answer["Content-Type"] for answer in answers.values()} == {"application/problem+json"}
    return {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()}


def test_a_key_without_the_scope_may_not(
    firm: Organisation, rows: dict[str, Any], caller: Callable[..., Caller]
) -> None:
    without = {scope: caller(firm, [other for other in Scope if other != scope]) for scope in Scope}
    found = refusals(ALL, rows, without.__getitem__)
    assert found == dict.fromkeys(NAMES, (403, "not_allowed"))


def test_a_strangers_key_finds_nothing(rows: dict[str, Any], caller: Callable[..., Caller]) -> None:
    stranger = caller(OrganisationFactory(activity=Organisation.Activity.BOTH))
    found = refusals(ON_ROWS, rows, lambda scope: stranger)
    assert found == dict.fromkeys(NAMES[: len(ON_ROWS)], (404, "not_found"))


def test_a_strangers_lists_are_empty(
    rows: dict[str, Any], firm: Organisation, caller: Callable[..., Caller]
) -> None:
    own, stranger = caller(firm), caller(OrganisationFactory(activity=Organisation.Activity.BOTH))
    assert [rows for rows in LISTS if own.get(rows).json()["results"] == []] == []
    assert [rows for rows in LISTS if stranger.get(rows).json()["results"] != []] == []


@pytest.mark.parametrize(
    "address",
    ["balance", "balances", "statement?currency=HKD", "top-up", "payouts", "invoices", "invoice-profile"],
)
def test_a_teammate_who_may_only_look_does_not_see_money(
    owner: Member, viewer: Member, address: str, clock: object
) -> None:
    """A key that reads sees money too: only persons' roles tell the two apart."""
    for member, status in [(owner, 200), (viewer, 403)]:
        browser = Client()
        browser.force_login(member.user)
        assert browser.get("/api/v1/orders").status_code == 200
        assert browser.get(f"/api/v1/{address}").status_code == status


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("own/pools", {"facility": "{facility}", "accelerator": "spare", "units": 8}),
        ("capacities", {"pool": "{pool}", **terms()}),
    ],
)
def test_a_stranger_builds_on_nobody_elses_rows(
    rows: dict[str, Any], caller: Callable[..., Caller], address: str, body: dict[str, Any]
) -> None:
    stranger = caller(OrganisationFactory(activity=Organisation.Activity.BOTH))
    assert send(stranger, ("POST", address, body, Scope.LISTINGS), rows).status_code == 404
