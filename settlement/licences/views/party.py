"""A licence, seen by who holds it and by who publishes its algorithm."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal
from settlement.contracts.queries import contracts_of
from settlement.licences.filters import OwnLicenceFilter
from settlement.licences.forms import ReasonForm, TokenForm
from settlement.licences.models import Licence, LicenceEvent
from settlement.licences.operations import (
    create_token,
    issue_licence,
    link_for_member,
    reclaim_seat,
    reinstate_licence,
    revoke_token,
    suspend_licence,
)
from settlement.licences.queries import licences_of, to_be_issued
from settlement.licences.views.shared import LATEST, latest, licence_page, list_page

SEATS_A_PAGE = 50
Suspender = Licence.Suspender


@require_GET
@organisation_required()
def licences(request: MemberRequest) -> HttpResponse:
    own = licences_of(request.organisation)
    chosen = OwnLicenceFilter(request.GET, queryset=own, organisation=request.organisation)
    return list_page(request, "licences/licences.html", chosen, {"has_licences": own.exists()})


@never_cache
@require_GET
@organisation_required()
def licence(request: MemberRequest, number: str) -> HttpResponse:
    return _page(request, _own(request, number))


@never_cache
@require_POST
@organisation_required(Permission.USE_LICENCES)
def new_token(request: MemberRequest, number: str) -> HttpResponse:
    """Answers with the token itself, so that it is stored nowhere, not even in the session."""
    shown = _held(request, number)
    form = TokenForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            token, text = create_token(
                actor=request.actor, licence_id=shown.pk, name=form.cleaned_data["name"], now=timezone.now()
            )
            context = {"licence": shown, "token": token, "text": text}
            return render(request, "licences/token_created.html", context)
    return _page(request, shown, token_form=form)


@require_POST
@organisation_required(Permission.USE_LICENCES)
def end_token(request: MemberRequest, number: str, token_id: int) -> HttpResponse:
    shown = _held(request, number)
    with tell_refusal(request):
        revoke_token(actor=request.actor, licence_id=shown.pk, token_id=token_id, now=timezone.now())
        messages.success(request, _("The token is revoked; nothing can use it any more."))
    return redirect("licences:licence", number)


@require_POST
@organisation_required(Permission.USE_LICENCES)
def reclaim(request: MemberRequest, number: str, activation_id: int) -> HttpResponse:
    shown = _held(request, number)
    with tell_refusal(request):
        reclaim_seat(
            actor=request.actor, licence_id=shown.pk, activation_id=activation_id, now=timezone.now()
        )
        messages.success(request, _("The seat is free."))
    return redirect("licences:licence", number)


@require_POST
@organisation_required(Permission.USE_LICENCES)
def download(request: MemberRequest, number: str) -> HttpResponse:
    shown = _held(request, number)
    with tell_refusal(request):
        link = link_for_member(actor=request.actor, licence_id=shown.pk, now=timezone.now())
        return redirect("licences:artefact", link.ticket)
    return redirect("licences:licence", number)


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def suspend(request: MemberRequest, number: str) -> HttpResponse:
    shown = _published(request, number)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            suspend_licence(
                actor=request.actor,
                licence_id=shown.pk,
                by=Suspender.PUBLISHER,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, _("The licence is suspended."))
            return redirect("licences:licence", number)
    return _page(request, shown, reason_form=form)


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def reinstate(request: MemberRequest, number: str) -> HttpResponse:
    shown = _published(request, number)
    with tell_refusal(request):
        reinstate_licence(
            actor=request.actor, licence_id=shown.pk, by=Suspender.PUBLISHER, now=timezone.now()
        )
        messages.success(request, _("The licence can be used again."))
    return redirect("licences:licence", number)


def _own(request: MemberRequest, number: str) -> Licence:
    """The licence of one of our contracts; one that is due and not issued yet is issued now."""
    own = licences_of(request.organisation)
    now = timezone.now()
    due = (
        to_be_issued(now)
        .filter(pk__in=contracts_of(request.organisation).values("pk"), number=number)
        .first()
    )
    if due is not None:
        issue_licence(contract_id=due.pk, now=now)
    return get_object_or_404(own, contract__number=number)


def _held(request: MemberRequest, number: str) -> Licence:
    held = licences_of(request.organisation).filter(contract__buyer=request.organisation)
    return get_object_or_404(held, contract__number=number)


def _published(request: MemberRequest, number: str) -> Licence:
    published = licences_of(request.organisation).filter(contract__provider=request.organisation)
    return get_object_or_404(published, contract__number=number)


def _page(request: MemberRequest, shown: Licence, **bound: Any) -> HttpResponse:
    may = permissions_of(request.actor)
    holds = shown.licensee == request.organisation
    uses = holds and Permission.USE_LICENCES in may
    events = shown.events.all() if uses else shown.events.filter(kind__in=LicenceEvent.OF_BOTH_PARTIES)
    context = {
        "holds": holds,
        "uses": uses,
        "events": latest(events),
        "publishes": shown.publisher == request.organisation and Permission.MANAGE_LISTINGS in may,
        "seats": Paginator(shown.activations.active(), SEATS_A_PAGE).get_page(request.GET.get("page")),
        "tokens": shown.tokens.select_related("created_by"),
        "downloads": shown.downloads.select_related("version", "user", "token")[:LATEST],
        "token_form": TokenForm(),
        "reason_form": ReasonForm(),
    }
    return licence_page(request, "licences/licence.html", shown, context, bound)
