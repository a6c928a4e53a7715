"""Every licence, seen by the operator."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest
from accounts.web import operator_required, refused_on, tell_refusal
from settlement.licences.filters import LicenceFilter
from settlement.licences.forms import ReasonForm
from settlement.licences.models import Licence
from settlement.licences.operations import reinstate_licence, revoke_licence, suspend_licence
from settlement.licences.queries import all_licences
from settlement.licences.views.shared import latest, licence_page, list_page

Suspender = Licence.Suspender


@require_GET
@operator_required
def licences(request: PageRequest) -> HttpResponse:
    chosen = LicenceFilter(request.GET, queryset=all_licences())
    return list_page(request, "licences/operator_licences.html", chosen, {})


@require_GET
@operator_required
def licence(request: PageRequest, number: str) -> HttpResponse:
    return _operator_page(request, _any(number))


@require_POST
@operator_required
def suspend(request: PageRequest, number: str) -> HttpResponse:
    shown = _any(number)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            suspend_licence(
                actor=request.actor,
                licence_id=shown.pk,
                by=Suspender.OPERATOR,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, _("The licence is suspended."))
            return redirect("licences:operator_licence", number)
    return _operator_page(request, shown, reason_form=form)


@require_POST
@operator_required
def reinstate(request: PageRequest, number: str) -> HttpResponse:
    shown = _any(number)
    with tell_refusal(request):
        reinstate_licence(actor=request.actor, licence_id=shown.pk, by=Suspender.OPERATOR, now=timezone.now())
        messages.success(request, _("The licence can be used again."))
    return redirect("licences:operator_licence", number)


@require_POST
@operator_required
def revoke(request: PageRequest, number: str) -> HttpResponse:
    shown = _any(number)
    form = ReasonForm(request.POST, prefix="revoke")
    if form.is_valid():
        with refused_on(form):
            revoke_licence(
                actor=request.actor,
                licence_id=shown.pk,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, _("The licence is revoked and its seats are free."))
            return redirect("licences:operator_licence", number)
    return _operator_page(request, shown, revoke_form=form)


def _any(number: str) -> Licence:
    return get_object_or_404(all_licences(), contract__number=number)


def _operator_page(request: PageRequest, shown: Licence, **bound: Any) -> HttpResponse:
    context = {
        "events": latest(shown.events.all()),
        "reason_form": ReasonForm(),
        "revoke_form": ReasonForm(prefix="revoke"),
    }
    return licence_page(request, "licences/operator_licence.html", shown, context, bound)
