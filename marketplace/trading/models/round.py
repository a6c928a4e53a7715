"""The rounds that clear orders, and what each round gave each order."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from listings.models import Pool
from listings.slots import SLOT
from marketplace.trading.models.order import Order


class RoundQuerySet(models.QuerySet["Round"]):
    def settled(self) -> "RoundQuerySet":
        return self.filter(status=Round.Status.SETTLED)

    def unfinished(self) -> "RoundQuerySet":
        return self.filter(status__in=[Round.Status.CLOSED, Round.Status.CLEARED])


class Round(models.Model):
    """One batch. Its book is frozen at the gate; each step after it can be killed and run again."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        CLEARED = "cleared", _("Cleared")
        SETTLED = "settled", _("Settled")
        FAILED = "failed", _("Failed")

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    gate_at = models.DateTimeField(_("gate"))
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(
        default=0, help_text=_("Counts the claims; only the latest claimant may write.")
    )
    error = models.TextField(_("error"), blank=True)

    horizon_start = models.DateTimeField(_("first slot"), null=True, blank=True)
    slots = models.PositiveIntegerField(_("slots"), default=0)
    # What the book's rows are. The pools' rows come first, then one row for each plan of limited supply.
    pool_ids = ArrayField(models.BigIntegerField(), default=list)
    plan_ids = ArrayField(models.BigIntegerField(), default=list)
    capacity_ids = ArrayField(models.BigIntegerField(), default=list)  # of the asks; those of plans follow
    book = models.BinaryField(null=True)  # gzip of the JSON text whose SHA-256 is published
    book_sha256 = models.CharField(max_length=64, blank=True)
    result = models.BinaryField(null=True)
    result_sha256 = models.CharField(max_length=64, blank=True)

    order_count = models.PositiveIntegerField(_("orders"), default=0)
    matched_count = models.PositiveIntegerField(_("matched"), default=0)
    unit_hours = models.PositiveBigIntegerField(_("unit-hours"), default=0)
    value = models.PositiveBigIntegerField(_("value (fen)"), default=0)
    welfare = models.BigIntegerField(_("welfare (fen)"), null=True, blank=True)
    bound = models.BigIntegerField(_("bound (fen)"), null=True, blank=True)
    baseline_welfare = models.BigIntegerField(
        _("welfare first come, first served (fen)"), null=True, blank=True
    )

    objects: ClassVar = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        get_latest_by = "pk"
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="open"), name="round_open_one_at_a_time"
            ),
            models.CheckConstraint(
                name="round_past_the_gate_has_a_book",
                condition=Q(status="open")
                | (Q(book__isnull=False, closed_at__isnull=False) & ~Q(book_sha256="")),
            ),
            models.CheckConstraint(
                name="round_cleared_has_a_result",
                condition=~Q(status__in=["cleared", "settled"])
                | (Q(result__isnull=False, cleared_at__isnull=False) & ~Q(result_sha256="")),
            ),
            models.CheckConstraint(
                name="round_failed_says_why", condition=~Q(status="failed") | ~Q(error="")
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="finished_rounds_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status__in=["settled", "failed"]),
            ),
            pgtrigger.Protect(name="rounds_are_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="book_stays_as_it_was_at_the_gate",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__book__isnull=False)
                & (
                    pgtrigger.Q(old__book__df=pgtrigger.F("new__book"))
                    | pgtrigger.Q(old__book_sha256__df=pgtrigger.F("new__book_sha256"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"Round {self.pk}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in (self.Status.CLOSED, self.Status.CLEARED)

    @property
    def gap(self) -> Decimal | None:
        """How far, at most, the welfare is from the best possible, as a share of the bound."""
        if self.welfare is None or not self.bound:
            return None
        return Decimal(self.bound - self.welfare) / self.bound

    def slot_at(self, moment: datetime) -> int:
        """The number of the slot that starts at this hour."""
        assert self.horizon_start is not None
        return int((moment - self.horizon_start) / SLOT)

    def time_of(self, slot: int) -> datetime:
        assert self.horizon_start is not None
        return self.horizon_start + slot * SLOT


class RoundOrder(models.Model):
    """An order's part in one round: its row in the book and, once cleared, what became of it and why."""

    class Outcome(models.TextChoices):
        PENDING = "pending", _("Being cleared")
        FILLED = "filled", _("Filled")
        NO_CAPACITY = "no_capacity", _("No eligible capacity in its window")
        LIMIT_TOO_LOW = "limit_too_low", _("Limit too low")
        INDIVISIBLE = "indivisible", _("Refused because indivisible")
        OTHER_HALF = "other_half", _("Its other half did not fill")

    round = models.ForeignKey(Round, models.PROTECT, related_name="round_orders")
    order = models.ForeignKey(Order, models.PROTECT, related_name="round_orders")
    row = models.PositiveIntegerField(
        null=True,
        help_text=_("Of the book; none where no pool on offer is eligible, or a plan's supply is unlimited."),
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, default=Outcome.PENDING)
    # Of a fill: where. Of a refusal: the cheapest start, and what it would have taken there.
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, related_name="+")
    starts_at = models.DateTimeField(null=True)
    price = models.PositiveBigIntegerField(
        _("mean price there (fen per unit-hour or seat, rounded up)"), null=True
    )
    raise_by = models.PositiveBigIntegerField(_("limit short by (fen per unit-hour or seat)"), null=True)
    units_available = models.PositiveIntegerField(_("units available there"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("round", "order", name="round_order_once"),
            models.UniqueConstraint("round", "row", name="round_row_once"),
        ]

    def __str__(self) -> str:
        return f"{self.order} in {self.round}: {self.outcome}"
