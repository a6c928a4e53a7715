import datetime
from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import never_deleted
from listings.models import LicencePlan, Pool
from settlement.contracts.funding import returned_share
from settlement.contracts.models.signing_key import SigningKey
from settlement.ledger.models import Account, Hold

RUNNING = ["active", "disputed"]


class ContractQuerySet(models.QuerySet["Contract"]):
    def of(self, organisation: Organisation) -> "ContractQuerySet":
        """A contract is seen by its two parties alone."""
        return self.filter(Q(buyer=organisation) | Q(provider=organisation))

    def running(self) -> "ContractQuerySet":
        """Active or disputed: what is not in dispute goes on."""
        return self.filter(status__in=RUNNING)

    def undone(self) -> "ContractQuerySet":
        """Terminated, be it that a dispute still waits, or refunded in full: nothing of it is granted."""
        return self.filter(Q(termination__isnull=False) | Q(total__gt=0, returned=F("total")))


class Contract(models.Model):
    """`document` is the canonical JSON of all terms; its SHA-256 covers the contract before it too."""

    class Kind(models.TextChoices):
        COMPUTE = "compute", _("Compute")
        LICENCE = "licence", _("Licence")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        COMPLETED = "completed", _("Completed")
        TERMINATED = "terminated", _("Terminated")
        DISPUTED = "disputed", _("Disputed")

    position = models.BigIntegerField(unique=True)
    number = models.CharField(_("number"), max_length=24, unique=True)
    source = models.CharField(max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    buyer = models.ForeignKey(Organisation, models.PROTECT, related_name="bought")
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="provided")
    hold = models.OneToOneField(Hold, models.PROTECT, null=True, blank=True, related_name="contract")
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, blank=True, related_name="contracts")
    plan = models.ForeignKey(LicencePlan, models.PROTECT, null=True, blank=True, related_name="contracts")
    quantity = models.PositiveIntegerField(_("quantity"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    acceptance_ends_at = models.DateTimeField(_("acceptance until"), null=True, blank=True)
    hourly_prices = ArrayField(models.BigIntegerField(), verbose_name=_("prices by hour"), default=list)
    total = models.BigIntegerField(_("total (fen)"))
    funder_account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="funded_contracts"
    )
    funded = models.BigIntegerField(_("of it from a funder (fen)"), default=0)
    fee_basis_points = models.PositiveIntegerField(_("fee (basis points)"))
    document = models.TextField()
    previous_sha256 = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    signed_with = models.ForeignKey(SigningKey, models.PROTECT, null=True, related_name="+", to_field="kid")
    signature = models.CharField(max_length=86, blank=True)
    opened_at = models.DateTimeField(_("opened"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    escrow = models.BigIntegerField(_("in escrow (fen)"))
    returned = models.BigIntegerField(_("back to the buyer and the funder (fen)"), default=0)
    settled_until = models.DateTimeField(_("settled until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-position"]
        constraints = [
            models.CheckConstraint(
                name="contract_product_is_of_its_kind",
                condition=Q(kind="compute", pool__isnull=False, plan__isnull=True, ends_at__isnull=False)
                | Q(kind="licence", pool__isnull=True, plan__isnull=False, hourly_prices=[]),
            ),
            models.CheckConstraint(
                name="contract_is_paid_from_a_hold", condition=Q(total__gt=0, hold__isnull=False) | Q(total=0)
            ),
            models.CheckConstraint(name="contract_is_about_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="contract_period", condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="contract_acceptance_is_of_a_licence",
                condition=Q(acceptance_ends_at__isnull=True)
                | Q(kind="licence", acceptance_ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="contract_escrow_within_total", condition=Q(escrow__gte=0, escrow__lte=F("total"))
            ),
            models.CheckConstraint(
                name="contract_funded_within_total",
                condition=Q(funder_account__isnull=True, funded=0)
                | Q(funder_account__isnull=False, funded__gt=0, funded__lte=F("total")),
            ),
            models.CheckConstraint(
                name="contract_returns_what_left_escrow",
                condition=Q(returned__gte=0, returned__lte=F("total") - F("escrow")),
            ),
            models.CheckConstraint(
                name="contract_ends_with_nothing_in_escrow",
                condition=Q(status__in=RUNNING, ended_at__isnull=True)
                | (~Q(status__in=RUNNING) & Q(ended_at__isnull=False, escrow=0)),
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-position"], name="contract_by_buyer"),
            models.Index(fields=["provider", "-position"], name="contract_by_provider"),
            models.Index(
                fields=["settled_until"], condition=Q(status__in=RUNNING), name="contract_running_by_settled"
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="terms_never_change",
                exclude=["status", "escrow", "returned", "settled_until", "ended_at"],
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def settled(self) -> int:
        """What has left the escrow, in fen."""
        return self.total - self.escrow

    def in_acceptance(self, *, now: datetime.datetime) -> bool:
        """Whether a licence's price may still be accepted, disputed, or go back by a termination."""
        ends_at = self.acceptance_ends_at
        return self.ended_at is None and ends_at is not None and now < ends_at

    @property
    def undone(self) -> bool:
        """As the filter says it, but for a termination whose dispute still waits: read without a query."""
        return self.status == self.Status.TERMINATED or 0 < self.total == self.returned

    def give_back(self, amount: int) -> int:
        """Count `amount` fen as returned, and say how much of it is the funder's. Nothing is saved."""
        share = returned_share(funded=self.funded, total=self.total, returned=self.returned, amount=amount)
        self.returned += amount
        return share

    @property
    def funded_ratio(self) -> Decimal:
        return Decimal(self.funded) / self.total

    @property
    def fee_ratio(self) -> Decimal:
        return Decimal(self.fee_basis_points).scaleb(-4)
