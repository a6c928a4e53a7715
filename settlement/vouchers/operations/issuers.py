"""An operator lets a public body run programmes, and may end that."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Organisation
from accounts.permissions import require_operator, require_verified
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Issuer


@transaction.atomic
def approve_issuer(*, actor: Actor, organisation: Organisation, now: datetime.datetime) -> Issuer:
    """Let the organisation run programmes. Raises NotAllowed, NotVerified."""
    operator = require_operator(actor)
    require_verified(organisation)
    issuer, _created = Issuer.objects.update_or_create(
        organisation=organisation,
        defaults={"approved_by": operator, "approved_at": now, "ended_at": None},
    )
    record(actor=actor, verb="approve", subject=issuer, organisation=organisation, now=now)
    return issuer


@transaction.atomic
def end_issuer(*, actor: Actor, issuer_id: int, now: datetime.datetime) -> Issuer:
    """Open no more programmes of this body; those that are open go on. Raises ProgrammeRefused once ended."""
    require_operator(actor)
    if not Issuer.objects.active().filter(pk=issuer_id).update(ended_at=now):
        raise ProgrammeRefused(_("This organisation is no issuer any more."))
    issuer = Issuer.objects.select_related("organisation").get(pk=issuer_id)
    record(actor=actor, verb="revoke", subject=issuer, organisation=issuer.organisation, now=now)
    return issuer
