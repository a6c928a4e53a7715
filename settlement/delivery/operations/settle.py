"""Settle slots: each once, its price split between the buyer's credit, the provider and the fee."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from settlement.contracts.models import Contract
from settlement.contracts.operations import EscrowPayment, pay_from_escrow
from settlement.contracts.queries import fee_on
from settlement.delivery.models import Delivery
from settlement.delivery.queries import HOUR
from settlement.ledger.models import Transfer, TransferKind

Basis = Delivery.Basis
CREDITED_AS = {
    Basis.METERED: TransferKind.SERVICE_CREDIT,
    Basis.UNMETERED: TransferKind.UNDELIVERED,
    Basis.DECIDED: TransferKind.DISPUTE_REFUND,
    Basis.TERMINATED: TransferKind.TERMINATION,
}


@dataclass(frozen=True)
class Split:
    """How one slot's price is shared; without a slot, what of a licence's price no dispute is about."""

    contract: Contract
    slot: datetime.datetime | None
    amount: int
    credit: int
    basis: Delivery.Basis
    delivered_seconds: int | None = None

    @property
    def paid_as(self) -> TransferKind:
        """A termination is one transfer, to both parties."""
        return TransferKind.TERMINATION if self.basis == Basis.TERMINATED else TransferKind.RELEASE

    @property
    def fee(self) -> int:
        if self.basis == Basis.TERMINATED:
            return 0
        return fee_on(self.amount - self.credit, self.contract.fee_basis_points)


def settle(*, splits: Sequence[Split], now: datetime.datetime) -> list[Delivery]:
    """Pay all splits, credits first. Their contracts are locked by the caller, their slots unsettled."""
    grouped: dict[tuple[int, TransferKind], list[Split]] = defaultdict(list)
    for split in splits:
        if split.credit and CREDITED_AS[split.basis] != split.paid_as:
            grouped[split.contract.pk, CREDITED_AS[split.basis]].append(split)
    for split in splits:
        grouped[split.contract.pk, split.paid_as].append(split)
    marks = _settled_until(splits)
    payments = {key: _payment(*key, group, marks) for key, group in grouped.items()}
    posted = pay_from_escrow(payments=list(payments.values()), now=now)
    transfers: dict[tuple[int, TransferKind], Transfer | None] = dict(zip(payments, posted, strict=True))
    return Delivery.objects.bulk_create(
        [
            Delivery(
                contract=split.contract,
                slot=split.slot,
                amount=split.amount,
                credit=split.credit,
                fee=split.fee,
                basis=split.basis,
                delivered_seconds=split.delivered_seconds,
                transfer=_if(split.amount > split.credit, transfers[split.contract.pk, split.paid_as]),
                credit_transfer=transfers[split.contract.pk, CREDITED_AS[split.basis]]
                if split.credit
                else None,
                released_at=now,
            )
            for split in splits
        ],
        batch_size=5000,
    )


def _if(condition: bool, transfer: Transfer | None) -> Transfer | None:
    return transfer if condition else None


def _payment(
    contract_id: int, kind: TransferKind, splits: Sequence[Split], marks: dict[int, datetime.datetime]
) -> EscrowPayment:
    """The first slot names the payment: it is settled once, so no other payment has its name."""
    first = splits[0].slot
    name = f"{first:%Y-%m-%dT%H}+{len(splits)}" if first else "licence"
    mark = marks[contract_id]
    provider, fee = sum(each.amount - each.credit for each in splits), sum(each.fee for each in splits)
    if kind == TransferKind.RELEASE:
        return EscrowPayment(contract_id, key=name, provider=provider, fee=fee, settled_until=mark)
    return EscrowPayment(
        contract_id,
        key=f"{kind.value}:{name}",
        provider=provider if kind == TransferKind.TERMINATION else 0,
        buyer=sum(each.credit for each in splits),
        settled_until=mark,
        kind=kind,
    )


def _settled_until(splits: Sequence[Split]) -> dict[int, datetime.datetime]:
    """Each contract's mark: the first slot that is still unsettled once these are settled."""
    contracts = {split.contract.pk: split.contract for split in splits}
    settled: dict[int, set[datetime.datetime | None]] = defaultdict(set)
    before = Delivery.objects.filter(contract__in=contracts, slot__isnull=False)
    for contract_id, slot in before.values_list("contract_id", "slot"):
        settled[contract_id].add(slot)
    for split in splits:
        settled[split.contract.pk].add(split.slot)
    marks = {}
    for contract in contracts.values():
        mark = contract.settled_until
        while mark in settled[contract.pk]:
            mark += HOUR
        marks[contract.pk] = mark
    return marks
