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


class StripeSilent(DomainError):
    """Stripe gives no answer; what was asked for is taken up again by itself."""

    code = "stripe_silent"
    status = 503


class StripeRefused(DomainError):
    """Stripe's last word is no."""

    code = "stripe_refused"


class BadAmount(InvalidInput):
    """The amount, or its currency, cannot be moved this way."""

    code = "bad_amount"


class NotRefundable(DomainError):
    """The top-up has not been paid, was refunded, or is contested."""

    code = "not_refundable"


class NoPayoutAccount(DomainError):
    """The provider has no account at Stripe that may be paid out."""

    code = "no_payout_account"


class InArrears(DomainError):
    """The organisation owes money: until it is paid, it neither trades nor is paid out."""

    code = "in_arrears"


class BadMessage(InvalidInput):
    """A message that is signed, and is no event."""

    code = "bad_message"
