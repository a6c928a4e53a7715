from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.triggers import never_deleted
from settlement.payments.models.approval import Approval, two_persons


class PayoutAccountQuerySet(models.QuerySet["PayoutAccount"]):
    def in_force(self) -> "PayoutAccountQuerySet":
        return self.filter(status=Approval.APPROVED)

    def proposed(self) -> "PayoutAccountQuerySet":
        return self.filter(status=Approval.PROPOSED)


class PayoutAccount(models.Model):
    """An organisation's bank account for payouts. A change is a new row, which a second person approves."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="payout_accounts")
    holder = models.CharField(_("account holder"), max_length=200)
    bank = models.CharField(_("bank and branch"), max_length=200)
    cnaps = models.CharField(_("CNAPS code"), max_length=12)
    number = models.CharField(_("account number"), max_length=32)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed"))

    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    usable_at = models.DateTimeField(_("usable from"), null=True, blank=True)

    objects: ClassVar = PayoutAccountQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("payout account"), _("payout accounts")
        ordering = ["-pk"]
        constraints = [
            two_persons("payout_account_two_persons"),
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(status="approved"), name="payout_account_one_in_force"
            ),
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(status="proposed"), name="payout_account_one_proposed"
            ),
            models.CheckConstraint(
                name="payout_account_is_digits",
                condition=Q(number__regex=r"^[0-9]{8,32}$", cnaps__regex=r"^[0-9]{12}$"),
            ),
            models.CheckConstraint(
                name="payout_account_waits",
                condition=Q(status__in=["approved", "replaced"], usable_at__isnull=False)
                | Q(status__in=["proposed", "refused"], usable_at__isnull=True),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["status", "decided_by", "decided_at", "usable_at"]),
            pgtrigger.FSM(
                name="decided_once",
                field="status",
                transitions=[("proposed", "approved"), ("proposed", "refused"), ("approved", "replaced")],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank} {self.masked_number}"

    @property
    def masked_number(self) -> str:
        return f"••••\u00a0{self.number[-4:]}"
