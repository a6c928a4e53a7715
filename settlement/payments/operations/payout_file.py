"""Payouts that go to the bank together: one operator collects them, another approves, then it may be had."""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.permissions import require_operator
from settlement.payments.errors import (
    AlreadyDecided,
    BadLine,
    BadStatement,
    PayoutRefused,
    SecondPersonNeeded,
)
from settlement.payments.models import Approval, Payout, PayoutFile
from settlement.payments.operations.payout import fail_payout, pay_payouts
from settlement.payments.payout_csv import PayoutResult, read_results, render_payouts

Status = Payout.Status


@transaction.atomic
def collect_payouts(*, actor: Actor, payout_ids: Sequence[int], now: datetime.datetime) -> PayoutFile:
    """Put waiting bank payouts into a new file. Raises PayoutRefused where one no longer waits."""
    operator = require_operator(actor)
    payouts = list(
        Payout.objects.to_collect()
        .filter(pk__in=payout_ids, account__status=Approval.APPROVED)
        .select_related("account")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    if not payouts:
        raise PayoutRefused(_("Choose the payouts that the file shall hold."))
    if len(payouts) != len(set(payout_ids)):
        raise PayoutRefused(_("Some of these payouts no longer wait: look at the list again."))
    content = render_payouts(payouts)
    file = PayoutFile.objects.create(
        content=content,
        sha256=_sha256(content),
        count=len(payouts),
        total=sum(payout.amount for payout in payouts),
        proposed_by=operator,
        proposed_at=now,
    )
    _move(payouts, Status.WAITING, status=Status.COLLECTED, file=file)
    record(actor=actor, verb="propose", subject=file, detail=_detail(file), now=now)
    return file


@transaction.atomic
def approve_payout_file(*, actor: Actor, file_id: int, sha256: str, now: datetime.datetime) -> PayoutFile:
    """Approve the file that has this SHA-256: its payouts are then on their way, and it can be downloaded.

    Raises SecondPersonNeeded for who collected it, AlreadyDecided, and PayoutRefused where the file, its
    payouts or their accounts are no longer what was collected.
    """
    operator = require_operator(actor)
    file = PayoutFile.objects.select_for_update(no_key=True).get(pk=file_id)
    if file.proposed_by_id == operator.pk:
        raise SecondPersonNeeded(_("You made this file: another operator has to approve it."))
    _decide(file, Approval.APPROVED, operator.pk, now)
    payouts = _payouts_of(file)
    replaced = [payout.serial for payout in payouts if _replaced(payout)]
    if replaced:
        raise PayoutRefused(
            _("The account of %(serials)s was replaced: refuse this file and make a new one.")
            % {"serials": ", ".join(replaced)}
        )
    if not file.sha256 == sha256 == _sha256(file.content) or render_payouts(payouts) != file.content:
        raise PayoutRefused(_("The file is not what was collected: refuse it and make a new one."))
    _move(payouts, Status.COLLECTED, status=Status.SENT, sent_at=now)
    record(actor=actor, verb="approve", subject=file, detail=_detail(file), now=now)
    file.refresh_from_db()
    return file


@transaction.atomic
def refuse_payout_file(*, actor: Actor, file_id: int, now: datetime.datetime) -> PayoutFile:
    """Its payouts wait again; those whose account was replaced are given back."""
    operator = require_operator(actor)
    file = PayoutFile.objects.select_for_update(no_key=True).get(pk=file_id)
    _decide(file, Approval.REFUSED, operator.pk, now)
    payouts = _payouts_of(file)
    _move(payouts, Status.COLLECTED, status=Status.WAITING, file=None)
    for payout in payouts:
        if _replaced(payout):
            fail_payout(payout_id=payout.pk, reason=_("The bank account was replaced."), now=now)
    record(actor=actor, verb="refuse", subject=file, detail=_detail(file), now=now)
    file.refresh_from_db()
    return file


@transaction.atomic
def download_payout_file(*, actor: Actor, file_id: int, now: datetime.datetime) -> PayoutFile:
    """The approved file, for the bank; who had it, and when, is in the audit trail."""
    require_operator(actor)
    file = PayoutFile.objects.get(pk=file_id)
    if file.status != Approval.APPROVED:
        raise PayoutRefused(_("Another operator has to approve the file before it is downloaded."))
    if _sha256(file.content) != file.sha256:
        raise PayoutRefused(_("The file is not what was approved. Do not pay by it."))
    record(actor=actor, verb="download", subject=file, detail=_detail(file), now=now)
    return file


@dataclass(frozen=True)
class ResultsImported:
    paid: int
    failed: int
    known: int


@transaction.atomic
def import_payout_results(*, actor: Actor, csv_text: str, now: datetime.datetime) -> ResultsImported:
    """Take in what the bank says of payouts, whole or not at all; a result known before is passed over.

    Raises BadStatement, naming each line that cannot be read, that names no payout which was sent, or that
    differs from what is known.
    """
    require_operator(actor)
    results = read_results(csv_text)
    payouts = {
        payout.pk: payout
        for payout in Payout.objects.filter(pk__in=[result.payout_id for result in results])
        .select_related("organisation")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    complaints = {result.line: _complaint(result, payouts.get(result.payout_id)) for result in results}
    bad = [BadLine(line, complaint) for line, complaint in complaints.items() if complaint]
    if bad:
        raise BadStatement(bad)
    new = [result for result in results if payouts[result.payout_id].status == Status.SENT]
    pay_payouts(payout_ids=[result.payout_id for result in new if result.paid], now=now)
    for result in new:
        payout = payouts[result.payout_id]
        if not result.paid:
            reason = result.reason or _("The bank gave no reason.")
            fail_payout(payout_id=payout.pk, reason=reason, now=now)
        record(
            actor=actor,
            verb="pay" if result.paid else "fail",
            subject=payout,
            detail={"fen": payout.amount} | ({} if result.paid else {"note": result.reason}),
            organisation=payout.organisation,
            now=now,
        )
    paid = sum(result.paid for result in new)
    return ResultsImported(paid, len(new) - paid, len(results) - len(new))


def _complaint(result: PayoutResult, payout: Payout | None) -> str:
    if payout is None or payout.file_id is None:
        return _("no such payout was sent to the bank.")
    if result.amount not in (None, payout.amount):
        return _("the amount of %(serial)s is another.") % {"serial": payout.serial}
    if payout.status == Status.SENT or _known(result, payout):
        return ""
    if payout.status in (Status.WAITING, Status.COLLECTED):
        return _("%(serial)s was not sent to the bank yet.") % {"serial": payout.serial}
    return _("%(serial)s is %(status)s already.") % {
        "serial": payout.serial,
        "status": str(payout.get_status_display()).lower(),
    }


def _known(result: PayoutResult, payout: Payout) -> bool:
    """A payout that was paid and then sent back has both behind it."""
    return payout.paid_at is not None if result.paid else payout.failed_at is not None


def _decide(file: PayoutFile, to: Approval, operator_id: int, now: datetime.datetime) -> None:
    decided = PayoutFile.objects.filter(pk=file.pk, status=Approval.PROPOSED).update(
        status=to, decided_by=operator_id, decided_at=now
    )
    if not decided:
        raise AlreadyDecided(_("This file was decided on before."))


def _move(payouts: Sequence[Payout], at: Payout.Status, **to: object) -> None:
    moved = Payout.objects.filter(pk__in=[payout.pk for payout in payouts], status=at).update(**to)
    if moved != len(payouts):
        raise PayoutRefused(_("Some of these payouts no longer wait: look at the list again."))


def _payouts_of(file: PayoutFile) -> list[Payout]:
    rows = file.payouts.select_related("account").order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def _replaced(payout: Payout) -> bool:
    return payout.account is None or payout.account.status != Approval.APPROVED


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _detail(file: PayoutFile) -> dict[str, object]:
    return {"fen": file.total, "sha256": file.sha256}
