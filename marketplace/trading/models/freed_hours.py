"""Hours of a terminated contract that are offered again, and what the database keeps promised meanwhile."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.triggers import append_only
from listings.models import CapacityHour
from settlement.contracts.models import Termination

# An hour of an allocation is promised until its contract's provider has offered it again.
PROMISED_UNITS_STAY_SOLD = pgtrigger.Trigger(
    name="promised_units_stay_sold",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(new__sold__lt=pgtrigger.F("old__sold")),
    declare=[("promised", "BIGINT")],
    func="""
        SELECT coalesce(sum(allocation.units), 0) INTO promised
        FROM trading_allocation AS allocation
        JOIN trading_trade AS trade ON trade.id = allocation.trade_id
        WHERE allocation.capacity_id = NEW.capacity_id
          AND allocation.starts_at <= NEW.slot AND NEW.slot < allocation.ends_at
          AND NOT EXISTS (
              SELECT FROM trading_freedhours AS freed
              JOIN contracts_termination AS termination ON termination.id = freed.termination_id
              WHERE termination.contract_id = trade.contract_id AND freed.first_slot <= NEW.slot
          );

        IF NEW.sold < promised THEN
            RAISE EXCEPTION 'capacity % has promised % units at %, and % would count as sold',
                NEW.capacity_id, promised, NEW.slot, NEW.sold
                USING ERRCODE = 'check_violation', CONSTRAINT = 'promised_units_stay_sold';
        END IF;
        RETURN NULL;
    """,
)

FREED_WITHOUT_THE_PROVIDERS_FAULT = pgtrigger.Trigger(
    name="freed_without_the_providers_fault",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
        PERFORM 1 FROM contracts_termination AS termination
        JOIN contracts_contract AS contract ON contract.id = termination.contract_id
        WHERE termination.id = NEW.termination_id
          AND NEW.first_slot >= termination.from_slot
          AND (termination.ground = 'agreement' OR termination.breaching_id = contract.buyer_id);

        IF NOT FOUND THEN
            RAISE EXCEPTION 'termination % freed no hours that can be offered from % on',
                NEW.termination_id, NEW.first_slot
                USING ERRCODE = 'check_violation', CONSTRAINT = 'freed_without_the_providers_fault';
        END IF;
        RETURN NEW;
    """,
)


class FreedHours(models.Model):
    """The provider offers a terminated contract's hours again, from `first_slot` on. Append-only."""

    termination = models.OneToOneField(Termination, models.PROTECT, related_name="freed_hours")
    first_slot = models.DateTimeField(_("first slot"))
    unit_hours = models.PositiveBigIntegerField(_("unit-hours"))
    offered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    offered_at = models.DateTimeField(_("offered"))

    class Meta:
        verbose_name = _("freed hours")
        verbose_name_plural = _("freed hours")
        constraints = [
            models.CheckConstraint(name="freed_hours_are_some", condition=Q(unit_hours__gt=0)),
        ]
        triggers = [append_only(), FREED_WITHOUT_THE_PROVIDERS_FAULT]

    def __str__(self) -> str:
        return f"Freed hours of termination {self.termination_id}"


class PromisedHour(CapacityHour):
    """The listings' hour, guarded by what only trading knows: which contracts it was promised to."""

    class Meta:
        proxy = True
        triggers = [PROMISED_UNITS_STAY_SOLD]
