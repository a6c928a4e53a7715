"""What a provider reports of a compute contract: its state, how to reach it, and what was used."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.triggers import append_only
from settlement.contracts.models import Contract


class StateReport(models.Model):
    """One step of a delivery. The last report is the state; before any it is scheduled."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        PROVISIONING = "provisioning", _("Provisioning")
        ACTIVE = "active", _("Active")
        ENDED = "ended", pgettext_lazy("delivery", "Ended")
        FAILED = "failed", _("Failed")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="state_reports")
    state = models.CharField(_("state"), max_length=12, choices=State)
    note = models.CharField(_("note"), max_length=500, blank=True)
    source = models.CharField(_("source"), max_length=40)
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        ordering = ["pk"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.state}"


class AccessDetails(models.Model):
    """How to reach what was bought, encrypted (see `delivery.secrets`). The last row is in force."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="access_details")
    ciphertext = models.BinaryField()
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        verbose_name = _("access details")
        verbose_name_plural = _("access details")
        ordering = ["pk"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.reported_at}"


class UsageRecord(models.Model):
    """What one source metered in one slot. A higher revision supersedes; nothing is overwritten."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="usage_records", db_index=False)
    slot = models.DateTimeField(_("slot"))
    source = models.CharField(_("source"), max_length=40)
    revision = models.PositiveIntegerField(_("revision"))
    delivered_seconds = models.BigIntegerField(_("delivered (accelerator-seconds)"))
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        ordering = ["slot", "source", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "slot", "source", "revision"], name="usage_once"),
            models.CheckConstraint(name="usage_not_negative", condition=Q(delivered_seconds__gte=0)),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.slot} {self.source}/{self.revision}"


class MeterReminder(models.Model):
    """The provider was told that nobody has metered this slot."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="meter_reminders")
    slot = models.DateTimeField(_("slot"))
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "slot"], name="reminded_once")]

    def __str__(self) -> str:
        return f"{self.contract} {self.slot}"
