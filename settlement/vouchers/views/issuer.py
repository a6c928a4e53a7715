"""What a public body sees of its programmes: their rules, applications, vouchers, account and report."""

from collections.abc import Iterator

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.names import local_name
from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from settlement.ledger.models import Account
from settlement.ledger.queries import balance_of, statement
from settlement.money import to_yuan
from settlement.spreadsheet import csv_response, plain
from settlement.vouchers.forms import ApplicationDecisionForm, ProgrammeForm, ReasonsForm, rules_of
from settlement.vouchers.models import Application, Programme, Voucher
from settlement.vouchers.operations import (
    approve,
    close_programme,
    discard_programme,
    open_programme,
    reject,
    revoke,
    write_programme,
)
from settlement.vouchers.queries import figures_by_voucher, has_programmes, is_issuer
from settlement.vouchers.report import Line, Report, report_of
from settlement.vouchers.views.firm import voucher_context

LINES_A_PAGE = 50


@require_GET
@organisation_required(Permission.SEE_MONEY)
def programmes(request: MemberRequest) -> HttpResponse:
    if not has_programmes(request.organisation):
        raise Http404
    own = _own(request)
    return render(
        request,
        "vouchers/programmes.html",
        {
            "reports": [(each, report_of(each)) for each in own],
            "may_write": is_issuer(request.organisation) and _may(request, Permission.RUN_PROGRAMMES),
        },
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.RUN_PROGRAMMES)
def new_programme(request: MemberRequest) -> HttpResponse:
    if not is_issuer(request.organisation):
        raise Http404
    return _write(request, None)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.RUN_PROGRAMMES)
def edit_programme(request: MemberRequest, programme_id: int) -> HttpResponse:
    return _write(request, get_object_or_404(_own(request), pk=programme_id))


def _write(request: MemberRequest, draft: Programme | None) -> HttpResponse:
    form = ProgrammeForm(request.POST or None, initial=rules_of(draft) if draft else {"kinds": ["compute"]})
    if form.is_valid():
        with refused_on(form):
            written = write_programme(
                actor=request.actor,
                rules=form.rules(),
                programme_id=draft.pk if draft else None,
                now=timezone.now(),
            )
            messages.success(request, _("The draft is kept. Open it once its rules are right."))
            return redirect("vouchers:run_programme", written.pk)
    return render(request, "vouchers/edit_programme.html", {"form": form, "programme": draft})


@require_GET
@organisation_required(Permission.SEE_MONEY)
def run_programme(request: MemberRequest, programme_id: int) -> HttpResponse:
    """A draft to open, or the report of an open programme with its applications and vouchers."""
    shown = get_object_or_404(_own(request), pk=programme_id)
    vouchers = list(shown.vouchers.select_related("organisation"))
    figures = figures_by_voucher(vouchers)
    return render(
        request,
        "vouchers/run_programme.html",
        {
            "programme": shown,
            "report": report_of(shown),
            "applications": shown.applications.select_related("organisation"),
            "vouchers": [(each, figures[each.pk], each.amount - figures[each.pk].used) for each in vouchers],
            "available": balance_of(request.organisation).available,
            "runs": _may(request, Permission.RUN_PROGRAMMES),
            "moves_money": _may(request, Permission.MOVE_MONEY),
        },
    )


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def open_(request: MemberRequest, programme_id: int) -> HttpResponse:
    shown = get_object_or_404(_own(request), pk=programme_id)
    with tell_refusal(request):
        open_programme(actor=request.actor, programme_id=shown.pk, now=timezone.now())
        messages.success(request, _("The programme is open; its budget is in its own account."))
    return redirect("vouchers:run_programme", shown.pk)


@require_POST
@organisation_required(Permission.MOVE_MONEY)
def close(request: MemberRequest, programme_id: int) -> HttpResponse:
    shown = get_object_or_404(_own(request), pk=programme_id)
    with tell_refusal(request):
        close_programme(actor=request.actor, programme_id=shown.pk, now=timezone.now())
        messages.success(
            request, _("The programme is closed; what no order holds is available to you again.")
        )
    return redirect("vouchers:run_programme", shown.pk)


@require_POST
@organisation_required(Permission.RUN_PROGRAMMES)
def discard(request: MemberRequest, programme_id: int) -> HttpResponse:
    shown = get_object_or_404(_own(request), pk=programme_id)
    with tell_refusal(request):
        discard_programme(actor=request.actor, programme_id=shown.pk, now=timezone.now())
        messages.success(request, _("The draft is gone."))
        return redirect("vouchers:programmes")
    return redirect("vouchers:run_programme", shown.pk)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.RUN_PROGRAMMES)
