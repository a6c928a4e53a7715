"""Who calls the API: a program with an organisation's key, or a person's session."""

import hmac
import re
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import ApiKey, hash_secret
from accounts.permissions import SecondFactorMissing, lacks_second_factor

SCHEME = "bearer"
TOKEN = re.compile(r"sp_(?P<prefix>[a-z0-9]+)_(?P<secret>[\w-]+)", re.ASCII)
LAST_USE_WRITTEN_EVERY = timedelta(minutes=1)


class Program(AnonymousUser):
    """The user of a request that an API key signs: authenticated, yet no person and never an operator."""

    is_authenticated = True  # type: ignore[assignment]
    is_anonymous = False  # type: ignore[assignment]


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sp_<prefix>_<secret>`; sets `request.auth` to the ApiKey."""

    def authenticate(self, request: Request) -> tuple[Program, ApiKey] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.encode():
            return None
        token = words[1].decode(errors="replace") if len(words) == 2 else ""
        return Program(), check_token(token, now=timezone.now())

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def check_token(token: str, *, now: datetime) -> ApiKey:
    """The live key of this token; note its use, at most once a minute. Raises AuthenticationFailed."""
    form = TOKEN.fullmatch(token)
    key = form and ApiKey.objects.select_related("organisation").filter(prefix=form["prefix"]).first()
    if not key or not hmac.compare_digest(key.secret_hash, hash_secret(form["secret"])):
        raise AuthenticationFailed(_("This API key is not known. Send: Authorization: Bearer sp_…"))
    if key.revoked_at is not None:
        raise AuthenticationFailed(_("This API key has been revoked. Create another one."))
    if key.expires_at is not None and key.expires_at <= now:
        raise AuthenticationFailed(_("This API key has expired. Create another one."))
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USE_WRITTEN_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


def actor_of(request: Request) -> Actor:
    """Who acts in an API request. Refuses a person who is due to set up a second factor."""
    if isinstance(request.auth, ApiKey):
        return Actor(api_key=request.auth, organisation=request.auth.organisation)
    if not request.user.is_authenticated:
        raise NotAllowed(_("Log in, or send an API key."))
    if lacks_second_factor(request.user, request.member):
        raise SecondFactorMissing(_("Owners and operators need a second factor. Set yours up on the pages."))
    return request.actor
