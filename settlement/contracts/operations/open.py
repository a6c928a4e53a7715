"""Open contracts: their terms fixed, chained and signed, their holds made escrow, in one transaction."""

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from settlement.bulk import copy_rows
from settlement.canonical import canonical_json, sha256_of_text
from settlement.contracts.document import Catalogue, ContractDraft, document_of
from settlement.contracts.errors import ContractRefused
from settlement.contracts.models import Contract
from settlement.contracts.queries import most_it_can_cost, signed_payload
from settlement.contracts.signing import current_signer
from settlement.contracts.terms import acceptance_end
from settlement.ledger.models import AccountKind, Hold
from settlement.ledger.operations import HoldPosting, accounts_of, post_holds

CHAIN_LOCK = 0x5350_0001  # One writer at a time: each contract's hash covers the one before.
HOUR = datetime.timedelta(hours=1)


@transaction.atomic
def open_contracts(*, drafts: Sequence[ContractDraft], now: datetime.datetime) -> list[Contract]:
    """Open every draft, all or none, in the order given; a draft whose source has a contract returns it.

    Raises ContractRefused where a draft does not fit its kind, its hold or what was opened for its source,
    HoldResolved where its hold is no longer pending, and InsufficientFunds where its hold is too small.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    opened = {each.source: each for each in Contract.objects.filter(source__in=[d.source for d in drafts])}
    new = []
    for draft in drafts:
        if draft.source in opened:
            _refuse_unless_same(draft, opened[draft.source])
        else:
            new.append(draft)
    for contract in _open(new, now):
        opened[contract.source] = contract
    return [opened[draft.source] for draft in drafts]


def _open(drafts: Sequence[ContractDraft], now: datetime.datetime) -> list[Contract]:
    if not drafts:
        return []
    holds = Hold.objects.in_bulk([draft.hold_id for draft in drafts if draft.hold_id is not None])
    _refuse_unless_sound(drafts, holds)
    contracts = copy_rows(_chained(drafts, holds, now))
    accounts = accounts_of(organisation_ids={draft.buyer_id for draft in drafts})
    post_holds(
        postings=[
            HoldPosting(
                hold_id=contract.hold_id,
                account=accounts[contract.buyer_id, AccountKind.ESCROW],
                amount=most_it_can_cost(contract.total),
                memo=contract.number,
            )
            for contract in contracts
            if contract.hold_id is not None
        ],
        now=now,
    )
    return contracts


def _chained(
    drafts: Sequence[ContractDraft], holds: Mapping[int, Hold], now: datetime.datetime
) -> list[Contract]:
    last = Contract.objects.order_by("-position").first()
    position, previous = (last.position, last.sha256) if last else (0, "")
    catalogue = Catalogue.of(drafts, holds, now)
    signer = current_signer()
    numbers = [f"SP-{now.year}-{position + place:06}" for place in range(1, len(drafts) + 1)]
    bundles: dict[str, list[str]] = defaultdict(list)
    for draft, number in zip(drafts, numbers, strict=True):
        bundles[draft.bundle].append(number)
    contracts = []
    for draft, number in zip(drafts, numbers, strict=True):
        position += 1
        funding = catalogue.funding_of(draft)
        fields: dict[str, Any] = {"number": number, "fee_basis_points": settings.FEE_BASIS_POINTS}
        bundled = [other for other in bundles[draft.bundle] if other != number] if draft.bundle else []
        described = document_of(
            draft, catalogue, previous_sha256=previous, bundled=bundled, now=now, **fields
        )
        document = canonical_json(described)
        sha256 = sha256_of_text(document)
        signature = signer.sign(signed_payload(sha256))
        contracts.append(
            Contract(
                position=position,
                source=draft.source,
                kind=draft.kind,
                buyer_id=draft.buyer_id,
                provider_id=draft.provider_id,
                hold_id=draft.hold_id,
                pool_id=draft.pool_id,
                plan_id=draft.plan_id,
                quantity=draft.quantity,
                starts_at=draft.starts_at,
                ends_at=draft.ends_at,
                acceptance_ends_at=acceptance_end(described),
                hourly_prices=list(draft.hourly_prices),
                total=draft.total,
                funder_account_id=funding.account_id if funding else None,
                funded=funding.amount if funding else 0,
                document=document,
                previous_sha256=previous,
                sha256=sha256,
                signed_with_id=signature.kid,
                signature=signature.value,
                opened_at=now,
                escrow=draft.total,
                settled_until=draft.starts_at,
                **fields,
            )
        )
        previous = sha256
    return contracts


def _refuse_unless_sound(drafts: Sequence[ContractDraft], holds: Mapping[int, Hold]) -> None:
    sources = set()
    for draft in drafts:
        if draft.source in sources:
            raise ContractRefused(_("%(source)s stands twice in one batch.") % {"source": draft.source})
        sources.add(draft.source)
        if draft.hold_id is None and draft.total:
            raise ContractRefused(_("%(source)s: no hold pays for it.") % {"source": draft.source})
        if draft.hold_id is not None and _holder(holds.get(draft.hold_id)) != draft.buyer_id:
            raise ContractRefused(_("%(source)s: the hold is not the buyer's.") % {"source": draft.source})
        if draft.kind == Contract.Kind.COMPUTE:
            _refuse_unless_hours_add_up(draft)


def _holder(hold: Hold | None) -> int | None:
    return hold.organisation_id if hold else None


def _refuse_unless_hours_add_up(draft: ContractDraft) -> None:
    if draft.ends_at is None or draft.ends_at - draft.starts_at != len(draft.hourly_prices) * HOUR:
        raise ContractRefused(_("%(source)s: one price an hour is needed.") % {"source": draft.source})
    if draft.starts_at.replace(minute=0, second=0, microsecond=0) != draft.starts_at:
        raise ContractRefused(_("%(source)s: slots begin on the hour.") % {"source": draft.source})
    if draft.total != draft.quantity * sum(draft.hourly_prices):
        raise ContractRefused(
            _("%(source)s: the total is not units times the sum of prices.") % {"source": draft.source}
        )


def _refuse_unless_same(draft: ContractDraft, contract: Contract) -> None:
    same = (
        draft.hold_id == contract.hold_id
        and draft.total == contract.total
        and draft.quantity == contract.quantity
        and draft.starts_at == contract.starts_at
        and list(draft.hourly_prices) == contract.hourly_prices
        and (draft.buyer_id, draft.provider_id) == (contract.buyer_id, contract.provider_id)
        and (draft.pool_id, draft.plan_id) == (contract.pool_id, contract.plan_id)
    )
    if not same:
        raise ContractRefused(
            _("%(source)s already has contract %(number)s with other terms.")
            % {"source": draft.source, "number": contract.number}
        )
