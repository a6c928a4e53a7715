"""Software shows a licence's token; it opens that licence's own addresses and nothing else."""

import hmac
import re
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.authentication import SCHEME, Program
from accounts.models import hash_secret
from settlement.licences.models import LicenceToken

TOKEN = re.compile(r"spl_(?P<prefix>[a-z0-9]+)_(?P<secret>[\w-]+)", re.ASCII)
LAST_USE_WRITTEN_EVERY = timedelta(minutes=1)


class LicenceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer spl_<prefix>_<secret>`; sets `request.auth` to the LicenceToken."""

    def authenticate(self, request: Request) -> tuple[Program, LicenceToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.encode():
            return None
        text = words[1].decode(errors="replace") if len(words) == 2 else ""
        return Program(), check_token(text, now=timezone.now())

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def check_token(text: str, *, now: datetime) -> LicenceToken:
    """The live token of this text; its use is noted at most once a minute. Raises AuthenticationFailed."""
    form = TOKEN.fullmatch(text)
    rows = LicenceToken.objects.select_related("licence__contract").defer("licence__contract__document")
    token = rows.filter(prefix=form["prefix"]).first() if form else None
    if not form or not token or not hmac.compare_digest(token.secret_hash, hash_secret(form["secret"])):
        raise AuthenticationFailed(_("This licence token is not known. Send: Authorization: Bearer spl_…"))
    if token.revoked_at is not None:
        raise AuthenticationFailed(_("This licence token has been revoked. Create another one."))
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USE_WRITTEN_EVERY)
    LicenceToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token
