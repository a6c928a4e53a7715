"""The terms that a trade fixes between two parties. Only the state and the escrow left ever change."""

from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from listings.models import LicencePlan, Pool
from settlement.contracts.funding import returned_share
from settlement.ledger.models import Account, Hold

RUNNING = ["active", "disputed"]


def append_only() -> pgtrigger.Trigger:
    return pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class SigningKey(models.Model):
    """A public key that has signed, or signs now, in base64url; a retired one verifies what it signed."""

    kid = models.CharField(max_length=16, unique=True)
    public_key = models.CharField(max_length=43, unique=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="signing_key_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="signing_key_never_changes", exclude=["retired_at"]),
        ]

    def __str__(self) -> str:
        return self.kid


class MasterAgreement(models.Model):
    """A version of what both parties of every contract have accepted; `agreement.py` has the text."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    published_at = models.DateTimeField(_("published"))

    class Meta:
        verbose_name = _("master agreement")
        ordering = ["version"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"v{self.version}"


class Acceptance(models.Model):
    """An organisation accepted a version: who did so for it, when, and from where."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="acceptances")
    agreement = models.ForeignKey(MasterAgreement, models.PROTECT, related_name="acceptances")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(_("accepted"))
    ip = models.GenericIPAddressField("IP", null=True, blank=True)

    class Meta:
        verbose_name = _("acceptance")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["organisation", "agreement"], name="accepted_once")]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.organisation} {self.agreement}"


class ContractQuerySet(models.QuerySet["Contract"]):
    def of(self, organisation: Organisation) -> "ContractQuerySet":
        """A contract is seen by its two parties alone."""
        return self.filter(Q(buyer=organisation) | Q(provider=organisation))

    def running(self) -> "ContractQuerySet":
        """Active or disputed: what is not in dispute goes on."""
        return self.filter(status__in=RUNNING)


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
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
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

    def give_back(self, amount: int) -> int:
        """Count `amount` fen as returned, and say how much of it is the funder's. Nothing is saved."""
        share = returned_share(funded=self.funded, total=self.total, returned=self.returned, amount=amount)
        self.returned += amount
        return share

    @property
    def fee_ratio(self) -> Decimal:
        return Decimal(self.fee_basis_points).scaleb(-4)


class Ground(models.TextChoices):
    """Why a contract ends before its time."""

    AGREEMENT = "agreement", _("By agreement")
    BREACH = "breach", _("For breach")
    FORCE_MAJEURE = "force_majeure", _("Force majeure")


class TerminationProposal(models.Model):
    """A party's wish to end a contract from a slot on; the other party answers it once."""

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("proposal", "Waiting")
        ACCEPTED = "accepted", pgettext_lazy("proposal", "Accepted")
        DECLINED = "declined", pgettext_lazy("proposal", "Declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("proposal", "Withdrawn")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="termination_proposals")
    proposed_by = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    ground = models.CharField(_("ground"), max_length=20, choices=Ground)
    from_slot = models.DateTimeField(_("from"))
    reason = models.TextField(_("reasons"))
    proposed_at = models.DateTimeField(_("proposed"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposal to terminate")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], condition=Q(status="open"), name="one_open_proposal_a_contract"
            ),
            models.CheckConstraint(
                name="parties_never_agree_on_a_breach", condition=Q(ground__in=["agreement", "force_majeure"])
            ),
            models.CheckConstraint(
                name="proposal_answered_has_its_time",
                condition=Q(status="open", answered_at=None) | (~Q(status="open") & ~Q(answered_at=None)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="proposal_never_changes", exclude=["status", "answered_by", "answered_at"]
            ),
            pgtrigger.Protect(
                name="answered_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.ground}"


class Termination(models.Model):
    """A contract ends before its time: from `from_slot` on nothing is delivered, and no hour is paid.

    Of the undelivered hours' price, which left the escrow with it, `break_fee` went to the provider and the
    rest back to the buyer. Hours in dispute follow when they are decided.
    """

    contract = models.OneToOneField(Contract, models.PROTECT, related_name="termination")
    ground = models.CharField(_("ground"), max_length=20, choices=Ground)
    breaching = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    proposal = models.OneToOneField(
        TerminationProposal, models.PROTECT, null=True, blank=True, related_name="termination"
    )
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    from_slot = models.DateTimeField(_("from"))
    reason = models.TextField(_("reasons"))
    break_fee_basis_points = models.PositiveIntegerField(_("break fee (basis points)"), default=0)
    undelivered = models.BigIntegerField(_("undelivered (fen)"))
    break_fee = models.BigIntegerField(_("break fee (fen)"), default=0)
    terminated_at = models.DateTimeField(_("terminated"))

    class Meta:
        verbose_name = _("termination")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="breach_names_the_party",
                condition=Q(ground="breach", breaching__isnull=False)
                | (~Q(ground="breach") & Q(breaching__isnull=True, break_fee_basis_points=0)),
            ),
            models.CheckConstraint(
                name="break_fee_within_undelivered",
                condition=Q(break_fee__gte=0, break_fee__lte=F("undelivered")),
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.ground}"

    @property
    def returned(self) -> int:
        """What went back to the buyer, in fen."""
        return self.undelivered - self.break_fee
