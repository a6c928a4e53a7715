"""What a buyer asks for."""

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation, User
from listings.models import Accelerator, Facility, Hub, LicencePlan
from listings.slots import SLOT
from settlement.ledger.models import Hold

HOURS = ExpressionWrapper(F("hours") * Value(SLOT), models.DurationField())

REFUSE_TORN_BUNDLE = """
IF EXISTS (
    SELECT FROM trading_order AS half LEFT JOIN trading_order AS other ON other.id = half.bundled_with_id
    WHERE half.id = NEW.id AND half.bundled_with_id IS NOT NULL AND (
        other.bundled_with_id IS DISTINCT FROM half.id
        OR other.kind = half.kind
        OR (other.organisation_id, other.status, other.expires_at)
            <> (half.organisation_id, half.status, half.expires_at)
    )
) THEN
    RAISE EXCEPTION 'order % is not of one piece with the order it is bundled with', NEW.id
        USING ERRCODE = 'check_violation';
END IF;
RETURN NULL;
"""


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

    def in_bundles_of(self, orders: "OrderQuerySet") -> "OrderQuerySet":
        """Of these, `orders` and the other halves of those that are bundled."""
        ids = orders.values("pk")
        return self.filter(Q(pk__in=ids) | Q(bundled_with__in=ids))


class Order(models.Model):
    """A buyer's instruction: a bid for compute, or an order for a licence. It trades at most once.

    A bid and a licence order may be a bundle, each `bundled_with` the other: both fill, or neither.
    """

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

    bundled_with = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("bundled with"),
        help_text=_("The other half of a bundle, which fills, is cancelled and expires with this order."),
    )

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
        triggers = [
            pgtrigger.Protect(
                name="bundled_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__bundled_with__isnull=False)
                & pgtrigger.Q(old__bundled_with__df=pgtrigger.F("new__bundled_with")),
            ),
            pgtrigger.Trigger(
                name="bundles_stay_whole",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__bundled_with__isnull=False),
                func=REFUSE_TORN_BUNDLE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def all_or_none(self) -> bool:
        return self.minimum == self.quantity

    @property
    def bundle(self) -> str:
        """What both halves of a bundle call it; empty of an order that is alone."""
        return "" if self.bundled_with_id is None else f"bundle:{min(self.pk, self.bundled_with_id)}"

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
