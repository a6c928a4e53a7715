"""Tell organisations' programs what happened, as Standard Webhooks has it (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import outbound
from accounts.audit import Actor, record
from accounts.encryption import decrypt, encrypt
from accounts.errors import DomainError, InvalidInput
from accounts.models import (
    EventKind,
    Organisation,
    Role,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.operations.outgoing_email import queue_email
from accounts.permissions import Permission, require

MOST_ENDPOINTS = 10
OLDER_SIGNS_FOR = timedelta(days=1)
SENDING_TAKES_AT_MOST = timedelta(minutes=2)
EVENTS_KEPT = timedelta(days=30)
# Waits after each attempt that failed: ten attempts in some three days.
RETRY_AFTER = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
JITTER_PERCENT = 20
GONE = 410
PURPOSE = b"suanpan webhook secrets"

Status = WebhookDelivery.Status


class EndpointRefused(DomainError):
    """The endpoint exists already, or there are too many."""

    code = "webhook_endpoint_refused"


@transaction.atomic
def add_endpoint(
    *, actor: Actor, url: str, kinds: Sequence[str], now: datetime
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, `whsec_…`, which is shown this once. Raises EndpointRefused."""
    organisation = require(actor, Permission.MANAGE_WEBHOOKS)
    _check(url)
    own = _locked(organisation)
    if len(own) >= MOST_ENDPOINTS:
        raise EndpointRefused(_("An organisation has at most %(most)s endpoints.") % {"most": MOST_ENDPOINTS})
    _refuse_second(own, url)
    secret = _new_secret()
    endpoint = WebhookEndpoint.objects.create(
        organisation=organisation,
        url=url,
        kinds=sorted(set(kinds)),
        secret=encrypt(secret, purpose=PURPOSE),
        created_at=now,
    )
    record(actor=actor, verb="add", subject=endpoint, detail={"url": url, "kinds": endpoint.kinds}, now=now)
    return endpoint, secret


@transaction.atomic
def edit_endpoint(
    *, actor: Actor, endpoint_id: int, url: str, kinds: Sequence[str], now: datetime
) -> WebhookEndpoint:
    """Change what an endpoint is told and where; one that was disabled is told again."""
    endpoint = _own(actor, endpoint_id)
    _check(url)
    _refuse_second([each for each in _locked(endpoint.organisation) if each != endpoint], url)
    endpoint.url, endpoint.kinds, endpoint.disabled_at = url, sorted(set(kinds)), None
    endpoint.save(update_fields=["url", "kinds", "disabled_at"])
    record(actor=actor, verb="edit", subject=endpoint, detail={"url": url, "kinds": endpoint.kinds}, now=now)
    return endpoint


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint_id: int, now: datetime) -> tuple[WebhookEndpoint, str]:
    """A new secret, shown this once; the one before signs beside it for a day."""
    endpoint = _own(actor, endpoint_id)
    secret = _new_secret()
    endpoint.older_secret, endpoint.older_signs_until = endpoint.secret, now + OLDER_SIGNS_FOR
    endpoint.secret = encrypt(secret, purpose=PURPOSE)
    endpoint.save(update_fields=["secret", "older_secret", "older_signs_until"])
    record(actor=actor, verb="rotate", subject=endpoint, now=now)
    return endpoint, secret


@transaction.atomic
def remove_endpoint(*, actor: Actor, endpoint_id: int, now: datetime) -> None:
    """Tell this address nothing more; what waits for it is dropped."""
    endpoint = _own(actor, endpoint_id)
    record(actor=actor, verb="remove", subject=endpoint, detail={"url": endpoint.url}, now=now)
    endpoint.delete()


@transaction.atomic
def ping(*, actor: Actor, endpoint_id: int, now: datetime) -> WebhookEvent:
    """Send one endpoint an event that says nothing, to try it."""
    endpoint = _own(actor, endpoint_id)
    event = WebhookEvent.objects.create(
        organisation=endpoint.organisation, kind=EventKind.PING, data={}, happened_at=now
    )
    _send([WebhookDelivery.objects.create(event=event, endpoint=endpoint, due_at=now)])
    return event


@transaction.atomic
def replay(*, actor: Actor, event_id: int, now: datetime) -> WebhookEvent:
    """Deliver an event again, under the same id, to each enabled endpoint that takes its kind."""
    organisation = require(actor, Permission.MANAGE_WEBHOOKS)
    event = WebhookEvent.objects.get(organisation=organisation, pk=event_id)
    told = WebhookEndpoint.objects.filter(organisation=organisation).told_of(EventKind(event.kind))
    again = [WebhookDelivery(event=event, endpoint=endpoint, due_at=now) for endpoint in told]
    _send(
        WebhookDelivery.objects.bulk_create(
            again,
            update_conflicts=True,
            unique_fields=["event", "endpoint"],
            update_fields=["status", "due_at", "attempts", "answered", "last_error", "delivered_at"],
        )
    )
    return event


def tell_programs(*, kind: EventKind, told: Iterable[tuple[int, dict[str, Any]]], now: datetime) -> int:
    """Write down what happened to which organisation's row, by the organisation's id; the number of events.

    Belongs into the transaction of the change itself. Organisations without an endpoint for it cost nothing.
    """
    told = list(told)
    endpoints = defaultdict(list)
    for endpoint in WebhookEndpoint.objects.told_of(kind).filter(
        organisation__in={each for each, _data in told}
    ):
        endpoints[endpoint.organisation_id].append(endpoint)
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(organisation_id=organisation, kind=kind, data=data, happened_at=now)
        for organisation, data in told
        if organisation in endpoints
    )
    _send(
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(event=event, endpoint=endpoint, due_at=now)
            for event in events
            for endpoint in endpoints[event.organisation_id]
        )
    )
    return len(events)


