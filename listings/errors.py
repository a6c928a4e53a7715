"""Refusals of the listings package."""

import psycopg
from django.db import IntegrityError

from accounts.errors import DomainError, InvalidInput


class Oversold(DomainError):
    """More was to be sold than is left."""

    code = "oversold"


class NotOnSale(DomainError):
    """What was to be sold is paused, withdrawn or does not exist."""

    code = "not_on_sale"


class AlreadySold(DomainError):
    """What has been sold cannot be changed."""

    code = "already_sold"


class InRound(DomainError):
    """A round is being cleared on what was to be changed."""

    code = "in_round"


class PoolOvercommitted(DomainError):
    """A pool would promise more units than it has."""

    code = "pool_overcommitted"


class AlreadyListed(DomainError):
    """There is one of this name already."""

    code = "already_listed"


class WrongStatus(DomainError):
    """The row's status does not allow this step."""

    code = "wrong_status"


class LinesRefused(InvalidInput):
    """A file was refused whole. `lines` names each bad line: (line number, reason)."""

    code = "lines_refused"

    def __init__(self, message: str, lines: list[tuple[int, str]]) -> None:
        super().__init__(message)
        self.lines = lines


def constraint_of(error: IntegrityError) -> str:
    """The name of the database constraint that refused."""
    cause = error.__cause__
    return (cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None) or ""
