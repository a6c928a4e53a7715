from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.user import User


class Jurisdiction(models.TextChoices):
    MAINLAND = "mainland", _("Mainland China")
    HONG_KONG = "hong_kong", _("Hong Kong")
    MACAO = "macao", _("Macao")
    OTHER = "other", _("Other")


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def verified(self) -> "OrganisationQuerySet":
        return self.filter(verification=Organisation.Verification.VERIFIED)

    def of(self, user: User) -> "OrganisationQuerySet":
        return self.filter(members__user=user)


REGISTERED_ALREADY = _(
    "An organisation with this registration number is already here. Ask one of its owners to invite you."
)


class Organisation(models.Model):
    """A legal entity that trades."""

    class Activity(models.TextChoices):
        PROVIDE = "provide", _("Provides")
        BUY = "buy", _("Buys")
        BOTH = "both", _("Provides and buys")

    class Tier(models.TextChoices):
        START_UP = "start_up", _("Start-up")
        SPECIALISED = "specialised", _("Specialised")
        LEADING = "leading", _("Leading")

    class Verification(models.TextChoices):
        PENDING = "pending", pgettext_lazy("organisation", "Pending")
        VERIFIED = "verified", _("Verified")
        REJECTED = "rejected", _("Rejected")

    name_zh = models.CharField(_("legal name in Chinese"), max_length=200)
    name_en = models.CharField(_("legal name in English"), max_length=200)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, choices=Jurisdiction)
    registration_number = models.CharField(_("registration number"), max_length=40)
    activity = models.CharField(_("activity"), max_length=10, choices=Activity)
    tier = models.CharField(_("tier"), max_length=20, choices=Tier)
    timezone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    verification = models.CharField(
        _("verification"), max_length=10, choices=Verification, default=Verification.PENDING
    )
    verification_note = models.TextField(_("evidence or reason"), blank=True)
    verified_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(
        db_default=Now(), help_text="When what is to be verified last changed."
    )

    objects: ClassVar = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("organisation"), _("organisations")
        constraints = [
            models.UniqueConstraint(
                "jurisdiction",
                "registration_number",
                name="organisation_registered_once",
                violation_error_message=REGISTERED_ALREADY,
            ),
            models.CheckConstraint(
                name="organisation_decision_is_documented",
                condition=Q(verification="pending")
                | (Q(verified_at__isnull=False, verified_by__isnull=False) & ~Q(verification_note="")),
            ),
        ]

    def __str__(self) -> str:
        return self.name_en

    @property
    def is_verified(self) -> bool:
        return self.verification == self.Verification.VERIFIED

    @property
    def provides(self) -> bool:
        return self.activity in (self.Activity.PROVIDE, self.Activity.BOTH)

    @property
    def buys(self) -> bool:
        return self.activity in (self.Activity.BUY, self.Activity.BOTH)
