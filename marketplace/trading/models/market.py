"""What the rounds published: prices, volumes and the points of the price index."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.triggers import append_only
from listings.models import Accelerator, LicencePlan, Pool
from marketplace.trading.models.round import Round


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
        triggers = [append_only()]

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
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.accelerator} in {self.round}"

    @property
    def price(self) -> Decimal:
        """The volume-weighted price, fen per unit-hour."""
        return Decimal(self.value) / self.unit_hours
