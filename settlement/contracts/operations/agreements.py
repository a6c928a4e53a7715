"""Publish a version of the master agreement, and accept it for an organisation."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import NotAllowed
from accounts.permissions import Permission, require
from settlement.contracts.agreement import newest_version, text_of
from settlement.contracts.errors import AgreementReplaced
from settlement.contracts.models import Acceptance, MasterAgreement
from settlement.contracts.queries import current_agreement


def publish_agreement(*, now: datetime.datetime) -> MasterAgreement:
    """Make the newest text the current version; a second call returns the first."""
    text = text_of(newest_version())
    agreement, _published = MasterAgreement.objects.get_or_create(
        version=text.version, defaults={"sha256": text.sha256, "published_at": now}
    )
    return agreement


@transaction.atomic
def accept_agreement(
    *, actor: Actor, sha256: str, now: datetime.datetime, ip: str | None = None
) -> Acceptance:
    """An owner accepts, for its organisation, the version that it was shown: `sha256` names its text.

    Accepting again returns the first acceptance. Raises NotAllowed, and AgreementReplaced where another
    version is current by now.
    """
    require(actor, Permission.MANAGE_ORGANISATION)
    if actor.user is None or actor.organisation is None:
        raise NotAllowed(_("Only a person accepts the master agreement, for an organisation."))
    agreement = current_agreement() or publish_agreement(now=now)
    if agreement.sha256 != sha256:
        raise AgreementReplaced(_("A newer version was published since you opened the page. Read it first."))
    acceptance, accepted = Acceptance.objects.get_or_create(
        organisation=actor.organisation,
        agreement=agreement,
        defaults={"user": actor.user, "accepted_at": now, "ip": ip},
    )
    if accepted:
        detail = {"version": agreement.version, "sha256": sha256}
        record(actor=actor, verb="accept", subject=agreement, detail=detail, now=now)
    return acceptance
