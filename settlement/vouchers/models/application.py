from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import append_only, never_deleted
from settlement.vouchers.models.programme import Programme


class ApplicationQuerySet(models.QuerySet["Application"]):
    def pending(self) -> "ApplicationQuerySet":
        return self.filter(status=Application.Status.PENDING)


class Application(models.Model):
    """A firm asks a programme for a voucher; the issuer decides once, in writing."""

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("application", "Waits for the issuer")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="applications")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="voucher_applications")
    amount = models.BigIntegerField(_("applied for (fen)"))
    statement = models.TextField(_("statement"))
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    submitted_at = models.DateTimeField(_("submitted"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reasons = models.TextField(_("reasons"), blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects: ClassVar = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="application_asks_for_something", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                fields=["programme", "organisation"],
                condition=Q(status="pending"),
                name="application_pending_once",
            ),
            models.CheckConstraint(
                name="application_decided_in_writing",
                condition=Q(status="pending", decided_by=None, decided_at=None)
                | (
                    ~Q(status="pending")
                    & Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(reasons="")
                ),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="request_never_changes", exclude=["status", "reasons", "decided_by", "decided_at"]
            ),
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} -> {self.programme}"


class ApplicationFile(models.Model):
    """A paper that goes with an application. Its path is random; its name is only shown."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="files")
    file = models.FileField(upload_to="vouchers/%Y/%m/")
    name = models.CharField(_("file"), max_length=200)
    size_bytes = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        ordering = ["pk"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return self.name
