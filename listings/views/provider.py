"""A provider's own pages. Another organisation's facility, pool or capacity does not exist here."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import DomainError
from accounts.names import local_name
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from listings import capacity_csv, operations
from listings.errors import LinesRefused
from listings.forms import CapacityForm, FacilityForm, PoolForm, ResizeForm, UploadForm
from listings.models import Capacity, Facility, Pool
from listings.queries import capacities_of, most_committed, own_facilities, own_pools, sold_by_day
from listings.slots import SLOT, slot_of
from listings.views.common import carry_out, form_page, may_manage, press

AHEAD = timedelta(days=14)
UNITS = {"units": gettext_lazy("units"), "reserve_price": gettext_lazy("CNY / unit-hour")}
STEPS = {
    "pause": (operations.pause_capacity, gettext_lazy("Paused. What was sold stays sold.")),
    "resume": (operations.resume_capacity, gettext_lazy("On the market again.")),
    "withdraw": (operations.withdraw_capacity, gettext_lazy("Withdrawn. What was sold stays sold.")),
}


@require_GET
@organisation_required()
def home(request: MemberRequest) -> HttpResponse:
    pools = own_pools(request.organisation, first_slot=slot_of(timezone.now()), slots=AHEAD // SLOT)
    at: dict[int, list[Pool]] = {}
    for pool in pools:
        at.setdefault(pool.facility_id, []).append(pool)
    facilities = [(facility, at.get(facility.pk, [])) for facility in own_facilities(request.organisation)]
    return render(
        request,
        "listings/home.html",
        {
            "facilities": facilities,
            "offered": sum(pool.offered for pool in pools),  # type: ignore[attr-defined]
            "sold": sum(pool.sold for pool in pools),  # type: ignore[attr-defined]
            "units": sum(pool.units for pool in pools),
            "algorithms": request.organisation.algorithms.all(),
            "days": AHEAD.days,
            "may_manage": may_manage(request),
        },
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def add_facility(request: MemberRequest) -> HttpResponse:
    form = FacilityForm(request.POST or None)
    if facility := carry_out(request, form, operations.add_facility):
        messages.success(request, _("The facility was added. Now say what accelerators it has."))
        return redirect("listings:add_pool", facility.pk)
    return form_page(
        request,
        form,
        heading=_("Add a facility"),
        submit=_("Add the facility"),
        back=reverse("listings:home"),
        suffixes={"green_percent": "%"},
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def edit_facility(request: MemberRequest, facility_id: int) -> HttpResponse:
    facility = get_object_or_404(own_facilities(request.organisation), pk=facility_id)
    form = FacilityForm(request.POST or None, instance=Facility.objects.get(pk=facility.pk))
    if carry_out(request, form, operations.edit_facility, facility=facility):
        messages.success(request, _("Saved."))
        return redirect("listings:home")
    return form_page(
        request,
        form,
        heading=_("Edit the facility"),
        submit=_("Save"),
        back=reverse("listings:home"),
        suffixes={"green_percent": "%"},
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def add_pool(request: MemberRequest, facility_id: int) -> HttpResponse:
    facility = get_object_or_404(own_facilities(request.organisation), pk=facility_id)
    form = PoolForm(request.POST or None)
    if pool := carry_out(request, form, operations.add_pool, facility=facility):
        messages.success(request, _("The pool was added. Now offer capacity of it."))
        return redirect("listings:pool", pool.pk)
    return form_page(
        request,
        form,
        heading=_("Add a pool"),
        place=local_name(facility),
        submit=_("Add the pool"),
        back=reverse("listings:home"),
        suffixes=UNITS,
    )


@require_GET
@organisation_required()
def pool(request: MemberRequest, pool_id: int) -> HttpResponse:
    shown = get_object_or_404(
        own_pools(request.organisation, first_slot=slot_of(timezone.now()), slots=AHEAD // SLOT), pk=pool_id
    )
    return render(
        request,
        "listings/pool.html",
        {
            "pool": shown,
            "capacities": capacities_of(shown),
            "days": AHEAD.days,
            "may_manage": may_manage(request),
        },
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def resize_pool(request: MemberRequest, pool_id: int) -> HttpResponse:
    resized = _own_pool(request, pool_id)
    form = ResizeForm(request.POST or None, initial={"units": resized.units})
    if carry_out(request, form, operations.resize_pool, pool=resized):
        messages.success(request, _("Saved."))
        return redirect("listings:pool", resized.pk)
    return form_page(
        request,
        form,
        heading=_("Change the number of units"),
        place=_name_of(resized),
        submit=_("Save"),
        back=reverse("listings:pool", args=[resized.pk]),
        suffixes=UNITS,
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def list_capacity(request: MemberRequest, pool_id: int) -> HttpResponse:
    offered = _own_pool(request, pool_id)
    starts_at = slot_of(timezone.now()) + SLOT
    ends_at = starts_at + AHEAD
    free = offered.units - most_committed(pool=offered, first_slot=starts_at, last_slot=ends_at).units
    initial = {"units": max(1, free), "starts_at": starts_at, "ends_at": ends_at}
    form = CapacityForm(request.POST or None, initial=initial)
    if carry_out(request, form, operations.list_capacity, pool=offered):
        messages.success(request, _("Listed. It takes part in the next round."))
        return redirect("listings:pool", offered.pk)
    return form_page(
        request,
        form,
        heading=_("Offer capacity"),
        place=_name_of(offered),
        submit=_("List it"),
        back=reverse("listings:pool", args=[offered.pk]),
        suffixes=UNITS,
    )


@require_GET
@organisation_required()
def capacity(request: MemberRequest, capacity_id: int) -> HttpResponse:
    shown = get_object_or_404(
        Capacity.objects.filter(pool__facility__provider=request.organisation).select_related(
            "pool__facility", "pool__accelerator"
        ),
        pk=capacity_id,
    )
    days = sold_by_day(shown, zone=timezone.get_current_timezone())
    sold = sum(day["sold"] for day in days)
    return render(
        request,
        "listings/capacity.html",
        {
            "capacity": shown,
            "days": days,
            "offered": sum(day["offered"] for day in days),
            "sold": sold,
            "editable": not sold and shown.status != Capacity.Status.WITHDRAWN,
            "may_manage": may_manage(request),
        },
    )


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def edit_capacity(request: MemberRequest, capacity_id: int) -> HttpResponse:
    edited = _own_capacity(request, capacity_id)
    fields = ("units", "starts_at", "ends_at", "reserve_price")
    form = CapacityForm(request.POST or None, initial={field: getattr(edited, field) for field in fields})
    if carry_out(request, form, operations.edit_capacity, capacity=edited):
        messages.success(request, _("Saved."))
        return redirect("listings:capacity", edited.pk)
    return form_page(
        request,
        form,
        heading=_("Edit the capacity"),
        place=_name_of(edited.pool),
        submit=_("Save"),
        back=reverse("listings:capacity", args=[edited.pk]),
        suffixes=UNITS,
    )


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def change_capacity(request: MemberRequest, capacity_id: int, step: str) -> HttpResponse:
    changed = _own_capacity(request, capacity_id)
    operation, done = STEPS[step]
    back = reverse("listings:capacity", args=[changed.pk])
    return press(request, operation, done=str(done), back=back, capacity=changed)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.MANAGE_LISTINGS)
def upload(request: MemberRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    lines = []
    if request.method == "POST" and form.is_valid():
        try:
            listed = operations.upload_capacity_csv(
                actor=request.actor, content=form.cleaned_data["file"].read(), now=timezone.now()
            )
        except LinesRefused as refusal:
            form.add_error(None, str(refusal))
            lines = refusal.lines
        except DomainError as refusal:
            form.add_error("file", str(refusal))
        else:
            messages.success(
                request,
                ngettext("%(count)s line listed.", "%(count)s lines listed.", len(listed))
                % {"count": len(listed)},
            )
            return redirect("listings:home")
    status = 422 if form.errors else 200
    columns = [{"names": names, "field": field} for field, names in capacity_csv.COLUMNS.items()]
    context = {"form": form, "lines": lines, "columns": columns, "most_lines": capacity_csv.MOST_LINES}
    return render(request, "listings/upload.html", context, status=status)


@require_GET
@organisation_required(Permission.MANAGE_LISTINGS)
def upload_template(request: MemberRequest) -> HttpResponse:
    pools = Pool.objects.filter(facility__provider=request.organisation)
    text = capacity_csv.template(
        list(pools.select_related("facility", "accelerator")),
        zone=timezone.get_current_timezone(),
        now=timezone.now(),
    )
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="capacity.csv"'},
    )


def _name_of(pool: Pool) -> str:
    return f"{local_name(pool.facility)} · {pool.accelerator}"


def _own_pool(request: MemberRequest, pool_id: int) -> Pool:
    own = Pool.objects.filter(facility__provider=request.organisation)
    return get_object_or_404(own.select_related("facility__provider", "accelerator"), pk=pool_id)


def _own_capacity(request: MemberRequest, capacity_id: int) -> Capacity:
    own = Capacity.objects.filter(pool__facility__provider=request.organisation)
    return get_object_or_404(
        own.select_related("pool__facility__provider", "pool__accelerator"), pk=capacity_id
    )
