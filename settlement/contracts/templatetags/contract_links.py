import re

from django import template

register = template.Library()

NUMBER = re.compile(r"SP-\d{4}-\d{6,}")


@register.filter
def is_contract_number(text: str) -> bool:
    """Whether a transfer's memo is the number of a contract, so that a page may link it."""
    return NUMBER.fullmatch(text) is not None
