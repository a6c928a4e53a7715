"""What a request's body may be: JSON that means one thing, with the names and types of the schema."""

import json
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

Sentences = dict[Any, Any] | list[str]


class StrictJSONParser(JSONParser):
    """JSON as I-JSON has it (RFC 7493): UTF-8, no name twice, no lone surrogate."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        try:
            value: Any = json.loads(
                stream.read().decode(), object_pairs_hook=_each_once, parse_constant=_no_number
            )
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise ParseError(_("JSON parse error: %(error)s") % {"error": error}) from error
        return value  # type: ignore[no-any-return]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(_("a name stands twice in one object"))
    return found


def _no_number(constant: str) -> None:
    raise ValueError(_("%(constant)s is not a number") % {"constant": constant})


# What the serializers' fields would convert: "off" to false, 5 to "5".
JSON_TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], tuple[type, ...], Any]] = [
    (serializers.BooleanField, (bool,), gettext_lazy("Send true or false.")),
    (serializers.IntegerField, (int, float), gettext_lazy("Send a whole number, without quotation marks.")),
    (serializers.CharField, (str,), gettext_lazy("Send a text.")),
]


def strays(field: Any, value: Any) -> Sentences:
    """What the field would overlook or convert: unknown names, and values of another JSON type.

    In the shape of a serializer's errors; empty where the value is as the schema says. Names that a row is
    shown with and that cannot be written are passed over, so that what was read may be sent back.
    """
    if isinstance(field, serializers.BaseSerializer) and isinstance(value, dict):
        known = getattr(field, "fields", {})
        unknown = [_("There is no such field.")]
        return _kept(
            {name: strays(known[name], each) if name in known else unknown for name, each in value.items()}
        )
    if isinstance(field, serializers.ListSerializer | serializers.ListField) and isinstance(value, list):
        return _kept({place: strays(field.child, each) for place, each in enumerate(value)})
    for kind, types, sentence in JSON_TYPES:
        if isinstance(field, kind) and not field.read_only and value is not None:
            right = isinstance(value, types) and (isinstance(value, bool) == (types == (bool,)))
            return [] if right else [str(sentence)]
    return []


def _kept(found: dict[Any, Sentences]) -> Sentences:
    return {name: sentences for name, sentences in found.items() if sentences}
