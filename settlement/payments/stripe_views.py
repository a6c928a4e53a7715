"""Cards on the balance page, the provider's account at Stripe, and the door for Stripe's messages."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from settlement.payments import stripe_api
from settlement.payments.errors import BadMessage
from settlement.payments.operations import receive_event
from settlement.payments.stripe_api import BadSignature

LARGEST_MESSAGE = 2**20


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
