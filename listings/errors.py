"""Refusals of the listings package."""

from dataclasses import dataclass

import psycopg
from django.db import IntegrityError
from django.utils.translation import ngettext

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


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a file that was refused: its number in the file, what it says, and why it will not do."""

    number: int
    text: str
    reason: str


class LinesRefused(InvalidInput):
    """A file was refused whole, for each of `lines`."""

    code = "lines_refused"

    def __init__(self, lines: list[BadLine]) -> None:
        count = len({line.number for line in lines})
        super().__init__(
            ngettext(
                "Nothing was listed: %(count)s line needs mending.",
                "Nothing was listed: %(count)s lines need mending.",
                count,
            )
            % {"count": count}
        )
        self.lines = lines


def constraint_of(error: IntegrityError) -> str:
    """The name of the database constraint that refused."""
    cause = error.__cause__
    return (cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None) or ""
