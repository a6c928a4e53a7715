import datetime

from django import template
from django.utils import timezone

from settlement.contracts.models import Contract
from settlement.delivery.queries import disputed_fen, left_of, state_of

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


@register.inclusion_tag("delivery/_acceptance.html")
def licence_acceptance(contract: Contract, *, we_provide: bool, may_dispute: bool) -> dict[str, object]:
    """Until when a licence can be accepted or disputed, what is in escrow, and the buttons for both."""
    now = timezone.now()
    disputed = disputed_fen([contract.pk]).get(contract.pk, 0)
    runs = contract.in_acceptance(now=now) and not hasattr(contract, "termination")
    return {
        "contract": contract,
        "now": now,
        "we_provide": we_provide,
        "runs": runs,
        "disputes": contract.disputes.all(),
        "disputed": disputed,
        "may_dispute": may_dispute and runs and disputed < contract.escrow,
        "may_accept": may_dispute and runs and not we_provide and not disputed,
    }


@register.inclusion_tag("delivery/_licence_parts.html")
def licence_parts(contract: Contract, *, we_provide: bool) -> dict[str, object]:
    """What of a licence's price was paid or given back, when, and why."""
    return {"contract": contract, "parts": contract.deliveries.order_by("pk"), "we_provide": we_provide}


@register.simple_tag
def settled_slots(contract: Contract) -> set[datetime.datetime | None]:
    return set(contract.deliveries.values_list("slot", flat=True))


@register.inclusion_tag("delivery/_end.html")
def contract_end(contract: Contract) -> dict[str, object]:
    """Whether a contract ends before its time, or somebody proposes so."""
    waiting = contract.termination_proposals.filter(status="open").first()
    return {"contract": contract, "waiting": waiting}
