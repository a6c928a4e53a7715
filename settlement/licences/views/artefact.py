"""The download itself, for whoever has its link."""

import ipaddress

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from rest_framework.throttling import BaseThrottle

from accounts.errors import DomainError
from settlement.licences.artefact import artefact_response, range_of
from settlement.licences.operations import open_link


@never_cache
@require_GET
def artefact(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """Whoever has the link has asked for it within five minutes: it needs no session."""
    first, last = range_of(request.headers.get("Range", ""))
    try:
        version = open_link(
            ticket=ticket, ip_address=_address_of(request), first_byte=first, now=timezone.now()
        )
    except DomainError as refusal:
        return render(request, "licences/no_download.html", {"refusal": refusal}, status=refusal.status)
    return artefact_response(version, first, last)


def _address_of(request: HttpRequest) -> str | None:
    """The client's address, behind as many proxies as the settings say; None where there is none."""
    said = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # reads META alone
    try:
        return str(ipaddress.ip_address(said or ""))
    except ValueError:
        return None
