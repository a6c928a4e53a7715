"""A contract's delivery, seen by its two parties, and its disputes, seen by the operator too."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import NotAllowed
from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import not_allowed, operator_required, organisation_required, refused_on, tell_refusal
from settlement.contracts.models import Contract
from settlement.contracts.queries import contracts_of
from settlement.delivery.forms import (
    AccessForm,
    DecisionForm,
    DisputeForm,
    MessageForm,
    StateForm,
    UsageForm,
)
from settlement.delivery.models import Dispute, Evidence, StateReport
from settlement.delivery.operations import (
    Reading,
    accept_licence,
    answer_dispute,
    decide_dispute,
    open_dispute,
    report_access,
    report_state,
    report_usage,
    view_access,
)
from settlement.delivery.operations.report import NEXT
from settlement.delivery.queries import disputes_seen_by, hours_of, left_of, state_of
from settlement.money import to_fen

HOURS_A_PAGE = 48
DISPUTES_A_PAGE = 50


@never_cache
@require_GET
@organisation_required()
def delivery(request: MemberRequest, number: str) -> HttpResponse:
    return _delivery_page(request, _compute_contract(request, number))


@require_POST
@organisation_required(Permission.REPORT_DELIVERY)
def state(request: MemberRequest, number: str) -> HttpResponse:
    contract = _compute_contract(request, number)
    form = StateForm(request.POST, states=list(StateReport.State))
    if form.is_valid():
        chosen = StateReport.State(form.cleaned_data["state"])
        with refused_on(form):
            report_state(
                actor=request.actor,
                contract_id=contract.pk,
                state=chosen,
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
            messages.success(request, _("Reported: %(state)s.") % {"state": chosen.label})
            return redirect("delivery:delivery", contract.number)
    return _delivery_page(request, contract, state_form=form)


@require_POST
@organisation_required(Permission.REPORT_DELIVERY)
def access(request: MemberRequest, number: str) -> HttpResponse:
    contract = _compute_contract(request, number)
    form = AccessForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            report_access(
                actor=request.actor,
                contract_id=contract.pk,
                text=form.cleaned_data["text"],
                now=timezone.now(),
            )
            messages.success(request, _("The buyer can see the access details."))
            return redirect("delivery:delivery", contract.number)
    return _delivery_page(request, contract, access_form=form)


@require_POST
@organisation_required(Permission.REPORT_DELIVERY)
def usage(request: MemberRequest, number: str) -> HttpResponse:
    contract = _compute_contract(request, number)
    form = UsageForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            report_usage(
                actor=request.actor,
                readings=[Reading(contract_id=contract.pk, **form.cleaned_data)],
                now=timezone.now(),
            )
            messages.success(request, _("The meter's reading is stored."))
            return redirect("delivery:delivery", contract.number)
    return _delivery_page(request, contract, usage_form=form)


@never_cache
@require_POST
@organisation_required(Permission.SEE_DELIVERY)
def show_access(request: MemberRequest, number: str) -> HttpResponse:
    """A look is an act that is recorded: it takes a POST."""
    contract = _compute_contract(request, number)
    try:
        details = view_access(actor=request.actor, contract_id=contract.pk, now=timezone.now())
    except NotAllowed as refusal:
        return not_allowed(request, refusal)
    return render(request, "delivery/access.html", {"contract": contract, "details": details})


@require_POST
@organisation_required(Permission.DISPUTE)
def accept(request: MemberRequest, number: str) -> HttpResponse:
    contract = get_object_or_404(contracts_of(request.organisation), number=number)
    with tell_refusal(request):
        accept_licence(actor=request.actor, contract_id=contract.pk, now=timezone.now())
        messages.success(request, _("Accepted: the publisher has its price."))
    return redirect("contracts:contract", contract.number)


@require_http_methods(["GET", "POST"])
@organisation_required(Permission.DISPUTE)
def new_dispute(request: MemberRequest, number: str) -> HttpResponse:
    contract = get_object_or_404(contracts_of(request.organisation), number=number)
    form = DisputeForm(request.POST or None, request.FILES or None, contract=contract)
    if form.is_valid():
        with refused_on(form):
            dispute = open_dispute(
                actor=request.actor,
                contract_id=contract.pk,
                text=form.cleaned_data["text"],
                amount=form.cleaned_data["amount"],
                files=form.cleaned_data["evidence"],
                now=timezone.now(),
                **form.hours,
            )
            messages.success(request, _("The dispute is open; the other party was written to."))
            return redirect("delivery:dispute", dispute.pk)
    return render(request, "delivery/new_dispute.html", {"contract": contract, "form": form})


@require_http_methods(["GET", "POST"])
@organisation_required()
def dispute(request: MemberRequest, dispute_id: int) -> HttpResponse:
    seen = disputes_seen_by(request.organisation, operator=False)
    shown = get_object_or_404(seen, pk=dispute_id)
    form = MessageForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        with refused_on(form):
            answer_dispute(
                actor=request.actor,
                dispute_id=shown.pk,
                text=form.cleaned_data["text"],
                files=form.cleaned_data["evidence"],
                now=timezone.now(),
            )
            messages.success(request, _("Your words are in the thread."))
            return redirect("delivery:dispute", shown.pk)
    writes = Permission.DISPUTE in permissions_of(request.actor) and shown.status != Dispute.Status.DECIDED
    return _dispute_page(request, shown, form=form if writes else None)


@require_GET
def evidence(request: PageRequest, evidence_id: int) -> HttpResponseBase:
    """For the parties and the operator alone, each past their own door, and always as a download."""
    if not request.user.is_authenticated:
        raise Http404
    if request.user.is_operator:
        return _evidence_for_operator(request, evidence_id)
    if request.organisation is None:
        raise Http404
    return _evidence_for_party(request, evidence_id)


@operator_required
def _evidence_for_operator(request: PageRequest, evidence_id: int) -> HttpResponseBase:
    return _download(disputes_seen_by(None, operator=True), evidence_id)


@organisation_required()
def _evidence_for_party(request: MemberRequest, evidence_id: int) -> HttpResponseBase:
    return _download(disputes_seen_by(request.organisation, operator=False), evidence_id)


def _download(seen: QuerySet[Dispute], evidence_id: int) -> HttpResponseBase:
    file = get_object_or_404(Evidence, pk=evidence_id, message__dispute__in=seen)
    response = FileResponse(
        file.file.open("rb"), as_attachment=True, filename=file.name, content_type="application/octet-stream"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
@operator_required
def disputes(request: PageRequest) -> HttpResponse:
    waiting_first = disputes_seen_by(None, operator=True).order_by(
        F("decided_at").desc(nulls_first=True), "pk"
    )
    return render(
        request,
        "delivery/disputes.html",
        {"page": Paginator(waiting_first, DISPUTES_A_PAGE).get_page(request.GET.get("page"))},
    )


@require_http_methods(["GET", "POST"])
@operator_required
def decide(request: PageRequest, dispute_id: int) -> HttpResponse:
    shown = get_object_or_404(disputes_seen_by(None, operator=True), pk=dispute_id)
    form = DecisionForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            decide_dispute(
                actor=request.actor,
                dispute_id=shown.pk,
                refund=to_fen(form.cleaned_data["refund"]),
                text=form.cleaned_data["text"],
                now=timezone.now(),
            )
            messages.success(request, _("Decided; the money has moved and both parties were written to."))
            return redirect("delivery:decide", shown.pk)
    undecided = shown.status != Dispute.Status.DECIDED
    return _dispute_page(request, shown, decision_form=form if undecided else None)


def _compute_contract(request: MemberRequest, number: str) -> Contract:
    own = contracts_of(request.organisation).filter(kind=Contract.Kind.COMPUTE)
    contract: Contract = get_object_or_404(own, number=number)
    return contract


def _delivery_page(request: MemberRequest, contract: Contract, **bound: Any) -> HttpResponse:
    may = permissions_of(request.actor)
    now = timezone.now()
    provides = contract.provider_id == request.organisation.pk
    context = {
        "contract": contract,
        "state": state_of(contract),
        "reports": contract.state_reports.order_by("-pk"),
        "left": left_of(contract, now=now),
        "page": Paginator(hours_of(contract, now=now), HOURS_A_PAGE).get_page(request.GET.get("page")),
        "disputes": contract.disputes.all(),
        "has_access": contract.access_details.exists(),
        "we_provide": provides,
        "reports_delivery": provides and Permission.REPORT_DELIVERY in may,
        "sees_access": contract.buyer_id == request.organisation.pk and Permission.SEE_DELIVERY in may,
        "may_dispute": Permission.DISPUTE in may,
        "state_form": StateForm(states=sorted(NEXT[state_of(contract)])),
        "access_form": AccessForm(),
        "usage_form": UsageForm(),
    }
    status = 422 if bound else 200
    return render(request, "delivery/delivery.html", context | bound, status=status)


def _dispute_page(request: PageRequest, shown: Dispute, **forms: Any) -> HttpResponse:
    thread = shown.messages.select_related("organisation", "user").prefetch_related("evidence")
    context = {"dispute": shown, "contract": shown.contract, "thread": thread}
    return render(request, "delivery/dispute.html", context | forms)
