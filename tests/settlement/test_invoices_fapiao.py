"""The official fapiao: the customer asks, the seller or the operator enters what the tax authority gave."""

import datetime

import pytest
from django.db import Error, transaction

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import OutgoingEmail, Role
from settlement.invoices.errors import FapiaoRefused
from settlement.invoices.models import FapiaoRequest, Invoice
from settlement.invoices.operations import enter_fapiao, issue_monthly_invoices, request_fapiao
from tests.factories.settlement import HOUR, acting
from tests.settlement.invoicing import JULY, mainland, opened, paid
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db
NUMBER = "24442000000012345678"
ENTRY = {"number": NUMBER, "issued_on": datetime.date(2026, 7, 2), "now": JULY + 48 * HOUR}


@pytest.fixture
def provider(provider):
    return mainland(provider)


@pytest.fixture
def invoice(buyer, provider) -> Invoice:
    paid(opened(buyer, provider))
    issue_monthly_invoices(now=JULY)
    return Invoice.objects.get(kind="supply")


@pytest.fixture
def asked(invoice, buyer) -> FapiaoRequest:
    return request_fapiao(actor=acting(buyer, Role.FINANCE), invoice=invoice, now=JULY)


def test_the_customer_asks_and_the_seller_enters_its_number(asked, invoice, buyer, provider):
    assert request_fapiao(actor=acting(buyer), invoice=invoice, now=JULY + HOUR) == asked
    entered = enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY)
    assert (entered.status, entered.number, entered.issued_on) == ("issued", NUMBER, ENTRY["issued_on"])
    letters = OutgoingEmail.objects.filter(text__contains=NUMBER).values_list("to", flat=True)
    assert set(letters) == {acting(buyer).user.email, acting(buyer, Role.FINANCE).user.email}


def test_the_seller_is_written_to_once(invoice, buyer, provider):
    seller = acting(provider)
    for _ in range(2):
        request_fapiao(actor=acting(buyer), invoice=invoice, now=JULY)
    letters = OutgoingEmail.objects.filter(subject__startswith="A fapiao is asked for")
    assert list(letters.values_list("to", flat=True)) == [seller.user.email]


def test_nobody_else_asks_or_enters(asked, invoice, buyer, provider, stranger, operator):
    other = Actor(user=stranger.user, organisation=stranger.organisation)
    for actor in (acting(provider), acting(buyer, Role.TRADER), other):
        with pytest.raises(NotAllowed):
            request_fapiao(actor=actor, invoice=invoice, now=JULY)
    for actor in (acting(buyer), acting(provider, Role.TRADER), other, Actor(user=operator)):
        with pytest.raises(NotAllowed):
            enter_fapiao(actor=actor, invoice=invoice, **ENTRY)


def test_the_operator_enters_those_of_the_platforms_fee(invoice, provider, operator):
    fee = Invoice.objects.get(kind="fee")
    request_fapiao(actor=acting(provider), invoice=fee, now=JULY)
    with pytest.raises(NotAllowed):
        enter_fapiao(actor=acting(provider), invoice=fee, **ENTRY)
    assert enter_fapiao(actor=Actor(user=operator), invoice=fee, **ENTRY).entered_by == operator


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "1234"},
        {"number": NUMBER[:-1] + "x"},
        {"issued_on": datetime.date(2026, 6, 30)},
        {"issued_on": datetime.date(2026, 7, 4)},
    ],
)
def test_a_number_or_a_date_that_cannot_be_is_refused(asked, invoice, provider, changes):
    with pytest.raises(InvalidInput):
        enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY | changes)


def test_it_is_entered_once_and_only_where_asked_for(invoice, buyer, provider):
    with pytest.raises(FapiaoRefused, match="none was asked for"):
        enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY)
    asked = request_fapiao(actor=acting(buyer), invoice=invoice, now=JULY)
    enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY)
    with pytest.raises(FapiaoRefused):
        enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY | {"number": NUMBER[::-1]})
    forgery = "UPDATE invoices_fapiaorequest SET number = '0' WHERE id = %s"
    with pytest.raises(Error, match="Cannot update"), transaction.atomic():
        run(forgery, asked.pk)
    drop_trigger("invoices_fapiaorequest", "issued_once")
    assert run(forgery, asked.pk) == 1


def test_two_invoices_never_have_one_number(asked, invoice, buyer, provider):
    enter_fapiao(actor=acting(provider), invoice=invoice, **ENTRY)
    paid(opened(buyer, provider, number=2))
    issue_monthly_invoices(now=JULY + HOUR)
    other = Invoice.objects.filter(kind="supply").latest("pk")
    request_fapiao(actor=acting(buyer), invoice=other, now=JULY + HOUR)
    with pytest.raises(FapiaoRefused, match="Another invoice"):
        enter_fapiao(actor=acting(provider), invoice=other, **ENTRY)


def test_a_seller_elsewhere_issues_none(invoice, buyer, provider):
    provider.jurisdiction = "hong_kong"
    provider.save()
    invoice.refresh_from_db()
    with pytest.raises(FapiaoRefused, match="mainland"):
        request_fapiao(actor=acting(buyer), invoice=invoice, now=JULY)
