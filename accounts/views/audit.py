from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from accounts.filters import AuditFilter
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required

EVENTS_A_PAGE = 50


@organisation_required(Permission.MANAGE_ORGANISATION)
def list_events(request: MemberRequest) -> HttpResponse:
    trail = request.organisation.audit_events.select_related("user", "api_key").order_by("-at", "-pk")
    chosen = AuditFilter(request.GET, queryset=trail)
    page = Paginator(chosen.qs, EVENTS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/audit_trail.html", {"filter": chosen, "page": page})
