"""The demo's market: illustrative facilities, funded buyers, and demand drawn from real traces."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.audit import Actor
from accounts.models import Jurisdiction, Organisation, Role, User
from accounts.operations.organisations import Details, create_organisation, verify_organisation
from accounts.registration_numbers import credit_code_check_character
from listings.models import Accelerator, Capacity, Facility, Pool
from listings.operations import add_facility, add_pool, list_capacity, load_accelerators
from listings.slots import SLOT, slot_of
from marketplace.demo.algorithms import ensure_algorithms, order_licences
from marketplace.demo.demand import Demand, draw_demand
from marketplace.demo.vouchers import ensure_programme, voucher_for
from marketplace.trading.operations.place_bid import place_bid
from marketplace.trading.terms import BidTerms
from settlement.contracts.operations import accept_agreement, publish_agreement
from settlement.ledger.queries import balance_of
from settlement.payments.operations import import_bank_lines, top_up_reference

FACILITIES = json.loads((Path(__file__).parent / "data" / "facilities.json").read_text())["facilities"]
RESERVE_PRICES = {slug: price for entry in FACILITIES for slug, _, price in entry["pools"]}
PASSWORD = "abacus-beads-1592"
OPERATOR = "operator@demo.example"
BUYER = "buyer@demo.example"
EVIDENCE = "Demo: an illustrative organisation, nothing to check."
HORIZON_DAYS = 14
BUYERS = 36
WITH_VOUCHERS = 6  # The first so many buyers, where their tier is eligible.
BIDS_A_LICENCE = 60
EXCHANGE = ZoneInfo(settings.EXCHANGE_ZONE)
LEAST_FUNDS = 300_000_00
TOP_UP = 2_000_000_00
DEARER_HALF = 1.25  # The second half of a pool is offered at this multiple of its reserve price.


@dataclass(frozen=True)
class Market:
    operator: User
    providers: list[Organisation]
    buyers: list[Organisation]


def ensure_market(*, now: datetime) -> Market:
    """Make what is missing of the demo's market: capacity for the next fourteen days, buyers with funds."""
    load_accelerators()
    operator = User.objects.filter(email=OPERATOR).first() or _add_user(OPERATOR, is_staff=True)
    providers = [_ensure_provider(number, entry, operator, now) for number, entry in enumerate(FACILITIES)]
    for provider in providers:
        _list_capacity_ahead(provider, now)
    ensure_algorithms([actor_for(provider) for provider in providers], now=now)
    buyers = [_ensure_buyer(number, operator, now) for number in range(BUYERS)]
    issuer = _ensure_issuer(operator, now)
    _fund([*buyers, issuer], operator, now)
    ensure_programme(
        issuer=actor_for(issuer),
        operator=Actor(user=operator),
        firms=[actor_for(buyer) for buyer in buyers[:WITH_VOUCHERS]],
        now=now,
    )
    return Market(operator, providers, buyers)


