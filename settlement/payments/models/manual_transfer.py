import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.triggers import never_deleted
from settlement.ledger.models import Account, Transfer
from settlement.payments.models.approval import Approval, two_persons
from settlement.payments.models.bank_line import BankLine
from settlement.payments.reference import MANUAL, reference_for


class ManualTransfer(models.Model):
    """Money that an operator moves between two accounts, in writing, once a second operator has approved.

    `bank_line` is what it disposes of: money in suspense, or a payment out that nothing explains.
    """

    debit = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name=_("debit"))
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name=_("credit"))
    amount = models.BigIntegerField(_("amount (fen)"))
    reason = models.TextField(_("reason"))
    bank_line = models.ForeignKey(
        BankLine, models.PROTECT, null=True, blank=True, related_name="manual_transfers"
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed"))

    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    transfer = models.OneToOneField(Transfer, models.PROTECT, null=True, blank=True, related_name="manual")

    class Meta:
        verbose_name, verbose_name_plural = _("manual transfer"), _("manual transfers")
        ordering = ["-pk"]
        constraints = [
            two_persons("manual_transfer_two_persons"),
            models.CheckConstraint(
                name="manual_transfer_moves_money",
                condition=Q(amount__gt=0) & ~Q(debit=F("credit")) & ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="manual_transfer_approved_is_posted",
                condition=Q(status="approved", transfer__isnull=False)
                | (~Q(status="approved") & Q(transfer__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["bank_line"],
                condition=Q(status__in=["proposed", "approved"], bank_line__isnull=False),
                name="manual_transfer_disposes_once",
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["status", "decided_by", "decided_at", "transfer"]),
            pgtrigger.FSM(
                name="decided_once",
                field="status",
                transitions=[("proposed", "approved"), ("proposed", "refused")],
            ),
        ]

    def __str__(self) -> str:
        return self.serial

    @property
    def serial(self) -> str:
        """What the operator writes into the remark where the money leaves the bank."""
        return reference_for(self.pk, MANUAL).replace(" ", "")
