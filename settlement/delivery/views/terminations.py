"""End a contract before its time: the parties by agreement, the operator in writing."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import operator_required, organisation_required, refused_on, tell_refusal
from settlement.contracts.models import Contract, Ground, TerminationProposal
from settlement.contracts.queries import BASIS_POINTS, contracts_of
from settlement.contracts.terms import break_fee_basis_points_of
from settlement.delivery.forms import EndForm
from settlement.delivery.operations import answer_proposal, propose_termination, terminate
from settlement.delivery.queries import left_of, state_of

CONTRACTS_A_PAGE = 50
BY_THE_PARTIES = [(each.value, each.label) for each in (Ground.AGREEMENT, Ground.FORCE_MAJEURE)]
PROVIDER, BUYER = "breach:provider", "breach:buyer"
BY_THE_OPERATOR = [
    (PROVIDER, gettext_lazy("Breach by the provider")),
    (BUYER, gettext_lazy("Breach by the buyer")),
    (Ground.FORCE_MAJEURE.value, Ground.FORCE_MAJEURE.label),
]


@require_GET
@organisation_required()
def termination(request: MemberRequest, number: str) -> HttpResponse:
    contract = _own_contract(request, number)
    return _page(request, contract, _proposal_form(None, contract))


@require_POST
@organisation_required(Permission.TERMINATE)
def propose(request: MemberRequest, number: str) -> HttpResponse:
    contract = _own_contract(request, number)
    form = _proposal_form(request.POST, contract)
    if form.is_valid():
        with refused_on(form):
            propose_termination(
                actor=request.actor,
                contract_id=contract.pk,
                ground=Ground(form.cleaned_data["ground"]),
                from_slot=form.slot,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, _("Proposed; the other party was written to."))
            return redirect("delivery:termination", contract.number)
    return _page(request, contract, form)


@require_POST
@organisation_required(Permission.TERMINATE)
def answer(request: MemberRequest, number: str) -> HttpResponse:
    """The proposal that waits: `answer` is accept, or anything else to decline or withdraw it."""
    contract = get_object_or_404(contracts_of(request.organisation), number=number)
    waiting = get_object_or_404(
        contract.termination_proposals,
        pk=request.POST.get("proposal", 0),
        status=TerminationProposal.Status.OPEN,
    )
    with tell_refusal(request):
        answer_proposal(
            actor=request.actor,
            proposal_id=waiting.pk,
            accept=request.POST.get("answer") == "accept",
            now=timezone.now(),
        )
        messages.success(request, _("Done; both parties find it on this page."))
    return redirect("delivery:termination", contract.number)


@require_GET
@operator_required
def contracts(request: PageRequest) -> HttpResponse:
    """Every contract, latest first; found by a part of its number."""
    number = request.GET.get("number", "").strip()
    found = _seen_by_the_operator().filter(number__icontains=number).defer("document", "hourly_prices")
    page = Paginator(found.order_by("-position"), CONTRACTS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "delivery/operator_contracts.html", {"page": page, "number": number})


@require_http_methods(["GET", "POST"])
@operator_required
def contract(request: PageRequest, number: str) -> HttpResponse:
    shown = get_object_or_404(_seen_by_the_operator(), number=number)
    now = timezone.now()
    form = EndForm(request.POST or None, contract=shown, grounds=BY_THE_OPERATOR, now=now)
    if form.is_valid():
        ground = form.cleaned_data["ground"]
        with refused_on(form):
            terminate(
                actor=request.actor,
                contract_id=shown.pk,
                ground=Ground.FORCE_MAJEURE if ground == Ground.FORCE_MAJEURE else Ground.BREACH,
                breaching_id={PROVIDER: shown.provider_id, BUYER: shown.buyer_id}.get(ground),
                from_slot=form.slot,
                reason=form.cleaned_data["reason"],
                now=now,
            )
            messages.success(request, _("The contract ends; both parties were written to."))
            return redirect("delivery:operator_contract", shown.number)
    context = {
        "contract": shown,
        "state": state_of(shown),
        "left": left_of(shown, now=now),
        "break_fee": break_fee_basis_points_of(shown) / BASIS_POINTS,
        "proposals": shown.termination_proposals.select_related("proposed_by", "answered_by"),
        "disputes": shown.disputes.all(),
        "form": form if _runs(shown) and form.can_end else None,
    }
    return render(request, "delivery/operator_contract.html", context, status=422 if form.errors else 200)


def _own_contract(request: MemberRequest, number: str) -> Contract:
    """One that can end before its time: of licences, those with a time to accept them."""
    own = contracts_of(request.organisation).defer(None)
    own = own.filter(Q(kind=Contract.Kind.COMPUTE) | Q(acceptance_ends_at__isnull=False))
    contract: Contract = get_object_or_404(own, number=number)
    return contract


def _proposal_form(data: QueryDict | None, contract: Contract) -> EndForm:
    return EndForm(data, contract=contract, grounds=BY_THE_PARTIES, now=timezone.now())


def _page(request: MemberRequest, contract: Contract, form: EndForm) -> HttpResponse:
    proposals = contract.termination_proposals.select_related("proposed_by", "answered_by")
    waiting = proposals.filter(status=TerminationProposal.Status.OPEN).first()
    may_end = Permission.TERMINATE in permissions_of(request.actor) and _runs(contract)
    context = {
        "contract": contract,
        "left": left_of(contract, now=timezone.now()),
        "break_fee": break_fee_basis_points_of(contract) / BASIS_POINTS,
        "proposals": proposals,
        "waiting": waiting,
        "is_ours": waiting is not None and waiting.proposed_by_id == request.organisation.pk,
        "may_end": may_end,
        "form": form if may_end and form.can_end else None,
    }
    return render(request, "delivery/termination.html", context, status=422 if form.errors else 200)


def _seen_by_the_operator() -> QuerySet[Contract]:
    related = ("buyer", "provider", "pool__facility", "pool__accelerator", "plan__algorithm", "termination")
    seen: QuerySet[Contract] = Contract.objects.select_related(*related)
    return seen


def _runs(contract: Contract) -> bool:
    return contract.ended_at is None and not hasattr(contract, "termination")
