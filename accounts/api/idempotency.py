"""`Idempotency-Key`: a request that creates something can be sent again without creating it twice.

The database's own unique keys are the guard; this is the outer belt, and gives the first answer again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import DomainError
from accounts.models import IdempotentRequest

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT = timedelta(days=7)

KEY_PARAMETER = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="Sent again with the same key, nothing is done twice."
)

Handler = Callable[..., Response]


class KeyReused(DomainError):
    """The key came with another request before."""

    code = "idempotency_key_reused"
    status = 422


class BadKey(DomainError):
    code = "idempotency_key_invalid"
    status = 400


def idempotent(handler: Handler) -> Handler:
    """For a POST handler of an OrganisationView: the same request gets the first answer again.

    The request's row is locked for as long as the first runs, in the same transaction as what it creates: a
    second one waits, then replays. An answer that refuses creates nothing and is not kept.
    """

    @wraps(handler)
    def guarded(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii():
            raise BadKey(_("An Idempotency-Key has 1 to 255 ASCII characters; a UUID serves."))
        with transaction.atomic():
            first = _claim(view.organisation.pk, key, _digest(request), timezone.now())
            if first.status:
                return Response(first.body, status=first.status, headers={"Idempotent-Replay": "true"})
            answer = handler(view, request, *args, **kwargs)
            first.status = answer.status_code
            first.body = json.loads(json.dumps(answer.data, default=str))
            first.save(update_fields=["status", "body"])
            return answer

    return guarded


def _claim(organisation_id: int, key: str, digest: str, now: datetime) -> IdempotentRequest:
    IdempotentRequest.objects.bulk_create(
        [IdempotentRequest(organisation_id=organisation_id, key=key, digest=digest, received_at=now)],
        ignore_conflicts=True,
    )
    first = IdempotentRequest.objects.select_for_update().get(organisation_id=organisation_id, key=key)
    if first.digest != digest:
        raise KeyReused(_("This Idempotency-Key came with another request. Use a new one for a new request."))
    return first


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=str)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def forget_old_requests(*, now: datetime) -> int:
    """Drop the keys that are older than what the API promises to remember."""
    return IdempotentRequest.objects.filter(received_at__lt=now - KEPT).delete()[0]
