from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import never_deleted
from settlement.ledger.models.account import Account
from settlement.ledger.models.transfer import Transfer


class HoldQuerySet(models.QuerySet["Hold"]):
    def pending(self) -> "HoldQuerySet":
        return self.filter(status=Hold.Status.PENDING)


class Hold(models.Model):
    """Money set aside for an order: pending, then posted (in part or whole), voided or expired, once.

    Of `amount`, `funded` came from `funder_account` and goes back there; the rest is the organisation's own.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        POSTED = "posted", _("Posted")
        VOIDED = "voided", _("Voided")
        EXPIRED = "expired", _("Expired")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="holds")
    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="hold")
    amount = models.BigIntegerField(_("amount (fen)"))
    posted = models.BigIntegerField(_("posted (fen)"), default=0)
    funder_account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    funded = models.BigIntegerField(_("of it from a funder (fen)"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    placed_at = models.DateTimeField(_("placed"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects: ClassVar = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="hold_sets_something_aside", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="hold_funded_within_amount",
                condition=Q(funder_account__isnull=True, funded=0)
                | Q(funder_account__isnull=False, funded__gt=0, funded__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="hold_posts_no_more_than_it_holds",
                condition=Q(status="posted", posted__gte=0, posted__lte=F("amount"))
                | (~Q(status="posted") & Q(posted=0)),
            ),
            models.CheckConstraint(
                name="hold_resolved_has_its_time",
                condition=Q(status="pending", resolved_at__isnull=True)
                | (~Q(status="pending") & Q(resolved_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="pending"), name="hold_pending_by_expiry")
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["status", "posted", "resolved_at"]),
            pgtrigger.Protect(
                name="resolved_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.amount} {self.status}"

    def funded_share(self, part: int) -> int:
        """What the funder bears of `part` fen of the hold: never more than its ratio, so rounded down."""
        return self.funded * part // self.amount
