"""Suspend a licence, reinstate it, revoke it. The publisher suspends; revoking takes the exchange."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, record
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Role
from accounts.permissions import Permission, require, require_operator
from settlement.contracts.models import Contract, Termination
from settlement.letters import write_to
from settlement.licences.errors import WrongStanding
from settlement.licences.models import Licence, LicenceEvent
from settlement.licences.operations.guard import locked
from settlement.licences.operations.seats import release_all_seats

LONGEST_REASON = 500
CONCERNED = [Role.OWNER, Role.TRADER, Role.ENGINEER]
Kind = LicenceEvent.Kind
LETTERS = {
    Kind.SUSPENDED: (
        gettext_noop("%(number)s: the licence is suspended"),
        gettext_noop("Licence %(number)s validates no more until it is reinstated.\n\n%(reason)s"),
    ),
    Kind.REINSTATED: (
        gettext_noop("%(number)s: the licence is reinstated"),
        gettext_noop("Licence %(number)s can be used again.\n\n%(reason)s"),
    ),
    Kind.REVOKED: (
        gettext_noop("%(number)s: the licence is revoked"),
        gettext_noop("Licence %(number)s has ended for good, and its seats are freed.\n\n%(reason)s"),
    ),
}
Suspender = Licence.Suspender


@transaction.atomic
def suspend_licence(
    *, actor: Actor, licence_id: int, by: Suspender, reason: str, now: datetime.datetime
) -> Licence:
    """Stop a licence until it is reinstated: it validates no more, and floating seats lapse unheard.

    Raises NotAllowed, InvalidInput without a reason, WrongStanding where it is not active; the exchange may
    make a publisher's suspension its own.
    """
    licence = _claim(actor, licence_id, by)
    reason = _required(reason)
    takes_over = by == Suspender.OPERATOR and licence.suspended_by == Suspender.PUBLISHER
    if licence.status != Licence.Status.ACTIVE and not takes_over:
        raise WrongStanding(_("Only an active licence can be suspended."))
    licence.status, licence.suspended_by = Licence.Status.SUSPENDED, by
    licence.save(update_fields=["status", "suspended_by"])
    _write_down(actor, licence, Kind.SUSPENDED, "suspend", reason, now)
    return licence


@transaction.atomic
def reinstate_licence(
    *, actor: Actor, licence_id: int, by: Suspender, reason: str = "", now: datetime.datetime
) -> Licence:
    """Let a suspended licence be used again. What the exchange has suspended, it alone reinstates."""
    licence = _claim(actor, licence_id, by)
    if licence.status != Licence.Status.SUSPENDED:
        raise WrongStanding(_("Only a suspended licence can be reinstated."))
    if by == Suspender.PUBLISHER and licence.suspended_by == Suspender.OPERATOR:
        raise NotAllowed(_("The exchange has suspended this licence: ask it."))
    licence.status, licence.suspended_by = Licence.Status.ACTIVE, ""
    licence.save(update_fields=["status", "suspended_by"])
    _write_down(actor, licence, Kind.REINSTATED, "reinstate", reason.strip(), now)
    return licence


@transaction.atomic
def revoke_licence(*, actor: Actor, licence_id: int, reason: str, now: datetime.datetime) -> Licence:
    """End a licence for good, after a dispute, say. Raises WrongStanding, NotAllowed, InvalidInput."""
    require_operator(actor)
    licence = locked(licence_id)
    if licence.status == Licence.Status.REVOKED:
        raise WrongStanding(_("This licence has been revoked before."))
    return _revoke(actor, licence, _required(reason), now)


def revoke_for_undone_contracts(*, now: datetime.datetime) -> int:
    """Revoke the licences of contracts that were terminated, or refunded in full: how many."""
    due = Licence.objects.filter(contract__in=Contract.objects.undone())
    due = due.exclude(status=Licence.Status.REVOKED)
    return sum(_revoke_undone(pk, now) for pk in due.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _revoke_undone(licence_id: int, now: datetime.datetime) -> bool:
    licence = locked(licence_id)
    if licence.status == Licence.Status.REVOKED:
        return False
    _revoke(Actor(), licence, _why_undone(licence.contract_id), now)
    return True


def _why_undone(contract_id: int) -> str:
    ended = Termination.objects.filter(contract=contract_id).first()
    if ended is None:
        return _("The price was refunded in full.")
    return _("The contract was terminated: %(ground)s.") % {"ground": ended.get_ground_display()}


def _revoke(actor: Actor, licence: Licence, reason: str, now: datetime.datetime) -> Licence:
    licence.status, licence.suspended_by = Licence.Status.REVOKED, ""
    licence.save(update_fields=["status", "suspended_by"])
    release_all_seats(licence_id=licence.pk, now=now)
    _write_down(actor, licence, Kind.REVOKED, "revoke", reason, now)
    return licence


def _claim(actor: Actor, licence_id: int, by: Suspender) -> Licence:
    if by == Suspender.OPERATOR:
        require_operator(actor)
        return locked(licence_id)
    publisher = require(actor, Permission.MANAGE_LISTINGS)
    licence = locked(licence_id)
    if licence.publisher != publisher:
        raise NotAllowed(_("Another organisation publishes this algorithm."))
    return licence


def _required(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise InvalidInput(_("Give a reason of at most %(most)s characters.") % {"most": LONGEST_REASON})
    return reason


def _write_down(
    actor: Actor, licence: Licence, kind: LicenceEvent.Kind, verb: str, reason: str, now: datetime.datetime
) -> None:
    """In the licence's own record, in both parties' audit trails, and in a letter to the licensee."""
    licence.events.create(kind=kind, at=now, by=actor.user, note=reason)
    for party in (licence.licensee, licence.publisher):
        record(actor=actor, verb=verb, subject=licence, detail={"note": reason}, now=now, organisation=party)
    subject, text = LETTERS[kind]
    write_to(
        organisation_id=licence.licensee.pk,
        roles=CONCERNED,
        subject=subject,
        text=text,
        values={"number": licence.number, "reason": reason},
        now=now,
    )
