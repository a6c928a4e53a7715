"""What every operation on a licence asks first."""

import datetime

from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.permissions import Permission, require
from settlement.licences.errors import LicenceExpired, LicenceRevoked, LicenceSuspended
from settlement.licences.models import Licence, Standing


def require_usable(licence: Licence, *, now: datetime.datetime) -> None:
    """Raise LicenceExpired, LicenceSuspended or LicenceRevoked unless the licence may be used now."""
    match licence.standing(now=now):
        case Standing.EXPIRED:
            raise LicenceExpired(
                _("This licence has expired, and its time of grace is over. Buy another one.")
            )
        case Standing.SUSPENDED:
            raise LicenceSuspended(_("This licence is suspended. The reason is on the licence's page."))
        case Standing.REVOKED:
            raise LicenceRevoked(_("This licence has been revoked."))


def held_by(actor: Actor, licence_id: int) -> Licence:
    """The licence, whose holder the actor uses it for. Raises NotAllowed."""
    holder = require(actor, Permission.USE_LICENCES)
    held = Licence.objects.select_related("contract__plan__algorithm", "contract__buyer")
    licence: Licence | None = held.filter(contract__buyer=holder, pk=licence_id).first()
    if licence is None:
        raise NotAllowed(_("Another organisation holds this licence."))
    return licence


def locked(licence_id: int) -> Licence:
    """The licence as it now stands; nobody else changes it until the transaction ends."""
    rows = Licence.objects.select_related("contract").defer("contract__document")
    licence: Licence = rows.select_for_update(no_key=True, of=("self",)).get(pk=licence_id)
    return licence
