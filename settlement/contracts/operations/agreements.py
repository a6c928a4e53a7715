"""Publish a version of the master agreement, and accept it for an organisation."""

import datetime

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import NotAllowed
from accounts.models import Role, User
from accounts.operations import queue_email
from accounts.permissions import Permission, require
from settlement.contracts.agreement import newest_version, text_of
from settlement.contracts.errors import AgreementReplaced
from settlement.contracts.models import Acceptance, MasterAgreement
from settlement.contracts.queries import current_agreement


@transaction.atomic
def publish_agreement(*, now: datetime.datetime) -> MasterAgreement:
    """Make the newest text the current version; a second call returns the first.

    Where it replaces a version, the owners of all who accepted that one are written to.
    """
    text = text_of(newest_version())
    replaced = current_agreement()
    agreement, published = MasterAgreement.objects.get_or_create(
        version=text.version, defaults={"sha256": text.sha256, "published_at": now}
    )
    if published and replaced is not None:
        _ask_owners_to_accept(replaced, agreement, now)
    return agreement


def _ask_owners_to_accept(
    replaced: MasterAgreement, agreement: MasterAgreement, now: datetime.datetime
) -> None:
    until = now + datetime.timedelta(days=settings.AGREEMENT_GRACE_DAYS)
    owners = User.objects.filter(
        memberships__role=Role.OWNER,
        memberships__organisation__acceptances__agreement=replaced,
        is_active=True,
    )
    for owner in owners.distinct().order_by("pk"):
        with translation.override(owner.language or settings.LANGUAGE_CODE):
            subject = _("A new version of the master agreement")
            text = _(
                "Version %(version)s is published. Read it and accept it for your organisation by %(until)s."
                " After that it trades only under the new version. Contracts already made are not affected."
            ) % {"version": agreement.version, "until": f"{until:%Y-%m-%d}"}
        queue_email(to=owner.email, subject=subject, text=text, now=now)


@transaction.atomic
def accept_agreement(
    *, actor: Actor, sha256: str, now: datetime.datetime, ip: str | None = None
) -> Acceptance:
    """An owner accepts, for its organisation, the version that it was shown: `sha256` names its text.

    Accepting again returns the first acceptance. Raises NotAllowed, and AgreementReplaced where another
    version is current by now.
    """
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    if actor.user is None:
        raise NotAllowed(_("Only a person accepts the master agreement, for an organisation."))
    agreement = current_agreement() or publish_agreement(now=now)
    if agreement.sha256 != sha256:
        raise AgreementReplaced(_("A newer version was published since you opened the page. Read it first."))
    acceptance, accepted = Acceptance.objects.get_or_create(
        organisation=organisation,
        agreement=agreement,
        defaults={"user": actor.user, "accepted_at": now, "ip": ip},
    )
    if accepted:
        detail = {"version": agreement.version, "sha256": sha256}
        record(actor=actor, verb="accept", subject=agreement, detail=detail, now=now)
    return acceptance
