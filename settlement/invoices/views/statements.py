"""Statements by month, and a buyer's costs as FOCUS."""

import datetime
from collections.abc import Iterator

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.names import local_name
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from settlement.invoices.focus import focus_csv
from settlement.invoices.forms import CostsForm
from settlement.invoices.period import month_of
from settlement.invoices.queries import Month, costs_total, months_of, statement
from settlement.money import to_yuan
from settlement.spreadsheet import csv_response, plain

LINES_A_PAGE = 50


@require_GET
@organisation_required(Permission.SEE_MONEY)
def statements(request: MemberRequest) -> HttpResponse:
    side, months, month = _asked(request)
    shown = statement(request.organisation, side, month) if month else None
    return render(
        request,
        "invoices/statements.html",
        {
            "side": side,
            "we_provide": side == "provider",
            "months": months,
            "month": month,
            "statement": shown,
            "page": Paginator(shown.lines if shown else [], LINES_A_PAGE).get_page(request.GET.get("page")),
        },
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def statement_csv(request: MemberRequest) -> HttpResponse:
    side, _months, month = _asked(request)
    month = month or month_of(timezone.now())
    shown = statement(request.organisation, side, month)
    rows = _statement_rows(shown, we_provide=side == "provider")
    return csv_response(rows, name=f"statement-{side}-{month:%Y-%m}")


@require_GET
@organisation_required(Permission.SEE_MONEY)
def costs(request: MemberRequest) -> HttpResponse:
    this_month = month_of(timezone.now())
    form = CostsForm(
        request.GET
        if "since" in request.GET
        else {"since": f"{this_month:%Y-%m}", "until": f"{this_month:%Y-%m}"}
    )
    total = None
    if form.is_valid():
        since, until = form.period
        total = costs_total(request.organisation, since=since, until=until)
    return render(request, "invoices/costs.html", {"form": form, "total": total})


@require_GET
@organisation_required(Permission.SEE_MONEY)
def costs_csv(request: MemberRequest) -> HttpResponseBase:
    form = CostsForm(request.GET)
    if not form.is_valid():
        return render(request, "invoices/costs.html", {"form": form, "total": None}, status=422)
    since, until = form.period
    name = f"focus-{form.cleaned_data['since']:%Y-%m}-{form.cleaned_data['until']:%Y-%m}.csv"
    response = StreamingHttpResponse(
        focus_csv(request.organisation, since=since, until=until), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(request: MemberRequest) -> tuple[str, list[datetime.date], datetime.date | None]:
    """The side and the month that a statement is asked for; by default where there is one, the latest."""
    organisation = request.organisation
    side = request.GET.get("side", "")
    if side not in ("buyer", "provider"):
        side = "buyer" if organisation.buys and not organisation.provides else "provider"
    months = months_of(organisation, side)
    asked = request.GET.get("month", "")
    month = next((each for each in months if f"{each:%Y-%m}" == asked), months[0] if months else None)
    return side, months, month


def _statement_rows(shown: Month, *, we_provide: bool) -> Iterator[list[object]]:
    head = [
        _("Month"),
        _("Contract"),
        _("Counterparty"),
        _("Gross (CNY)"),
        _("VAT (CNY)"),
        _("Without VAT (CNY)"),
    ]
    if we_provide:
        head += [_("Platform fee (CNY)"), _("VAT of the fee (CNY)"), _("Payable (CNY)")]
    yield list(head)
    for line in shown.lines:
        party = line.contract.buyer if we_provide else line.contract.provider
        row: list[object] = [f"{shown.month:%Y-%m}", line.contract.number, plain(local_name(party))]
        fen = [line.supply.gross, line.supply.tax, line.supply.net]
        if we_provide:
            fen += [line.fee.gross, line.fee.tax, line.payable]
        yield row + [to_yuan(each) for each in fen]
