import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from settlement.ledger.models import Transfer


class BankLine(models.Model):
    """One incoming payment of the platform's bank statement, known by the bank's serial number."""

    class Status(models.TextChoices):
        BOOKED = "booked", _("Booked")
        SUSPENSE = "suspense", _("In suspense")

    serial = models.CharField(_("serial number"), max_length=64, unique=True)
    booked_on = models.DateField(_("date"))
    amount = models.BigIntegerField(_("amount (fen)"))
    payer = models.CharField(_("payer"), max_length=200)
    payer_account = models.CharField(_("payer's account"), max_length=64, blank=True)
    remark = models.CharField(_("remark"), max_length=300, blank=True)
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(pgettext_lazy("bank line", "imported"))
    received = models.OneToOneField(Transfer, models.PROTECT, related_name="bank_line")

    status = models.CharField(_("status"), max_length=10, choices=Status)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="bank_lines"
    )
    assigned_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True)

    class Meta:
        ordering = ["-booked_on", "-pk"]
        constraints = [
            models.CheckConstraint(name="bank_line_brings_money", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="bank_line_booked_has_its_owner",
                condition=Q(status="booked", organisation__isnull=False)
                | Q(status="suspense", organisation__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["booked_on"], condition=Q(status="suspense"), name="bank_line_in_suspense")
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="immutable", exclude=["status", "organisation", "assigned_by", "assigned_at"]
            ),
            pgtrigger.Protect(
                name="assigned_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="booked"),
            ),
        ]

    def __str__(self) -> str:
        return self.serial
