import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.triggers import append_only, never_deleted, never_truncated
from settlement.ledger.models.account import Account


class TransferKind(models.TextChoices):
    TOP_UP = "top_up", _("Top-up")
    SUSPENSE = "suspense", _("Received, owner not yet known")
    HOLD = "hold", _("Held for an order")
    HOLD_POSTED = "hold_posted", _("Order became a contract")
    HOLD_VOIDED = "hold_voided", _("Hold released")
    HOLD_EXPIRED = "hold_expired", _("Hold expired")
    RELEASE = "release", _("Delivery paid")
    SERVICE_CREDIT = "service_credit", _("Service-level credit")
    UNDELIVERED = "undelivered", _("Not metered, back to the buyer")
    DISPUTE_REFUND = "dispute_refund", _("Dispute decided, back to the buyer")
    METER_CORRECTION = "meter_correction", _("Corrected after payment, back to the buyer")
    TERMINATION = "termination", _("Contract terminated")
    REFUND = "refund", _("Refunded to the card")
    REFUND_FAILED = "refund_failed", _("Refund failed")
    CHARGEBACK = "chargeback", _("Chargeback")
    CHARGEBACK_WON = "chargeback_won", _("Chargeback won")
    ARREARS_PAID = "arrears_paid", _("Arrears paid")
    PROCESSING_COST = "processing_cost", _("Processing cost")
    PAYOUT = "payout", _("Payout")
    PAYOUT_PAID = "payout_paid", _("Payout paid")
    PAYOUT_FAILED = "payout_failed", _("Payout failed")
    PROGRAMME_FUNDED = "programme_funded", _("Voucher programme funded")
    PROGRAMME_CLOSED = "programme_closed", _("Voucher programme closed")
    MANUAL = "manual", _("Manual transfer")
    REVERSAL = "reversal", _("Correction")


HOLD = "hold"  # The `source` of the transfer that resolves a hold.


class Transfer(models.Model):
    """An immutable set of entries that sums to zero. (source, source_id, kind) makes it happen once.

    `position` and `sha256` place it in the hash chain: empty until sealed, then as immutable as the rest.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=TransferKind)
    source = models.CharField(max_length=30)
    source_id = models.CharField(max_length=64)
    memo = models.CharField(_("memo"), max_length=200, blank=True)
    posted_at = models.DateTimeField(_("posted"))
    entry_count = models.IntegerField()
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", db_index=False
    )
    position = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id", "kind"], name="transfer_once"),
            # What its entries refer to, so that they cannot become more.
            models.UniqueConstraint(fields=["id", "entry_count"], name="transfer_of_so_many_entries"),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="transfer_reversed_once"
            ),
            models.UniqueConstraint(
                fields=["source_id"],
                condition=Q(
                    source=HOLD,
                    kind__in=[
                        TransferKind.HOLD_POSTED,
                        TransferKind.HOLD_VOIDED,
                        TransferKind.HOLD_EXPIRED,
                    ],
                ),
                name="hold_resolved_once",
            ),
            models.UniqueConstraint(
                fields=["position"], condition=Q(position__isnull=False), name="transfer_sealed_in_one_place"
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(position__isnull=True), name="transfer_unsealed")]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["position", "sha256"]),
            pgtrigger.Protect(
                name="sealed_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__position__isnull=False),
            ),
            never_truncated(),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}:{self.source_id}"


class Entry(models.Model):
    """One signed amount on one account, with the account's balance and version after it.

    `place` is one of 1 to `entry_count`, which is its transfer's: migration 0006 makes both the foreign key.
    """

    transfer = models.ForeignKey(
        Transfer, models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    place = models.IntegerField()
    entry_count = models.IntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    amount = models.BigIntegerField(_("amount (fen)"))
    balance_after = models.BigIntegerField(_("balance (fen)"))
    version = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="entry_in_its_place"),
            models.UniqueConstraint(fields=["transfer", "place"], name="entry_of_its_transfer_once"),
            models.CheckConstraint(
                name="entry_moves_something_in_its_place",
                condition=~Q(amount=0) & Q(place__gte=1, place__lte=F("entry_count")),
            ),
        ]
        triggers = [
            append_only(),
            never_truncated(),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount:+}"
