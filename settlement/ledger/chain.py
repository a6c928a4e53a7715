"""The hash chain over transfers: what is hashed, and how it is proved anew."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from settlement.canonical import sha256_of
from settlement.ledger.models import Entry, Transfer

CHUNK = 2000


def links(transfers: QuerySet[Transfer], previous: str) -> Iterator[tuple[Transfer, str]]:
    """Each transfer in the given order with the SHA-256 it has after `previous`."""
    chunk: list[Transfer] = []
    for transfer in transfers.iterator(chunk_size=CHUNK):
        chunk.append(transfer)
        if len(chunk) == CHUNK:
            for link in _chunk_links(chunk, previous):
                previous = link[1]
                yield link
            chunk = []
    yield from _chunk_links(chunk, previous)


def _chunk_links(transfers: Sequence[Transfer], previous: str) -> Iterator[tuple[Transfer, str]]:
    entries: dict[int, list[list[str]]] = defaultdict(list)
    rows = Entry.objects.filter(transfer__in=[each.pk for each in transfers]).order_by("pk")
    for transfer_id, *numbers in rows.values_list(
        "transfer_id", "account_id", "amount", "balance_after", "version"
    ):
        entries[transfer_id].append([str(number) for number in numbers])
    for transfer in transfers:
        previous = sha256_of(_body(transfer, entries[transfer.pk], previous))
        yield transfer, previous


def _body(transfer: Transfer, entries: list[list[str]], previous: str) -> dict[str, Any]:
    """Numbers are written as strings: an amount may be beyond what a JSON number carries exactly."""
    return {
        "id": str(transfer.pk),
        "kind": transfer.kind,
        "source": transfer.source,
        "source_id": transfer.source_id,
        "memo": transfer.memo,
        "posted_at": transfer.posted_at.isoformat(),
        "reverses": str(transfer.reverses_id) if transfer.reverses_id else None,
        "entries": entries,
        "previous": previous,
    }
