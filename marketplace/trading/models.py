"""How they meet: orders, the rounds that clear them, what each round gave each order, trades and prices."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation, User
from listings.models import Accelerator, Capacity, Facility, Hub, LicencePlan, Pool
from listings.slots import SLOT
from settlement.contracts.models import Contract
from settlement.ledger.models import Hold

HOURS = ExpressionWrapper(F("hours") * Value(SLOT), models.DurationField())


class OrderQuerySet(models.QuerySet["Order"]):
    def resting(self) -> "OrderQuerySet":
        return self.filter(status=Order.Status.RESTING)

    def of(self, organisation: Organisation) -> "OrderQuerySet":
        return self.filter(organisation=organisation)

    def of_verified(self) -> "OrderQuerySet":
        return self.filter(organisation__verification=Organisation.Verification.VERIFIED)

    def reached_by(self, horizon_end: datetime) -> "OrderQuerySet":
        """Licence orders, and the bids that fit their window before the horizon ends."""
        return self.annotate(first_end=F("window_start") + HOURS).filter(
            Q(first_end__isnull=True) | Q(first_end__lte=horizon_end)
        )

    def overdue(self, *, now: datetime, first_slot: datetime) -> "OrderQuerySet":
        """Past their expiry, or, of bids, unable to start in the first slot still sold or later."""
        return self.annotate(last_start=F("window_end") - HOURS).filter(
            Q(expires_at__lte=now) | Q(last_start__lt=first_slot)
        )


class Order(models.Model):
    """A buyer's instruction: a bid for compute, or an order for a licence. It trades at most once."""

    class Kind(models.TextChoices):
        BID = "bid", _("Compute bid")
        LICENCE = "licence", _("Licence order")

    class Status(models.TextChoices):
        RESTING = "resting", _("Resting")
        CLEARING = "clearing", _("Being cleared")
        FILLED = "filled", _("Filled")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="orders")
    placed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RESTING)
    quantity = models.PositiveIntegerField(_("quantity"), help_text=_("Units of a bid, seats of a licence."))
    minimum = models.PositiveIntegerField(_("minimum"))
    limit_price = models.PositiveBigIntegerField(
        _("limit price (fen)"), help_text=_("The most per unit-hour or seat that the order pays anywhere.")
    )

    hours = models.PositiveIntegerField(_("hours"), null=True, blank=True)
    window_start = models.DateTimeField(_("earliest start"), null=True, blank=True)
    window_end = models.DateTimeField(_("latest end"), null=True, blank=True)
    hubs = ArrayField(models.CharField(max_length=20, choices=Hub), verbose_name=_("hubs"), default=list)
    facility_kinds = ArrayField(
        models.CharField(max_length=20, choices=Facility.Kind),
        verbose_name=_("kinds of facility"),
        default=list,
    )
    jurisdictions = ArrayField(
        models.CharField(max_length=20, choices=Jurisdiction), verbose_name=_("jurisdictions"), default=list
    )
    domestic_only = models.BooleanField(_("domestic accelerators only"), default=False)
    least_memory_gb = models.PositiveIntegerField(_("least memory (GB)"), null=True, blank=True)

    plan = models.ForeignKey(LicencePlan, models.PROTECT, null=True, blank=True, related_name="orders")

    # Null only inside the transaction that places the order.
    hold = models.OneToOneField(Hold, models.PROTECT, null=True, related_name="+")
    placed_at = models.DateTimeField(_("placed"))
    expires_at = models.DateTimeField(_("expires"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    filled_quantity = models.PositiveIntegerField(_("filled"), default=0)

    objects: ClassVar = OrderQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-placed_at"]),
            models.Index(name="order_resting", fields=["placed_at"], condition=Q(status="resting")),
        ]
        constraints = [
            models.CheckConstraint(
                name="order_minimum_within_quantity",
                condition=Q(minimum__gte=1, minimum__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="order_is_a_bid_or_a_licence_order",
                condition=Q(
                    kind="bid",
                    hours__gte=1,
                    hours__isnull=False,
                    window_start__isnull=False,
                    window_end__isnull=False,
                    plan__isnull=True,
                )
                | Q(kind="licence", hours__isnull=True, plan__isnull=False),
            ),
            models.CheckConstraint(
                name="order_window",
                condition=Q(window_start__isnull=True) | Q(window_end__gt=F("window_start")),
            ),
            models.CheckConstraint(
                name="order_filled_within_minimum_and_quantity",
                condition=Q(
                    status="filled", filled_quantity__gte=F("minimum"), filled_quantity__lte=F("quantity")
                )
                | (~Q(status="filled") & Q(filled_quantity=0)),
            ),
            models.CheckConstraint(
                name="order_ended_has_its_time",
                condition=Q(status__in=["resting", "clearing"], ended_at__isnull=True)
                | Q(status__in=["filled", "cancelled", "expired"], ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def all_or_none(self) -> bool:
        return self.minimum == self.quantity

    @property
    def can_be_cancelled(self) -> bool:
        return self.status == self.Status.RESTING

    @property
    def is_unsettled(self) -> bool:
        return self.status in (self.Status.RESTING, self.Status.CLEARING)


class OrderLimit(models.Model):
    """An accelerator that a bid accepts, with its limit price. A bid with none accepts any accelerator."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="limits")
    accelerator = models.ForeignKey(Accelerator, models.PROTECT, related_name="+")
    limit_price = models.PositiveBigIntegerField(_("limit price (fen per unit-hour)"))

    class Meta:
        constraints = [models.UniqueConstraint("order", "accelerator", name="order_limit_once")]

    def __str__(self) -> str:
        return f"{self.accelerator}: {self.limit_price}"


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


class TradeQuerySet(models.QuerySet["Trade"]):
    def bought_by(self, organisation: Organisation) -> "TradeQuerySet":
        return self.filter(buyer=organisation)

    def sold_by(self, organisation: Organisation) -> "TradeQuerySet":
        return self.filter(provider=organisation)


class Trade(models.Model):
    """A fill made binding. Append-only."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="trades")
    order = models.OneToOneField(Order, models.PROTECT, related_name="trade")
    contract = models.OneToOneField(Contract, models.PROTECT, related_name="trade")
    buyer = models.ForeignKey(Organisation, models.PROTECT, related_name="purchases")
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="sales")
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, related_name="trades")
    plan = models.ForeignKey(LicencePlan, models.PROTECT, null=True, related_name="trades")
    quantity = models.PositiveIntegerField(_("quantity"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True)
    prices = ArrayField(
        models.PositiveBigIntegerField(), verbose_name=_("prices (fen per unit, for each hour; or per seat)")
    )
    total = models.PositiveBigIntegerField(_("total (fen)"))
    traded_at = models.DateTimeField(_("traded"))

    objects: ClassVar = TradeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["buyer", "-traded_at"]),
            models.Index(fields=["provider", "-traded_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="trade_is_of_a_pool_or_a_plan",
                condition=Q(pool__isnull=False, plan__isnull=True, ends_at__isnull=False)
                | Q(pool__isnull=True, plan__isnull=False),
            ),
            models.CheckConstraint(name="trade_has_quantity", condition=Q(quantity__gt=0)),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"Trade {self.pk}"

    @property
    def mean_price(self) -> Decimal:
        """Fen per unit-hour, or per seat."""
        return Decimal(sum(self.prices)) / len(self.prices)


class Allocation(models.Model):
    """Which capacity serves a trade: `units` of it in every slot of a run. Append-only."""

    trade = models.ForeignKey(Trade, models.PROTECT, related_name="allocations")
    capacity = models.ForeignKey(Capacity, models.PROTECT, related_name="allocations")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    units = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="allocation_is_something", condition=Q(units__gt=0, ends_at__gt=F("starts_at"))
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.units} of {self.capacity_id} for {self.trade_id}"


class PriceCurve(models.Model):
    """What a round published of one pool or plan, slot by slot from the round's first. Append-only."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="curves")
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, related_name="curves")
    plan = models.ForeignKey(LicencePlan, models.PROTECT, null=True, related_name="curves")
    prices = ArrayField(models.PositiveBigIntegerField())  # fen; 0 where nothing was offered
    volumes = ArrayField(models.PositiveIntegerField())  # units traded
    offered = ArrayField(models.PositiveIntegerField())  # units offered at the gate

    class Meta:
        constraints = [
            models.UniqueConstraint("round", "pool", name="curve_once_a_pool"),
            models.UniqueConstraint("round", "plan", name="curve_once_a_plan"),
            models.CheckConstraint(
                name="curve_is_of_a_pool_or_a_plan",
                condition=Q(pool__isnull=False, plan__isnull=True) | Q(pool__isnull=True, plan__isnull=False),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.pool or self.plan} in {self.round}"

    @property
    def traded(self) -> int:
        """Unit-hours, or seats."""
        return sum(self.volumes)

    @property
    def on_offer(self) -> int:
        """Unit-hours, or seats, at the gate."""
        return sum(self.offered)

    @property
    def mean_price(self) -> Decimal | None:
        """Fen per unit-hour or seat, weighted by what traded; None where nothing did."""
        value = sum(price * volume for price, volume in zip(self.prices, self.volumes, strict=True))
        return Decimal(value) / self.traded if self.traded else None


class IndexPoint(models.Model):
    """What a round traded of one accelerator over all its pools: the price index is made of these."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="index_points")
    accelerator = models.ForeignKey(Accelerator, models.PROTECT, related_name="index_points")
    at = models.DateTimeField()
    unit_hours = models.PositiveBigIntegerField()
    value = models.PositiveBigIntegerField(_("value (fen)"))

    class Meta:
        constraints = [
            models.UniqueConstraint("round", "accelerator", name="index_point_once"),
            models.CheckConstraint(name="index_point_has_volume", condition=Q(unit_hours__gt=0)),
        ]
        indexes = [models.Index(fields=["accelerator", "at"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.accelerator} in {self.round}"

    @property
    def price(self) -> Decimal:
        """The volume-weighted price, fen per unit-hour."""
        return Decimal(self.value) / self.unit_hours