@transaction.atomic
def place_demand(market: Market, *, count: int, seed: int, now: datetime) -> int:
    """Place `count` bids and some licence orders for the demo's buyers. Returns how many bids there were."""
    accelerators = dict(Accelerator.objects.values_list("slug", "pk"))
    domestic = set(Accelerator.objects.filter(domestic=True).values_list("slug", flat=True))
    buyers = [actor_for(buyer) for buyer in market.buyers]
    first_slot = slot_of(now) + SLOT
    drawn = draw_demand(
        count,
        seed=seed,
        first_hour=first_slot.astimezone(EXCHANGE).hour,
        horizon=HORIZON_DAYS * 24,
        reserve_prices=RESERVE_PRICES,
    )
    for number, demand in enumerate(drawn):
        terms, buyer = _terms(demand, first_slot, accelerators), number % len(buyers)
        paid = buyer < WITH_VOUCHERS and set(demand.limits) <= domestic
        voucher = voucher_for(market.buyers[buyer], most=terms.most_it_costs, now=now) if paid else None
        place_bid(actor=buyers[buyer], terms=terms, voucher_id=voucher, now=now)
    order_licences(buyers, count=count // BIDS_A_LICENCE, seed=seed, now=now)
    return len(drawn)


def actor_for(organisation: Organisation) -> Actor:
    """The organisation's owner, acting for it."""
    owner = User.objects.get(memberships__organisation=organisation, memberships__role=Role.OWNER)
    return Actor(user=owner, organisation=organisation)


def _terms(demand: Demand, first_slot: datetime, accelerators: dict[str, int]) -> BidTerms:
    start = first_slot + demand.after * SLOT
    return BidTerms(
        quantity=demand.units,
        minimum=demand.minimum,
        hours=demand.hours,
        window_start=start,
        window_end=start + (demand.hours + demand.slack) * SLOT,
        accelerators={accelerators[slug]: limit for slug, limit in demand.limits.items()},
    )


def _ensure_provider(number: int, entry: dict[str, Any], operator: User, now: datetime) -> Organisation:
    provider = _ensure_organisation(
        email="provider@demo.example" if number == 0 else f"provider{number}@demo.example",
        code=f"91440300MA5P{number:05}",
        name_en=entry["provider_en"],
        name_zh=entry["provider_zh"],
        activity=Organisation.Activity.BOTH,
        tier=Organisation.Tier.LEADING,
        operator=operator,
        now=now,
    )
    actor = actor_for(provider)
    facility = Facility.objects.filter(provider=provider).first() or add_facility(
        actor=actor,
        now=now,
        illustrative=True,
        jurisdiction=Jurisdiction.MAINLAND,
        **{
            name: entry[name]
            for name in ("name_en", "name_zh", "kind", "city", "hub", "pue", "green_percent")
        },
    )
    for slug, units, _ in entry["pools"]:
        accelerator = Accelerator.objects.get(slug=slug)
        if not Pool.objects.filter(facility=facility, accelerator=accelerator).exists():
            add_pool(actor=actor, facility=facility, accelerator=accelerator, units=units, now=now)
    return provider


def _list_capacity_ahead(provider: Organisation, now: datetime) -> None:
    """Keep every pool of the provider listed, half of it at its reserve price and half dearer."""
    actor = actor_for(provider)
    until = slot_of(now) + timedelta(days=HORIZON_DAYS + 1)
    for pool in Pool.objects.filter(facility__provider=provider).select_related("accelerator"):
        price = _reserve_price(pool)
        listed = Capacity.objects.filter(pool=pool).order_by("-ends_at").first()
        since = max(listed.ends_at, slot_of(now)) if listed else slot_of(now)
        if until - since < timedelta(days=1):
            continue
        half = pool.units // 2
        for units, reserve in ((half, price), (pool.units - half, round(price * DEARER_HALF))):
            list_capacity(
                actor=actor,
                pool=pool,
                units=units,
                starts_at=since,
                ends_at=until,
                reserve_price=reserve,
                now=now,
            )


def _reserve_price(pool: Pool) -> int:
    entry = next(entry for entry in FACILITIES if entry["name_en"] == pool.facility.name_en)
    return int(next(price for slug, _, price in entry["pools"] if slug == pool.accelerator.slug))


def _ensure_buyer(number: int, operator: User, now: datetime) -> Organisation:
    tiers = list(Organisation.Tier)
    return _ensure_organisation(
        email=BUYER if number == 0 else f"buyer{number}@demo.example",
        code=f"91440300MA5B{number:05}",
        name_en=f"Demo Intelligence {number + 1} Co., Ltd.",
        name_zh=f"示例智能{number + 1}有限公司",
        activity=Organisation.Activity.BUY,
        tier=tiers[number % len(tiers)],
        operator=operator,
        now=now,
    )


def _ensure_issuer(operator: User, now: datetime) -> Organisation:
    return _ensure_organisation(
        email="issuer@demo.example",
        code="11440300MA5G00000",
        name_en="Demo Bureau of Industry",
        name_zh="示例工业和信息化局",
        activity=Organisation.Activity.BUY,
        tier=Organisation.Tier.LEADING,
        operator=operator,
        now=now,
    )


def _ensure_organisation(
    *,
    email: str,
    code: str,
    name_en: str,
    name_zh: str,
    activity: str,
    tier: str,
    operator: User,
    now: datetime,
) -> Organisation:
    existing: Organisation | None = Organisation.objects.filter(name_en=name_en).first()
    if existing is not None:
        return _bound(existing, now)
    details = Details(
        name_zh=name_zh,
        name_en=name_en,
        jurisdiction=Jurisdiction.MAINLAND,
        registration_number=code + credit_code_check_character(code),
        tier=tier,
        activity=activity,
        timezone="Asia/Shanghai",
    )
    created = create_organisation(user=_add_user(email), details=details, now=now)
    verified = verify_organisation(
        actor=Actor(user=operator),
        organisation_id=created.pk,
        submitted_at=created.submitted_at,
        evidence=EVIDENCE,
        now=now,
    )
    return _bound(verified, now)


def _bound(organisation: Organisation, now: datetime) -> Organisation:
    """The organisation, its owner having accepted the master agreement."""
    agreement = publish_agreement(now=now)
    accept_agreement(actor=actor_for(organisation), sha256=agreement.sha256, now=now)
    return organisation


def _add_user(email: str, *, is_staff: bool = False) -> User:
    user = User.objects.create(
        email=email,
        password=_hashed_password(),
        name=email.split("@")[0].capitalize(),
        is_staff=is_staff,
        is_superuser=is_staff,
    )
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@cache
def _hashed_password() -> str:
    """Hashing is slow by design; the demo's users share one password, so it is hashed once."""
    return make_password(PASSWORD)


def _fund(buyers: list[Organisation], operator: User, now: datetime) -> None:
    """Book a bank statement with a transfer from each buyer that runs low."""
    low = [buyer for buyer in buyers if balance_of(buyer).available < LEAST_FUNDS]
    if not low:
        return
    statement = io.StringIO()
    lines = csv.writer(statement)
    lines.writerow(["serial", "date", "amount", "payer", "remark"])
    for buyer in low:
        serial = f"DEMO-{now:%Y%m%d%H%M%S}-{buyer.pk}"
        amount = f"{TOP_UP // 100}.00"
        lines.writerow([serial, f"{now:%Y-%m-%d}", amount, buyer.name_zh, top_up_reference(buyer)])
    import_bank_lines(actor=Actor(user=operator), csv_text=statement.getvalue(), now=now)
