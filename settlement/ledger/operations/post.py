"""Post transfers: one statement to the database for one or for ten thousand."""

import datetime
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction

from settlement.ledger.errors import InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import NEVER_NEGATIVE_KINDS, AccountKind, Entry, Transfer, TransferKind

LARGE_BATCH = 100
NEVER_NEGATIVE = f"'{{{','.join(NEVER_NEGATIVE_KINDS)}}}'::text[]"
ONE = f"%s, %s, %s, %s, %s, %s::bigint[], %s::bigint[], {NEVER_NEGATIVE}"
POST_ONE = f"SELECT ledger_post_one({ONE})"
POST_DURABLY = f"CALL ledger_post_durably({ONE}, NULL)"
POST = (
    "SELECT ledger_post(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::int[], %s,"
    f" %s::int[], %s::int[], %s::bigint[], %s::bigint[], {NEVER_NEGATIVE})"
)
OVERDRAWN = "SP001"  # The SQLSTATE that `ledger_refuse` raises, with the account's kind and the lack.


@dataclass(frozen=True)
class Posting:
    """A signed amount in fen on an account, by its id. Positive is credit."""

    account: int
    amount: int


@dataclass(frozen=True)
class TransferDraft:
    kind: TransferKind
    source: str
    source_id: str
    postings: Sequence[Posting]
    memo: str = ""
    reverses_id: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.source_id, self.kind.value

    @property
    def body(self) -> tuple[str, int | None, list[tuple[int, int]]]:
        return self.memo, self.reverses_id, sorted((each.account, each.amount) for each in self.postings)


def post_transfer(
    *,
    kind: TransferKind,
    source: str,
    source_id: str,
    postings: Sequence[Posting],
    now: datetime.datetime,
    memo: str = "",
) -> Transfer:
    """Post once: a replay returns the first transfer, the same key with another body is refused.

    Raises InsufficientFunds and KeyUsedForAnotherBody.
    """
    draft = TransferDraft(kind, source, source_id, postings, memo)
    amounts = {each.account: each.amount for each in postings}
    if len(amounts) < len(postings):
        return post_transfers(drafts=[draft], now=now)[0]
    accounts = sorted(amounts)
    pk = _returned(
        POST_ONE if transaction.get_connection().in_atomic_block else POST_DURABLY,
        (
            *(kind, source, source_id, memo, now),
            *(_numbers(accounts), _numbers(amounts[each] for each in accounts)),
        ),
    )
    return _replayed([draft])[draft.key] if pk is None else _as_posted(draft, pk, now)


@transaction.atomic
def post_transfers(*, drafts: Sequence[TransferDraft], now: datetime.datetime) -> list[Transfer]:
    """Post many, all or none, in the order given; each as `post_transfer` would."""
    if not drafts:
        return []
    posted = _ledger_post(drafts, now)
    replays = [draft for place, draft in enumerate(drafts) if place not in posted]
    first = _replayed(replays) if replays else {}
    return [posted.get(place) or first[draft.key] for place, draft in enumerate(drafts)]


def reverse_transfer(*, transfer: Transfer, now: datetime.datetime, memo: str) -> Transfer:
    """Post the opposite of a transfer, linked to it; a second reversal returns the first."""
    opposite = [Posting(entry.account_id, -entry.amount) for entry in transfer.entries.order_by("pk")]
    [reversal] = post_transfers(
        drafts=[
            TransferDraft(
                TransferKind.REVERSAL, "transfer", str(transfer.pk), opposite, memo, reverses_id=transfer.pk
            )
        ],
        now=now,
    )
    return reversal


