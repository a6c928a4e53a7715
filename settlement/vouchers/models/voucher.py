from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation, User
from accounts.triggers import append_only, never_deleted
from settlement.ledger.models import Hold
from settlement.vouchers.models.application import Application
from settlement.vouchers.models.programme import Programme


class VoucherQuerySet(models.QuerySet["Voucher"]):
    def usable(self, now: datetime) -> "VoucherQuerySet":
        """What may still pay for a new order; how much is left of it is another question."""
        return self.filter(
            revoked_at__isnull=True,
            expires_at__gt=now,
            programme__status=Programme.Status.OPEN,
            programme__starts_at__lte=now,
        )


class Voucher(models.Model):
    """A firm's right to have `amount` fen borne by a programme within a year: one for each firm and year.

    The firm is kept as it was registered. How much of the amount is used is never stored: it is read from
    the holds and contracts of its uses.
    """

    application = models.OneToOneField(Application, models.PROTECT, related_name="voucher")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="vouchers")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="vouchers")
    jurisdiction = models.CharField(max_length=20, choices=Jurisdiction)
    registration_number = models.CharField(_("registration number"), max_length=40)
    year = models.PositiveIntegerField(_("year"))
    amount = models.BigIntegerField(_("amount (fen)"))
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("expires"))

    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_for = models.TextField(_("reasons"), blank=True)

    objects: ClassVar = VoucherQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "year", "jurisdiction", "registration_number"],
                name="voucher_once_per_firm_and_year",
            ),
            models.CheckConstraint(
                name="voucher_bears_something_for_a_while",
                condition=Q(amount__gt=0, expires_at__gt=F("issued_at")),
            ),
            models.CheckConstraint(
                name="voucher_revoked_in_writing",
                condition=Q(revoked_at=None, revoked_by=None)
                | (Q(revoked_at__isnull=False, revoked_by__isnull=False) & ~Q(revoked_for="")),
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(
                name="voucher_never_changes", exclude=["revoked_at", "revoked_by", "revoked_for"]
            ),
            pgtrigger.Trigger(
                name="voucher_within_cap",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.amount > (SELECT cap FROM vouchers_programme WHERE id = NEW.programme_id) THEN
                        RAISE EXCEPTION 'a voucher is within its programme''s cap'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme} {self.year}: {self.organisation}"

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at and self.programme.is_open


class VoucherUse(models.Model):
    """A hold that a voucher pays in part. It becomes one contract at most, which so has one voucher."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="uses")
    hold = models.OneToOneField(Hold, models.PROTECT, related_name="voucher_use")
    placed_at = models.DateTimeField(_("placed"))

    class Meta:
        ordering = ["-pk"]
        triggers = [
            append_only(),
            pgtrigger.Trigger(
                name="voucher_pays_its_own_firm",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT FROM vouchers_voucher v
                        JOIN vouchers_programme p ON p.id = v.programme_id
                        JOIN ledger_hold h ON h.organisation_id = v.organisation_id
                            AND h.funder_account_id = p.account_id
                        WHERE v.id = NEW.voucher_id AND h.id = NEW.hold_id
                    ) THEN
                        RAISE EXCEPTION 'a voucher pays for its own firm from its own programme'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voucher} {self.hold_id}"
