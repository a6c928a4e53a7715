"""Pay for what was delivered: a closed hour by its meter, an hour that nobody metered back to the buyer, a
licence once the time to accept it is over.
"""

import datetime
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from settlement.contracts.models import Contract
from settlement.contracts.terms import tiers_of
from settlement.delivery.models import Delivery
from settlement.delivery.operations.correct import collect_owed
from settlement.delivery.operations.settle import Basis, Split, settle
from settlement.delivery.queries import (
    HOUR,
    amount_of,
    delivered_in,
    disputed_fen,
    failures,
    frozen_slots,
)
from settlement.delivery.service_level import contracted_seconds, credit_on

BATCH = 500


def release(*, now: datetime.datetime, contract_ids: Sequence[int] | None = None) -> int:
    """Settle every running contract for all that is closed, metered and undisputed; the slots settled.

    Each batch of contracts is a transaction of its own. What was settled is never settled again, so it may
    be stopped, repeated and run twice at once; `contract_ids` settles those contracts alone.
    """
    due = _due(now)
    if contract_ids is not None:
        due = due.filter(pk__in=contract_ids)
    settled, last = 0, 0
    while batch := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        settled += _release(batch, now)
        last = batch[-1]
    collect_owed(now=now)
    return settled


def _due(now: datetime.datetime) -> QuerySet[Contract]:
    hours = Q(kind=Contract.Kind.COMPUTE, settled_until__lt=F("ends_at"), settled_until__lte=now - HOUR)
    accepted = Q(acceptance_ends_at__isnull=True) | Q(acceptance_ends_at__lte=now)
    licences = Q(kind=Contract.Kind.LICENCE, starts_at__lte=now) & accepted
    return Contract.objects.running().filter(hours | licences)


@transaction.atomic
def _release(contract_ids: Sequence[int], now: datetime.datetime) -> int:
    locked = _due(now).filter(pk__in=contract_ids).defer("document").order_by("pk")
    contracts = list(locked.select_for_update(no_key=True))
    return len(settle(splits=list(closed_splits(contracts, now)), now=now))


def closed_splits(contracts: Sequence[Contract], now: datetime.datetime) -> Iterator[Split]:
    """What is closed, metered or given up, and undisputed. The caller locked the contracts."""
    ids = [contract.pk for contract in contracts]
    delivered = delivered_in(ids, unsettled=True)
    skipped = frozen_slots(ids) | set(
        Delivery.objects.filter(contract__in=ids, slot__gte=F("contract__settled_until")).values_list(
            "contract_id", "slot"
        )
    )
    failed, disputed = failures(ids), disputed_fen(ids)
    wait = datetime.timedelta(hours=settings.UNMETERED_RETURN_HOURS)
    for contract in contracts:
        if contract.kind == Contract.Kind.LICENCE:
            if not contract.in_acceptance(now=now):
                yield from rest_of_licence(contract, disputed.get(contract.pk, 0), Basis.LICENCE)
            continue
        for slot in _closed_slots(contract, now):
            amount, seconds = amount_of(contract, slot), delivered.get((contract.pk, slot))
            if (contract.pk, slot) in skipped:
                continue
            if seconds is not None:
                yield metered(contract, slot, amount, seconds)
            elif slot + HOUR + wait <= now or slot >= failed.get(contract.pk, now):
                yield Split(contract, slot, amount, amount, Basis.UNMETERED)


def rest_of_licence(contract: Contract, disputed: int, basis: Delivery.Basis) -> Iterator[Split]:
    """What is in escrow and not in dispute, for the provider; of a free licence, that nothing is due."""
    rest = contract.escrow - disputed
    if rest or not contract.total:
        yield Split(contract, None, rest, 0, basis)


def metered(contract: Contract, slot: datetime.datetime, amount: int, seconds: int) -> Split:
    return Split(contract, slot, amount, service_credit(contract, amount, seconds), Basis.METERED, seconds)


def service_credit(contract: Contract, amount: int, seconds: int) -> int:
    """The table is read only where something is missing: most hours are delivered in full."""
    contracted = contracted_seconds(contract)
    return credit_on(amount, seconds, contracted, tiers_of(contract)) if seconds < contracted else 0


def _closed_slots(contract: Contract, now: datetime.datetime) -> Iterator[datetime.datetime]:
    assert contract.ends_at is not None
    slot = contract.settled_until
    while slot < contract.ends_at and slot + HOUR <= now:
        yield slot
        slot += HOUR
