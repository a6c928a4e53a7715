"""Every refusal of the API as problem details (RFC 9457), with the stable `code` of the domain error."""

from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from accounts.errors import DomainError

MEDIA_TYPE = "application/problem+json"
LONGEST_WAIT = 60  # seconds, where the throttle cannot tell: its rate was lowered meanwhile
NON_FIELD_ERRORS_KEY = api_settings.NON_FIELD_ERRORS_KEY


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = _("The body is too long: send less at once.")


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. Returns None for what is no refusal but a fault: that is a 500."""
    if isinstance(error, DomainError):
        set_rollback()
        return problem(status=error.status, code=error.code, detail=str(error))
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    response = _refusal(error)
    if authenticate := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = authenticate
    if isinstance(error, exceptions.Throttled):
        response["Retry-After"] = str(ceil(error.wait or LONGEST_WAIT))
    return response


def problem_body(*, status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail, **more}


def problem(*, status: int, code: str, detail: str, **more: Any) -> Response:
    body = problem_body(status=status, code=code, detail=detail, **more)
    return Response(body, status=status, content_type=MEDIA_TYPE)


def _refusal(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        errors = [
            {"field": field, "detail": sentence} for field, sentence in _sentences(error.detail, prefix="")
        ]
        detail = "; ".join(f"{each['field']}: {each['detail']}" for each in errors)
        return problem(status=422, code="invalid", detail=detail, errors=errors)
    code = error.detail.code if isinstance(error.detail, exceptions.ErrorDetail) else error.default_code
    return problem(status=error.status_code, code=code, detail=str(error.detail))


def _sentences(detail: Any, *, prefix: str) -> list[tuple[str, str]]:
    """Each sentence of a serializer's errors with the path of its field: `limits.0.price_fen`."""
    if isinstance(detail, dict):
        own = {NON_FIELD_ERRORS_KEY: ""}  # of the object itself
        pairs = [(own.get(name, str(name)), inner) for name, inner in detail.items()]
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        pairs = [(str(place), inner) for place, inner in enumerate(detail)]
    else:
        sentences = detail if isinstance(detail, list) else [detail]
        return [(prefix or "body", str(sentence)) for sentence in sentences]
    return [
        found
        for name, inner in pairs
        for found in _sentences(inner, prefix=".".join(filter(None, [prefix, name])))
    ]


class ProblemRenderer(JSONRenderer):
    """JSON that keeps the problem's own media type."""

    media_type = "application/json"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return super().render(data, "application/json", renderer_context)
