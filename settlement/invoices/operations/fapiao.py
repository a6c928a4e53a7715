"""The official fapiao: asked for by the customer, issued elsewhere by the seller, its number entered here."""

import datetime
import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Jurisdiction
from accounts.permissions import Permission, require, require_operator
from settlement.invoices.document import platform
from settlement.invoices.errors import FapiaoRefused
from settlement.invoices.letters import ask_seller, tell_customer
from settlement.invoices.models import FapiaoRequest, Invoice
from settlement.invoices.period import local_day

NUMBER = re.compile(r"\d{20}", re.ASCII)  # What a fully digitalised e-fapiao (数电票) carries.


@transaction.atomic
def request_fapiao(*, actor: Actor, invoice: Invoice, now: datetime.datetime) -> FapiaoRequest:
    """The customer asks; a second request returns the first. Raises FapiaoRefused where there is none."""
    if require(actor, Permission.MOVE_MONEY).pk != invoice.customer_id:
        raise NotAllowed(_("The fapiao of an invoice is for its customer to ask for."))
    if _jurisdiction(invoice) != Jurisdiction.MAINLAND:
        raise FapiaoRefused(_("Only sellers of mainland China issue fapiao. Use the invoice itself."))
    request, created = FapiaoRequest.objects.get_or_create(
        invoice=invoice, defaults={"requested_by": actor.user, "requested_at": now}
    )
    if created:
        record(actor=actor, verb="request", subject=request, detail={"number": invoice.number}, now=now)
        ask_seller(request=request, now=now)
    return request


def enter_fapiao(
    *, actor: Actor, invoice: Invoice, number: str, issued_on: datetime.date, now: datetime.datetime
) -> FapiaoRequest:
    """The seller, or for the platform's own fee an operator, enters what the tax authority's platform gave.

    Raises FapiaoRefused where none was asked for, it was entered before, or another has the number.
    """
    _require_seller(actor, invoice)
    number = number.strip()
    if not NUMBER.fullmatch(number):
        raise InvalidInput(_("The number of a digital fapiao has 20 digits."))
    if not local_day(invoice.issued_at) <= issued_on <= local_day(now):
        raise InvalidInput(_("The fapiao's date is not before its invoice's, and not to come."))
    try:
        with transaction.atomic():
            return _enter(actor, invoice, number, issued_on, now)
    except IntegrityError as error:
        if "fapiao_number_once" not in str(error):
            raise
        raise FapiaoRefused(_("Another invoice has this fapiao number.")) from error


def _enter(
    actor: Actor, invoice: Invoice, number: str, issued_on: datetime.date, now: datetime.datetime
) -> FapiaoRequest:
    entered = (
        FapiaoRequest.objects.waiting()
        .filter(invoice=invoice)
        .update(
            status=FapiaoRequest.Status.ISSUED,
            number=number,
            issued_on=issued_on,
            entered_by=actor.user,
            entered_at=now,
        )
    )
    if not entered:
        raise FapiaoRefused(_("No fapiao is waiting for this invoice: none was asked for, or it is entered."))
    request = FapiaoRequest.objects.select_related("invoice__seller", "invoice__customer").get(
        invoice=invoice
    )
    record(
        actor=actor,
        verb="enter",
        subject=request,
        detail={"number": number},
        organisation=invoice.seller or invoice.customer,
        now=now,
    )
    tell_customer(request=request, now=now)
    return request


def _jurisdiction(invoice: Invoice) -> str:
    return invoice.seller.jurisdiction if invoice.seller else str(platform()["jurisdiction"])


def _require_seller(actor: Actor, invoice: Invoice) -> None:
    if invoice.seller is None:
        require_operator(actor)
        return
    if require(actor, Permission.MOVE_MONEY) != invoice.seller:
        raise NotAllowed(_("The seller of an invoice enters its fapiao."))
