"""Cards: who pays with them, what they brought in, and what went back."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import never_deleted
from settlement.ledger.models import Currency, Transfer
from settlement.payments.models.stripe_messages import StripeCall


class StripeCustomer(models.Model):
    """An organisation, as Stripe knows it: its saved cards hang on it."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="stripe_customer")
    call = models.OneToOneField(StripeCall, models.PROTECT, related_name="+")
    customer_id = models.CharField(max_length=255, unique=True, null=True, blank=True)

    def __str__(self) -> str:
        return self.customer_id or "–"


class SavedCard(models.Model):
    """A card that Stripe keeps for an organisation; here is only what tells it from another."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="saved_cards")
    payment_method_id = models.CharField(max_length=255, unique=True)
    brand = models.CharField(_("brand"), max_length=30)
    last4 = models.CharField(_("last four digits"), max_length=4)
    expires = models.CharField(_("expires"), max_length=7)  # 2030-08
    added_at = models.DateTimeField(_("added"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("card")
        ordering = ["-added_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.brand.title()} •••• {self.last4}"


class CardTopUp(models.Model):
    """A payment by card, on Stripe's page or with a saved card."""

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("payment", "Pending")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="card_top_ups")
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    currency = models.CharField(_("currency"), max_length=3, choices=Currency)
    amount = models.BigIntegerField(_("amount (fen)"))
    card = models.ForeignKey(SavedCard, models.PROTECT, null=True, blank=True, related_name="+")
    call = models.OneToOneField(StripeCall, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    session_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    payment_intent_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    charge_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    received = models.BigIntegerField(_("received (fen)"), default=0)
    refunded = models.BigIntegerField(_("refunded (fen)"), default=0)
    failure = models.CharField(_("failure"), max_length=500, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    class Meta:
        verbose_name = _("top-up by card")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="card_top_up_brings_money", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="card_top_up_paid_has_its_money",
                condition=Q(status="paid", received__gt=0, paid_at__isnull=False)
                | (~Q(status="paid") & Q(received=0, paid_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="card_top_up_refunds_no_more_than_came",
                condition=Q(refunded__gte=0, refunded__lte=F("received")),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable",
                fields=["organisation", "asked_by", "currency", "amount", "card", "call", "created_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.amount} {self.status}"

    @property
    def is_contested(self) -> bool:
        """Whether the bank has its money: nothing of it can be refunded then."""
        return any(each.taken_id and not each.given_back_id for each in self.chargebacks.all())

    @property
    def refundable(self) -> int:
        return 0 if self.is_contested else self.received - self.refunded


class CardRefund(models.Model):
    """Money that goes back to the card it came from: asked for here, or made on Stripe's own pages."""

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("payment", "Pending")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")

    top_up = models.ForeignKey(CardTopUp, models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField(_("amount (fen)"))
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    call = models.OneToOneField(StripeCall, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"))

    refund_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    failure = models.CharField(_("failure"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("refund")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="card_refund_gives_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="card_refund_has_its_origin",
                condition=Q(call__isnull=False) | Q(refund_id__isnull=False),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable", fields=["top_up", "amount", "asked_by", "call", "created_at"]
            ),
            pgtrigger.Protect(
                name="failed_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="failed", new__status__df=pgtrigger.F("old__status")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.status}"


class Chargeback(models.Model):
    """A card's holder contests a payment at their bank. Stripe takes the money, and gives it back if won."""

    class Status(models.TextChoices):
        """Stripe's words for a dispute."""

        WARNING_NEEDS_RESPONSE = "warning_needs_response", _("Inquiry, needs an answer")
        WARNING_UNDER_REVIEW = "warning_under_review", _("Inquiry, under review")
        WARNING_CLOSED = "warning_closed", _("Inquiry closed")
        NEEDS_RESPONSE = "needs_response", _("Needs an answer")
        UNDER_REVIEW = "under_review", _("Under review")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        PREVENTED = "prevented", _("Prevented")

    top_up = models.ForeignKey(CardTopUp, models.PROTECT, related_name="chargebacks")
    dispute_id = models.CharField(max_length=255, unique=True)
    amount = models.BigIntegerField(_("amount (fen)"))
    reason = models.CharField(_("reason"), max_length=50)
    opened_at = models.DateTimeField(_("opened"))
    answer_by = models.DateTimeField(_("answer by"), null=True, blank=True)

    status = models.CharField(_("status"), max_length=30, choices=Status)
    taken = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="+")
    given_back = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("chargeback")
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="chargeback_contests_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="chargeback_gives_back_what_was_taken",
                condition=Q(given_back__isnull=True) | Q(taken__isnull=False),
            ),
        ]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return self.dispute_id
