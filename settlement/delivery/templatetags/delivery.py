import datetime

from django import template
from django.utils import timezone

from settlement.contracts.models import Contract
from settlement.delivery.queries import left_of, state_of

register = template.Library()


@register.inclusion_tag("delivery/_left.html")
def delivery_left(contract: Contract) -> dict[str, object]:
    """A compute contract's state of delivery, with the time and the money that are left."""
    return {
        "contract": contract,
        "state": state_of(contract),
        "left": left_of(contract, now=timezone.now()),
        "disputes": contract.disputes.all(),
    }


@register.simple_tag
def settled_slots(contract: Contract) -> set[datetime.datetime | None]:
    return set(contract.deliveries.values_list("slot", flat=True))


@register.inclusion_tag("delivery/_end.html")
def contract_end(contract: Contract) -> dict[str, object]:
    """Whether a compute contract ends before its time, or somebody proposes so."""
    waiting = contract.termination_proposals.filter(status="open").first()
    return {"contract": contract, "waiting": waiting}
