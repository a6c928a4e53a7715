from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import operations
from accounts.errors import DomainError
from accounts.forms import OrganisationForm
from accounts.names import local_name
from accounts.permissions import Permission, permissions_of
from accounts.registration_numbers import InvalidRegistrationNumber
from accounts.requests import MemberRequest, PageRequest
from accounts.web import organisation_required


@organisation_required()
def show_organisation(request: MemberRequest) -> HttpResponse:
    manages = Permission.MANAGE_ORGANISATION in permissions_of(request.actor)
    return render(request, "accounts/organisation.html", {"manages": manages})


@login_required
def create_organisation(request: PageRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None)
    if form.is_valid():
        try:
            organisation = operations.create_organisation(
                user=request.user, details=form.details(), now=timezone.now()
            )
        except DomainError as refusal:
            _blame(form, refusal)
        else:
            request.session["organisation"] = organisation.pk
            messages.success(
                request,
                _("%(organisation)s is registered. An operator verifies it before it can trade.")
                % {"organisation": local_name(organisation)},
            )
            return redirect("accounts:organisation")
    return render(request, "accounts/create_organisation.html", {"form": form})


@organisation_required(Permission.MANAGE_ORGANISATION)
def edit_organisation(request: MemberRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None, instance=request.organisation)
    if form.is_valid():
        try:
            operations.edit_organisation(actor=request.actor, details=form.details(), now=timezone.now())
        except DomainError as refusal:
            _blame(form, refusal)
        else:
            messages.success(request, _("The details are saved."))
            return redirect("accounts:organisation")
    return render(request, "accounts/edit_organisation.html", {"form": form})


@login_required
@require_POST
def switch_organisation(request: PageRequest) -> HttpResponse:
    chosen = request.POST.get("organisation", "")
    if chosen in {str(member.organisation_id) for member in request.memberships}:
        request.session["organisation"] = int(chosen)
    onward = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return redirect(onward if safe else "accounts:organisation")


def _blame(form: forms.Form, refusal: DomainError) -> None:
    """Show the refusal beside the number where it is about the number, else above the form."""
    about_number = isinstance(refusal, operations.AlreadyRegistered | InvalidRegistrationNumber)
    form.add_error("registration_number" if about_number else None, str(refusal))
