from dataclasses import dataclass

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import never_deleted


class AccountKind(models.TextChoices):
    AVAILABLE = "available", _("Available")
    HELD = "held", _("Held")
    ESCROW = "escrow", _("Escrow")
    RECEIVABLE = "receivable", _("Receivable")
    FEES = "fees", _("Fees")
    BANK = "bank", _("Bank")
    SUSPENSE = "suspense", _("Suspense")
    ARREARS = "arrears", _("Arrears")
    PROGRAMME = "programme", _("Voucher programme")
    STRIPE = "stripe", "Stripe"
    PAYOUTS = "payouts", _("Payouts on their way")
    PROCESSING = "processing", _("Processing costs")


class Owner(models.TextChoices):
    ORGANISATION = "organisation", _("Organisation")
    PLATFORM = "platform", _("Platform")


class Side(models.TextChoices):
    """Where an account's balance normally stands: what is owed is credit, what is had is debit."""

    CREDIT = "credit", _("Credit")
    DEBIT = "debit", _("Debit")


@dataclass(frozen=True)
class KindRule:
    owner: Owner
    side: Side
    never_negative: bool
    shards: int = 1  # A busy platform account is split into this many rows, so that it is no hot spot.
    numbered: bool = False  # An organisation has one for each thing it keeps apart, by that thing's number.


KINDS: dict[AccountKind, KindRule] = {
    AccountKind.AVAILABLE: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.HELD: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.ESCROW: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.RECEIVABLE: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True),
    AccountKind.FEES: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=False, shards=16),
    AccountKind.BANK: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
    AccountKind.SUSPENSE: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=True),
    AccountKind.ARREARS: KindRule(Owner.ORGANISATION, Side.DEBIT, never_negative=False),
    AccountKind.PROGRAMME: KindRule(Owner.ORGANISATION, Side.CREDIT, never_negative=True, numbered=True),
    AccountKind.STRIPE: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
    AccountKind.PAYOUTS: KindRule(Owner.PLATFORM, Side.CREDIT, never_negative=False, shards=16),
    AccountKind.PROCESSING: KindRule(Owner.PLATFORM, Side.DEBIT, never_negative=False),
}


ORGANISATION_KINDS = [
    kind for kind, rule in KINDS.items() if rule.owner == Owner.ORGANISATION and not rule.numbered
]


PLATFORM_KINDS = [kind for kind, rule in KINDS.items() if rule.owner == Owner.PLATFORM]


NUMBERED_KINDS = [kind for kind, rule in KINDS.items() if rule.numbered]


NEVER_NEGATIVE_KINDS = [kind for kind, rule in KINDS.items() if rule.never_negative]


class Currency(models.TextChoices):
    CNY = "CNY", _("Renminbi")
    HKD = "HKD", _("Hong Kong dollar")


class Account(models.Model):
    """A place money sits. Its balance row is changed by `ledger_post` alone, with its entries."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="accounts", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=20, choices=AccountKind)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    # Which of several accounts of one kind: a platform account's shard, or the number of what is kept apart.
    shard = models.IntegerField(default=0)
    balance = models.BigIntegerField(_("balance (fen)"), default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "currency", "shard"],
                name="account_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="account_never_negative", condition=Q(balance__gte=0) | ~Q(kind__in=NEVER_NEGATIVE_KINDS)
            ),
        ]
        triggers = [
            never_deleted(),
            # Not a check constraint: that would be read and planned anew with each change of a balance.
            pgtrigger.Protect(
                name="kind_has_its_owner",
                operation=pgtrigger.Insert,
                condition=~(
                    pgtrigger.Q(
                        new__organisation__isnull=False, new__kind__in=ORGANISATION_KINDS, new__shard=0
                    )
                    | pgtrigger.Q(
                        new__organisation__isnull=False, new__kind__in=NUMBERED_KINDS, new__shard__gt=0
                    )
                    | pgtrigger.Q(new__organisation__isnull=True, new__kind__in=PLATFORM_KINDS)
                ),
            ),
            pgtrigger.Protect(
                name="stays_what_it_is",
                when=pgtrigger.After,  # One before the update would lock and read the row once more.
                operation=pgtrigger.UpdateOf("organisation_id", "kind", "currency", "shard"),  # type: ignore[no-untyped-call]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation or 'platform'} {self.kind} {self.currency}"
