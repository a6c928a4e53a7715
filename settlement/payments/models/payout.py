"""A payout takes money from an organisation to the clearing account PAYOUTS, and ends paid or failed."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from accounts.triggers import never_deleted
from settlement.ledger.models import AccountKind, Currency
from settlement.payments.models.approval import Approval, two_persons
from settlement.payments.models.payout_account import PayoutAccount
from settlement.payments.reference import PAYOUT, reference_for

SCHEDULED = "schedule:"  # How the key of a payout begins that no person asked for; its period follows.


class Rail(models.TextChoices):
    BANK = "bank", _("Bank transfer")
    STRIPE = "stripe", "Stripe"


class PayoutSource(models.TextChoices):
    RECEIVABLE = AccountKind.RECEIVABLE.value, _("Receivable")
    AVAILABLE = AccountKind.AVAILABLE.value, _("Available")


class PayoutFile(models.Model):
    """Payouts that go to the bank together, as the CSV text that was approved, by its SHA-256."""

    content = models.TextField(_("content"))
    sha256 = models.CharField("SHA-256", max_length=64)
    count = models.PositiveIntegerField(_("payouts"))
    total = models.BigIntegerField(_("total (fen)"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed"))

    status = models.CharField(_("status"), max_length=10, choices=Approval, default=Approval.PROPOSED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("payout file"), _("payout files")
        ordering = ["-pk"]
        constraints = [two_persons("payout_file_two_persons")]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["status", "decided_by", "decided_at"]),
            pgtrigger.FSM(
                name="decided_once",
                field="status",
                transitions=[("proposed", "approved"), ("proposed", "refused")],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"PF-{self.pk:06}"


class PayoutQuerySet(models.QuerySet["Payout"]):
    def unresolved(self) -> "PayoutQuerySet":
        return self.exclude(status__in=[Payout.Status.PAID, Payout.Status.FAILED])

    def to_collect(self) -> "PayoutQuerySet":
        """What the next payout file may take."""
        return self.filter(rail=Rail.BANK, status=Payout.Status.WAITING)


class Payout(models.Model):
    """Its money's transfers are keyed by ("payout", pk, PAYOUT | PAYOUT_PAID | PAYOUT_FAILED).

    A paid one may still fail: the bank, or Stripe, sends it back.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("payout", "Waiting")
        COLLECTED = "collected", _("In a payout file")
        SENT = "sent", _("On its way")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="payouts")
    rail = models.CharField(_("rail"), max_length=10, choices=Rail)
    taken_from = models.CharField(_("taken from"), max_length=20, choices=PayoutSource)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    amount = models.BigIntegerField(_("amount (fen)"))
    key = models.CharField(max_length=100)
    account = models.ForeignKey(
        PayoutAccount,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="payouts",
        verbose_name=_("account"),
    )
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"))

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    file = models.ForeignKey(PayoutFile, models.PROTECT, null=True, blank=True, related_name="payouts")
    external_id = models.CharField(max_length=100, blank=True)  # What the rail calls it: Stripe's payout.
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects: ClassVar = PayoutQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("payout"), _("payouts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="payout_asked_once"),
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="payout_external_id_once"
            ),
            models.CheckConstraint(name="payout_moves_money", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="payout_knows_where_it_goes",
                condition=Q(rail="bank", account__isnull=False, currency="CNY")
                | Q(rail="stripe", account__isnull=True, file__isnull=True),
            ),
            models.CheckConstraint(
                name="payout_by_bank_is_in_a_file",
                condition=Q(rail="stripe")
                | Q(status="waiting", file__isnull=True)
                | Q(status__in=["collected", "sent", "paid"], file__isnull=False)
                | Q(status="failed"),
            ),
            models.CheckConstraint(
                name="payout_has_its_times",
                condition=Q(status__in=["waiting", "collected"], sent_at=None, paid_at=None, failed_at=None)
                | Q(status="sent", sent_at__isnull=False, paid_at=None, failed_at=None)
                | Q(status="paid", sent_at__isnull=False, paid_at__isnull=False, failed_at=None)
                | (Q(status="failed", failed_at__isnull=False) & ~Q(reason="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], condition=~Q(status__in=["paid", "failed"]), name="payout_unresolved"
            )
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="immutable",
                exclude=["status", "file", "external_id", "sent_at", "paid_at", "failed_at", "reason"],
            ),
            pgtrigger.FSM(
                name="one_way",
                field="status",
                transitions=[
                    ("waiting", "collected"),
                    ("waiting", "sent"),
                    ("waiting", "failed"),
                    ("collected", "waiting"),
                    ("collected", "sent"),
                    ("collected", "failed"),
                    ("sent", "paid"),
                    ("sent", "failed"),
                    ("paid", "failed"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.serial

    @property
    def serial(self) -> str:
        """What the payout file and the bank's remark call it, with two check digits."""
        return reference_for(self.pk, PAYOUT).replace(" ", "")

    @property
    def is_scheduled(self) -> bool:
        return self.key.startswith(SCHEDULED)


class PayoutSchedule(models.Model):
    """How often an organisation's receivable is paid out without being asked for; no row, or none: never."""

    class Frequency(models.TextChoices):
        NONE = "none", _("Only when asked for")
        WEEKLY = "weekly", _("Every week")
        MONTHLY = "monthly", _("Every month")

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="payout_schedule")
    frequency = models.CharField(_("frequency"), max_length=10, choices=Frequency)
    rail = models.CharField(_("rail"), max_length=10, choices=Rail, default=Rail.BANK)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name, verbose_name_plural = _("payout schedule"), _("payout schedules")

    def __str__(self) -> str:
        return f"{self.organisation} {self.frequency}"
