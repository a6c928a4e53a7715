"""Stripe Connect: how providers are paid through Stripe."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import never_deleted
from settlement.payments.models.payout import Payout
from settlement.payments.models.stripe_messages import StripeCall


class StripeAccount(models.Model):
    """A provider's account at Stripe, under the platform's. What Stripe allows it is fetched from there."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="stripe_account")
    call = models.OneToOneField(StripeCall, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"))
    account_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    details_submitted = models.BooleanField(_("details submitted"), default=False)
    transfers_enabled = models.BooleanField(_("may receive transfers"), default=False)
    payouts_enabled = models.BooleanField(_("may be paid out"), default=False)
    missing = models.PositiveSmallIntegerField(_("details missing"), default=0)
    version = models.PositiveIntegerField(default=0)  # Counts what was fetched: older answers must not win.

    class Meta:
        verbose_name = _("account at Stripe")
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return self.account_id or "–"

    @property
    def is_ready(self) -> bool:
        return self.transfers_enabled and self.payouts_enabled


class StripePayout(models.Model):
    """A payout's way through Stripe: a transfer to the provider's account there, which is when it leaves the
    platform; then from there to its bank. If the bank fails, the transfer is reversed."""

    class Bank(models.TextChoices):
        AWAITED = "awaited", _("On its way to the bank")
        ARRIVED = "arrived", _("Arrived at the bank")
        FAILED = "failed", _("Not taken by the bank")

    payout = models.OneToOneField(Payout, models.PROTECT, primary_key=True, related_name="through_stripe")
    account = models.ForeignKey(StripeAccount, models.PROTECT, related_name="payouts")
    transfer_call = models.OneToOneField(StripeCall, models.PROTECT, related_name="+")
    transfer_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    bank_call = models.OneToOneField(StripeCall, models.PROTECT, null=True, blank=True, related_name="+")
    bank_payout_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    bank = models.CharField(_("at the bank"), max_length=10, choices=Bank, default=Bank.AWAITED)
    reversal_call = models.OneToOneField(StripeCall, models.PROTECT, null=True, blank=True, related_name="+")
    failure = models.CharField(_("failure"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("payout through Stripe")
        constraints = [
            models.CheckConstraint(
                name="stripe_payout_transferred_first",
                condition=Q(bank_call=None, reversal_call=None) | Q(transfer_id__isnull=False),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", fields=["payout", "account", "transfer_call"]),
        ]

    def __str__(self) -> str:
        return f"{self.payout} {self.transfer_id or ''}".strip()
