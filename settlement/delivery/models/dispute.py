"""A dispute about hours of a contract: its money stays frozen until an operator decides."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import append_only, never_deleted
from settlement.contracts.models import Contract


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def undecided(self) -> "DisputeQuerySet":
        return self.exclude(status=Dispute.Status.DECIDED)

    def of(self, organisation: Organisation) -> "DisputeQuerySet":
        return self.filter(Q(contract__buyer=organisation) | Q(contract__provider=organisation))


class Dispute(models.Model):
    """Its slots and amount never change; `refund` is what the decision gives back to the buyer."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for an answer")
        ANSWERED = "answered", _("Answered")
        DECIDED = "decided", pgettext_lazy("dispute", "Decided")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="disputes")
    opened_by = models.ForeignKey(Organisation, models.PROTECT, related_name="disputes_opened")
    slots = ArrayField(models.DateTimeField(), verbose_name=_("slots"))
    amount = models.BigIntegerField(_("disputed (fen)"))
    opened_at = models.DateTimeField(_("opened"))
    answer_due_at = models.DateTimeField(_("answer due"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    refund = models.BigIntegerField(_("back to the buyer (fen)"), null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects: ClassVar = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="dispute_is_about_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="dispute_decided_in_full",
                condition=Q(
                    status="decided",
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    refund__gte=0,
                    refund__lte=F("amount"),
                )
                | (~Q(status="decided") & Q(decided_at=None, decided_by=None, refund=None)),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="claim_never_changes", exclude=["status", "refund", "decided_by", "decided_at"]
            ),
            pgtrigger.Protect(
                name="decided_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__status="decided")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.pk}"

    @property
    def other_party_id(self) -> int:
        contract = self.contract
        return contract.provider_id if self.opened_by_id == contract.buyer_id else contract.buyer_id


class DisputeMessage(models.Model):
    """A line of the thread: a party's, or (no organisation) the operator's."""

    class Kind(models.TextChoices):
        CLAIM = "claim", _("Claim")
        ANSWER = "answer", _("Answer")
        MESSAGE = "message", _("Message")
        DECISION = "decision", pgettext_lazy("dispute", "Decision")

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="messages")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    text = models.TextField(_("text"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dispute"], condition=Q(kind="decision"), name="dispute_has_one_decision"
            )
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.dispute} {self.kind}"


class Evidence(models.Model):
    """A file that goes with a message. Its path is random; its name is only shown."""

    message = models.ForeignKey(DisputeMessage, models.PROTECT, related_name="evidence")
    file = models.FileField(upload_to="disputes/%Y/%m/")
    name = models.CharField(_("file"), max_length=200)
    size_bytes = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["pk"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return self.name
