"""Where an organisation's programs are told what happens, and how it went."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.forms import WebhookEndpointForm
from accounts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.operations import webhooks
from accounts.permissions import Permission
from accounts.requests import MemberRequest
from accounts.web import organisation_required, refused_on, tell_refusal

LATEST = 20


@organisation_required(Permission.MANAGE_WEBHOOKS)
def list_webhooks(request: MemberRequest) -> HttpResponse:
    endpoints = list(request.organisation.webhook_endpoints.order_by("pk"))
    context = {
        "endpoints": endpoints,
        "deliveries": _latest(WebhookDelivery.objects.filter(endpoint__in=endpoints)),
        "now": timezone.now(),
    }
    return render(request, "accounts/webhooks.html", context)


@never_cache
@organisation_required(Permission.MANAGE_WEBHOOKS)
def add_webhook(request: MemberRequest) -> HttpResponse:
    """Answers the form with the secret itself, so that it is stored nowhere, not even in the session."""
    form = WebhookEndpointForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            endpoint, secret = webhooks.add_endpoint(
                actor=request.actor, **form.cleaned_data, now=timezone.now()
            )
            return _shown_once(request, endpoint, secret)
    return render(request, "accounts/add_webhook.html", {"form": form})


@organisation_required(Permission.MANAGE_WEBHOOKS)
def edit_webhook(request: MemberRequest, endpoint_id: int) -> HttpResponse:
    endpoint = _own(request, endpoint_id)
    form = WebhookEndpointForm(request.POST or None, initial={"url": endpoint.url, "kinds": endpoint.kinds})
    if form.is_valid():
        with refused_on(form):
            webhooks.edit_endpoint(
                actor=request.actor, endpoint_id=endpoint.pk, **form.cleaned_data, now=timezone.now()
            )
            messages.success(request, _("The endpoint is saved, and is told what happens from now on."))
            return redirect("accounts:webhooks")
    context = {"endpoint": endpoint, "form": form, "deliveries": _latest(endpoint.deliveries.all())}
    return render(request, "accounts/edit_webhook.html", context)


@never_cache
@require_POST
@organisation_required(Permission.MANAGE_WEBHOOKS)
def rotate_webhook_secret(request: MemberRequest, endpoint_id: int) -> HttpResponse:
    own = _own(request, endpoint_id)
    with tell_refusal(request):
        endpoint, secret = webhooks.rotate_secret(actor=request.actor, endpoint_id=own.pk, now=timezone.now())
        return _shown_once(request, endpoint, secret)
    return redirect("accounts:webhooks")


@require_POST
@organisation_required(Permission.MANAGE_WEBHOOKS)
def ping_webhook(request: MemberRequest, endpoint_id: int) -> HttpResponse:
    own = _own(request, endpoint_id)
    with tell_refusal(request):
        webhooks.ping(actor=request.actor, endpoint_id=own.pk, now=timezone.now())
        messages.success(request, _("A ping is on its way. Load the page again to see what was answered."))
    return redirect("accounts:webhooks")


@require_POST
@organisation_required(Permission.MANAGE_WEBHOOKS)
def remove_webhook(request: MemberRequest, endpoint_id: int) -> HttpResponse:
    own = _own(request, endpoint_id)
    with tell_refusal(request):
        webhooks.remove_endpoint(actor=request.actor, endpoint_id=own.pk, now=timezone.now())
        messages.success(request, _("The endpoint is removed; it is told nothing more."))
    return redirect("accounts:webhooks")


@require_POST
@organisation_required(Permission.MANAGE_WEBHOOKS)
def replay_webhook_event(request: MemberRequest, event_id: int) -> HttpResponse:
    own = get_object_or_404(WebhookEvent, organisation=request.organisation, pk=event_id)
    with tell_refusal(request):
        webhooks.replay(actor=request.actor, event_id=own.pk, now=timezone.now())
        messages.success(request, _("Each enabled endpoint that takes this event is told it again."))
    return redirect("accounts:webhooks")


def _own(request: MemberRequest, endpoint_id: int) -> WebhookEndpoint:
    return get_object_or_404(request.organisation.webhook_endpoints, pk=endpoint_id)


def _latest(deliveries: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    return deliveries.select_related("event", "endpoint").order_by("-pk")[:LATEST]


def _shown_once(request: MemberRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    return render(request, "accounts/webhook_secret.html", {"endpoint": endpoint, "secret": secret})
