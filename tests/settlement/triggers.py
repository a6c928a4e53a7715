"""Take a guard of the database away, to see the harm it prevents. The test's transaction gives it back."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model


def drop_trigger(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND (tgname = %s OR tgname LIKE %s)",
            [table, name, f"pgtrigger_{name}_%"],
        )
        [(trigger,)] = cursor.fetchall()
        cursor.execute(f"DROP TRIGGER {trigger} ON {table}")


def drop_constraint(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Nothing may be pending where a table is altered.
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


@contextmanager
def without_constraint(model: type[Model], name: str) -> Iterator[None]:
    """For a test that commits: the constraint comes back as the model defines it."""
    [guard] = [each for each in model._meta.constraints if each.name == name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, guard)
    yield
    with connection.schema_editor() as editor:
        editor.add_constraint(model, guard)


def run(sql: str, *arguments: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.rowcount
