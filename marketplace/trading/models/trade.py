"""What was bought, and which capacity serves it."""

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import append_only
from listings.models import Capacity, LicencePlan, Pool
from marketplace.trading.models.order import Order
from marketplace.trading.models.round import Round
from settlement.contracts.models import Contract


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
        triggers = [append_only()]

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
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.units} of {self.capacity_id} for {self.trade_id}"
