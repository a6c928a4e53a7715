"""What goes to Stripe and what comes from it, each written down before it is acted upon."""

import datetime
import uuid
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.triggers import append_only, never_deleted
from settlement.payments.stripe_api import Verb


def new_key() -> str:
    return str(uuid.uuid4())


class StripeCallQuerySet(models.QuerySet["StripeCall"]):
    def due(self, now: datetime.datetime) -> "StripeCallQuerySet":
        return self.filter(status=StripeCall.Status.WAITING, due_at__lte=now)


class StripeCall(models.Model):
    """A call to Stripe: its key is stored before the call is made, and is used again after a crash."""

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("call", "Waiting")
        ANSWERED = "answered", pgettext_lazy("call", "Answered")
        REFUSED = "refused", pgettext_lazy("call", "Refused")

    key = models.CharField(max_length=64, unique=True, default=new_key)
    verb = models.CharField(_("call"), max_length=20, choices=Verb)
    target = models.CharField(max_length=255, blank=True)
    account = models.CharField(max_length=255, blank=True)
    params = models.JSONField()
    created_at = models.DateTimeField(_("created"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    first_made_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    object_id = models.CharField(max_length=255, blank=True)
    refusal = models.CharField(max_length=500, blank=True)

    objects: ClassVar = StripeCallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="stripe_call_answered_names_its_object",
                condition=Q(status="answered") ^ Q(object_id=""),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="stripe_call_waiting"),
            models.Index(fields=["object_id"], name="stripe_call_by_what_it_made"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable",
                fields=["key", "verb", "target", "account", "params", "created_at"],
            ),
            pgtrigger.Protect(
                name="resolved_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.key}"


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def due(self, now: datetime.datetime) -> "StripeEventQuerySet":
        return self.filter(processed_at=None, due_at__lte=now)


class StripeEvent(models.Model):
    """A webhook's message as it came, once by Stripe's id for it."""

    event_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(_("event"), max_length=100)
    account = models.CharField(max_length=255, blank=True)  # The connected account that it happened to.
    object_kind = models.CharField(max_length=50)
    object_id = models.CharField(max_length=255)
    body = models.TextField()
    received_at = models.DateTimeField(_("received"))

    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    objects: ClassVar = StripeEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(processed_at=None), name="stripe_event_waiting")
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable",
                fields=["event_id", "kind", "account", "object_kind", "object_id", "body", "received_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class StripeBalanceTransaction(models.Model):
    """One line of the platform's balance at Stripe, as Stripe keeps its books: what we reconcile with."""

    transaction_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(_("kind"), max_length=50)
    source = models.CharField(max_length=255, blank=True)
    currency = models.CharField(_("currency"), max_length=3)  # May be one that the exchange does not use.
    amount = models.BigIntegerField(_("amount (fen)"))
    fee = models.BigIntegerField(_("fee (fen)"))
    net = models.BigIntegerField(_("net (fen)"))
    created_at = models.DateTimeField(_("created"))
    available_on = models.DateTimeField(_("available on"))

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="stripe_balance_transaction_adds_up",
                condition=Q(net=models.F("amount") - models.F("fee")),
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="stripe_balance_by_day")]
        triggers = [
            append_only(),
        ]

    def __str__(self) -> str:
        return self.transaction_id
