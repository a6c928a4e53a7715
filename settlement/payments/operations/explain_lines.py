"""What a statement's lines are by the codes in their remarks: payouts, manual transfers."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from settlement.ledger.models import AccountKind, Transfer, TransferKind
from settlement.payments.models import Approval, BankLine, ManualTransfer, Payout, Rail
from settlement.payments.operations.payout import PAYOUT, fail_payout, pay_payouts
from settlement.payments.reference import MANUAL, number_in
from settlement.payments.reference import PAYOUT as PAYOUT_PREFIX
from settlement.payments.statement_file import StatementLine

BOOKED = BankLine.Status.BOOKED


@dataclass(frozen=True)
class Explained:
    """What a line is: its transfer, and whose money moved."""

    status: BankLine.Status
    transfer: Transfer | None = None
    organisation_id: int | None = None


def explain_payouts(lines: Sequence[StatementLine], now: datetime.datetime) -> dict[str, Explained]:
    """The lines, by serial number, that pay a payout which was sent, or bring one back that was paid.

    A second payment out for one payout, or another amount, explains nothing.
    """
    number_of = {line.serial: number_in(line.remark, PAYOUT_PREFIX) for line in lines}
    payouts = {
        payout.pk: payout
        for payout in Payout.objects.filter(
            pk__in={number for number in number_of.values() if number is not None}, rail=Rail.BANK
        )
        .order_by("pk")
        .select_for_update(no_key=True)
    }
    named = [(line, payouts[number]) for line in lines if (number := number_of[line.serial]) in payouts]
    out = [(line, payout) for line, payout in named if line.amount == -payout.amount]
    sent = [payout.pk for _line, payout in out if payout.status == Payout.Status.SENT]
    pay_payouts(payout_ids=sent, now=now)
    paid = {
        int(transfer.source_id): transfer
        for transfer in Transfer.objects.filter(
            source=PAYOUT,
            source_id__in=[str(pk) for pk in payouts],
            kind=TransferKind.PAYOUT_PAID,
        )
    }
    explained: dict[str, Explained] = {}
    without_line = {
        pk: transfer
        for pk, transfer in paid.items()
        if not BankLine.objects.filter(transfer=transfer).exists()
    }
    for line, payout in out:
        if transfer := without_line.pop(payout.pk, None):
            explained[line.serial] = Explained(BOOKED, transfer, payout.organisation_id)
    back = {pk for pk, payout in payouts.items() if pk in paid and payout.status != Payout.Status.FAILED}
    for line, payout in named:
        if line.amount == payout.amount and payout.pk in back:
            back.remove(payout.pk)
            transfer = fail_payout(payout_id=payout.pk, reason=_("The bank sent it back."), now=now)
            explained[line.serial] = Explained(BOOKED, transfer, payout.organisation_id)
    return explained


def explain_manual_transfers(lines: Sequence[StatementLine]) -> dict[str, Explained]:
    """The lines that went out by a manual transfer from the bank whose code they carry, one for each."""
    number_of = {line.serial: number_in(line.remark, MANUAL) for line in lines if line.amount < 0}
    waiting = {
        manual.pk: manual
        for manual in ManualTransfer.objects.filter(
            pk__in={number for number in number_of.values() if number is not None},
            status=Approval.APPROVED,
            credit__kind=AccountKind.BANK,
            transfer__bank_line=None,
        ).select_related("transfer")
    }
    explained: dict[str, Explained] = {}
    for line in lines:
        number = number_of.get(line.serial)
        if number in waiting and waiting[number].amount == -line.amount:
            explained[line.serial] = Explained(BOOKED, waiting.pop(number).transfer)
    return explained
