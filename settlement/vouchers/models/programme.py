"""A public body's programme: its rules, which stand still once it is open, and its account in the ledger."""

import functools
import operator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import never_deleted
from listings.models import Accelerator
from settlement.contracts.models import Contract
from settlement.ledger.models import Account, Currency


class IssuerQuerySet(models.QuerySet["Issuer"]):
    def active(self) -> "IssuerQuerySet":
        return self.filter(ended_at__isnull=True)


class Issuer(models.Model):
    """A public body that an operator lets run programmes."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="issuer")
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(_("approved"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar = IssuerQuerySet.as_manager()

    class Meta:
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return str(self.organisation)


class ProgrammeQuerySet(models.QuerySet["Programme"]):
    def of(self, organisation: Organisation) -> "ProgrammeQuerySet":
        return self.filter(issuer=organisation)

    def taking_applications(self, now: datetime) -> "ProgrammeQuerySet":
        return self.filter(status=Programme.Status.OPEN, starts_at__lte=now, ends_at__gt=now)


RULES = (
    *("issuer", "name_zh", "name_en", "kinds", "currency", "budget", "cap"),
    *("starts_at", "ends_at", "domestic_only"),
)


def changes_a_rule() -> pgtrigger.Q:
    changed = [pgtrigger.Q(**{f"old__{name}__df": pgtrigger.F(f"new__{name}")}) for name in RULES]
    return functools.reduce(operator.or_, changed)


class Programme(models.Model):
    """A draft, then open with its whole budget in its account, then closed and the rest returned."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        CLOSED = "closed", pgettext_lazy("programme", "Closed")

    issuer = models.ForeignKey(Organisation, models.PROTECT, related_name="programmes")
    name_zh = models.CharField(_("name in Chinese"), max_length=100)
    name_en = models.CharField(_("name in English"), max_length=100)
    kinds = ArrayField(models.CharField(max_length=10, choices=Contract.Kind), verbose_name=_("pays for"))
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    budget = models.BigIntegerField(_("budget (fen)"))
    cap = models.BigIntegerField(_("most per firm and year (fen)"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    domestic_only = models.BooleanField(_("domestic accelerators only"), default=False)

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    account = models.OneToOneField(Account, models.PROTECT, null=True, blank=True, related_name="programme")
    created_at = models.DateTimeField(_("created"))
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects: ClassVar = ProgrammeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="programme_period", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="programme_cap_within_budget", condition=Q(cap__gt=0, cap__lte=F("budget"))
            ),
            models.CheckConstraint(name="programme_pays_for_something", condition=~Q(kinds=[])),
            models.CheckConstraint(
                name="programme_open_has_its_account",
                condition=Q(status="draft", account=None, opened_at=None, closed_at=None)
                | Q(status="open", account__isnull=False, opened_at__isnull=False, closed_at=None)
                | Q(
                    status="closed",
                    account__isnull=False,
                    opened_at__isnull=False,
                    closed_at__isnull=False,
                ),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="rules_stand_once_open",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="draft") & changes_a_rule(),
            ),
            pgtrigger.Protect(
                name="closed_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="closed"),
            ),
            pgtrigger.Protect(
                name="kept_once_open",
                operation=pgtrigger.Delete,
                condition=~pgtrigger.Q(old__status="draft"),
            ),
        ]

    def __str__(self) -> str:
        return self.name_en

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN


def stands_once_open() -> pgtrigger.Trigger:
    """For rows that are part of a programme's rules."""
    return pgtrigger.Trigger(
        name="rule_stands_once_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func="""
            IF EXISTS (
                SELECT FROM vouchers_programme
                WHERE id = COALESCE(NEW.programme_id, OLD.programme_id) AND status <> 'draft'
            ) THEN
                RAISE EXCEPTION 'the rules of an open programme stand';
            END IF;
            RETURN COALESCE(NEW, OLD);
        """,
    )


class ProgrammeTier(models.Model):
    """A tier of firms that may apply, and the most of a contract that the programme bears for it."""

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="tiers")
    tier = models.CharField(_("type of enterprise"), max_length=20, choices=Organisation.Tier)
    ratio_basis_points = models.PositiveIntegerField(_("ratio (basis points)"))

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "tier"], name="programme_tier_once"),
            models.CheckConstraint(
                name="programme_ratio",
                condition=Q(ratio_basis_points__gt=0, ratio_basis_points__lte=10_000),
            ),
        ]
        triggers = [stands_once_open()]

    def __str__(self) -> str:
        return f"{self.programme} {self.tier}"

    @property
    def ratio(self) -> Decimal:
        return Decimal(self.ratio_basis_points).scaleb(-4)


class ProgrammeAccelerator(models.Model):
    """An accelerator that a programme pays for; one that names none pays for any."""

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="accelerators")
    accelerator = models.ForeignKey(Accelerator, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "accelerator"], name="programme_accelerator_once")
        ]
        triggers = [stands_once_open()]

    def __str__(self) -> str:
        return f"{self.programme} {self.accelerator}"
