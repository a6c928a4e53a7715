"""A file of capacity, listed whole or not at all."""

import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.audit import Actor
from accounts.errors import InvalidInput
from accounts.permissions import require_verified
from listings.capacity_csv import read_capacity_csv
from listings.errors import BadLine, LinesRefused, PoolOvercommitted
from listings.models import Capacity, Pool
from listings.operations.capacity import list_capacity
from listings.operations.guard import require_provider


@transaction.atomic
def upload_capacity_csv(*, actor: Actor, content: bytes, now: datetime.datetime) -> list[Capacity]:
    """List every line of a CSV, in its order, or none. Raises LinesRefused, naming every bad line."""
    provider = require_provider(actor)
    require_verified(provider)
    pools = list(
        Pool.objects.filter(facility__provider=provider)
        .select_related("facility__provider", "accelerator")
        .order_by("pk")
        .select_for_update(of=["self"], no_key=True)
    )
    lines, bad = read_capacity_csv(content, pools=pools, zone=ZoneInfo(provider.timezone))
    listed = []
    for line in lines:
        try:
            with transaction.atomic():
                listed.append(
                    list_capacity(
                        actor=actor,
                        pool=line.pool,
                        units=line.units,
                        starts_at=line.starts_at,
                        ends_at=line.ends_at,
                        reserve_price=line.reserve_price,
                        now=now,
                    )
                )
        except (InvalidInput, PoolOvercommitted) as refusal:
            bad.append(BadLine(line.number, line.text, str(refusal)))
    if bad:
        raise LinesRefused(sorted(bad, key=lambda line: line.number))
    return listed
