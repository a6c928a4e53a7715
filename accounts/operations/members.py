"""Change a member's role, remove a member, leave. An organisation always keeps an owner."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import Member, Organisation, Role
from accounts.operations.organisations import lock_organisation
from accounts.permissions import Permission, require


class LastOwner(DomainError):
    """The organisation would be left without an owner."""

    code = "last_owner"


@transaction.atomic
def change_role(*, actor: Actor, member_id: int, role: str, now: datetime) -> Member:
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    if role not in Role:
        raise InvalidInput(_("There is no role %(role)s.") % {"role": role})
    member = _lock_member(organisation, member_id)
    if member.role == role:
        return member
    if role != Role.OWNER:
        _require_another_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    detail = {"member": member.user.email, "role": {"was": before, "is": role}}
    record(actor=actor, verb="change_role", subject=member, detail=detail, now=now)
    return member


@transaction.atomic
def remove_member(*, actor: Actor, member_id: int, now: datetime) -> None:
    member = _lock_member(require(actor, Permission.MANAGE_ORGANISATION), member_id)
    _require_another_owner(member)
    detail = {"member": member.user.email, "role": member.role}
    record(actor=actor, verb="remove", subject=member, detail=detail, now=now)
    member.delete()


@transaction.atomic
def leave_organisation(*, actor: Actor, now: datetime) -> None:
    """Give up one's own membership."""
    member_id = (
        Member.objects.filter(organisation=actor.organisation, user=actor.user)
        .values_list("pk", flat=True)
        .first()
    )
    if member_id is None:
        raise NotAllowed(_("You are not a member of this organisation."))
    member = _lock_member(actor.organisation, member_id)
    _require_another_owner(member)
    detail = {"member": member.user.email, "role": member.role}
    record(actor=actor, verb="leave", subject=member, detail=detail, now=now)
    member.delete()


def _lock_member(organisation: Organisation, member_id: int) -> Member:
    """The member, read after the organisation is locked, so that no owner changes meanwhile."""
    lock_organisation(organisation.pk)
    member = organisation.members.select_related("user").filter(pk=member_id).first()
    if member is None:
        raise InvalidInput(_("There is no such member. Perhaps they have left: load the page again."))
    return member


def _require_another_owner(member: Member) -> None:
    if member.role != Role.OWNER:
        return
    owners = Member.objects.filter(organisation_id=member.organisation_id, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwner(_("An organisation needs an owner. Make somebody else an owner first."))
