"""What the pages of a licence's parties and the operator's have in common."""

import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from settlement.licences.filters import LicenceFilter
from settlement.licences.models import Licence, LicenceEvent
from settlement.licences.queries import calls_by_day, version_of

LICENCES_A_PAGE = 25
LATEST = 20
CALLS_OF = datetime.timedelta(days=14)


def list_page(
    request: HttpRequest, template: str, chosen: LicenceFilter, context: dict[str, Any]
) -> HttpResponse:
    now = timezone.now()
    page = Paginator(chosen.qs, LICENCES_A_PAGE).get_page(request.GET.get("page"))
    rows = [(each, each.standing(now=now)) for each in page]
    return render(request, template, context | {"filter": chosen, "page": page, "rows": rows})


def latest(events: QuerySet[LicenceEvent]) -> QuerySet[LicenceEvent]:
    return events.select_related("by", "token").order_by("-pk")[:LATEST]


def licence_page(
    request: HttpRequest, template: str, shown: Licence, context: dict[str, Any], bound: dict[str, Any]
) -> HttpResponse:
    now = timezone.now()
    common = {
        "licence": shown,
        "contract": shown.contract,
        "version": version_of(shown.contract),
        "plan": shown.contract.plan,
        "standing": shown.standing(now=now),
        "now": now,
        "days": calls_by_day(shown, since=now - CALLS_OF, zone=timezone.get_current_timezone()),
    }
    return render(request, template, common | context | bound, status=422 if bound else 200)
