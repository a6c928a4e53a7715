from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.triggers import never_deleted


class AffiliationQuerySet(models.QuerySet["Affiliation"]):
    def standing(self) -> "AffiliationQuerySet":
        """What was declared counts until an operator lifts it."""
        return self.exclude(status=Affiliation.Status.LIFTED)

    def of(self, organisation: Organisation) -> "AffiliationQuerySet":
        return self.filter(Q(first=organisation) | Q(second=organisation))


class Affiliation(models.Model):
    """Two organisations of one group or under one control: no voucher pays one for the other's purchase."""

    class Status(models.TextChoices):
        DECLARED = "declared", _("Declared")
        CONFIRMED = "confirmed", _("Confirmed")
        LIFTED = "lifted", _("Lifted")

    first = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    second = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    statement = models.CharField(_("how they are affiliated"), max_length=500)
    declared_for = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Who declared it; none: an operator."),
    )
    declared_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    declared_at = models.DateTimeField(_("declared"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DECLARED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reasons = models.CharField(_("reasons"), max_length=500, blank=True)

    objects: ClassVar = AffiliationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="affiliation_pair_in_order", condition=Q(first__lt=F("second"))),
            models.UniqueConstraint(
                fields=["first", "second"], condition=~Q(status="lifted"), name="affiliation_stands_once"
            ),
            models.CheckConstraint(
                name="affiliation_decided_in_writing",
                condition=Q(status="declared", decided_by=None, decided_at=None)
                | (
                    ~Q(status="declared")
                    & Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(reasons="")
                ),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="declaration_never_changes",
                exclude=["status", "decided_by", "decided_at", "reasons"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} – {self.second}"
