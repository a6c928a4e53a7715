"""What became of each hour's money, written once; what is mended later is a row of its own."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.triggers import append_only
from settlement.contracts.models import Contract
from settlement.ledger.models import Transfer


class Delivery(models.Model):
    """A slot of a compute contract that was settled, or a part of a licence's price: once.

    A licence's price has a part for each dispute, under a slot that numbers it, and the rest, without a slot.

    Of `amount`, `credit` went back to the buyer and the rest, less `fee`, to the provider. What a termination
    left undelivered is settled too: the rest is then the provider's break fee.
    """

    class Basis(models.TextChoices):
        METERED = "metered", _("Metered")
        UNMETERED = "unmetered", _("Nobody metered it")
        DECIDED = "decided", _("Dispute decided")
        LICENCE = "licence", _("Licence")
        ACCEPTED = "accepted", _("Accepted by the buyer")
        TERMINATED = "terminated", _("Contract terminated")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="deliveries")
    slot = models.DateTimeField(_("slot"), null=True, blank=True)
    amount = models.BigIntegerField(_("amount (fen)"))
    credit = models.BigIntegerField(_("credit (fen)"), default=0)
    fee = models.BigIntegerField(_("fee (fen)"))
    basis = models.CharField(_("basis"), max_length=10, choices=Basis, default=Basis.METERED)
    delivered_seconds = models.BigIntegerField(_("delivered (accelerator-seconds)"), null=True, blank=True)
    transfer = models.ForeignKey(
        Transfer, models.PROTECT, null=True, blank=True, related_name="deliveries", db_index=False
    )
    credit_transfer = models.ForeignKey(
        Transfer, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
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
                name="delivery_fee_within_amount",
                condition=Q(fee__gte=0, credit__gte=0, fee__lte=F("amount") - F("credit")),
            ),
            models.CheckConstraint(
                name="delivery_free_or_transferred",
                condition=Q(amount=F("credit")) | Q(transfer__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_credit_transferred", condition=Q(credit=0) | Q(credit_transfer__isnull=False)
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.slot or ''}"


class Correction(models.Model):
    """A settled hour of which more goes back to the buyer after all: by a late meter, or by a decision.

    Of `credit`, the platform gives back `fee` at once; `owed` comes from what the provider has receivable,
    now or as soon as it has.
    """

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="corrections")
    dispute = models.ForeignKey("delivery.Dispute", models.PROTECT, null=True, blank=True, related_name="+")
    credit = models.BigIntegerField(_("credit (fen)"))
    fee = models.BigIntegerField(_("fee (fen)"))
    owed = models.BigIntegerField(_("owed by the provider (fen)"))
    corrected_at = models.DateTimeField(_("corrected"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="correction_adds_up",
                condition=Q(credit__gt=0, fee__gte=0, owed__gte=0, credit=F("fee") + F("owed")),
            )
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.delivery} +{self.credit}"


class CorrectionPayment(models.Model):
    """A part of what a provider owes by a correction, taken from its receivable."""

    correction = models.ForeignKey(Correction, models.PROTECT, related_name="payments")
    amount = models.BigIntegerField(_("amount (fen)"))
    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="correction_payment_moves_something", condition=Q(amount__gt=0))
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.correction}: {self.amount}"
