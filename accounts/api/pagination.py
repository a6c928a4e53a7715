from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Pages that stay right while rows are added: follow `next` until it is null."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-pk"  # type: ignore[assignment]

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
