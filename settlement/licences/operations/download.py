"""Hand out an artefact by a signed link that lives five minutes; the right is checked at both its ends."""

import datetime
from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.errors import InvalidInput
from accounts.models import User
from listings.models import AlgorithmVersion
from settlement.licences.errors import LinkRefused
from settlement.licences.models import Download, Licence, LicenceToken
from settlement.licences.operations.guard import held_by, require_usable
from settlement.licences.queries import version_of, with_parties

PURPOSE = "suanpan artefact download"  # The salt: what is signed for anything else opens nothing here.
LIVES = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Link:
    """`ticket` goes into the address."""

    ticket: str
    expires_at: datetime.datetime
    version: AlgorithmVersion


def link_for_member(*, actor: Actor, licence_id: int, now: datetime.datetime) -> Link:
    """A link for a member of the licensee. Raises NotAllowed, InvalidInput, or what the standing refuses."""
    licence = held_by(actor, licence_id)
    assert actor.user is not None
    return _link(licence, {"user": actor.user.pk}, now)


def link_for_software(*, token: LicenceToken, now: datetime.datetime) -> Link:
    """A link for software with a token. Raises InvalidInput, or what the licence's standing refuses."""
    return _link(token.licence, {"token": token.pk}, now)


@transaction.atomic
def open_link(
    *, ticket: str, ip_address: str | None, first_byte: int, now: datetime.datetime
) -> AlgorithmVersion:
    """The version that the link is for; the download is written down.

    Raises LinkRefused where the link was changed or has expired, and whatever would refuse a new link by now.
    """
    try:
        said = signing.loads(ticket, salt=PURPOSE)
    except signing.BadSignature as error:
        raise LinkRefused(_("This download link is not one of ours. Ask for a new one.")) from error
    if said["until"] <= now.timestamp():
        raise LinkRefused(_("This download link has expired. Ask for a new one."))
    licence = with_parties().get(pk=said["licence"])
    require_usable(licence, now=now)
    by = said["by"]
    _require_still_allowed(licence, by)
    version = AlgorithmVersion.objects.select_related("algorithm").get(pk=said["version"])
    Download.objects.create(
        licence=licence,
        version=version,
        user_id=by.get("user"),
        token_id=by.get("token"),
        at=now,
        ip_address=ip_address,
        first_byte=first_byte,
    )
    return version


def _require_still_allowed(licence: Licence, by: dict[str, int]) -> None:
    if "user" in by:
        held_by(Actor(user=User.objects.get(pk=by["user"]), organisation=licence.licensee), licence.pk)
    elif licence.tokens.filter(pk=by["token"], revoked_at__isnull=False).exists():
        raise LinkRefused(_("The token that asked for this link has been revoked."))


def _link(licence: Licence, by: dict[str, int], now: datetime.datetime) -> Link:
    require_usable(licence, now=now)
    version = version_of(licence.contract)
    if version is None:
        raise InvalidInput(_("The algorithm had no version when this licence was bought."))
    expires_at = now + LIVES
    said = {"licence": licence.pk, "version": version.pk, "by": by, "until": expires_at.timestamp()}
    return Link(signing.dumps(said, salt=PURPOSE), expires_at, version)
