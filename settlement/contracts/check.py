"""Prove the contracts: documents, chain and signatures, and their escrow from the ledger's entries alone."""

import datetime
import json
from collections import Counter
from collections.abc import Iterator

from django.db.models import Sum

from settlement.canonical import sha256_of_text
from settlement.contracts.models import Contract
from settlement.contracts.operations.pay import CONTRACT
from settlement.contracts.queries import signed_payload
from settlement.contracts.signing import Signature, verify
from settlement.contracts.terms import acceptance_end
from settlement.ledger.models import HOLD, Account, AccountKind, Entry, TransferKind

SWEPT_WITHIN = datetime.timedelta(days=1)


def differences() -> Iterator[str]:
    """A sentence for each place where contracts do not agree with themselves, or with the ledger."""
    yield from _documents()
    yield from _escrow_of_contracts()
    yield from _escrow_of_buyers()


def _documents() -> Iterator[str]:
    position, previous = 0, ""
    for contract in Contract.objects.order_by("position").iterator(chunk_size=1000):
        number = contract.number
        if contract.position != position + 1:
            yield f"The chain of contracts goes from position {position} to {contract.position}."
        if contract.sha256 != sha256_of_text(contract.document):
            yield f"Contract {number}'s document is not what was hashed."
        document = json.loads(contract.document)
        said = (
            document["number"],
            document["total_fen"],
            document["previous_sha256"],
            acceptance_end(document),
        )
        if said != (number, contract.total, contract.previous_sha256, contract.acceptance_ends_at):
            yield f"Contract {number}'s row does not say what its document says."
        if contract.previous_sha256 != previous:
            yield f"Contract {number} does not follow the contract at position {position}."
        signature = Signature(contract.signed_with_id or "", contract.signature)
        if not verify(signed_payload(contract.sha256), signature):
            yield f"Contract {number}'s signature does not hold."
        position, previous = contract.position, contract.sha256


def overdue(*, now: datetime.datetime) -> Iterator[str]:
    """A sentence for each licence that the sweep has left unpaid for a day, though nobody disputes it."""
    late = Contract.objects.filter(status=Contract.Status.ACTIVE, acceptance_ends_at__lte=now - SWEPT_WITHIN)
    for number, ended_at in late.order_by("position").values_list("number", "acceptance_ends_at"):
        yield f"Contract {number} was to be accepted until {ended_at:%Y-%m-%d %H:%M} UTC, and has not ended."


def _escrow_of_contracts() -> Iterator[str]:
    """What a contract's hold posted into escrow, less what its payments took out."""
    entries = Entry.objects.filter(account__kind=AccountKind.ESCROW).order_by()
    posted = entries.filter(transfer__source=HOLD, transfer__kind=TransferKind.HOLD_POSTED)
    came_in = dict(posted.values_list("transfer__source_id").annotate(sum=Sum("amount")))
    went_out: Counter[str] = Counter()
    paid = entries.filter(transfer__source=CONTRACT).values_list("transfer__source_id")
    for key, amount in paid.annotate(sum=Sum("amount")).iterator():
        went_out[key.partition(":")[0]] -= amount
    rows = Contract.objects.order_by("position").values_list("pk", "number", "hold", "escrow")
    for pk, number, hold, escrow in rows.iterator():
        expected = came_in.get(str(hold), 0) - went_out[str(pk)]
        if escrow != expected:
            yield f"Contract {number} has {escrow} in escrow; the ledger's entries say {expected}."


def _escrow_of_buyers() -> Iterator[str]:
    expected = dict(Contract.objects.order_by().values_list("buyer").annotate(sum=Sum("escrow")))
    accounts = Account.objects.filter(kind=AccountKind.ESCROW).order_by("organisation")
    for organisation, balance in accounts.values_list("organisation").annotate(sum=Sum("balance")):
        if balance != expected.get(organisation, 0):
            yield (
                f"Organisation {organisation} has {balance} in escrow;"
                f" its contracts say {expected.get(organisation, 0)}."
            )
