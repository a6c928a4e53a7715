import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import never_deleted
from settlement.ledger.models import Transfer


class BankLine(models.Model):
    """One payment on the platform's bank statement, in (above zero) or out, by the bank's serial number.

    `balance` is the account's after it, where the statement says so. A payment out that nothing explains has
    no transfer until an operator finds one.
    """

    class Status(models.TextChoices):
        BOOKED = "booked", _("Booked")
        SUSPENSE = "suspense", _("In suspense")
        RETURNED = "returned", _("Moved by hand")
        UNEXPLAINED = "unexplained", _("Unexplained")

    serial = models.CharField(_("serial number"), max_length=64, unique=True)
    booked_on = models.DateField(_("date"))
    amount = models.BigIntegerField(_("amount (fen)"))
    balance = models.BigIntegerField(_("balance (fen)"), null=True, blank=True)
    payer = models.CharField(_("payer"), max_length=200)
    payer_account = models.CharField(_("payer's account"), max_length=64, blank=True)
    remark = models.CharField(_("remark"), max_length=300, blank=True)
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(pgettext_lazy("bank line", "imported"))
    transfer = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="bank_line")

    status = models.CharField(_("status"), max_length=12, choices=Status)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="bank_lines"
    )
    assigned_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True)

    class Meta:
        ordering = ["-booked_on", "-pk"]
        constraints = [
            models.CheckConstraint(name="bank_line_moves_money", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="bank_line_has_what_its_status_says",
                condition=Q(status="booked", transfer__isnull=False, organisation__isnull=False)
                | Q(status="booked", transfer__isnull=False, amount__lt=0)
                | Q(status="suspense", transfer__isnull=False, organisation__isnull=True, amount__gt=0)
                | Q(status="returned", transfer__isnull=False, organisation__isnull=True, amount__gt=0)
                | Q(status="unexplained", transfer__isnull=True, organisation__isnull=True, amount__lt=0),
            ),
        ]
        indexes = [
            models.Index(fields=["booked_on"], condition=Q(status="suspense"), name="bank_line_in_suspense"),
            models.Index(fields=["booked_on"], name="bank_line_by_day"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable",
                exclude=["transfer", "status", "organisation", "assigned_by", "assigned_at"],
            ),
            pgtrigger.Protect(
                name="transfer_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__transfer__isnull=False)
                & pgtrigger.Q(old__transfer__df=pgtrigger.F("new__transfer")),
            ),
            pgtrigger.Protect(
                name="assigned_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status__in=["booked", "returned"]),
            ),
        ]

    def __str__(self) -> str:
        return self.serial
