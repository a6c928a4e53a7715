from typing import Any

from django import template
from django.utils import timezone

from accounts.permissions import Permission, permissions_of
from marketplace.trading.queries.freed_hours import freed_by
from settlement.contracts.models import Contract

register = template.Library()


@register.inclusion_tag("trading/_freed_hours.html", takes_context=True)
def freed_hours(context: dict[str, Any], contract: Contract) -> dict[str, object]:
    """To its provider: what the end of a compute contract freed, and the button that offers it again."""
    request = context["request"]
    return {
        "contract": contract,
        "freed": freed_by(contract, now=timezone.now()),
        "may_offer": Permission.MANAGE_LISTINGS in permissions_of(request.actor),
        "csrf_token": context["csrf_token"],
    }
