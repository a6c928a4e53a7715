from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from settlement.licences.models import LicenceToken


class LicenceThrottle(SimpleRateThrottle):
    """One allowance for each licence token."""

    scope = "licence"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not isinstance(request.auth, LicenceToken):
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}
