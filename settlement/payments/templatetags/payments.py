import datetime

from django import template
from django.utils.translation import ngettext

from settlement.payments.declines import in_own_words
from settlement.payments.models import Difference

register = template.Library()
register.filter(in_own_words)


@register.filter
def age(difference: Difference, today: datetime.date) -> str:
    days = (today - difference.since).days
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": f"{days:,}"}
