"""The operator's page: who may issue vouchers, and who is affiliated with whom."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PageRequest
from accounts.web import operator_required, refused_on, tell_refusal
from settlement.vouchers.forms import IssuerForm, PairForm, ReasonsForm
from settlement.vouchers.models import Affiliation, Issuer
from settlement.vouchers.operations import (
    approve_issuer,
    decide_affiliation,
    declare_affiliation,
    end_issuer,
)


@require_GET
@operator_required
def issuers(request: PageRequest) -> HttpResponse:
    return _page(request)


@require_POST
@operator_required
def new_issuer(request: PageRequest) -> HttpResponse:
    form = IssuerForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            approve_issuer(
                actor=request.actor, organisation=form.cleaned_data["organisation"], now=timezone.now()
            )
            messages.success(request, _("The organisation may run voucher programmes."))
            return redirect("vouchers:issuers")
    return _page(request, issuer_form=form)


@require_POST
@operator_required
def end(request: PageRequest, issuer_id: int) -> HttpResponse:
    issuer = get_object_or_404(Issuer, pk=issuer_id)
    with tell_refusal(request):
        end_issuer(actor=request.actor, issuer_id=issuer.pk, now=timezone.now())
        messages.success(request, _("It opens no more programmes; those that are open go on."))
    return redirect("vouchers:issuers")


@require_POST
@operator_required
def new_affiliation(request: PageRequest) -> HttpResponse:
    form = PairForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with refused_on(form):
            declare_affiliation(
                actor=request.actor,
                of=data["first"],
                other=data["second"],
                statement=data["statement"],
                now=timezone.now(),
            )
            messages.success(request, _("Declared: no voucher pays for what one buys from the other."))
            return redirect("vouchers:issuers")
    return _page(request, pair_form=form)


@require_http_methods(["GET", "POST"])
@operator_required
def affiliation(request: PageRequest, affiliation_id: int) -> HttpResponse:
    related = Affiliation.objects.select_related(
        "first", "second", "declared_for", "declared_by", "decided_by"
    )
    shown = get_object_or_404(related, pk=affiliation_id)
    form = ReasonsForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            decide_affiliation(
                actor=request.actor,
                affiliation_id=shown.pk,
                stands=request.POST.get("decision") == "confirm",
                reasons=form.cleaned_data["reasons"],
                now=timezone.now(),
            )
            messages.success(request, _("Decided."))
            return redirect("vouchers:issuers")
    return render(request, "vouchers/affiliation.html", {"affiliation": shown, "form": form})


def _page(request: PageRequest, **forms: object) -> HttpResponse:
    context = {
        "issuer_form": IssuerForm(),
        "pair_form": PairForm(),
        "issuers": Issuer.objects.select_related("organisation", "approved_by").order_by("-approved_at"),
        "affiliations": Affiliation.objects.select_related("first", "second", "declared_for"),
    }
    return render(request, "vouchers/issuers.html", context | forms)
