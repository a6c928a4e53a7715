import re
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Pages that stay right while rows are added: follow `next` until it is null."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-pk"  # type: ignore[assignment]

    def get_page_size(self, request: Request) -> int:
        """As many rows as were asked for; DRF would give another number where it cannot be."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not re.fullmatch("[0-9]{1,6}", asked) or not 1 <= int(asked) <= self.max_page_size:
            sentence = _("Ask for 1 to %(most)s rows a page.") % {"most": self.max_page_size}
            raise ValidationError({self.page_size_query_param: [sentence]})
        return int(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, page_size = super().get_schema_operation_parameters(view)
        bounds = {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        page_size["schema"] |= bounds
        cursor["description"] = "Where to read on: `next` and `previous` carry it."
        return [cursor, page_size]

    def decode_cursor(self, request: Request) -> Cursor | None:
        """DRF checks a cursor's form but not its position, which a made-up one need not have as a number."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                int(cursor.position)
            except ValueError as error:
                raise NotFound(self.invalid_cursor_message) from error
        return cursor


class OldestFirst(NewestFirst):
    ordering = "pk"
