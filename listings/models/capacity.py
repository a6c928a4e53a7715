from typing import ClassVar

import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from listings import triggers
from listings.models.facility import Pool


class OnTheHour(models.Func):
    """A time cut down to its slot. UTC is named because the session's zone may not be on the hour."""

    function = "date_trunc"
    template = "%(function)s('hour', %(expressions)s, 'UTC')"
    output_field = models.DateTimeField()


class CapacityQuerySet(models.QuerySet["Capacity"]):
    def active(self) -> "CapacityQuerySet":
        return self.filter(status=Capacity.Status.ACTIVE)


class Capacity(models.Model):
    """A provider's offer of units of a pool over a period. What is left of each hour is in CapacityHour."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="capacities")
    units = models.PositiveIntegerField(_("units"), validators=[MinValueValidator(1)])
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reserve_price = models.PositiveBigIntegerField(
        _("reserve price (fen per unit-hour)"), validators=[MinValueValidator(1)]
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    status_since = models.DateTimeField(_("status since"))
    # From the gate of a round until the round is settled its capacities may not change under it.
    frozen = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    objects: ClassVar = CapacityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "capacities"
        constraints = [
            models.CheckConstraint(name="capacity_has_units", condition=Q(units__gt=0)),
            models.CheckConstraint(name="capacity_has_a_price", condition=Q(reserve_price__gt=0)),
            models.CheckConstraint(
                name="capacity_period",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("A period ends after it begins."),
            ),
            models.CheckConstraint(
                name="capacity_on_the_hour",
                condition=Q(starts_at=OnTheHour("starts_at"), ends_at=OnTheHour("ends_at")),
            ),
        ]
        indexes = [models.Index(fields=["frozen"], condition=Q(frozen=True), name="capacity_frozen")]
        triggers = [
            triggers.RESUMED_CAPACITY_FITS,
            pgtrigger.ReadOnly(name="stays_in_its_pool", fields=["pool"]),
        ]

    def __str__(self) -> str:
        return f"{self.pool}: {self.units}"


class CapacityHour(models.Model):
    """One slot of a capacity: the database refuses to sell more units than it offers."""

    capacity = models.ForeignKey(Capacity, models.PROTECT, related_name="hours")
    slot = models.DateTimeField()
    units = models.PositiveIntegerField()
    sold = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("capacity", "slot", name="capacity_hour_once"),
            models.CheckConstraint(name="capacity_hour_never_oversold", condition=Q(sold__lte=F("units"))),
            models.CheckConstraint(name="capacity_hour_on_the_hour", condition=Q(slot=OnTheHour("slot"))),
        ]
        indexes = [models.Index(fields=["slot"])]
        triggers = [
            triggers.LISTED_HOURS_FIT,
            triggers.GROWN_HOURS_FIT,
            triggers.ONLY_ACTIVE_CAPACITY_SELLS,
            triggers.SOLD_HOURS_STAY,
            pgtrigger.ReadOnly(name="stays_in_its_slot", fields=["capacity", "slot"]),
        ]

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M} {self.sold}/{self.units}"
