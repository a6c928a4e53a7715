from django import template

from settlement.money import show_amount

register = template.Library()


@register.filter
def in_currency(fen: int, currency: str) -> str:
    """`{{ top_up.amount|in_currency:top_up.currency }}` is HK$1,234.56."""
    return show_amount(fen, currency).replace("-", "−")
