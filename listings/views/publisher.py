"""A publisher's own algorithms. Another organisation's does not exist here."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.names import local_name
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from listings import operations
from listings.cards import render_card
from listings.forms import AlgorithmForm, PlanForm, VersionForm
from listings.models import Algorithm, LicencePlan
from listings.views.common import carry_out, form_page, may_manage, press

UNITS = {
    "price": gettext_lazy("CNY / seat"),
    "term_days": gettext_lazy("days"),
    "size_bytes": gettext_lazy("bytes"),
    "supply": gettext_lazy("seats"),
}
ALGORITHM_STEPS = {
    "list": (operations.list_algorithm, gettext_lazy("Listed: buyers find it in the catalogue.")),
    "withdraw": (operations.withdraw_algorithm, gettext_lazy("Withdrawn. Licences that were sold stay.")),
}
PLAN_STEPS = {
    "list": (operations.relist_plan, gettext_lazy("On sale again.")),
    "withdraw": (operations.withdraw_plan, gettext_lazy("Withdrawn. Licences that were sold stay.")),
}


@require_GET
@organisation_required()
def algorithm(request: MemberRequest, algorithm_id: int) -> HttpResponse:
    shown = _own(request, algorithm_id)
    return render(
        request,
        "listings/own_algorithm.html",
        {
            "algorithm": shown,
            "card": render_card(shown.card),
            "versions": shown.versions.prefetch_related("accelerators"),
            "plans": shown.plans.all(),
            "may_manage": may_manage(request),
        },
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def add_algorithm(request: MemberRequest) -> HttpResponse:
    form = AlgorithmForm(request.POST or None)
    if added := carry_out(request, form, operations.add_algorithm):
        messages.success(request, _("A draft was made. Add a version and a licence plan, then list it."))
        return redirect("listings:own_algorithm", added.pk)
    return form_page(
        request,
        form,
        heading=_("Publish an algorithm"),
        submit=_("Make a draft"),
        back=reverse("listings:home"),
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def edit_algorithm(request: MemberRequest, algorithm_id: int) -> HttpResponse:
    edited = _own(request, algorithm_id)
    form = AlgorithmForm(request.POST or None, instance=_own(request, algorithm_id))
    if carry_out(request, form, operations.edit_algorithm, algorithm=edited):
        messages.success(request, _("Saved."))
        return redirect("listings:own_algorithm", edited.pk)
    return _algorithm_form(request, form, edited, heading=_("Edit the description"), submit=_("Save"))


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def add_version(request: MemberRequest, algorithm_id: int) -> HttpResponse:
    released = _own(request, algorithm_id)
    form = VersionForm(request.POST or None, request.FILES or None)
    if carry_out(request, form, operations.add_version, algorithm=released):
        messages.success(request, _("Released."))
        return redirect("listings:own_algorithm", released.pk)
    return _algorithm_form(request, form, released, heading=_("Release a version"), submit=_("Release it"))


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def add_plan(request: MemberRequest, algorithm_id: int) -> HttpResponse:
    licensed = _own(request, algorithm_id)
    form = PlanForm(request.POST or None)
    if carry_out(request, form, operations.add_plan, algorithm=licensed):
        messages.success(request, _("The plan was added."))
        return redirect("listings:own_algorithm", licensed.pk)
    return _algorithm_form(request, form, licensed, heading=_("Add a licence plan"), submit=_("Add the plan"))


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def edit_plan(request: MemberRequest, plan_id: int) -> HttpResponse:
    edited = _own_plan(request, plan_id)
    form = PlanForm(request.POST or None, instance=_own_plan(request, plan_id))
    if carry_out(request, form, operations.edit_plan, plan=edited):
        messages.success(request, _("Saved."))
        return redirect("listings:own_algorithm", edited.algorithm_id)
    return _algorithm_form(
        request, form, edited.algorithm, heading=_("Edit the licence plan"), submit=_("Save")
    )


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def change_algorithm(request: MemberRequest, algorithm_id: int, step: str) -> HttpResponse:
    changed = _own(request, algorithm_id)
    operation, done = ALGORITHM_STEPS[step]
    back = reverse("listings:own_algorithm", args=[changed.pk])
    return press(request, operation, done=str(done), back=back, algorithm=changed)


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def change_plan(request: MemberRequest, plan_id: int, step: str) -> HttpResponse:
    changed = _own_plan(request, plan_id)
    operation, done = PLAN_STEPS[step]
    back = reverse("listings:own_algorithm", args=[changed.algorithm_id])
    return press(request, operation, done=str(done), back=back, plan=changed)


def _algorithm_form(
    request: MemberRequest, form: AlgorithmForm | VersionForm | PlanForm, place: Algorithm, **words: str
) -> HttpResponse:
    back = reverse("listings:own_algorithm", args=[place.pk])
    return form_page(request, form, place=local_name(place), back=back, suffixes=UNITS, **words)


def _own(request: MemberRequest, algorithm_id: int) -> Algorithm:
    own = Algorithm.objects.filter(publisher=request.organisation)
    return get_object_or_404(own.select_related("publisher"), pk=algorithm_id)


def _own_plan(request: MemberRequest, plan_id: int) -> LicencePlan:
    own = LicencePlan.objects.filter(algorithm__publisher=request.organisation)
    return get_object_or_404(own.select_related("algorithm__publisher"), pk=plan_id)
