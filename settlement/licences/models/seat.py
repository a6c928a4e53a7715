from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction
from accounts.triggers import never_deleted
from listings.models import Hub
from settlement.licences.models.licence import Licence
from settlement.licences.triggers import SEAT_OF_ITS_LICENCE


class ActivationQuerySet(models.QuerySet["Activation"]):
    def active(self) -> "ActivationQuerySet":
        """Holding a seat; that of a machine which fell silent holds it until it is taken back."""
        return self.filter(released_at__isnull=True)

    def lapsed(self, now: datetime) -> "ActivationQuerySet":
        return self.active().filter(leased_until__lte=now)


class Activation(models.Model):
    """One machine on one seat: a floating one leased until `leased_until`, a node-locked one for good."""

    licence = models.ForeignKey(Licence, models.PROTECT, related_name="activations", db_index=False)
    seat = models.PositiveIntegerField(_("seat"))
    fingerprint = models.CharField(_("fingerprint"), max_length=128)
    name = models.CharField(_("machine"), max_length=100, blank=True)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, choices=Jurisdiction)
    hub = models.CharField(_("national hub"), max_length=20, choices=Hub, blank=True)
    activated_at = models.DateTimeField(_("activated"))
    last_seen_at = models.DateTimeField(_("last heartbeat"))
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects: ClassVar = ActivationQuerySet.as_manager()

    class Meta:
        ordering = ["seat", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["licence", "seat"], condition=Q(released_at__isnull=True), name="seat_taken_once"
            ),
            models.UniqueConstraint(
                fields=["licence", "fingerprint"],
                condition=Q(released_at__isnull=True),
                name="machine_takes_one_seat",
            ),
            models.CheckConstraint(name="seats_count_from_one", condition=Q(seat__gte=1)),
            models.CheckConstraint(name="activation_says_which_machine", condition=~Q(fingerprint="")),
        ]
        indexes = [
            models.Index(fields=["licence", "-activated_at"], name="activation_by_licence"),
            models.Index(
                fields=["leased_until"], condition=Q(released_at__isnull=True), name="activation_by_lease"
            ),
        ]
        triggers = [
            SEAT_OF_ITS_LICENCE,
            never_deleted(),
            pgtrigger.ReadOnly(
                name="stays_on_its_seat", fields=["licence", "seat", "fingerprint", "activated_at"]
            ),
            pgtrigger.Protect(
                name="released_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__released_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.licence_id}/{self.seat}"
