"""Each day an account of the platform is held against what others say of it; what differs is a row."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.triggers import append_only, never_deleted
from settlement.ledger.models import AccountKind, Currency


class Reconciled(models.TextChoices):
    """The account, and what it is held against."""

    BANK = AccountKind.BANK.value, _("Bank, against the bank's statement")
    STRIPE = AccountKind.STRIPE.value, _("Stripe, against Stripe's balance transactions")
    PAYOUTS = AccountKind.PAYOUTS.value, _("Payouts on their way, against the payouts")
    SUSPENSE = AccountKind.SUSPENSE.value, _("Suspense, against the bank lines in suspense")


class Reconciliation(models.Model):
    """One account at the end of one day, in fen as the platform has it; `statement` None: nobody told.

    One without a difference is a proof: a later run may go on from it, and read neither the entries up to
    `last_entry`, but those `carried`, which come to `settled`, nor the lines up to `last_line` and its day.
    """

    account = models.CharField(_("account"), max_length=20, choices=Reconciled)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    day = models.DateField(_("day"))
    ledger = models.BigIntegerField(_("ledger balance (fen)"))
    statement = models.BigIntegerField(_("statement balance (fen)"), null=True, blank=True)
    ran_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ran_at = models.DateTimeField(_("ran"))

    # The proof that the run went on from; None: it read everything from the beginning.
    went_on_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    is_proof = models.BooleanField(_("without difference"), default=False)
    settled = models.BigIntegerField(default=0)
    carried = ArrayField(models.BigIntegerField(), default=list)
    last_entry = models.BigIntegerField(default=0)
    last_line = models.BigIntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("reconciliation"), _("reconciliations")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="reconciliation_proof_agrees",
                condition=Q(is_proof=False) | Q(statement__isnull=False, statement=F("ledger")),
            )
        ]
        indexes = [models.Index(fields=["account", "currency", "id"], name="reconciliation_of_account")]
        triggers = [
            append_only(),
            pgtrigger.Trigger(
                name="goes_on_from_a_proof",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__went_on_from__isnull=False),
                func="""
                    IF NOT EXISTS (
                        SELECT FROM payments_reconciliation proof
                        WHERE proof.id = NEW.went_on_from_id AND proof.is_proof AND proof.day <= NEW.day
                        AND proof.account = NEW.account AND proof.currency = NEW.currency
                    ) THEN
                        RAISE EXCEPTION 'a reconciliation goes on from a proof of its own account'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day}"

    @property
    def difference(self) -> int | None:
        return None if self.statement is None else self.statement - self.ledger


class DifferenceQuerySet(models.QuerySet["Difference"]):
    def standing(self) -> "DifferenceQuerySet":
        """What the last run still found, answered for or not."""
        return self.filter(gone_at__isnull=True)

    def open(self) -> "DifferenceQuerySet":
        return self.filter(gone_at__isnull=True, resolved_at__isnull=True)


class Difference(models.Model):
    """What does not agree: found by a run, then gone by itself, or resolved by an operator with a note."""

    class Kind(models.TextChoices):
        LINE_ALONE = "line_alone", _("Statement line without a transfer")
        TRANSFER_ALONE = "transfer_alone", _("Transfer without a statement line")
        AMOUNTS = "amounts", _("Amounts differ")
        GAP = "gap", _("Lines are missing from the statement")
        BALANCE = "balance", _("Balances differ, and no line says why")
        AGEING = "ageing", _("Waits too long")
        NOT_ZERO = "not_zero", _("Does not return to zero")

    account = models.CharField(_("account"), max_length=20, choices=Reconciled)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    what = models.CharField(_("what"), max_length=200)
    amount = models.BigIntegerField(_("amount (fen)"))
    since = models.DateField(_("since"))
    found_by = models.ForeignKey(Reconciliation, models.PROTECT, related_name="found")
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)

    objects: ClassVar = DifferenceQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("difference"), _("differences")
        ordering = ["since", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "kind", "what", "amount"],
                condition=Q(gone_at__isnull=True),
                name="difference_listed_once",
            ),
            models.CheckConstraint(
                name="difference_resolved_in_writing",
                condition=Q(resolved_at=None, resolved_by=None, note="")
                | (Q(resolved_at__isnull=False, resolved_by__isnull=False) & ~Q(note="")),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="immutable", exclude=["gone_at", "resolved_by", "resolved_at", "note"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"

    @property
    def account_name(self) -> str | Promise:
        return AccountKind(self.account).label
