from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone

from accounts.requests import PageRequest

# `data:` is for the icons inside Tabler's stylesheet; where cards are offered a form may lead to Stripe.
CONTENT_SECURITY_POLICY = [
    "default-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
]

Handler = Callable[[HttpRequest], HttpResponse]


def content_security_policy(get_response: Handler) -> Handler:
    """Nothing inline, nothing from elsewhere. A view that must differ sets the header itself."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        forms = " ".join(["form-action 'self'", *settings.FORM_TARGETS])
        policy = "; ".join([*CONTENT_SECURITY_POLICY, forms])
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return handle


def no_null_bytes(get_response: Handler) -> Handler:
    """Nothing is at an address with a null byte, which PostgreSQL takes in no text."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.path = request.path.replace("\0", "\ufffd")
        request.path_info = request.path_info.replace("\0", "\ufffd")
        return get_response(request)

    return handle


def no_dead_ends(get_response: Handler) -> Handler:
    """A browser that would show an address which takes forms alone gets the page above it.

    That happens where the language is changed, or somebody signs in, on what a form was answered with.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        navigates = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
        return redirect(_above(request.path)) if response.status_code == 405 and navigates else response

    return handle


def _above(path: str) -> str:
    """The nearest address above that is an address of the exchange."""
    above = path.rstrip("/").rpartition("/")[0] + "/"
    try:
        resolve(above)
    except Resolver404:
        return _above(above)
    return above


def organisation_zone(
    get_response: Callable[[PageRequest], HttpResponse],
) -> Callable[[PageRequest], HttpResponse]:
    """Pages show and read times in the organisation's zone, a stranger in the exchange's; the API in UTC."""

    def handle(request: PageRequest) -> HttpResponse:
        zone = request.organisation.timezone if request.organisation else settings.EXCHANGE_ZONE
        if request.path.startswith("/api/"):
            zone = "UTC"
        with timezone.override(ZoneInfo(zone)):
            return get_response(request)

    return handle
