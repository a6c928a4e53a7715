"""Take money out of contracts' escrow: to the provider less the fee, or back to those who paid it."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from settlement.contracts.errors import EscrowExceeded
from settlement.contracts.models import Contract
from settlement.ledger.models import AccountKind, Entry, Transfer, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    accounts_of,
    platform_account,
    post_transfers,
)

CONTRACT = "contract"  # The `source` of transfers out of escrow; their source_id is `<contract>:<key>`.


@dataclass(frozen=True)
class EscrowPayment:
    """What one event pays out of a contract's escrow, in fen: `provider` (fee included), and `buyer`.

    Of what goes back to the buyer, a funder of the contract has its share.
    `key` names the event within the contract, so that it pays once. `settled_until` moves the contract's
    mark of settled slots on.
    """

    contract_id: int
    key: str
    provider: int = 0
    fee: int = 0
    buyer: int = 0
    settled_until: datetime.datetime | None = None
    kind: TransferKind = TransferKind.RELEASE

    @property
    def source_id(self) -> str:
        return f"{self.contract_id}:{self.key}"


@transaction.atomic
def pay_from_escrow(*, payments: Sequence[EscrowPayment], now: datetime.datetime) -> list[Transfer | None]:
    """Pay all or none, each key once; a contract that has nothing left to pay completes,
    or is terminated where its end was brought forward.

    Returns the transfer of each payment, None where it was free.

    Raises EscrowExceeded, and KeyUsedForAnotherBody where a key already paid another amount.
    """
    if not payments:
        return []
    ids = {each.contract_id for each in payments}
    rows = Contract.objects.filter(pk__in=ids).defer("document", "hourly_prices")
    contracts = {each.pk: each for each in rows.order_by("pk").select_for_update(no_key=True)}
    paid = _paid_before(payments)
    new = list({each.source_id: each for each in payments if each.source_id not in paid}.values())
    _refuse_excess(new, contracts)
    organisations = {each.buyer_id for each in contracts.values()}
    organisations |= {each.provider_id for each in contracts.values()}
    accounts = accounts_of(organisation_ids=organisations)
    fees = platform_account(kind=AccountKind.FEES)
    to_funders = {each.source_id: contracts[each.contract_id].give_back(each.buyer) for each in new}
    to_funders |= _given_to_funders_before(paid, contracts)
    drafts = []
    for each in payments:
        contract, to_funder = contracts[each.contract_id], to_funders.get(each.source_id, 0)
        lines = [
            Posting(accounts[contract.buyer_id, AccountKind.ESCROW], -each.provider - each.buyer),
            Posting(accounts[contract.provider_id, AccountKind.RECEIVABLE], each.provider - each.fee),
            Posting(fees.shard_for(each.source_id), each.fee),
            Posting(accounts[contract.buyer_id, AccountKind.AVAILABLE], each.buyer - to_funder),
        ]
        if contract.funder_account_id is not None:
            lines.append(Posting(contract.funder_account_id, to_funder))
        lines = [line for line in lines if line.amount]
        if lines:  # An hour may be free.
            drafts.append(TransferDraft(each.kind, CONTRACT, each.source_id, lines, contract.number))
    transfers = {each.source_id: each for each in post_transfers(drafts=drafts, now=now)}
    _take_out(new, now)
    return [transfers.get(each.source_id) for each in payments]


def _paid_before(payments: Sequence[EscrowPayment]) -> dict[str, int]:
    """The transfers of payments that were made before, by source_id."""
    keys = [each.source_id for each in payments]
    transfers = Transfer.objects.filter(
        source=CONTRACT, source_id__in=keys, kind__in={each.kind for each in payments}
    )
    return dict(transfers.values_list("source_id", "pk"))


def _given_to_funders_before(paid: Mapping[str, int], contracts: Mapping[int, Contract]) -> dict[str, int]:
    """A replay is split as it was the first time, whatever has gone back since."""
    funders = {each.funder_account_id for each in contracts.values() if each.funder_account_id is not None}
    if not paid or not funders:
        return {}
    entries = Entry.objects.filter(transfer__in=paid.values(), account__in=funders)
    return dict(entries.values_list("transfer__source_id", "amount"))


def _refuse_excess(payments: Sequence[EscrowPayment], contracts: Mapping[int, Contract]) -> None:
    taken: dict[int, int] = defaultdict(int)
    for each in payments:
        contract = contracts[each.contract_id]
        taken[contract.pk] += each.provider + each.buyer
        if taken[contract.pk] > contract.escrow:
            raise EscrowExceeded(
                _("Contract %(number)s has less in escrow than is to be paid.") % {"number": contract.number}
            )


TAKE_OUT = """
WITH paid AS (
    SELECT id, sum(amount)::bigint AS amount, sum(returned)::bigint AS returned,
        max(settled_until) AS settled_until
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
        AS u (id, amount, returned, settled_until) GROUP BY id
), after AS (
    SELECT c.id, c.escrow - p.amount AS escrow, c.returned + p.returned AS returned,
        greatest(c.settled_until, p.settled_until) AS settled_until,
        c.escrow = p.amount
        AND (c.kind = 'licence' OR greatest(c.settled_until, p.settled_until) >= c.ends_at) AS complete
    FROM contracts_contract c JOIN paid p ON p.id = c.id
)
UPDATE contracts_contract c
SET escrow = after.escrow, returned = after.returned, settled_until = after.settled_until,
    status = CASE WHEN NOT complete THEN c.status
        WHEN EXISTS (SELECT FROM contracts_termination t WHERE t.contract_id = c.id) THEN 'terminated'
        ELSE 'completed' END,
    ended_at = CASE WHEN complete THEN %s::timestamptz END
FROM after WHERE c.id = after.id
"""


def _take_out(payments: Sequence[EscrowPayment], now: datetime.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE_OUT,
            [
                [each.contract_id for each in payments],
                [each.provider + each.buyer for each in payments],
                [each.buyer for each in payments],
                [each.settled_until for each in payments],
                now,
            ],
        )


def write_returned(*, contracts: Collection[Contract]) -> None:
    """Save what `give_back` counted on locked contracts, where paid money came back after all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contracts_contract c SET returned = u.returned"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS u (id, returned)"
            " WHERE c.id = u.id AND c.returned <> u.returned",
            [[each.pk for each in contracts], [each.returned for each in contracts]],
        )
