"""Create and revoke the keys with which programs act for an organisation."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import ApiKey, Scope, hash_secret
from accounts.permissions import Permission, require

LONGEST_LIFE = timedelta(days=366)


@transaction.atomic
def create_api_key(
    *, actor: Actor, name: str, scopes: Collection[str], expires_at: datetime, now: datetime
) -> tuple[ApiKey, str]:
    """A new key, and its token: `sp_<prefix>_<secret>`, which nobody can read again afterwards."""
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    name = name.strip()
    if not name:
        raise InvalidInput(_("Give the key a name that says what uses it."))
    if not scopes or not set(scopes) <= set(Scope):
        raise InvalidInput(_("Choose at least one scope: %(scopes)s.") % {"scopes": ", ".join(Scope)})
    if not now < expires_at <= now + LONGEST_LIFE:
        raise InvalidInput(_("A key expires after today and within a year."))
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organisation=organisation,
        name=name,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        created_by=actor.user,
        created_at=now,
        expires_at=expires_at,
    )
    detail = {"name": name, "prefix": prefix, "scopes": key.scopes, "expires_at": expires_at}
    record(actor=actor, verb="create", subject=key, detail=detail, now=now)
    return key, f"sp_{prefix}_{secret}"


@transaction.atomic
def revoke_api_key(*, actor: Actor, api_key_id: int, now: datetime) -> None:
    """End a key at once. Revoking it again changes nothing."""
    key = require(actor, Permission.MANAGE_ORGANISATION).api_keys.filter(pk=api_key_id).first()
    if key is None:
        raise InvalidInput(_("There is no such key."))
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        record(
            actor=actor, verb="revoke", subject=key, detail={"name": key.name, "prefix": key.prefix}, now=now
        )
