"""Double entry in integer fen. Positive is credit: what the platform owes to the account's owner.

The triggers that guard what is inserted are in migration 0002, beside `ledger_post`.
"""

from dataclasses import dataclass
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation


class AccountKind(models.TextChoices):
    AVAILABLE = "available", _("Available")
    HELD = "held", _("Held")
    ESCROW = "escrow", _("Escrow")
    RECEIVABLE = "receivable", _("Receivable")
    FEES = "fees", _("Fees")
    BANK = "bank", _("Bank")
    SUSPENSE = "suspense", _("Suspense")
    ARREARS = "arrears", _("Arrears")
    PROGRAMME = "programme", _("Voucher programme")
    STRIPE = "stripe", "Stripe"
    PAYOUTS = "payouts", _("Payouts on their way")
    PROCESSING = "processing", _("Processing costs")


class Owner(models.TextChoices):
    ORGANISATION = "organisation", _("Organisation")
    PLATFORM = "platform", _("Platform")


class Side(models.TextChoices):
    """Where an account's balance normally stands: what is owed is credit, what is had is debit."""

    CREDIT = "credit", _("Credit")
    DEBIT = "debit", _("Debit")


@dataclass(frozen=True)
class KindRule:
    owner: Owner
    side: Side
    never_negative: bool
    shards: int = 1  # A busy platform account is split into this many rows, so that it is no hot spot.
    numbered: bool = False  # An organisation has one for each thing it keeps apart, by that thing's number.


KINDS: dict[AccountKind, KindRule] = {
    AccountKind.AVAILABLE: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.HELD: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.ESCROW: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.RECEIVABLE: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.FEES: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=False, shards=16),
    AccountKind.BANK: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
    AccountKind.SUSPENSE: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=True),
    AccountKind.ARREARS: KindRule(Owner.ORGANISATION, Side.DEBIT, never_negative=False),
    AccountKind.PROGRAMME: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True, numbered=True),
    AccountKind.STRIPE: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
    AccountKind.PAYOUTS: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=False, shards=16),
    AccountKind.PROCESSING: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
}
ORGANISATION_KINDS = [
    kind for kind, rule in KINDS.items() if rule.owner == Owner.ORGANISATION and not rule.numbered
]
PLATFORM_KINDS = [kind for kind, rule in KINDS.items() if rule.owner == Owner.PLATFORM]
NUMBERED_KINDS = [kind for kind, rule in KINDS.items() if rule.numbered]
NEVER_NEGATIVE_KINDS = [kind for kind, rule in KINDS.items() if rule.never_negative]


class Currency(models.TextChoices):
    CNY = "CNY", _("Renminbi")
    HKD = "HKD", _("Hong Kong dollar")


class Account(models.Model):
    """A place money sits. Its balance row is changed by `ledger_post` alone, with its entries."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="accounts", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=20, choices=AccountKind)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    # Which of several accounts of one kind: a platform account's shard, or the number of what is kept apart.
    shard = models.PositiveIntegerField(default=0)
    balance = models.BigIntegerField(_("balance (fen)"), default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "currency", "shard"],
                name="account_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="account_kind_has_its_owner",
                condition=Q(organisation__isnull=False, kind__in=ORGANISATION_KINDS, shard=0)
                | Q(organisation__isnull=False, kind__in=NUMBERED_KINDS, shard__gt=0)
                | Q(organisation__isnull=True, kind__in=PLATFORM_KINDS),
            ),
            models.CheckConstraint(
                name="account_never_negative", condition=Q(balance__gte=0) | ~Q(kind__in=NEVER_NEGATIVE_KINDS)
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.organisation or 'platform'} {self.kind} {self.currency}"


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


def never_truncated() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="never_truncated",
        operation=pgtrigger.Truncate,
        when=pgtrigger.Before,
        level=pgtrigger.Statement,
        func="RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;",
    )


class Transfer(models.Model):
    """An immutable set of entries that sums to zero. (source, source_id, kind) makes it happen once.

    `position` and `sha256` place it in the hash chain: empty until sealed, then as immutable as the rest.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=TransferKind)
    source = models.CharField(max_length=30)
    source_id = models.CharField(max_length=64)
    memo = models.CharField(_("memo"), max_length=200, blank=True)
    posted_at = models.DateTimeField(_("posted"))
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", db_index=False
    )
    position = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id", "kind"], name="transfer_once"),
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
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
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
    """One signed amount on one account, with the account's balance and version after it."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    amount = models.BigIntegerField(_("amount (fen)"))
    balance_after = models.BigIntegerField(_("balance (fen)"))
    version = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="entry_in_its_place"),
            models.CheckConstraint(name="entry_moves_something", condition=~Q(amount=0)),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            never_truncated(),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount:+}"


class HoldQuerySet(models.QuerySet["Hold"]):
    def pending(self) -> "HoldQuerySet":
        return self.filter(status=Hold.Status.PENDING)


class Hold(models.Model):
    """Money set aside for an order: pending, then posted (in part or whole), voided or expired, once.

    Of `amount`, `funded` came from `funder_account` and goes back there; the rest is the organisation's own.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        POSTED = "posted", _("Posted")
        VOIDED = "voided", _("Voided")
        EXPIRED = "expired", _("Expired")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="holds")
    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="hold")
    amount = models.BigIntegerField(_("amount (fen)"))
    posted = models.BigIntegerField(_("posted (fen)"), default=0)
    funder_account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    funded = models.BigIntegerField(_("of it from a funder (fen)"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    placed_at = models.DateTimeField(_("placed"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects: ClassVar = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="hold_sets_something_aside", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="hold_funded_within_amount",
                condition=Q(funder_account__isnull=True, funded=0)
                | Q(funder_account__isnull=False, funded__gt=0, funded__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="hold_posts_no_more_than_it_holds",
                condition=Q(status="posted", posted__gte=0, posted__lte=F("amount"))
                | (~Q(status="posted") & Q(posted=0)),
            ),
            models.CheckConstraint(
                name="hold_resolved_has_its_time",
                condition=Q(status="pending", resolved_at__isnull=True)
                | (~Q(status="pending") & Q(resolved_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="pending"), name="hold_pending_by_expiry")
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="immutable", exclude=["status", "posted", "resolved_at"]),
            pgtrigger.Protect(
                name="resolved_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.amount} {self.status}"

    def funded_share(self, part: int) -> int:
        """What the funder bears of `part` fen of the hold: never more than its ratio, so rounded down."""
        return self.funded * part // self.amount
