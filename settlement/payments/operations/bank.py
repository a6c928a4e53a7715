"""Bank transfers: how money comes in, and what happens to money whose owner is not known."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.names import local_name
from accounts.permissions import require_operator
from settlement.ledger.models import AccountKind, Currency, TransferKind
from settlement.ledger.operations import (
    Posting,
    TransferDraft,
    accounts_of,
    open_accounts,
    platform_account,
    post_transfer,
    post_transfers,
)
from settlement.payments.errors import AlreadyBooked, BadLine, BadStatement
from settlement.payments.models import BankLine
from settlement.payments.operations.arrears import pay_arrears
from settlement.payments.operations.explain_lines import Explained, explain_manual_transfers, explain_payouts
from settlement.payments.operations.hold_still import hold_still
from settlement.payments.reference import number_in, reference_for
from settlement.payments.statement_file import StatementLine, parse

BANK_LINE = "bank_line"  # The `source` of its transfers; their source_id is the bank's serial number.


def top_up_reference(organisation: Organisation) -> str:
    """What the organisation writes on its bank transfer, for the money to find it."""
    return reference_for(organisation.pk)


@dataclass(frozen=True)
class Imported:
    """How many lines were booked, put in suspense, had been imported before, and went out unexplained."""

    booked: int
    suspense: int
    known: int
    unexplained: int = 0


@transaction.atomic
def import_bank_lines(*, actor: Actor, csv_text: str, now: datetime.datetime) -> Imported:
    """Import a statement, whole or not at all; a line imported before is passed over.

    What came in is booked to the organisation whose reference code the remark names, and else goes to
    suspense. What went out pays the payout that the remark names, or is the end of a manual transfer; what
    nothing explains waits for an operator. A payout that comes in again was sent back.

    Raises BadStatement, naming each line that cannot be read or that differs from the one imported before.
    """
    operator = require_operator(actor)
    lines = parse(csv_text)
    new = _unknown(lines)
    explained = explain_payouts(new, now) | explain_manual_transfers(new)
    explained |= _receive([line for line in new if line.amount > 0 and line.serial not in explained], now)
    hold_still(AccountKind.BANK, Currency.CNY)
    rows = BankLine.objects.bulk_create(
        BankLine(
            serial=line.serial,
            booked_on=line.booked_on,
            amount=line.amount,
            balance=line.balance,
            payer=line.payer,
            payer_account=line.payer_account,
            remark=line.remark,
            imported_by=operator,
            imported_at=now,
            transfer=what.transfer,
            status=what.status,
            organisation_id=what.organisation_id,
        )
        for line in new
        for what in [explained.get(line.serial, Explained(BankLine.Status.UNEXPLAINED))]
    )
    for row in rows:
        record(
            actor=actor,
            verb="import",
            subject=row,
            detail={"serial": row.serial, "fen": row.amount},
            organisation=row.organisation,
            now=now,
        )
    count = Counter(row.status for row in rows)
    return Imported(
        booked=count[BankLine.Status.BOOKED],
        suspense=count[BankLine.Status.SUSPENSE],
        known=len(lines) - len(new),
        unexplained=count[BankLine.Status.UNEXPLAINED],
    )


@transaction.atomic
def assign_bank_line(
    *, actor: Actor, bank_line_id: int, organisation: Organisation, now: datetime.datetime
) -> BankLine:
    """Give the money of a line in suspense to the organisation whose it is. Raises AlreadyBooked."""
    operator = require_operator(actor)
    line = BankLine.objects.select_for_update(no_key=True).get(pk=bank_line_id)
    if line.organisation is not None:
        raise AlreadyBooked(
            _("Bank line %(serial)s is booked to %(organisation)s already.")
            % {"serial": line.serial, "organisation": local_name(line.organisation)}
        )
    if line.status != BankLine.Status.SUSPENSE:
        raise AlreadyBooked(_("Bank line %(serial)s is not in suspense.") % {"serial": line.serial})
    suspense = platform_account(kind=AccountKind.SUSPENSE).shard_for(line.serial)
    available = open_accounts(organisation=organisation)[AccountKind.AVAILABLE]
    post_transfer(
        kind=TransferKind.TOP_UP,
        source=BANK_LINE,
        source_id=line.serial,
        postings=[Posting(suspense, -line.amount), Posting(available, line.amount)],
        now=now,
        memo=line.payer,
    )
    pay_arrears(organisation_ids=[organisation.pk], currency=Currency.CNY, now=now)
    line.status = BankLine.Status.BOOKED
    line.organisation = organisation
    line.assigned_by = operator
    line.assigned_at = now
    line.save(update_fields=["status", "organisation", "assigned_by", "assigned_at"])
    record(
        actor=actor,
        verb="assign",
        subject=line,
        detail={"serial": line.serial, "fen": line.amount},
        organisation=organisation,
        now=now,
    )
    return line


def _unknown(lines: Sequence[StatementLine]) -> list[StatementLine]:
    """The lines not imported before. Raises BadStatement where one was, with other contents."""
    known = {row.serial: row for row in BankLine.objects.filter(serial__in=[line.serial for line in lines])}
    changed = [
        BadLine(
            line.number,
            _("serial number %(serial)s was imported before with other contents.") % {"serial": line.serial},
        )
        for line in lines
        if line.serial in known and not _same(line, known[line.serial])
    ]
    if changed:
        raise BadStatement(changed)
    return [line for line in lines if line.serial not in known]


def _same(line: StatementLine, row: BankLine) -> bool:
    return (line.booked_on, line.amount, line.payer) == (row.booked_on, row.amount, row.payer)


def _owners(lines: Sequence[StatementLine]) -> list[int | None]:
    numbers = [number_in(line.remark) for line in lines]
    named = {number for number in numbers if number is not None}
    exist = set(Organisation.objects.filter(pk__in=named).values_list("pk", flat=True))
    return [number if number in exist else None for number in numbers]


def _receive(lines: Sequence[StatementLine], now: datetime.datetime) -> dict[str, Explained]:
    owners = _owners(lines)
    bank = platform_account(kind=AccountKind.BANK)
    suspense = platform_account(kind=AccountKind.SUSPENSE)
    accounts = accounts_of(organisation_ids={owner for owner in owners if owner})
    drafts = []
    for line, owner in zip(lines, owners, strict=True):
        kind = TransferKind.TOP_UP if owner else TransferKind.SUSPENSE
        credit = accounts[owner, AccountKind.AVAILABLE] if owner else suspense.shard_for(line.serial)
        postings = [Posting(bank.shard_for(line.serial), -line.amount), Posting(credit, line.amount)]
        drafts.append(TransferDraft(kind, BANK_LINE, line.serial, postings, line.payer))
    transfers = post_transfers(drafts=drafts, now=now)
    pay_arrears(organisation_ids={owner for owner in owners if owner}, currency=Currency.CNY, now=now)
    return {
        line.serial: Explained(BankLine.Status.BOOKED if owner else BankLine.Status.SUSPENSE, transfer, owner)
        for line, owner, transfer in zip(lines, owners, transfers, strict=True)
    }
