"""What a firm sees: programmes it may apply to, its vouchers and what they paid for, its affiliates."""

import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on
from settlement.vouchers.forms import AffiliateForm, ApplicationForm
from settlement.vouchers.models import Affiliation, Application, ApplicationFile, Programme, Voucher
from settlement.vouchers.operations import apply, declare_affiliation
from settlement.vouchers.queries import (
    Figures,
    figures_by_voucher,
    figures_of,
    has_programmes,
    programmes_seen_by,
    uses_of,
    waits_or_has_voucher,
)

USES_A_PAGE = 50


@require_GET
@organisation_required()
def vouchers(request: MemberRequest) -> HttpResponse:
    now, firm = timezone.now(), request.organisation
    own = list(Voucher.objects.filter(organisation=firm).select_related("programme"))
    figures = figures_by_voucher(own)
    return render(
        request,
        "vouchers/vouchers.html",
        {
            "vouchers": [_row(voucher, figures[voucher.pk], now) for voucher in own],
            "applications": Application.objects.filter(organisation=firm).select_related("programme"),
            "programmes": Programme.objects.taking_applications(now)
            .select_related("issuer")
            .prefetch_related("tiers", "accelerators__accelerator"),
            "runs_programmes": has_programmes(firm),
        },
    )


def _row(voucher: Voucher, figures: Figures, now: datetime.datetime) -> dict[str, object]:
    return {
        "voucher": voucher,
        "figures": figures,
        "left": voucher.amount - figures.used,
        "usable": voucher.is_usable(now),
    }


@require_http_methods(["GET", "POST"])
@organisation_required()
def programme(request: MemberRequest, programme_id: int) -> HttpResponse:
    """A programme's rules, and the form to apply."""
    now, firm = timezone.now(), request.organisation
    shown = get_object_or_404(programmes_seen_by(firm, now=now), pk=programme_id)
    form = ApplicationForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        data = form.cleaned_data
        with refused_on(form):
            apply(
                actor=request.actor,
                programme_id=shown.pk,
                amount=data["amount"],
                statement=data["statement"],
                affiliates_named=data["affiliates_named"],
                files=data["papers"],
                now=now,
            )
            messages.success(request, _("Your application is with the issuer; you will be written to."))
            return redirect("vouchers:vouchers")
    return render(
        request,
        "vouchers/programme.html",
        {
            "programme": shown,
            "form": form,
            "applications": shown.applications.filter(organisation=firm),
            "settled": waits_or_has_voucher(shown, firm, now=now),
            "may_apply": Permission.TRADE in permissions_of(request.actor),
            "takes_applications": shown.is_open and shown.starts_at <= now < shown.ends_at,
            "eligible": any(each.tier == firm.tier for each in shown.tiers.all()),
        },
    )


@require_GET
@organisation_required()
def voucher(request: MemberRequest, voucher_id: int) -> HttpResponse:
    own = Voucher.objects.filter(organisation=request.organisation)
    shown = get_object_or_404(own.select_related("programme__issuer", "application"), pk=voucher_id)
    return render(request, "vouchers/voucher.html", voucher_context(request, shown))


def voucher_context(request: MemberRequest, shown: Voucher) -> dict[str, object]:
    """For the firm's page and the issuer's: one voucher, its figures and its uses."""
    now = timezone.now()
    page = Paginator(uses_of([shown]), USES_A_PAGE).get_page(request.GET.get("page"))
    figures = figures_by_voucher([shown])[shown.pk]
    return _row(shown, figures, now) | {
        "page": page,
        "uses": [(use, figures_of(use)) for use in page],
    }


@require_http_methods(["GET", "POST"])
@organisation_required()
def affiliates(request: MemberRequest) -> HttpResponse:
    form = AffiliateForm(request.POST or None, organisation=request.organisation)
    if form.is_valid():
        with refused_on(form):
            declare_affiliation(actor=request.actor, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Declared: no voucher pays for what one buys from the other."))
            return redirect("vouchers:affiliates")
    own = Affiliation.objects.of(request.organisation).select_related("first", "second")
    rows = [(each, each.second if each.first == request.organisation else each.first) for each in own]
    may_declare = Permission.TRADE in permissions_of(request.actor)
    return render(
        request, "vouchers/affiliates.html", {"form": form, "rows": rows, "may_declare": may_declare}
    )


@require_GET
@organisation_required()
def file(request: MemberRequest, file_id: int) -> HttpResponseBase:
    """For the applicant and the issuer alone, and always as a download."""
    own = Q(application__organisation=request.organisation)
    issuers = Q(application__programme__issuer=request.organisation)
    shown = get_object_or_404(ApplicationFile.objects.filter(own | issuers), pk=file_id)
    response = FileResponse(
        shown.file.open("rb"),
        as_attachment=True,
        filename=shown.name,
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
