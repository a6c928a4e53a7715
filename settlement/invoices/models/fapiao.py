from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.triggers import never_deleted
from settlement.invoices.models.invoice import Invoice


class FapiaoQuerySet(models.QuerySet["FapiaoRequest"]):
    def waiting(self) -> "FapiaoQuerySet":
        return self.filter(status=FapiaoRequest.Status.REQUESTED)


class FapiaoRequest(models.Model):
    """The official fapiao for an invoice: asked for here, issued on the tax authority's platform."""

    class Status(models.TextChoices):
        REQUESTED = "requested", pgettext_lazy("fapiao", "Requested")
        ISSUED = "issued", pgettext_lazy("fapiao", "Issued")

    invoice = models.OneToOneField(Invoice, models.PROTECT, related_name="fapiao")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(pgettext_lazy("fapiao", "requested"))
    number = models.CharField(_("fapiao number"), max_length=20, blank=True)
    issued_on = models.DateField(_("date of the fapiao"), null=True, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    entered_at = models.DateTimeField(_("entered"), null=True, blank=True)

    objects: ClassVar = FapiaoQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("fapiao"), _("fapiao")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="fapiao_number_once"),
            models.CheckConstraint(
                name="fapiao_issued_has_its_number",
                condition=Q(status="requested", number="", issued_on__isnull=True, entered_at__isnull=True)
                | (Q(status="issued", issued_on__isnull=False, entered_at__isnull=False) & ~Q(number="")),
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status="requested"), name="fapiao_waiting"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="request_never_changes",
                exclude=["status", "number", "issued_on", "entered_by", "entered_at"],
            ),
            pgtrigger.Protect(
                name="issued_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__status="issued")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} {self.status}"
