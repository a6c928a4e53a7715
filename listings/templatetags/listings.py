from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def item(mapping: Mapping[str, object] | str, key: str) -> object:
    """What a mapping has under a key; nothing where there is neither."""
    return mapping.get(key, "") if isinstance(mapping, Mapping) else ""
