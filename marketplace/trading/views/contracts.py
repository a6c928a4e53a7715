"""What trading does on a contract's page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required, tell_refusal
from marketplace.trading.operations.offer_freed_hours import offer_freed_hours as offer
from settlement.contracts.queries import contracts_of


@require_POST
@organisation_required(Permission.MANAGE_LISTINGS)
def offer_freed_hours(request: MemberRequest, number: str) -> HttpResponse:
    contract = get_object_or_404(contracts_of(request.organisation), number=number)
    with tell_refusal(request):
        offer(actor=request.actor, contract_id=contract.pk, now=timezone.now())
        messages.success(request, _("The freed hours are for sale again."))
    return redirect("contracts:contract", contract.number)
