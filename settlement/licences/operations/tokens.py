"""The tokens with which software uses one licence."""

import datetime
import secrets

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import hash_secret
from settlement.licences.models import LicenceEvent, LicenceToken
from settlement.licences.operations.guard import held_by


@transaction.atomic
def create_token(
    *, actor: Actor, licence_id: int, name: str, now: datetime.datetime
) -> tuple[LicenceToken, str]:
    """A new token, and its text `spl_<prefix>_<secret>`, which nobody can read again. Raises NotAllowed."""
    licence = held_by(actor, licence_id)
    assert actor.user is not None  # no key's scopes include USE_LICENCES
    name = name.strip()
    if not name:
        raise InvalidInput(_("Give the token a name that says what uses it."))
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    token = LicenceToken.objects.create(
        licence=licence,
        name=name,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        created_by=actor.user,
        created_at=now,
    )
    licence.events.create(kind=LicenceEvent.Kind.TOKEN_CREATED, at=now, by=actor.user, token=token, note=name)
    record(actor=actor, verb="create", subject=token, detail={"name": name, "prefix": prefix}, now=now)
    return token, f"spl_{prefix}_{secret}"


@transaction.atomic
def revoke_token(*, actor: Actor, licence_id: int, token_id: int, now: datetime.datetime) -> None:
    """End a token at once. Revoking it again changes nothing."""
    licence = held_by(actor, licence_id)
    token = licence.tokens.filter(pk=token_id).first()
    if token is None:
        raise InvalidInput(_("There is no such token."))
    if licence.tokens.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now):
        licence.events.create(
            kind=LicenceEvent.Kind.TOKEN_REVOKED, at=now, by=actor.user, token=token, note=token.name
        )
        detail = {"name": token.name, "prefix": token.prefix}
        record(actor=actor, verb="revoke", subject=token, detail=detail, now=now)
