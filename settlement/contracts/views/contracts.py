"""A contract is seen by its two parties; anybody who knows its hash may ask whether it stands."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from accounts.web import organisation_required
from settlement.contracts.filters import ContractFilter
from settlement.contracts.pdf import LANGUAGES, contract_pdf
from settlement.contracts.queries import contracts_of, hours_of, proof_of
from settlement.contracts.signing import published_keys
from settlement.contracts.terms import terms_shown

CONTRACTS_A_PAGE = 25
HOURS_A_PAGE = 48


@require_GET
@organisation_required()
def contracts(request: MemberRequest) -> HttpResponse:
    own = contracts_of(request.organisation)
    chosen = ContractFilter(request.GET, queryset=own, organisation=request.organisation)
    return render(
        request,
        "contracts/contracts.html",
        {
            "filter": chosen,
            "page": Paginator(chosen.qs, CONTRACTS_A_PAGE).get_page(request.GET.get("page")),
            "has_contracts": own.exists(),
        },
    )


@require_GET
@organisation_required()
def contract(request: MemberRequest, number: str) -> HttpResponse:
    shown = get_object_or_404(contracts_of(request.organisation).defer(None), number=number)
    may = permissions_of(request.actor)
    return render(
        request,
        "contracts/contract.html",
        {
            "contract": shown,
            "terms": terms_shown(shown),
            "we_provide": shown.provider_id == request.organisation.pk,
            "sees_money": Permission.SEE_MONEY in may,
            "may_dispute": Permission.DISPUTE in may,
            "page": Paginator(hours_of(shown), HOURS_A_PAGE).get_page(request.GET.get("page")),
        },
    )


@require_GET
@organisation_required()
def document(request: MemberRequest, number: str) -> HttpResponse:
    """The canonical JSON, byte for byte as it was hashed."""
    shown = get_object_or_404(contracts_of(request.organisation).defer(None), number=number)
    response = HttpResponse(shown.document, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{shown.number}.json"'
    return response


@require_GET
@organisation_required()
def pdf(request: MemberRequest, number: str) -> HttpResponse:
    """The contract on paper, in `?language=zh|en`, else in the reader's."""
    language = request.GET.get("language", (get_language() or "en")[:2])
    if language not in LANGUAGES:
        raise Http404
    shown = get_object_or_404(contracts_of(request.organisation).defer(None), number=number)
    response = HttpResponse(contract_pdf(shown, language=language), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{shown.number}-{language}.pdf"'
    return response


@require_GET
def verify(request: HttpRequest, sha256: str) -> HttpResponse:
    """For whoever holds a contract: says whether its hash and signature hold, and none of its terms."""
    proof = proof_of(sha256)
    return render(
        request, "contracts/verify.html", {"sha256": sha256, "proof": proof}, status=200 if proof else 404
    )


@require_GET
def keys(request: HttpRequest) -> HttpResponse:
    return JsonResponse(published_keys())
