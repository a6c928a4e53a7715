"""Money from the bank, drafts of contracts, and holds to pay for them."""

import datetime
import itertools
from typing import Any

from accounts.audit import Actor
from accounts.models import Member, Organisation, Role
from listings.models import LicencePlan, Pool
from settlement.contracts.document import ContractDraft
from settlement.contracts.models import Contract
from settlement.delivery.operations import Reading, report_usage
from settlement.delivery.queries import slots_of
from settlement.ledger.models import AccountKind, TransferKind
from settlement.ledger.operations import (
    Funding,
    Posting,
    open_accounts,
    place_hold,
    platform_account,
    post_transfer,
)
from tests.factories.accounts import NOW, MemberFactory

HOUR = datetime.timedelta(hours=1)


def compute_draft(
    buyer: Organisation,
    pool: Pool,
    *,
    now: datetime.datetime,
    number: int = 1,
    units: int = 2,
    prices: tuple[int, ...] = (1000, 1200, 900),
    held: int | None = None,
    funding: Funding | None = None,
    **changes: Any,
) -> ContractDraft:
    """A trade of consecutive hours from the slot after `now`, with a hold of `held` fen (else the total)."""
    total = units * sum(prices)
    hold = place_hold(
        organisation=buyer,
        amount=total if held is None else held,
        source="bid",
        source_id=str(number),
        expires_at=None,
        now=now,
        funding=funding,
    )
    start = now.replace(minute=0, second=0, microsecond=0) + HOUR
    fields: dict[str, Any] = {
        "source": f"trade:{number}",
        "kind": Contract.Kind.COMPUTE,
        "buyer_id": buyer.pk,
        "provider_id": pool.facility.provider_id,
        "hold_id": hold.pk,
        "pool_id": pool.pk,
        "quantity": units,
        "starts_at": start,
        "ends_at": start + len(prices) * HOUR,
        "hourly_prices": prices,
        "total": total,
    }
    return ContractDraft(**fields | changes)


def licence_draft(
    buyer: Organisation,
    plan: LicencePlan,
    *,
    now: datetime.datetime,
    number: int = 1,
    seats: int = 3,
    funding: Funding | None = None,
) -> ContractDraft:
    total = seats * plan.price
    hold = place_hold(
        organisation=buyer,
        amount=total,
        source="licence",
        source_id=str(number),
        expires_at=None,
        now=now,
        funding=funding,
    )
    return ContractDraft(
        source=f"licence-trade:{number}",
        kind=Contract.Kind.LICENCE,
        buyer_id=buyer.pk,
        provider_id=plan.algorithm.publisher_id,
        hold_id=hold.pk,
        plan_id=plan.pk,
        quantity=seats,
        starts_at=now,
        ends_at=None,
        total=total,
    )


def acting(organisation: Organisation, role: Role = Role.OWNER) -> Actor:
    """A member in this role, who is made where there is none."""
    member = Member.objects.filter(organisation=organisation, role=role).first()
    return Actor(
        user=(member or MemberFactory(organisation=organisation, role=role)).user, organisation=organisation
    )


def meter(
    contract: Contract, *, now: datetime.datetime, seconds: int | None = None, revision: int = 0
) -> int:
    """Report every hour that is over as delivered in full, or each with `seconds`; how many were new."""
    full = contract.quantity * 3600
    readings = [
        Reading(contract.pk, slot, full if seconds is None else seconds, "agent", revision)
        for slot in slots_of(contract)
        if slot + HOUR <= now
    ]
    return report_usage(actor=acting(contract.provider), readings=readings, now=now)


_numbers = itertools.count()


def fund(organisation: Organisation, fen: int) -> None:
    """Bring money in from the bank."""
    key = f"{organisation.pk}-{next(_numbers)}"
    bank = platform_account(kind=AccountKind.BANK).shard_for(key)
    available = open_accounts(organisation=organisation)[AccountKind.AVAILABLE]
    post_transfer(
        kind=TransferKind.TOP_UP,
        source="test",
        source_id=key,
        postings=[Posting(bank, -fen), Posting(available, fen)],
        now=NOW,
    )
