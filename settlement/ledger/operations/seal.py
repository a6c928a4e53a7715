"""Seal transfers into the hash chain after the fact: hashing inside each transfer would serialise them."""

from django.db import connection, transaction

from settlement.ledger.chain import links
from settlement.ledger.models import Transfer
from settlement.ledger.queries import chain_head

SEAL_LOCK = 0x5350_0002


@transaction.atomic
def seal_transfers(*, limit: int = 10_000) -> int:
    """Seal at most `limit` transfers, oldest first; the number sealed. One sealer works at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        head = chain_head()
        unsealed = Transfer.objects.filter(position=None).order_by("pk")[:limit]
        sealed = [(transfer.pk, sha256) for transfer, sha256 in links(unsealed, head.sha256)]
        cursor.execute(
            "UPDATE ledger_transfer t SET position = %s + s.place, sha256 = s.sha256"
            " FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS s (id, sha256, place)"
            " WHERE t.id = s.id",
            [head.position, [pk for pk, _ in sealed], [sha256 for _, sha256 in sealed]],
        )
    return len(sealed)
