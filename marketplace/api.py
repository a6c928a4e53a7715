"""The REST API, composed: each package's addresses, the schema, and its page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from django.utils.translation import gettext as _
from django.views.defaults import server_error
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.api.problems import MEDIA_TYPE, problem_body
from accounts.api.schema import ApiKeyScheme
from accounts.api.views import PublicView

__all__ = ["ApiKeyScheme"]  # imported to register it with the schema

# The page draws its own styles, which the site's policy would not let it.
PAGE_POLICY = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "script-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
    ]
)


def documentation(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = SpectacularSwaggerView.as_view(url_name="schema")(request)
    response["Content-Security-Policy"] = PAGE_POLICY
    return response


def fault(request: HttpRequest) -> HttpResponse:
    """The project's handler500: a problem document where a program asks, a page where a person does."""
    if not request.path.startswith("/api/"):
        return server_error(request)
    detail = _("The fault is ours and has been recorded. Nothing was half-done: try again in a moment.")
    body = problem_body(status=500, code="fault", detail=detail)
    return JsonResponse(body, status=500, content_type=MEDIA_TYPE)


class NoSuchAddress(PublicView):
    """What the API answers where nothing is: a problem document, not a page."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(_("There is nothing at this address. The schema is at /api/schema/."))


urlpatterns = [
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("listings.api.urls")),
    path("v1/", include("marketplace.trading.api.urls")),
    path("v1/", include("settlement.contracts.api.urls")),
    path("v1/", include("settlement.ledger.api.urls")),
    path("v1/", include("settlement.delivery.api.urls")),
    path("v1/", include("settlement.payments.api.urls")),
    path("v1/", include("settlement.invoices.api.urls")),
    path("v1/", include("settlement.licences.api.urls")),
    path("v1/", include("settlement.vouchers.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", documentation, name="api_documentation"),
    re_path(r"[\s\S]*", NoSuchAddress.as_view()),  # also a line break, which <path:> leaves out
]
