from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.triggers import append_only
from settlement.contracts.models import Contract
from settlement.ledger.models import Transfer, TransferKind


class Charge(models.Model):
    """What one sealed transfer of the ledger says about a contract; below zero where it gave back.

    `supply` is what the buyer paid the provider, fee included; `fee` is the platform's part of it. The period
    is that of the hours paid; `hours` counts them, and is zero for a licence and for what was given back.
    """

    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="+")
    position = models.BigIntegerField(unique=True)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="charges")
    buyer = models.ForeignKey(Organisation, models.PROTECT, related_name="+", db_index=False)
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("kind"), max_length=20, choices=TransferKind)
    posted_at = models.DateTimeField(_("posted"))
    supply = models.BigIntegerField(_("supplied (fen)"))
    fee = models.BigIntegerField(_("fee (fen)"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    hours = models.PositiveIntegerField(_("hours"), default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(name="charge_moves_something", condition=~Q(supply=0, fee=0)),
        ]
        indexes = [
            models.Index(fields=["buyer", "posted_at"], name="charge_by_buyer"),
            models.Index(fields=["provider", "posted_at"], name="charge_by_provider"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.contract} {self.supply:+}"
