from typing import Any

from django import template
from django.utils import timezone

from accounts.permissions import Permission, permissions_of
from settlement.contracts.queries import bound_organisations

register = template.Library()


@register.inclusion_tag("contracts/_agreement_notice.html", takes_context=True)
def agreement_notice(context: dict[str, Any]) -> dict[str, object]:
    """Tells an organisation that may trade, but for the master agreement, what to do."""
    request = context["request"]
    organisation = request.organisation
    lacks = (
        organisation is not None
        and organisation.is_verified
        and not bound_organisations(timezone.now()).filter(organisation=organisation).exists()
    )
    manages = lacks and Permission.MANAGE_ORGANISATION in permissions_of(request.actor)
    return {"lacks": lacks, "manages": manages}
