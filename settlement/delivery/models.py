import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from settlement.contracts.models import Contract
from settlement.ledger.models import Transfer


class Delivery(models.Model):
    """A slot of a compute contract, or a licence (no slot), that was delivered and paid for: once."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="deliveries")
    slot = models.DateTimeField(_("slot"), null=True, blank=True)
    amount = models.BigIntegerField(_("amount (fen)"))
    fee = models.BigIntegerField(_("fee (fen)"))
    transfer = models.ForeignKey(
        Transfer, models.PROTECT, null=True, blank=True, related_name="deliveries", db_index=False
    )
    released_at = models.DateTimeField(_("released"))

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["slot"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "slot"], name="delivery_paid_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="delivery_fee_within_amount", condition=Q(fee__gte=0, fee__lte=F("amount"))
            ),
            models.CheckConstraint(
                name="delivery_free_or_transferred", condition=Q(amount=0) | Q(transfer__isnull=False)
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.contract} {self.slot or ''}"
