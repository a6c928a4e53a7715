from collections.abc import Iterator

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from settlement.ledger.filters import StatementFilter
from settlement.ledger.models import Currency
from settlement.ledger.queries import Statement
from settlement.money import to_yuan
from settlement.spreadsheet import csv_response, plain

LINES_A_PAGE = 50


@require_GET
@organisation_required(Permission.SEE_MONEY)
def statement(request: MemberRequest) -> HttpResponse:
    asked = StatementFilter(request.GET.dict(), organisation=request.organisation)
    shown = asked.statement()
    return render(
        request,
        "ledger/statement.html",
        {
            "filter": asked,
            "kind": asked.kind,
            "currency": asked.chosen_currency,
            "statement": shown,
            "page": Paginator(shown.lines, LINES_A_PAGE).get_page(request.GET.get("page")),
        },
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def statement_csv(request: MemberRequest) -> HttpResponse:
    asked = StatementFilter(request.GET.dict(), organisation=request.organisation)
    return csv_response(
        _rows(asked.statement(), asked.chosen_currency),
        name=f"statement-{asked.kind}-{asked.chosen_currency}",
    )


def _rows(statement: Statement, currency: Currency) -> Iterator[list[object]]:
    yield [
        _("Time"),
        _("Transfer"),
        _("Kind"),
        _("Memo"),
        _("Amount (%(currency)s)") % {"currency": currency.value},
        _("Balance (%(currency)s)") % {"currency": currency.value},
    ]
    yield ["", "", _("Opening balance"), "", "", to_yuan(statement.opening)]
    for line in statement.lines.iterator():
        yield [
            timezone.localtime(line.transfer.posted_at).isoformat(timespec="seconds"),
            line.transfer_id,
            line.transfer.get_kind_display(),
            plain(line.transfer.memo),
            to_yuan(line.amount),
            to_yuan(line.running),  # type: ignore[attr-defined]
        ]
    yield ["", "", _("Closing balance"), "", "", to_yuan(statement.closing)]
