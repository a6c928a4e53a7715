"""Invite a person by e-mail into a role. Only the invited address, with the link's secret, can accept."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import Invitation, Member, Role, User, hash_secret
from accounts.names import local_name
from accounts.operations.organisations import lock_organisation
from accounts.operations.outgoing_email import queue_email
from accounts.permissions import Permission, require
from accounts.queries import language_of

INVITATION_LASTS = timedelta(days=7)


class InvitationClosed(DomainError):
    """The invitation was accepted, revoked or has expired, or its link is wrong."""

    code = "invitation_closed"
    status = 410

    def __init__(self) -> None:
        super().__init__(_("This invitation is not open any more. Ask whoever invited you for another one."))


class WrongAddress(NotAllowed):
    """The invitation is for another e-mail address."""

    code = "wrong_address"


def invite_member(
    *, actor: Actor, email: str, role: str, link: Callable[[str], str], now: datetime
) -> Invitation:
    """Offer a role to an address. `link` makes the address of the page from the secret that it carries.

    A new invitation replaces an open one to the same address.
    """
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    email = _clean_email(email)
    if role not in Role:
        raise InvalidInput(_("There is no role %(role)s.") % {"role": role})
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        organisation = lock_organisation(organisation.pk)
        if organisation.members.filter(user__email__iexact=email).exists():
            raise InvalidInput(_("%(email)s is a member already.") % {"email": email})
        organisation.invitations.open().filter(email__iexact=email).update(revoked_at=now)
        invitation = organisation.invitations.create(
            email=email,
            role=role,
            secret_hash=hash_secret(secret),
            invited_by=actor.user,
            created_at=now,
            expires_at=now + INVITATION_LASTS,
        )
        record(actor=actor, verb="invite", subject=invitation, detail={"email": email, "role": role}, now=now)
        with translation.override(language_of(email)):
            about = {
                "inviter": actor.user,
                "organisation": local_name(organisation),
                "role": Role(role).label,
                "days": INVITATION_LASTS.days,
                "link": link(secret),
            }
            subject = _("%(organisation)s invites you to Suanpan") % about
            text = _(
                "%(inviter)s invites you to join %(organisation)s in the role: %(role)s.\n\n"
                "To accept within %(days)d days, open %(link)s"
            )
            text %= about
        queue_email(to=email, subject=subject, text=text, now=now)
    return invitation


@transaction.atomic
def revoke_invitation(*, actor: Actor, invitation_id: int, now: datetime) -> None:
    invitation = require(actor, Permission.MANAGE_ORGANISATION).invitations.filter(pk=invitation_id).first()
    if invitation is None or not Invitation.objects.open().filter(pk=invitation_id).update(revoked_at=now):
        raise InvitationClosed
    record(actor=actor, verb="revoke", subject=invitation, detail={"email": invitation.email}, now=now)


@transaction.atomic
def accept_invitation(*, user: User, secret: str, now: datetime) -> Member:
    """Make the invited person a member."""
    invitation = find_invitation(secret=secret, now=now)
    if not _owns_address(user, invitation.email):
        raise WrongAddress(
            _("This invitation is for %(email)s. Log in with that address.") % {"email": invitation.email}
        )
    lock_organisation(invitation.organisation_id)
    if not Invitation.objects.open().filter(pk=invitation.pk).update(accepted_at=now):
        raise InvitationClosed
    member, joined = Member.objects.get_or_create(
        organisation=invitation.organisation,
        user=user,
        defaults={"role": invitation.role, "joined_at": now},
    )
    if not joined:
        raise InvalidInput(_("You are a member of this organisation already."))
    actor = Actor(user=user, organisation=invitation.organisation)
    record(actor=actor, verb="join", subject=member, detail={"role": invitation.role}, now=now)
    return member


def find_invitation(*, secret: str, now: datetime) -> Invitation:
    """The open invitation that this secret opens; raises InvitationClosed."""
    invitation = (
        Invitation.objects.open()
        .filter(secret_hash=hash_secret(secret), expires_at__gt=now)
        .select_related("organisation", "invited_by")
        .first()
    )
    if invitation is None:
        raise InvitationClosed
    return invitation


def _clean_email(email: str) -> str:
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput(_("%(email)s is not an e-mail address.") % {"email": email}) from error
    return email


def _owns_address(user: User, email: str) -> bool:
    if user.email.lower() == email.lower():
        return True
    return EmailAddress.objects.filter(user=user, verified=True, email__iexact=email).exists()
