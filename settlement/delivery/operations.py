"""Pay for what was delivered. Today an hour that has passed counts as delivered, a licence at once."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, Q, QuerySet

from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, pay_from_escrow
from settlement.contracts.queries import fee_on
from settlement.delivery.models import Delivery

HOUR = datetime.timedelta(hours=1)
BATCH = 500


def release(*, now: datetime.datetime, contract_ids: Sequence[int] | None = None) -> int:
    """Pay the providers of every active contract for all that is delivered and unpaid; the slots paid.

    Each batch of contracts is a transaction of its own. What was paid is never paid again, so it may be
    stopped, repeated and run twice at once; `contract_ids` settles those contracts alone.
    """
    due = _due(now)
    if contract_ids is not None:
        due = due.filter(pk__in=contract_ids)
    paid, last = 0, 0
    while batch := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        paid += _release(batch, now)
        last = batch[-1]
    return paid


def _due(now: datetime.datetime) -> QuerySet[Contract]:
    hours = Q(kind=Contract.Kind.COMPUTE, settled_until__lt=F("ends_at"), settled_until__lte=now - HOUR)
    licences = Q(kind=Contract.Kind.LICENCE, starts_at__lte=now)
    return Contract.objects.active().filter(hours | licences)


@dataclass(frozen=True)
class Due:
    """What one contract owes now."""

    contract: Contract
    slots: Sequence[datetime.datetime | None]
    amounts: Sequence[int]
    settled_until: datetime.datetime
    fees: list[int] = field(init=False)

    def __post_init__(self) -> None:
        basis_points = self.contract.fee_basis_points
        object.__setattr__(self, "fees", [fee_on(amount, basis_points) for amount in self.amounts])

    @property
    def payment(self) -> EscrowPayment:
        first = self.slots[0]
        return EscrowPayment(
            contract_id=self.contract.pk,
            key=f"{first:%Y-%m-%dT%H}+{len(self.slots)}" if first else "licence",
            provider=sum(self.amounts),
            fee=sum(self.fees),
            settled_until=self.settled_until,
        )


@transaction.atomic
def _release(contract_ids: Sequence[int], now: datetime.datetime) -> int:
    locked = _due(now).filter(pk__in=contract_ids).defer("document").order_by("pk")
    dues = [_owed(contract, now) for contract in locked.select_for_update(no_key=True)]
    transfers = pay_from_escrow(payments=[due.payment for due in dues], now=now)
    deliveries = [
        Delivery(contract=due.contract, slot=slot, amount=amount, fee=fee, transfer=transfer, released_at=now)
        for due, transfer in zip(dues, transfers, strict=True)
        for slot, amount, fee in zip(due.slots, due.amounts, due.fees, strict=True)
    ]
    Delivery.objects.bulk_create(deliveries, batch_size=5000)
    return len(deliveries)


def _owed(contract: Contract, now: datetime.datetime) -> Due:
    if contract.kind == Contract.Kind.LICENCE:
        return Due(contract, [None], [contract.escrow], contract.settled_until)
    assert contract.ends_at is not None
    first = (contract.settled_until - contract.starts_at) // HOUR
    last = (min(now, contract.ends_at) - contract.starts_at) // HOUR
    return Due(
        contract,
        [contract.starts_at + number * HOUR for number in range(first, last)],
        [contract.quantity * price for price in contract.hourly_prices[first:last]],
        contract.starts_at + last * HOUR,
    )
