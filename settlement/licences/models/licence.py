"""The right that a licence contract grants, with its signed key, and everything that happened to it."""

import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.triggers import append_only, never_deleted
from listings.models import LicencePlan
from settlement.contracts.models import Contract


class Standing(models.TextChoices):
    """What a licence is worth at a moment: its status, its contract's, and the clock together."""

    ACTIVE = "active", _("Active")
    GRACE = "grace", _("In grace")
    EXPIRED = "expired", _("Expired")
    SUSPENDED = "suspended", _("Suspended")
    REVOKED = "revoked", _("Revoked")


USABLE = frozenset({Standing.ACTIVE, Standing.GRACE})


class LicenceQuerySet(models.QuerySet["Licence"]):
    def of(self, organisation: Organisation) -> "LicenceQuerySet":
        """A licence is seen by the two parties of its contract alone."""
        return self.filter(Q(contract__buyer=organisation) | Q(contract__provider=organisation))


class Licence(models.Model):
    """Named by its contract's number. `calls` is the quota of all seats together; null: none are counted."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        REVOKED = "revoked", _("Revoked")

    class Suspender(models.TextChoices):
        PUBLISHER = "publisher", _("the publisher")
        OPERATOR = "operator", _("the exchange")

    contract = models.OneToOneField(Contract, models.PROTECT, related_name="licence")
    key = models.TextField(_("key"))
    seats = models.PositiveIntegerField(_("seats"))
    binding = models.CharField(_("seat binding"), max_length=12, choices=LicencePlan.Binding)
    territory = models.CharField(_("territory"), max_length=20, choices=LicencePlan.Territory)
    calls = models.PositiveBigIntegerField(_("calls included"), null=True, blank=True)
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    grace_until = models.DateTimeField(_("works until"), null=True, blank=True)

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    suspended_by = models.CharField(max_length=10, choices=Suspender, blank=True)
    calls_used = models.PositiveBigIntegerField(_("calls used"), default=0)

    objects: ClassVar = LicenceQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("licence"), _("licences")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="licence_has_seats", condition=Q(seats__gt=0)),
            models.CheckConstraint(
                name="licence_never_over_quota",
                condition=Q(calls__isnull=True, calls_used=0) | Q(calls_used__lte=F("calls")),
            ),
            models.CheckConstraint(
                name="licence_grace_follows_expiry",
                condition=Q(expires_at__isnull=True, grace_until__isnull=True)
                | Q(grace_until__gte=F("expires_at")),
            ),
            models.CheckConstraint(
                name="licence_suspended_by_somebody",
                condition=(Q(status="suspended") & ~Q(suspended_by=""))
                | (~Q(status="suspended") & Q(suspended_by="")),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="terms_never_change", exclude=["status", "suspended_by", "calls_used"]),
            pgtrigger.Protect(
                name="revoked_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="revoked") & ~pgtrigger.Q(new__status="revoked"),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return self.contract.number

    @property
    def licensee(self) -> Organisation:
        return self.contract.buyer

    @property
    def publisher(self) -> Organisation:
        return self.contract.provider

    @property
    def floats(self) -> bool:
        return self.binding == LicencePlan.Binding.FLOATING

    @property
    def calls_left(self) -> int | None:
        return None if self.calls is None else self.calls - self.calls_used

    def standing(self, *, now: datetime.datetime) -> Standing:
        if self.status == self.Status.REVOKED or self.contract.undone:
            return Standing.REVOKED
        if self.status == self.Status.SUSPENDED:
            return Standing.SUSPENDED
        if self.grace_until is not None and self.grace_until <= now:
            return Standing.EXPIRED
        if self.expires_at is not None and self.expires_at <= now:
            return Standing.GRACE
        return Standing.ACTIVE


class LicenceEvent(models.Model):
    """One thing that happened to a licence, by a person, by software with a token, or by the clock."""

    class Kind(models.TextChoices):
        ISSUED = "issued", _("Issued")
        ACTIVATED = "activated", _("Seat taken")
        DEACTIVATED = "deactivated", _("Seat given back")
        LAPSED = "lapsed", _("Seat of a silent machine taken back")
        RECLAIMED = "reclaimed", _("Seat taken back by a member")
        CLEARED = "cleared", _("Seat cleared by the revocation")
        TOKEN_CREATED = "token_created", _("Token created")
        TOKEN_REVOKED = "token_revoked", _("Token revoked")
        SUSPENDED = "suspended", _("Suspended")
        REINSTATED = "reinstated", _("Reinstated")
        REVOKED = "revoked", _("Revoked")

    licence = models.ForeignKey(Licence, models.PROTECT, related_name="events")
    kind = models.CharField(_("event"), max_length=16, choices=Kind)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    token = models.ForeignKey("LicenceToken", models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(_("note"), max_length=500, blank=True)

    # What both parties see; the rest is the licensee's own: its machines, its members.
    OF_BOTH_PARTIES: ClassVar = [Kind.ISSUED, Kind.SUSPENDED, Kind.REINSTATED, Kind.REVOKED]

    class Meta:
        ordering = ["pk"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.licence_id} {self.kind}"