def deliver(*, delivery_id: int, now: datetime) -> bool:
    """Make one attempt at a delivery that is due. Whether it was delivered.

    Whoever claims it has two minutes; if it is killed in between, the delivery falls due again, and its
    receiver may see it twice. Any 2xx is a delivery; 410 disables the endpoint; else it falls due later.
    """
    due = WebhookDelivery.objects.due(now).filter(pk=delivery_id, endpoint__disabled_at__isnull=True)
    if not due.update(due_at=now + SENDING_TAKES_AT_MOST, attempts=F("attempts") + 1):
        return False
    delivery = WebhookDelivery.objects.select_related("event", "endpoint").get(pk=delivery_id)
    body = body_of(delivery.event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Suanpan-Webhooks/1",
        "webhook-id": delivery.event.uid,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures_of(delivery.endpoint, delivery.event.uid, body, now=now),
    }
    try:
        delivery.answered, delivery.last_error = (
            outbound.post(delivery.endpoint.url, body=body, headers=headers),
            "",
        )
    except outbound.Unreachable as error:
        delivery.answered, delivery.last_error = None, str(error)[:300]
    _note(delivery, now)
    return delivery.status == Status.DELIVERED


def body_of(event: WebhookEvent) -> bytes:
    """The very bytes that are signed and sent, the same each time."""
    at = event.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(
        {"type": event.kind, "timestamp": at, "data": event.data}, separators=(",", ":"), ensure_ascii=False
    ).encode()


def signatures_of(endpoint: WebhookEndpoint, uid: str, body: bytes, *, now: datetime) -> str:
    """`v1,<base64>` of HMAC-SHA256 over `id.timestamp.body`, one for each secret in force."""
    sealed = [endpoint.secret]
    if endpoint.older_secret and endpoint.older_signs_until and now < endpoint.older_signs_until:
        sealed.append(endpoint.older_secret)
    signed = f"{uid}.{int(now.timestamp())}.".encode() + body
    keys = [base64.b64decode(decrypt(bytes(each), purpose=PURPOSE).removeprefix("whsec_")) for each in sealed]
    digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def forget_old_events(*, now: datetime) -> int:
    """Drop the events that are older than what the API promises to keep, with their deliveries."""
    return WebhookEvent.objects.filter(happened_at__lt=now - EVENTS_KEPT).delete()[0]


@transaction.atomic
def _note(delivery: WebhookDelivery, now: datetime) -> None:
    if delivery.answered is not None and 200 <= delivery.answered < 300:
        delivery.status, delivery.delivered_at = Status.DELIVERED, now
    elif delivery.answered == GONE or delivery.attempts > len(RETRY_AFTER):
        delivery.status = Status.GIVEN_UP
    else:
        jitter = 1 + secrets.randbelow(JITTER_PERCENT + 1) / 100
        delivery.due_at = now + RETRY_AFTER[delivery.attempts - 1] * jitter
    # Not where it was replayed meanwhile: that attempt is still to be made.
    WebhookDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(
        status=delivery.status,
        due_at=delivery.due_at,
        answered=delivery.answered,
        last_error=delivery.last_error,
        delivered_at=delivery.delivered_at,
    )
    if delivery.answered == GONE:
        _disable(delivery.endpoint, now)


def _disable(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Tell it nothing more, unless it was given another address meanwhile: that one answered nothing."""
    asked = WebhookEndpoint.objects.enabled().filter(pk=endpoint.pk, url=endpoint.url)
    if asked.update(disabled_at=now):
        _tell_owners(endpoint, now)


def _tell_owners(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Write to each active owner, in the owner's language, that an endpoint is told nothing more."""
    owners = User.objects.filter(
        memberships__organisation=endpoint.organisation_id, memberships__role=Role.OWNER, is_active=True
    )
    for owner in owners.order_by("pk"):
        with translation.override(owner.language or settings.LANGUAGE_CODE):
            subject = _("A webhook endpoint of yours is disabled")
            text = _(
                "%(url)s answered 410 (Gone) and is told nothing more.\n\nIf that is a mistake, enable it"
                " again on your organisation's page of webhooks: what waits for it is sent then."
            ) % {"url": endpoint.url}
        queue_email(to=owner.email, subject=subject, text=text, now=now)


def _send(deliveries: Iterable[WebhookDelivery]) -> None:
    for delivery in deliveries:
        send = partial(current_app.send_task, "accounts.tasks.deliver_webhook", [delivery.pk])
        transaction.on_commit(send, robust=True)


def _own(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    organisation = require(actor, Permission.MANAGE_WEBHOOKS)
    for endpoint in _locked(organisation):
        if endpoint.pk == endpoint_id:
            return endpoint
    raise InvalidInput(_("There is no such endpoint."))


def _locked(organisation: Organisation) -> list[WebhookEndpoint]:
    """Its endpoints, behind a lock on the organisation: what two callers count or compare stays true."""
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    return list(organisation.webhook_endpoints.select_related("organisation"))


def _refuse_second(others: Iterable[WebhookEndpoint], url: str) -> None:
    if url in {each.url for each in others}:
        raise EndpointRefused(_("Your organisation has an endpoint at this address: change that one."))


def _check(url: str) -> None:
    if not outbound.is_callable(url):
        raise InvalidInput(_("Give an address that begins with https:// and names a host."))


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
