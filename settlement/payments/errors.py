from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.errors import DomainError, InvalidInput, NotAllowed


@dataclass(frozen=True)
class BadLine:
    """`number` counts the file's lines from one, its header being line one."""

    number: int
    reason: str


class BadStatement(InvalidInput):
    """The statement cannot be read; nothing of it was imported."""

    code = "bad_statement"

    def __init__(self, lines: Sequence[BadLine]) -> None:
        self.lines = lines
        sentence = _("Nothing was imported: %(count)s lines need correcting.") % {"count": len(lines)}
        details = [
            _("Line %(number)s: %(reason)s") % {"number": line.number, "reason": line.reason}
            for line in lines
        ]
        super().__init__(" ".join([sentence, *details]))


class AlreadyBooked(DomainError):
    """The bank line already belongs to an organisation."""

    code = "already_booked"


class PayoutRefused(DomainError):
    """The payout, its account or its file does not allow this now."""

    code = "payout_refused"


class AlreadyDecided(DomainError):
    """Somebody approved or refused it before."""

    code = "already_decided"


class SecondPersonNeeded(NotAllowed):
    """Who proposed it cannot approve it."""

    code = "second_person_needed"
