"""The bank account that an organisation is paid to. Two persons change it, and the new one waits."""

import datetime
import re
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Organisation, User
from accounts.permissions import Permission, require, require_operator
from settlement.letters import write_to
from settlement.payments.cnaps import is_cnaps
from settlement.payments.errors import AlreadyDecided, SecondPersonNeeded
from settlement.payments.models import Approval, Payout, PayoutAccount
from settlement.payments.operations.payout import CONCERNED, fail_payout
from settlement.payments.queries import who_may_move_money

NUMBER = re.compile(r"[0-9]{8,32}")

PROPOSED = gettext_noop("A new bank account for payouts was proposed")
PROPOSED_TEXT = gettext_noop(
    "%(person)s proposed to be paid out to %(account)s.\n\nA second person has to approve it. If you do not "
    "know of it, refuse it on the payouts page and write to the exchange."
)
APPROVED = gettext_noop("The bank account for payouts changes")
APPROVED_TEXT = gettext_noop(
    "%(person)s approved %(account)s.\n\nPayouts go there from %(usable)s on. If you do not know of it, "
    "write to the exchange before that."
)


@dataclass(frozen=True)
class BankDetails:
    holder: str
    bank: str
    cnaps: str
    number: str


@transaction.atomic
def propose_payout_account(*, actor: Actor, details: BankDetails, now: datetime.datetime) -> PayoutAccount:
    """Raises InvalidInput where the details cannot be right, AlreadyDecided while another proposal waits."""
    organisation = require(actor, Permission.MOVE_MONEY)
    person = _person(actor)
    details = _checked(details, organisation)
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    if PayoutAccount.objects.proposed().filter(organisation=organisation).exists():
        raise AlreadyDecided(_("Another account waits for its second person: have it approved or refused."))
    account = PayoutAccount.objects.create(
        organisation=organisation,
        holder=details.holder,
        bank=details.bank,
        cnaps=details.cnaps,
        number=details.number,
        proposed_by=person,
        proposed_at=now,
    )
    record(actor=actor, verb="propose", subject=account, detail={"number": account.masked_number}, now=now)
    _tell(account, PROPOSED, PROPOSED_TEXT, {"person": str(person)}, now)
    return account


@transaction.atomic
def approve_payout_account(*, actor: Actor, account_id: int, now: datetime.datetime) -> PayoutAccount:
    """Another member who may move money approves; an operator, where the organisation has no such other.

    The account is used `PAYOUT_ACCOUNT_WAIT_HOURS` later; the one before is replaced at once, and what still
    waits to be paid to it is given back. Raises SecondPersonNeeded, NotAllowed and AlreadyDecided.
    """
    account = _locked(account_id)
    person = _second_person(actor, account)
    if account.status != Approval.PROPOSED:
        raise AlreadyDecided(_("This account was decided on before."))
    usable_at = now + datetime.timedelta(hours=settings.PAYOUT_ACCOUNT_WAIT_HOURS)
    _replace(account.organisation, now)
    PayoutAccount.objects.filter(pk=account.pk, status=Approval.PROPOSED).update(
        status=Approval.APPROVED, decided_by=person, decided_at=now, usable_at=usable_at
    )
    account.refresh_from_db()
    _record(actor, "approve", account, now)
    usable = f"{usable_at:%Y-%m-%d %H:%M} UTC"
    _tell(account, APPROVED, APPROVED_TEXT, {"person": str(person), "usable": usable}, now)
    return account


@transaction.atomic
def refuse_payout_account(*, actor: Actor, account_id: int, now: datetime.datetime) -> PayoutAccount:
    """Whoever may approve may refuse, and who proposed it may take it back."""
    account = _locked(account_id)
    person = _person(actor)
    if person.pk != account.proposed_by_id:
        person = _second_person(actor, account)
    refused = PayoutAccount.objects.filter(pk=account.pk, status=Approval.PROPOSED).update(
        status=Approval.REFUSED, decided_by=person, decided_at=now
    )
    if not refused:
        raise AlreadyDecided(_("This account was decided on before."))
    account.refresh_from_db()
    _record(actor, "refuse", account, now)
    return account


def _checked(details: BankDetails, organisation: Organisation) -> BankDetails:
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", details.number))
    cnaps = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", details.cnaps))
    holder, bank = details.holder.strip(), details.bank.strip()
    if not NUMBER.fullmatch(number):
        raise InvalidInput(_("An account number has 8 to 32 digits."))
    if not is_cnaps(cnaps):
        raise InvalidInput(
            _("This is no CNAPS code: it has twelve digits, and the last one checks the others.")
        )
    if not bank:
        raise InvalidInput(_("Name the bank and its branch."))
    if _same(holder) not in (_same(organisation.name_zh), _same(organisation.name_en)):
        raise InvalidInput(_("The account must be in the organisation's own legal name."))
    return BankDetails(holder, bank, cnaps, number)


def _same(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise NotAllowed(_("An API key cannot do this: it takes two persons."))
    return actor.user


def _second_person(actor: Actor, account: PayoutAccount) -> User:
    person = _person(actor)
    if person.pk == account.proposed_by_id:
        raise SecondPersonNeeded(_("You proposed this account: another person has to approve it."))
    if actor.organisation is not None and actor.organisation.pk == account.organisation_id:
        require(actor, Permission.MOVE_MONEY)
        return person
    require_operator(actor)
    others = who_may_move_money(account.organisation).exclude(pk=account.proposed_by_id)
    if others.exists():
        raise NotAllowed(_("The organisation has a second person of its own, who has to approve it."))
    return person


def _locked(account_id: int) -> PayoutAccount:
    """Behind its organisation's lock: whoever changes which account is in force waits here."""
    organisation_id = PayoutAccount.objects.values_list("organisation", flat=True).get(pk=account_id)
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)
    return PayoutAccount.objects.select_related("organisation", "proposed_by").get(pk=account_id)


def _replace(organisation: Organisation, now: datetime.datetime) -> None:
    in_force = PayoutAccount.objects.in_force().filter(organisation=organisation)
    waiting = Payout.objects.to_collect().filter(account__in=in_force).order_by("pk")
    for payout_id in list(waiting.values_list("pk", flat=True)):
        fail_payout(payout_id=payout_id, reason=_("The bank account was replaced."), now=now)
    in_force.update(status=Approval.REPLACED)


def _record(actor: Actor, verb: str, account: PayoutAccount, now: datetime.datetime) -> None:
    record(
        actor=actor,
        verb=verb,
        subject=account,
        detail={"number": account.masked_number},
        organisation=account.organisation,
        now=now,
    )


def _tell(
    account: PayoutAccount, subject: str, text: str, values: dict[str, str], now: datetime.datetime
) -> None:
    write_to(
        organisation_id=account.organisation_id,
        roles=CONCERNED,
        subject=subject,
        text=text,
        values={"account": str(account), **values},
        now=now,
    )
