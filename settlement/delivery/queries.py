import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

from accounts.models import Organisation
from settlement.contracts.models import Contract, Termination
from settlement.contracts.queries import fee_on
from settlement.delivery.models import Correction, Delivery, Dispute, StateReport, UsageRecord
from settlement.delivery.service_level import contracted_seconds

HOUR = datetime.timedelta(hours=1)
State = StateReport.State
HourKey = tuple[int, datetime.datetime]  # A contract's id and a slot.


def slots_of(contract: Contract) -> list[datetime.datetime]:
    return [contract.starts_at + number * HOUR for number in range(len(contract.hourly_prices))]


def amount_of(contract: Contract, slot: datetime.datetime) -> int:
    """The price of one slot, all units, in fen."""
    return contract.quantity * contract.hourly_prices[(slot - contract.starts_at) // HOUR]


def delivered_in(contract_ids: Iterable[int], *, unsettled: bool = False) -> dict[HourKey, int]:
    """Accelerator-seconds by contract and slot. A source's highest revision stands; where sources differ,
    the least counts, so that the order of arrival is all the same.
    """
    records = UsageRecord.objects.filter(contract__in=list(contract_ids))
    if unsettled:
        records = records.filter(slot__gte=F("contract__settled_until"))
    latest: dict[HourKey, dict[str, int]] = defaultdict(dict)
    rows = records.order_by("revision").values_list("contract_id", "slot", "source", "delivered_seconds")
    for contract, slot, source, seconds in rows:
        latest[contract, slot][source] = seconds
    return {key: min(sources.values()) for key, sources in latest.items()}


def frozen_slots(contract_ids: Iterable[int]) -> set[HourKey]:
    """What an undecided dispute is about."""
    disputes = Dispute.objects.undecided().filter(contract__in=list(contract_ids))
    return {
        (contract, slot) for contract, slots in disputes.values_list("contract_id", "slots") for slot in slots
    }


def disputed_fen(contract_ids: Iterable[int]) -> Mapping[int, int]:
    """How much of each contract an undecided dispute is about."""
    disputes = Dispute.objects.undecided().filter(contract__in=list(contract_ids)).order_by()
    return dict(disputes.values_list("contract").annotate(sum=Sum("amount")))


def failures(contract_ids: Iterable[int]) -> dict[int, datetime.datetime]:
    """When a contract's delivery failed: nothing comes after it."""
    failed = StateReport.objects.filter(contract__in=list(contract_ids), state=State.FAILED)
    return dict(failed.values_list("contract_id", "reported_at"))


def state_of(contract: Contract) -> StateReport.State:
    last = contract.state_reports.order_by("pk").last()
    return State(last.state) if last else State.SCHEDULED


def terminated_from(contract: Contract) -> datetime.datetime | None:
    """The slot from which on a terminated contract is not delivered."""
    return Termination.objects.filter(contract=contract).values_list("from_slot", flat=True).first()


def outstanding(provider_ids: Iterable[int] | None = None) -> QuerySet[Any]:
    """Corrections of which the provider still owes something, annotated with `paid`."""
    paid = Correction.objects.annotate(paid=Coalesce(Sum("payments__amount"), 0)).filter(owed__gt=F("paid"))
    if provider_ids is not None:
        paid = paid.filter(delivery__contract__provider__in=list(provider_ids))
    return paid.order_by("pk")


def credits_after(delivery_ids: Iterable[int]) -> Mapping[int, int]:
    """What corrections gave back on top of each delivery's own credit."""
    rows = Correction.objects.filter(delivery__in=list(delivery_ids)).values("delivery")
    return {row["delivery"]: row["sum"] for row in rows.annotate(sum=Sum("credit"))}


class HourState(models.TextChoices):
    SCHEDULED = "scheduled", gettext_lazy("To come")
    UNMETERED = "unmetered", gettext_lazy("Waits for its meter")
    METERED = "metered", gettext_lazy("Metered")
    SETTLED = "settled", gettext_lazy("Settled")
    RETURNED = "returned", gettext_lazy("Back to the buyer")
    DISPUTED = "disputed", gettext_lazy("Disputed")
    TERMINATED = "terminated", gettext_lazy("Terminated")


@dataclass(frozen=True)
class Hour:
    """One slot as both parties see it; amounts in fen, `availability` a ratio."""

    slot: datetime.datetime
    amount: int
    delivered: int | None
    availability: float | None
    credit: int
    fee: int
    state: HourState


def hours_of(contract: Contract, *, now: datetime.datetime) -> list[Hour]:
    delivered = delivered_in([contract.pk])
    frozen = frozen_slots([contract.pk])
    settled = {each.slot: each for each in contract.deliveries.all()}
    later = credits_after(each.pk for each in settled.values())
    hours = []
    for slot in slots_of(contract):
        done, seconds, amount = (
            settled.get(slot),
            delivered.get((contract.pk, slot)),
            amount_of(contract, slot),
        )
        credit = done.credit + later.get(done.pk, 0) if done else 0
        is_frozen = (contract.pk, slot) in frozen
        hours.append(
            Hour(
                slot=slot,
                amount=amount,
                delivered=seconds,
                availability=None if seconds is None else seconds / contracted_seconds(contract),
                credit=credit,
                fee=fee_on(amount - credit, contract.fee_basis_points),
                state=_state_of_hour(done, slot, seconds, is_frozen, now),
            )
        )
    return hours


def _state_of_hour(
    done: Delivery | None, slot: datetime.datetime, seconds: int | None, frozen: bool, now: datetime.datetime
) -> HourState:
    if frozen:
        return HourState.DISPUTED
    if done is not None and done.basis == Delivery.Basis.TERMINATED:
        return HourState.TERMINATED
    if done is not None:
        return HourState.RETURNED if done.credit == done.amount and done.amount else HourState.SETTLED
    if slot + HOUR > now:
        return HourState.SCHEDULED
    return HourState.UNMETERED if seconds is None else HourState.METERED


@dataclass(frozen=True)
class Left:
    """What is still to come of a contract: whole slots, and fen in escrow, of them `disputed`."""

    hours: int
    escrow: int
    disputed: int


def left_of(contract: Contract, *, now: datetime.datetime) -> Left:
    if contract.kind == Contract.Kind.LICENCE:
        return Left(hours=0, escrow=contract.escrow, disputed=disputed_fen([contract.pk]).get(contract.pk, 0))
    settled = set(contract.deliveries.values_list("slot", flat=True))
    ahead = sum(slot + HOUR > now and slot not in settled for slot in slots_of(contract))
    disputed = sum(
        amount_of(contract, slot) for __, slot in frozen_slots([contract.pk]) if slot not in settled
    )
    return Left(hours=ahead, escrow=contract.escrow, disputed=disputed)


def disputes_seen_by(organisation: Organisation | None, *, operator: bool) -> QuerySet[Dispute]:
    """An operator sees every dispute, a party its own."""
    seen = Q() if operator else Q(contract__buyer=organisation) | Q(contract__provider=organisation)
    related = ("contract__buyer", "contract__provider", "opened_by", "decided_by")
    return Dispute.objects.filter(seen).select_related(*related)