def application(request: MemberRequest, application_id: int) -> HttpResponse:
    own = Application.objects.filter(programme__issuer=request.organisation)
    related = own.select_related("programme", "organisation", "submitted_by", "decided_by")
    shown = get_object_or_404(related.prefetch_related("files"), pk=application_id)
    form = ApplicationDecisionForm(request.POST or None, initial={"amount": shown.amount})
    if form.is_valid():
        data = form.cleaned_data
        with refused_on(form):
            decision = {"actor": request.actor, "application_id": shown.pk, "reasons": data["reasons"]}
            if request.POST.get("decision") == "approve":
                approve(amount=data["amount"] or 0, now=timezone.now(), **decision)
                messages.success(request, _("Approved: the firm has its voucher and was written to."))
            else:
                reject(now=timezone.now(), **decision)
                messages.success(request, _("Rejected; the firm was written to."))
            return redirect("vouchers:run_programme", shown.programme_id)
    return render(request, "vouchers/application.html", {"application": shown, "form": form})


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.SEE_MONEY)
def issued_voucher(request: MemberRequest, voucher_id: int) -> HttpResponse:
    """A voucher of ours: what it paid for, and the form to revoke it."""
    own = Voucher.objects.filter(programme__issuer=request.organisation)
    related = own.select_related("programme__issuer", "organisation", "application", "revoked_by")
    shown = get_object_or_404(related, pk=voucher_id)
    form = ReasonsForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            revoke(
                actor=request.actor,
                voucher_id=shown.pk,
                reasons=form.cleaned_data["reasons"],
                now=timezone.now(),
            )
            messages.success(request, _("Revoked; the firm was written to."))
            return redirect("vouchers:issued_voucher", shown.pk)
    may_revoke = shown.revoked_at is None and _may(request, Permission.RUN_PROGRAMMES)
    context = voucher_context(request, shown) | {"issued": True, "form": form if may_revoke else None}
    return render(request, "vouchers/voucher.html", context)


@require_GET
@organisation_required(Permission.SEE_MONEY)
def programme_statement(request: MemberRequest, programme_id: int) -> HttpResponse:
    shown = get_object_or_404(_own(request).exclude(status=Programme.Status.DRAFT), pk=programme_id)
    lines = statement(accounts=Account.objects.filter(programme=shown), since=None, until=None)
    return render(
        request,
        "vouchers/statement.html",
        {
            "programme": shown,
            "statement": lines,
            "page": Paginator(lines.lines, LINES_A_PAGE).get_page(request.GET.get("page")),
        },
    )


@require_GET
@organisation_required(Permission.SEE_MONEY)
def report_csv(request: MemberRequest, programme_id: int) -> HttpResponse:
    shown = get_object_or_404(_own(request).exclude(status=Programme.Status.DRAFT), pk=programme_id)
    return csv_response(_rows(report_of(shown)), name=f"programme-{shown.pk}")


def _rows(report: Report) -> Iterator[list[object]]:
    name, money = plain(local_name(report.programme)), report.programme.currency
    amount = _("Amount (%(currency)s)") % {"currency": money}
    yield [_("Programme"), _("Of"), _("Name"), _("What"), amount]
    for what, fen in [
        (_("Funded"), report.funded),
        (_("Granted in vouchers"), report.approved),
        (_("Reserved"), report.figures.reserved),
        (_("Redeemed"), report.figures.redeemed),
        (_("Returned"), report.figures.returned),
        (_("Redeemed on domestic accelerators"), report.domestic_redeemed),
        (_("Returned to the issuer"), report.paid_back),
        (_("Left in the account"), report.balance),
    ]:
        yield [name, _("Programme"), "", what, to_yuan(fen)]
    for label, lines in [
        (_("Firm"), report.by_firm),
        (_("Accelerator"), report.by_accelerator),
        (_("Facility"), report.by_facility),
    ]:
        yield from _lines_of(name, label, lines)


def _lines_of(name: str, label: str, lines: list[Line]) -> Iterator[list[object]]:
    for line in lines:
        for what, fen in [
            (_("Reserved"), line.figures.reserved),
            (_("Redeemed"), line.figures.redeemed),
            (_("Returned"), line.figures.returned),
        ]:
            yield [name, label, plain(line.name), what, to_yuan(fen)]


def _own(request: MemberRequest) -> QuerySet[Programme]:
    own: QuerySet[Programme] = Programme.objects.of(request.organisation)
    return own.select_related("account", "issuer").prefetch_related("tiers", "accelerators__accelerator")


def _may(request: MemberRequest, permission: Permission) -> bool:
    return permission in permissions_of(request.actor)
