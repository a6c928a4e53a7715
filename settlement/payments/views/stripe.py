"""The door for Stripe's messages, and what the operator sees of what is not finished with Stripe."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest
from accounts.web import operator_required
from settlement.payments import stripe_api
from settlement.payments.errors import BadMessage
from settlement.payments.models import Chargeback, StripeCall, StripeEvent
from settlement.payments.operations import receive_event
from settlement.payments.stripe_api import BadSignature

LARGEST_MESSAGE = 2**20
ROWS_A_PAGE = 20


def require_stripe() -> None:
    if not stripe_api.is_configured():
        raise Http404


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Signed by Stripe, or refused. Once it is stored Stripe may forget it: what follows is ours to do."""
    if not stripe_api.is_configured():
        return HttpResponse(status=404)
    if int(request.headers.get("Content-Length") or 0) > LARGEST_MESSAGE:
        return HttpResponse(status=413)
    try:
        receive_event(
            body=request.body, signature=request.headers.get("Stripe-Signature", ""), now=timezone.now()
        )
    except (BadSignature, BadMessage) as refusal:
        return HttpResponse(str(refusal), status=400, content_type="text/plain")
    return HttpResponse(status=200)


@require_GET
@operator_required
def operator_stripe(request: PageRequest) -> HttpResponse:
    """What Stripe and we have not finished with each other, and what cards' holders contest."""
    calls = StripeCall.objects.filter(status=StripeCall.Status.WAITING, attempts__gt=0)
    events = StripeEvent.objects.filter(processed_at=None, attempts__gt=0)
    chargebacks = Chargeback.objects.select_related("top_up__organisation")
    context = {
        "configured": stripe_api.is_configured(),
        "calls": calls.order_by("created_at")[:ROWS_A_PAGE],
        "events": events.order_by("received_at")[:ROWS_A_PAGE],
        "page": Paginator(chargebacks, ROWS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "payments/operator_stripe.html", context)
