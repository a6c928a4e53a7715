"""Drafts of contracts, and holds to pay for them."""

import datetime
from typing import Any

from accounts.models import Organisation
from listings.models import LicencePlan, Pool
from settlement.contracts.document import ContractDraft
from settlement.contracts.models import Contract
from settlement.ledger.operations import place_hold

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
    buyer: Organisation, plan: LicencePlan, *, now: datetime.datetime, number: int = 1, seats: int = 3
) -> ContractDraft:
    total = seats * plan.price
    hold = place_hold(
        organisation=buyer, amount=total, source="licence", source_id=str(number), expires_at=None, now=now
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
