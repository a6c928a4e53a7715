from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import operations
from accounts.errors import DomainError
from accounts.filters import OrganisationFilter
from accounts.forms import DecisionForm
from accounts.models import Organisation
from accounts.names import local_name
from accounts.queries import verification_history
from accounts.requests import PageRequest
from accounts.web import operator_required

ORGANISATIONS_A_PAGE = 50


@operator_required
def list_organisations(request: PageRequest) -> HttpResponse:
    """The queue: who waits longest comes first."""
    asked = (
        request.GET if "verification" in request.GET else {**request.GET.dict(), "verification": "pending"}
    )
    chosen = OrganisationFilter(asked, queryset=Organisation.objects.order_by("submitted_at", "pk"))
    page = Paginator(chosen.qs, ORGANISATIONS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/verification_queue.html", {"filter": chosen, "page": page})


@operator_required
def show_organisation(
    request: PageRequest, organisation_id: int, form: DecisionForm | None = None
) -> HttpResponse:
    organisation = get_object_or_404(Organisation.objects.select_related("verified_by"), pk=organisation_id)
    context = {
        "organisation": organisation,
        "owners": organisation.members.filter(role="owner").select_related("user"),
        "history": verification_history(organisation),
        "form": form or DecisionForm(initial={"submitted_at": organisation.submitted_at.isoformat()}),
    }
    return render(request, "accounts/verification.html", context)


@require_POST
@operator_required
def verify(request: PageRequest, organisation_id: int) -> HttpResponse:
    return _decide(request, organisation_id, verifies=True)


@require_POST
@operator_required
def reject(request: PageRequest, organisation_id: int) -> HttpResponse:
    return _decide(request, organisation_id, verifies=False)


def _decide(request: PageRequest, organisation_id: int, *, verifies: bool) -> HttpResponse:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return show_organisation(request, organisation_id, form)
    seen: datetime = form.cleaned_data["submitted_at"]
    note: str = form.cleaned_data["note"]
    about = {"actor": request.actor, "organisation_id": organisation_id, "submitted_at": seen}
    try:
        if verifies:
            organisation = operations.verify_organisation(**about, evidence=note, now=timezone.now())
            said = _("%(organisation)s is verified.")
        else:
            organisation = operations.reject_organisation(**about, reason=note, now=timezone.now())
            said = _("%(organisation)s is rejected; its owners are told why.")
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return show_organisation(request, organisation_id, form)
    messages.success(request, said % {"organisation": local_name(organisation)})
    return redirect("accounts:verification_queue")
