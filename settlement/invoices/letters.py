"""Letters about invoices, through the outbox, to the profile's address or else to who minds the money."""

import datetime
from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext_noop

from accounts.models import EventKind, Organisation, Role
from accounts.names import TwoNamed, local_name
from accounts.operations import queue_email, tell_programs
from accounts.queries import language_of
from settlement.invoices.models import FapiaoRequest, Invoice, InvoiceProfile
from settlement.letters import write_to
from settlement.money import show_yuan

ISSUED = gettext_noop("Invoice %(number)s")
ISSUED_TEXT = gettext_noop(
    "%(seller)s charges %(amount)s with invoice %(number)s. It is among your invoices."
)
CREDITED = gettext_noop("Credit note %(number)s")
CREDITED_TEXT = gettext_noop(
    "%(seller)s credits %(amount)s of invoice %(corrects)s with credit note %(number)s. "
    "It is among your invoices."
)
REQUESTED = gettext_noop("A fapiao is asked for: %(number)s")
REQUESTED_TEXT = gettext_noop(
    "%(customer)s asks for the fapiao of %(number)s, %(amount)s. Issue it on the tax authority's "
    "platform, then enter its number and date on the invoice's page."
)
FAPIAO = gettext_noop("The fapiao of %(number)s is issued")
FAPIAO_TEXT = gettext_noop("The fapiao of %(number)s has the number %(fapiao)s.")
MIND_MONEY = (Role.OWNER, Role.FINANCE)


def announce(*, invoice: Invoice, now: datetime.datetime) -> None:
    if invoice.corrects is not None:
        values = _values(invoice) | {"corrects": invoice.corrects.number}
        _write(invoice.customer, CREDITED, CREDITED_TEXT, values, now)
    else:
        _write(invoice.customer, ISSUED, ISSUED_TEXT, _values(invoice), now)
    parties = [each for each in (invoice.seller_id, invoice.customer_id) if each is not None]
    told = [(party, {"invoice": invoice.number}) for party in parties]
    tell_programs(kind=EventKind.INVOICE_ISSUED, told=told, now=now)


def ask_seller(*, request: FapiaoRequest, now: datetime.datetime) -> None:
    """The platform's own operators find their requests on their page."""
    invoice = request.invoice
    if invoice.seller is not None:
        _write(invoice.seller, REQUESTED, REQUESTED_TEXT, _values(invoice), now)


def tell_customer(*, request: FapiaoRequest, now: datetime.datetime) -> None:
    values = _values(request.invoice) | {"fapiao": request.number}
    _write(request.invoice.customer, FAPIAO, FAPIAO_TEXT, values, now)


def _values(invoice: Invoice) -> dict[str, object]:
    return {
        "number": invoice.number,
        "amount": show_yuan(invoice.gross),
        "seller": Named(invoice.seller_names),
        "customer": Named(invoice.customer),
    }


class Named:
    """A name in the language of the letter that it stands in."""

    def __init__(self, party: TwoNamed) -> None:
        self.party = party

    def __str__(self) -> str:
        return local_name(self.party)


def _write(
    to: Organisation, subject: str, text: str, values: Mapping[str, object], now: datetime.datetime
) -> None:
    profile = InvoiceProfile.objects.filter(organisation=to).exclude(email="").first()
    if profile is None:
        write_to(organisation_id=to.pk, roles=MIND_MONEY, subject=subject, text=text, values=values, now=now)
        return
    with translation.override(language_of(profile.email)):
        queue_email(
            to=profile.email,
            subject=translation.gettext(subject) % values,
            text=translation.gettext(text) % values,
            now=now,
        )
