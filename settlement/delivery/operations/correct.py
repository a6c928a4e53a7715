"""Give back more of an hour that was already paid: from the fee at once, from the provider when it has it.

A later word never takes money from the buyer: what was credited stays. A provider that was paid too little
opens a dispute.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from settlement.contracts.models import Contract
from settlement.contracts.operations import write_returned
from settlement.contracts.queries import fee_on
from settlement.delivery.models import Correction, CorrectionPayment, Delivery, Dispute
from settlement.delivery.queries import credits_after, outstanding
from settlement.ledger.models import Account, AccountKind, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    accounts_of,
    platform_account,
    post_transfers,
)

CORRECTION = "correction"  # The `source` of its transfers; their source_id is `<correction>:<what>`.


@dataclass(frozen=True)
class Mended:
    """A settled hour, and all that is to have gone back to the buyer of it."""

    delivery: Delivery
    credit: int


def correct(
    *, mended: Sequence[Mended], now: datetime.datetime, dispute: Dispute | None = None
) -> list[Correction]:
    """Write down what is missing of each credit and collect what can be. The caller locked the contracts."""
    later = credits_after(each.delivery.pk for each in mended)
    corrections = []
    for each in mended:
        delivery, contract = each.delivery, each.delivery.contract
        before = delivery.credit + later.get(delivery.pk, 0)
        if each.credit <= before:
            continue
        kept, keeps = delivery.amount - before, delivery.amount - each.credit
        fee = fee_on(kept, contract.fee_basis_points) - fee_on(keeps, contract.fee_basis_points)
        credit = each.credit - before
        corrections.append(
            Correction(
                delivery=delivery,
                dispute=dispute,
                credit=credit,
                fee=fee,
                owed=credit - fee,
                corrected_at=now,
            )
        )
    if not corrections:
        return []
    Correction.objects.bulk_create(corrections)
    _collect({each.delivery.contract.provider_id for each in corrections}, corrections, now)
    return corrections


def collect_owed(*, now: datetime.datetime) -> int:
    """Take what providers owe from what they have receivable by now; the fen taken."""
    owing = outstanding().values_list("delivery__contract__provider", flat=True)
    return sum(_collect_of(provider, now) for provider in sorted(set(owing)))


@transaction.atomic
def _collect_of(provider_id: int, now: datetime.datetime) -> int:
    return _collect({provider_id}, [], now)


def _collect(provider_ids: Iterable[int], new: Sequence[Correction], now: datetime.datetime) -> int:
    """Pay the fee's part of new corrections, and of the providers' oldest debts what they can bear."""
    providers = set(provider_ids)
    debts = outstanding(providers).select_related("delivery__contract")
    contracts = _locked_contracts([*debts, *new])
    debts = debts.filter(delivery__contract__in=contracts)
    parties = providers | {each.delivery.contract.buyer_id for each in [*debts, *new]}
    accounts = accounts_of(organisation_ids=parties)
    fees = platform_account(kind=AccountKind.FEES)
    wanted = [accounts[party, AccountKind.RECEIVABLE] for party in providers]
    wanted += [accounts[party, AccountKind.AVAILABLE] for party in parties]
    wanted += [fees.shard_for(_key(each, "fee")) for each in new]
    locked = Account.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    balances = {account.pk: account.balance for account in locked}
    drafts = []

    def give_back(correction: Correction, what: str, source: int, amount: int) -> None:
        contract = contracts[correction.delivery.contract_id]
        buyer = accounts[contract.buyer_id, AccountKind.AVAILABLE]
        drafts.append(_draft(correction, what, source, amount, buyer, contract))

    for each in new:
        if each.fee:
            give_back(each, "fee", fees.shard_for(_key(each, "fee")), each.fee)
    paid = []
    # Read again, now that the lock on the receivable keeps others out; what is newer waits its turn.
    for debt in debts.filter(pk__in=[each.pk for each in debts]):
        receivable = accounts[debt.delivery.contract.provider_id, AccountKind.RECEIVABLE]
        part = min(balances[receivable], debt.owed - debt.paid)
        if part:
            balances[receivable] -= part
            paid.append((debt, part))
            give_back(debt, f"from {debt.paid}", receivable, part)
    transfers = post_transfers(drafts=drafts, now=now)
    write_returned(contracts=contracts.values())
    CorrectionPayment.objects.bulk_create(
        CorrectionPayment(correction=debt, amount=part, transfer=transfer)
        for (debt, part), transfer in zip(paid, transfers[len(transfers) - len(paid) :], strict=True)
    )
    return sum(part for _, part in paid)


def _key(correction: Correction, what: str) -> str:
    return f"{correction.pk}:{what}"


def _draft(
    correction: Correction, what: str, source: int, amount: int, buyer: int, contract: Contract
) -> TransferDraft:
    """From `source` to the buyer, and to a funder of the contract its share."""
    lines = [Posting(source, -amount)]
    to_funder = contract.give_back(amount)
    if to_funder and contract.funder_account_id is not None:
        lines.append(Posting(contract.funder_account_id, to_funder))
    if amount > to_funder:
        lines.append(Posting(buyer, amount - to_funder))
    return TransferDraft(
        TransferKind.METER_CORRECTION, CORRECTION, _key(correction, what), lines, contract.number
    )


def _locked_contracts(corrections: Iterable[Correction]) -> dict[int, Contract]:
    """The corrections' contracts, as they stand; of those that others work on, none waits: they come later.

    A caller has locked the contracts of its new corrections, so those are always among them.
    """
    ids = {each.delivery.contract_id for each in corrections}
    rows = Contract.objects.filter(pk__in=ids).defer("document", "hourly_prices").order_by("pk")
    return {each.pk: each for each in rows.select_for_update(no_key=True, skip_locked=True)}
