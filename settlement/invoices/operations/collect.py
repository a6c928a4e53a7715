"""Read the ledger in the order of its chain, and write down what each transfer charges on a contract."""

import datetime
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet, Sum

from settlement.contracts.models import Contract
from settlement.contracts.operations.pay import CONTRACT
from settlement.contracts.queries import HOUR
from settlement.invoices.models import Charge
from settlement.ledger.models import AccountKind, Entry, Transfer, TransferKind
from settlement.ledger.operations import seal_transfers

COLLECT_LOCK = 0x5350_0006
BATCH = 5000
NOT_DELIVERED = (TransferKind.UNDELIVERED, TransferKind.TERMINATION)
# Of a payment's key: the first of the slots that it settles, and how many they are.
RUN = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2})\+(\d+)$")

Moved = tuple[int, int]  # The provider's part and the fee, in fen.


@transaction.atomic
def collect_charges() -> int:
    """Write down the charges of all transfers that were sealed since the last one; how many there were.

    Seals first, so that what was posted a moment ago is not left for the next time. One collector works at
    a time; who waited for it finds all that it found.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COLLECT_LOCK])
    while seal_transfers():  # A batch at a time; none, too, where somebody else seals just now.
        pass
    position = Charge.objects.aggregate(last=Max("position"))["last"] or 0
    collected, returned = 0, _Returned()
    while transfers := list(_after(position)[:BATCH]):
        charges = _charges(transfers, returned)
        Charge.objects.bulk_create(charges)
        collected += len(charges)
        position = transfers[-1].position or 0
    return collected


def unsealed_contracts() -> set[int]:
    """Contracts of which something moved that cannot be collected yet."""
    keys = Transfer.objects.filter(position=None, source=CONTRACT).values_list("source_id", flat=True)
    return {int(key.partition(":")[0]) for key in keys}


def anything_unsealed(*, before: datetime.datetime) -> bool:
    """Whether something was posted before a moment that cannot be collected yet."""
    return Transfer.objects.filter(position=None, posted_at__lt=before).exists()


def _after(position: int) -> QuerySet[Transfer]:
    about_contracts = (
        Q(source=CONTRACT)
        | Q(kind__in=[TransferKind.METER_CORRECTION, TransferKind.TERMINATION])
        | Q(reverses__isnull=False)
    )
    sealed = Transfer.objects.filter(about_contracts, position__gt=position)
    return sealed.select_related("reverses").order_by("position")


@dataclass
class _Returned:
    """How many hours of a contract went back to the buyer in the same settlement, by contract and moment."""

    hours: dict[tuple[int, datetime.datetime], int] = field(default_factory=lambda: defaultdict(int))


def _charges(transfers: Sequence[Transfer], returned: _Returned) -> list[Charge]:
    contracts = _contracts(transfers)
    moved = _moved(transfers)
    charges = []
    for transfer in transfers:
        contract = contracts.get(transfer.pk)
        if contract is None:
            continue
        if transfer.kind in NOT_DELIVERED and (run := RUN.search(transfer.source_id)):
            returned.hours[contract.pk, transfer.posted_at] += int(run[2])
        net, fee = moved.get(transfer.pk, (0, 0))
        if not net + fee and not fee:
            continue
        starts_at, ends_at, hours = _period(transfer, contract, returned)
        charges.append(
            Charge(
                transfer=transfer,
                position=transfer.position or 0,
                contract=contract,
                buyer_id=contract.buyer_id,
                provider_id=contract.provider_id,
                kind=transfer.kind,
                posted_at=transfer.posted_at,
                supply=net + fee,
                fee=fee,
                starts_at=starts_at,
                ends_at=ends_at,
                hours=hours,
            )
        )
    return charges


def _contracts(transfers: Sequence[Transfer]) -> Mapping[int, Contract]:
    """Each transfer's contract: named by its key, or its memo; a reversal's is that of what it reverses."""
    ids, numbers = {}, {}
    for transfer in transfers:
        first = transfer.reverses or transfer
        if first.source == CONTRACT:
            ids[transfer.pk] = int(first.source_id.partition(":")[0])
        elif first.memo:
            numbers[transfer.pk] = first.memo
    rows = Contract.objects.filter(Q(pk__in=ids.values()) | Q(number__in=numbers.values()))
    found = list(rows.defer("document", "hourly_prices"))
    by_id, by_number = {each.pk: each for each in found}, {each.number: each for each in found}
    named = {pk: by_number[number] for pk, number in numbers.items() if number in by_number}
    return named | {pk: by_id[contract] for pk, contract in ids.items()}


def _moved(transfers: Sequence[Transfer]) -> dict[int, Moved]:
    rows = Entry.objects.filter(transfer__in=[each.pk for each in transfers]).values("transfer")
    sums = rows.annotate(
        net=Sum("amount", filter=Q(account__kind=AccountKind.RECEIVABLE), default=0),
        fee=Sum("amount", filter=Q(account__kind=AccountKind.FEES), default=0),
    )
    return {row["transfer"]: (row["net"], row["fee"]) for row in sums}


def _period(
    transfer: Transfer, contract: Contract, returned: _Returned
) -> tuple[datetime.datetime, datetime.datetime, int]:
    """The hours that a release pays, and how many; of anything else, the hour in which it was posted.

    The slots of a run need not follow one upon another: it ends where the last of them can.
    """
    posting = transfer.posted_at.replace(minute=0, second=0, microsecond=0)
    run = RUN.search(transfer.source_id) if transfer.kind == TransferKind.RELEASE else None
    if run is None or contract.kind == Contract.Kind.LICENCE or contract.ends_at is None:
        return posting, posting + HOUR, 0
    first, slots = datetime.datetime.fromisoformat(f"{run[1]}:00:00+00:00"), int(run[2])
    ends_at = first + HOUR
    if slots > 1:
        ends_at = max(first + slots * HOUR, min(contract.ends_at, posting))
    hours = slots - returned.hours.get((contract.pk, transfer.posted_at), 0)
    return first, ends_at, max(hours, 0)
