"""Money that an operator moves by hand, in writing, once another operator has approved."""

import datetime
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation
from accounts.permissions import require_operator
from settlement.ledger.models import KINDS, Account, AccountKind, Owner, Transfer, TransferKind
from settlement.ledger.operations import Posting, open_accounts, platform_account, post_transfer
from settlement.payments.errors import AlreadyDecided, SecondPersonNeeded
from settlement.payments.models import Approval, BankLine, ManualTransfer

MANUAL = "manual"  # The `source` of its transfers; their source_id is its number.

# Held, escrow, programmes and payouts follow rows of their own, and move with them alone.
MOVABLE = [
    AccountKind.AVAILABLE,
    AccountKind.RECEIVABLE,
    AccountKind.ARREARS,
    AccountKind.FEES,
    AccountKind.BANK,
    AccountKind.SUSPENSE,
    AccountKind.STRIPE,
    AccountKind.PROCESSING,
]
FROM_SUSPENSE = (AccountKind.BANK, AccountKind.STRIPE)


@dataclass(frozen=True)
class Place:
    """An account by its kind, and by its organisation where it has one."""

    kind: AccountKind
    organisation: Organisation | None = None


@transaction.atomic
def propose_manual_transfer(
    *,
    actor: Actor,
    debit: Place,
    credit: Place,
    amount: int,
    reason: str,
    now: datetime.datetime,
    bank_line: BankLine | None = None,
) -> ManualTransfer:
    """Ask to move `amount` fen from `debit` to `credit`. Raises InvalidInput for what could not be approved.

    Money leaves suspense for the line that brought it: back to its payer by the bank, or to the account of
    Stripe, which paid us out. A payment out that nothing explains is disposed of by a credit to the bank.
    """
    operator = require_operator(actor)
    if amount <= 0:
        raise InvalidInput(_("Move more than nothing."))
    if not reason.strip():
        raise InvalidInput(_("Write down the reason."))
    _refuse_unless_of_line(debit, credit, amount, bank_line)
    accounts = (
        _account(debit, _("Choose the organisation of the debit.")),
        _account(credit, _("Choose the organisation of the credit.")),
    )
    if accounts[0] == accounts[1]:
        raise InvalidInput(_("Choose two different accounts."))
    try:
        with transaction.atomic():
            manual = ManualTransfer.objects.create(
                debit_id=accounts[0],
                credit_id=accounts[1],
                amount=amount,
                reason=reason.strip(),
                bank_line=bank_line,
                proposed_by=operator,
                proposed_at=now,
            )
    except IntegrityError as error:
        if "manual_transfer_disposes_once" not in str(error):
            raise
        raise AlreadyDecided(_("Another manual transfer disposes of this bank line.")) from None
    _record(actor, "propose", manual, now)
    return manual


@transaction.atomic
def approve_manual_transfer(*, actor: Actor, manual_id: int, now: datetime.datetime) -> ManualTransfer:
    """Move the money. Raises SecondPersonNeeded for who proposed it, AlreadyDecided, InsufficientFunds."""
    operator = require_operator(actor)
    manual = _locked(manual_id)
    if manual.proposed_by_id == operator.pk:
        raise SecondPersonNeeded(_("You proposed this transfer: another operator has to approve it."))
    lines = BankLine.objects.select_for_update(no_key=True)
    line = lines.get(pk=manual.bank_line_id) if manual.bank_line_id else None
    transfer = post_transfer(
        kind=TransferKind.MANUAL,
        source=MANUAL,
        source_id=str(manual.pk),
        postings=[Posting(manual.debit_id, -manual.amount), Posting(manual.credit_id, manual.amount)],
        now=now,
        memo=manual.reason[:200],
    )
    ManualTransfer.objects.filter(pk=manual.pk, status=Approval.PROPOSED).update(
        status=Approval.APPROVED, decided_by=operator, decided_at=now, transfer=transfer
    )
    if line:
        _dispose(line, transfer, operator.pk, now)
    manual.refresh_from_db()
    _record(actor, "approve", manual, now)
    return manual


@transaction.atomic
def refuse_manual_transfer(*, actor: Actor, manual_id: int, now: datetime.datetime) -> ManualTransfer:
    """Any operator refuses, also who proposed it."""
    operator = require_operator(actor)
    manual = _locked(manual_id)
    ManualTransfer.objects.filter(pk=manual.pk, status=Approval.PROPOSED).update(
        status=Approval.REFUSED, decided_by=operator, decided_at=now
    )
    manual.refresh_from_db()
    _record(actor, "refuse", manual, now)
    return manual


def _refuse_unless_of_line(debit: Place, credit: Place, amount: int, line: BankLine | None) -> None:
    if not {debit.kind, credit.kind} <= set(MOVABLE):
        raise InvalidInput(_("Money on these accounts is not moved by hand."))
    if credit.kind == AccountKind.SUSPENSE or (debit.kind == AccountKind.SUSPENSE and line is None):
        raise InvalidInput(
            _("Money leaves suspense for the bank line that brought it: begin from that line.")
        )
    if line is None:
        return
    if abs(line.amount) != amount:
        raise InvalidInput(_("Move the whole amount of the bank line."))
    if line.status == BankLine.Status.SUSPENSE and debit.kind == AccountKind.SUSPENSE:
        if credit.kind in FROM_SUSPENSE:
            return
        raise InvalidInput(_("Money in suspense goes back to its payer, or is Stripe's; assign what is not."))
    if line.status == BankLine.Status.UNEXPLAINED and credit.kind == AccountKind.BANK:
        return
    raise InvalidInput(_("This bank line is not disposed of by a transfer between these accounts."))


def _account(place: Place, without_organisation: str) -> int:
    if KINDS[place.kind].owner == Owner.PLATFORM:
        return platform_account(kind=place.kind).shard_for("")
    if place.organisation is None:
        raise InvalidInput(without_organisation)
    return open_accounts(organisation=place.organisation)[place.kind]


def _locked(manual_id: int) -> ManualTransfer:
    manual = (
        ManualTransfer.objects.select_related("bank_line")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=manual_id)
    )
    if manual.status != Approval.PROPOSED:
        raise AlreadyDecided(_("This transfer was decided on before."))
    return manual


def _dispose(line: BankLine, transfer: Transfer, operator_id: int, now: datetime.datetime) -> None:
    if line.status == BankLine.Status.SUSPENSE:
        BankLine.objects.filter(pk=line.pk).update(
            status=BankLine.Status.RETURNED, assigned_by=operator_id, assigned_at=now
        )
    elif line.status == BankLine.Status.UNEXPLAINED:
        BankLine.objects.filter(pk=line.pk).update(
            status=BankLine.Status.BOOKED, transfer=transfer, assigned_by=operator_id, assigned_at=now
        )
    else:
        raise AlreadyDecided(_("Bank line %(serial)s was disposed of before.") % {"serial": line.serial})


def _record(actor: Actor, verb: str, manual: ManualTransfer, now: datetime.datetime) -> None:
    owners = Account.objects.filter(pk__in=[manual.debit_id, manual.credit_id], organisation__isnull=False)
    organisations = [account.organisation for account in owners.select_related("organisation").order_by("pk")]
    for organisation in organisations or [None]:
        record(
            actor=actor,
            verb=verb,
            subject=manual,
            detail={"fen": manual.amount, "note": manual.reason},
            organisation=organisation,
            now=now,
        )
