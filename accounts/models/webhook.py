"""What organisations' programs are told of: where to, what happened, and how each delivery went."""

import secrets
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.organisation import Organisation


class EventKind(models.TextChoices):
    """What is told of. `data` names the row that it happened to, in the words of the API."""

    CONTRACT_OPENED = "contract.opened", _("A round made a contract")
    DELIVERY_CHANGED = "delivery.changed", _("A delivery went a step on")
    DISPUTE_OPENED = "dispute.opened", _("A dispute was opened")
    DISPUTE_DECIDED = "dispute.decided", _("A dispute was decided")
    INVOICE_ISSUED = "invoice.issued", _("An invoice or credit note was issued")
    PAYOUT_CHANGED = "payout.changed", _("A payout was paid, or failed")
    PING = "ping", _("Sent to try an endpoint")


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def enabled(self) -> "WebhookEndpointQuerySet":
        return self.filter(disabled_at__isnull=True)

    def told_of(self, kind: EventKind) -> "WebhookEndpointQuerySet":
        return self.enabled().filter(Q(kinds=[]) | Q(kinds__contains=[kind]))


class WebhookEndpoint(models.Model):
    """An address that is told. Secrets are encrypted; the one before a rotation signs too for a while."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(_("address"), max_length=500)
    kinds = ArrayField(
        models.CharField(max_length=30, choices=EventKind), help_text="Empty: all.", default=list
    )
    secret = models.BinaryField()
    older_secret = models.BinaryField(null=True)
    older_signs_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)

    objects: ClassVar = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("webhook endpoint"), _("webhook endpoints")
        constraints = [
            models.UniqueConstraint("organisation", "url", name="webhook_endpoint_once"),
            models.CheckConstraint(
                name="webhook_older_secret_has_an_end",
                condition=~(Q(older_secret__isnull=True) ^ Q(older_signs_until__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def kind_labels(self) -> list[str]:
        return [EventKind(kind).label for kind in self.kinds]


def new_uid() -> str:
    return f"evt_{secrets.token_hex(16)}"


class WebhookEvent(models.Model):
    """Something that happened, written down with the change itself where an endpoint is to be told."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=30, choices=EventKind)
    data = models.JSONField()
    happened_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name, verbose_name_plural = _("webhook event"), _("webhook events")

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, now: datetime) -> "WebhookDeliveryQuerySet":
        return self.filter(status=WebhookDelivery.Status.WAITING, due_at__lte=now)


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint."""

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("webhook", "Waiting")
        DELIVERED = "delivered", pgettext_lazy("webhook", "Delivered")
        GIVEN_UP = "given_up", pgettext_lazy("webhook", "Given up")

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    answered = models.PositiveSmallIntegerField(null=True, help_text="The last answer's HTTP status.")
    last_error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)

    objects: ClassVar = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("webhook delivery"), _("webhook deliveries")
        constraints = [models.UniqueConstraint("event", "endpoint", name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="webhook_delivery_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.event_id} -> {self.endpoint_id}"
