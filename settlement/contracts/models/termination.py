import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import append_only, never_deleted
from settlement.contracts.models.contract import Contract


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
            never_deleted(),
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
