"""Two-phase transfers: money is set aside, then posted, voided or expired, exactly once."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from accounts.models import Organisation
from settlement.ledger.errors import HoldResolved, InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import HOLD, AccountKind, Hold, Transfer, TransferKind
from settlement.ledger.operations.accounts import accounts_of, open_accounts
from settlement.ledger.operations.post import Posting, TransferDraft, post_transfer, post_transfers

KIND_OF = {
    Hold.Status.POSTED: TransferKind.HOLD_POSTED,
    Hold.Status.VOIDED: TransferKind.HOLD_VOIDED,
    Hold.Status.EXPIRED: TransferKind.HOLD_EXPIRED,
}


@dataclass(frozen=True)
class Funding:
    """`amount` fen of a hold come from `account`, another's than the one who holds."""

    account: int
    amount: int


@transaction.atomic
def place_hold(
    *,
    organisation: Organisation,
    amount: int,
    source: str,
    source_id: str,
    expires_at: datetime.datetime | None,
    now: datetime.datetime,
    funding: Funding | None = None,
) -> Hold:
    """Set `amount` fen aside, once per (source, source_id): what `funding` does not bear, of the available.

    Raises InsufficientFunds, naming the account and what is missing. A hold without `expires_at` waits for
    ever; one with it is given back by the expiry task, so let it outlive the order.
    """
    accounts = open_accounts(organisation=organisation)
    funded = funding.amount if funding else 0
    lines = [
        Posting(accounts[AccountKind.AVAILABLE], funded - amount),
        Posting(accounts[AccountKind.HELD], amount),
    ]
    if funding:
        lines.append(Posting(funding.account, -funded))
    transfer = post_transfer(
        kind=TransferKind.HOLD,
        source=source,
        source_id=source_id,
        postings=[line for line in lines if line.amount],
        now=now,
    )
    hold, placed = Hold.objects.get_or_create(
        transfer=transfer,
        defaults={
            "organisation": organisation,
            "amount": amount,
            "funder_account_id": funding.account if funding else None,
            "funded": funded,
            "expires_at": expires_at,
            "placed_at": now,
        },
    )
    if not placed and hold.expires_at != expires_at:
        raise KeyUsedForAnotherBody(f"{source}:{source_id}")
    return hold


@dataclass(frozen=True)
class HoldPosting:
    """`amount` fen of a hold go to `account`, the funder's share with them; the rest goes back to each."""

    hold_id: int
    account: int
    amount: int
    memo: str = ""


@transaction.atomic
def post_holds(*, postings: Sequence[HoldPosting], now: datetime.datetime) -> list[Transfer]:
    """Post many holds, all or none. Raises HoldResolved where one is no longer pending."""
    return _resolve(postings, Hold.Status.POSTED, now)


@transaction.atomic
def void_hold(*, hold_id: int, now: datetime.datetime) -> None:
    """Give a pending hold back; a second call does nothing. Raises HoldResolved if it was posted."""
    void_holds(hold_ids=[hold_id], now=now)


@transaction.atomic
def void_holds(*, hold_ids: Sequence[int], now: datetime.datetime) -> None:
    """Give many holds back, all or none; those given back before are passed over."""
    holds = Hold.objects.filter(pk__in=set(hold_ids)).order_by("pk").select_for_update(no_key=True)
    given_back = (Hold.Status.VOIDED, Hold.Status.EXPIRED)
    _resolve(
        [HoldPosting(hold.pk, account=0, amount=0) for hold in holds if hold.status not in given_back],
        Hold.Status.VOIDED,
        now,
    )


@transaction.atomic
def expire_holds(*, now: datetime.datetime, limit: int = 1000) -> int:
    """Give back pending holds whose time is over, at most `limit`; the number given back."""
    due = Hold.objects.pending().filter(expires_at__lte=now).order_by("pk")
    ids = due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:limit]
    overdue = [HoldPosting(pk, account=0, amount=0) for pk in ids]
    return len(_resolve(overdue, Hold.Status.EXPIRED, now))


def _resolve(postings: Sequence[HoldPosting], status: Hold.Status, now: datetime.datetime) -> list[Transfer]:
    if not postings:
        return []
    ids = [posting.hold_id for posting in postings]
    holds = {
        hold.pk: hold
        for hold in Hold.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    }
    _refuse_unless_pending(ids, holds)
    accounts = accounts_of(organisation_ids={hold.organisation_id for hold in holds.values()})
    drafts = []
    for posting in postings:
        hold = holds[posting.hold_id]
        if posting.amount > hold.amount:
            raise InsufficientFunds(
                missing=posting.amount - hold.amount, account=str(AccountKind.HELD.label).lower()
            )
        to_funder = hold.funded - hold.funded_share(posting.amount)
        own = hold.amount - posting.amount - to_funder
        lines = [
            Posting(accounts[hold.organisation_id, AccountKind.HELD], -hold.amount),
            Posting(posting.account, posting.amount),
            Posting(accounts[hold.organisation_id, AccountKind.AVAILABLE], own),
        ]
        if hold.funder_account_id is not None:
            lines.append(Posting(hold.funder_account_id, to_funder))
        lines = [line for line in lines if line.amount]
        drafts.append(TransferDraft(KIND_OF[status], HOLD, str(hold.pk), lines, posting.memo))
    transfers = post_transfers(drafts=drafts, now=now)
    _mark_resolved(postings, status, now)
    return transfers


def _refuse_unless_pending(ids: Sequence[int], holds: dict[int, Hold]) -> None:
    twice = [pk for pk, count in Counter(ids).items() if count > 1]
    if twice:
        raise HoldResolved(twice[0], Hold.Status.POSTED)
    for pk in ids:
        if holds[pk].status != Hold.Status.PENDING:
            raise HoldResolved(pk, Hold.Status(holds[pk].status))


def _mark_resolved(postings: Sequence[HoldPosting], status: Hold.Status, now: datetime.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_hold h SET status = %s, posted = p.amount, resolved_at = %s"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS p (id, amount)"
            " WHERE h.id = p.id AND h.status = 'pending'",
            [status.value, now, [each.hold_id for each in postings], [each.amount for each in postings]],
        )
        if cursor.rowcount != len(postings):
            raise HoldResolved(postings[0].hold_id, status)
