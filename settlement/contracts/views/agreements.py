"""The master agreement: anybody reads it, an owner accepts it."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest, PageRequest
from accounts.web import organisation_required, tell_refusal
from listings.cards import render_card
from settlement.contracts.agreement import text_of
from settlement.contracts.models import MasterAgreement
from settlement.contracts.operations import accept_agreement, publish_agreement
from settlement.contracts.queries import accepted_by, current_agreement

LANGUAGES = ("zh", "en")


@require_GET
def agreement(request: PageRequest, version: int | None = None) -> HttpResponse:
    """The current version, or an earlier one, in the reader's language or in `?language=zh|en`."""
    current = current_agreement() or publish_agreement(now=timezone.now())
    shown = get_object_or_404(MasterAgreement, version=version) if version else current
    text = text_of(shown.version)
    language = request.GET.get("language", (get_language() or "en")[:2])
    body = text.zh if language == "zh" else text.en
    accepted = accepted_by(request.organisation) if request.organisation else None
    return render(
        request,
        "contracts/agreement.html",
        {
            "agreement": shown,
            "current": current,
            "language": language if language in LANGUAGES else "en",
            "body": render_card(body.split("\n", 1)[1]),  # The page's heading is the title.
            "accepted": accepted,
            "is_to_accept": shown == current
            and request.organisation is not None
            and (accepted is None or accepted.agreement != current),
            "may_accept": Permission.MANAGE_ORGANISATION in permissions_of(request.actor),
        },
    )


@require_POST
@organisation_required(Permission.MANAGE_ORGANISATION)
def accept(request: MemberRequest) -> HttpResponse:
    with tell_refusal(request):
        accept_agreement(
            actor=request.actor,
            sha256=request.POST.get("sha256", ""),
            now=timezone.now(),
            ip=get_adapter().get_client_ip(request),
        )
        messages.success(request, _("Your organisation accepted the master agreement."))
    return redirect("contracts:agreement")


@require_GET
def text(request: PageRequest, version: int, language: str) -> HttpResponse:
    """The very bytes that the hash is of."""
    if language not in LANGUAGES:
        raise Http404
    shown = text_of(get_object_or_404(MasterAgreement, version=version).version)
    body = shown.zh if language == "zh" else shown.en
    return HttpResponse(body, content_type="text/markdown; charset=utf-8")