def _ledger_post(drafts: Sequence[TransferDraft], now: datetime.datetime) -> dict[int, Transfer]:
    """What was posted, by its place among the drafts. What is missing had been posted before."""
    lines = [
        (place, line, posting)
        for place, draft in enumerate(drafts, start=1)
        for line, posting in enumerate(draft.postings, start=1)
    ]
    ids = _returned(
        POST,
        (
            _texts(draft.kind for draft in drafts),
            _texts(draft.source for draft in drafts),
            _texts(draft.source_id for draft in drafts),
            _texts(draft.memo for draft in drafts),
            _numbers("NULL" if draft.reverses_id is None else draft.reverses_id for draft in drafts),
            _numbers(len(draft.postings) for draft in drafts),
            now,
            _numbers(place for place, _, _ in lines),
            _numbers(line for _, line, _ in lines),
            _numbers(posting.account for _, _, posting in lines),
            _numbers(posting.amount for _, _, posting in lines),
        ),
    )
    if len(drafts) > LARGE_BATCH:
        with connection.cursor() as cursor:
            # The commit's constraint triggers must not use plans of smaller tables.
            cursor.execute("DISCARD PLANS")
    return {
        place: _as_posted(draft, pk, now)
        for place, (draft, pk) in enumerate(zip(drafts, ids, strict=True))
        if pk is not None
    }


def _returned(statement: str, arguments: Sequence[Any]) -> Any:
    """What the function returns. Raises InsufficientFunds."""
    database = transaction.get_connection()
    database.ensure_connection()
    cursor = _kept.cursor_of(database.connection)
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    with transaction.mark_for_rollback_on_error():
        try:
            wrap(cursor).execute(statement, arguments)
        except DatabaseError as error:
            _explain(error)
            raise
    [returned] = cursor.fetchone()
    return returned


class _Kept(threading.local):
    """The thread's cursor: making one anew, and its adapters, costs half as much as posting with it.

    Django's own writes the arguments into the SQL, to be parsed and planned anew each time.
    """

    cursor: Any = None

    def cursor_of(self, connection: Any) -> Any:
        if self.cursor is None or self.cursor.connection is not connection:
            self.cursor = psycopg.Cursor(connection)
        return self.cursor


_kept = _Kept()


def _numbers(values: Iterable[int | str]) -> str:
    """PostgreSQL's spelling of an array: far cheaper than psycopg's, which looks at each value's type."""
    return "{" + ",".join(map(str, values)) + "}"


def _texts(values: Iterable[str]) -> str:
    return _numbers('"' + value.replace("\\", r"\\").replace('"', r"\"") + '"' for value in values)


def _as_posted(draft: TransferDraft, pk: int, now: datetime.datetime) -> Transfer:
    values = (pk, draft.kind, draft.source, draft.source_id, draft.memo, now, draft.reverses_id)
    names = ("id", "kind", "source", "source_id", "memo", "posted_at", "reverses_id")
    return Transfer.from_db(DEFAULT_DB_ALIAS, names, values)


def _explain(error: DatabaseError) -> None:
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) == OVERDRAWN:
        kind, missing = cause.diag.message_detail.split()  # type: ignore[union-attr]
        raise InsufficientFunds(missing=int(missing), account=str(AccountKind(kind).label).lower()) from error


def _replayed(drafts: Sequence[TransferDraft]) -> dict[tuple[str, str, str], Transfer]:
    """The transfers first posted under these drafts' keys. Raises KeyUsedForAnotherBody."""
    sources, source_ids, kinds = zip(*(draft.key for draft in drafts), strict=True)
    transfers = Transfer.objects.filter(
        source__in=set(sources), source_id__in=set(source_ids), kind__in=set(kinds)
    )
    first = {(each.source, each.source_id, each.kind): each for each in transfers}
    entries: dict[int, list[tuple[int, int]]] = {each.pk: [] for each in first.values()}
    for transfer_id, account, amount in Entry.objects.filter(transfer__in=entries).values_list(
        "transfer_id", "account_id", "amount"
    ):
        entries[transfer_id].append((account, amount))
    for draft in drafts:
        transfer = first[draft.key]
        if draft.body != (transfer.memo, transfer.reverses_id, sorted(entries[transfer.pk])):
            raise KeyUsedForAnotherBody(":".join(draft.key))
    return first
