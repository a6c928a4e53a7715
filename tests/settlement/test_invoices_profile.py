"""An organisation's invoice profile: checked, audited, and kept by what is issued."""

import json
from dataclasses import replace

import pytest

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Role
from settlement.invoices.errors import BadInvoiceProfile
from settlement.invoices.models import Invoice, InvoiceProfile
from settlement.invoices.operations import ProfileDetails, edit_invoice_profile, issue_monthly_invoices
from tests.factories.settlement import acting
from tests.settlement.invoicing import JULY, mainland, opened, paid

pytestmark = pytest.mark.django_db
CODE = "91350100M000100Y43"  # The example of GB 32100-2015.
DETAILS = ProfileDetails(
    title="算力有限公司",
    tax_number=CODE,
    kind="special",
    address="深圳市南山区科技园 1 号",
    phone="0755-00000000",
    bank="招商银行科技园支行",
    bank_account="7559 0000 0000 000",
    email="fapiao@buyer.example",
    cycle="monthly",
)


def test_owners_and_finance_edit_it_and_each_change_is_audited(buyer, now):
    mainland(buyer)
    edit_invoice_profile(actor=acting(buyer), details=DETAILS, now=now)
    finance = acting(buyer, Role.FINANCE)
    edit_invoice_profile(actor=finance, details=replace(DETAILS, cycle="contract"), now=now)
    edit_invoice_profile(actor=finance, details=replace(DETAILS, cycle="contract"), now=now)
    profile = InvoiceProfile.objects.get(organisation=buyer)
    assert (profile.title, profile.cycle) == ("算力有限公司", "contract")
    created, edited = AuditEvent.objects.filter(subject_type="invoices.invoiceprofile").order_by("pk")
    assert (created.verb, edited.verb) == ("create", "edit")
    assert edited.detail == {"cycle": {"was": "monthly", "is": "contract"}}
    assert edited.user == finance.user


@pytest.mark.parametrize("role", [Role.TRADER, Role.ENGINEER, Role.VIEWER])
def test_others_do_not(buyer, now, role):
    mainland(buyer)
    with pytest.raises(NotAllowed):
        edit_invoice_profile(actor=acting(buyer, role), details=DETAILS, now=now)
    assert not InvoiceProfile.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tax_number", CODE[:-1] + "4", "last character"),
        ("tax_number", CODE[:-1], "18 characters"),
        ("tax_number", "", "18 characters"),
        ("tax_number", "I" + CODE[1:], "capital letters"),
        ("title", " ", "blank"),
        ("address", "", "needs this field"),
        ("phone", "", "needs this field"),
        ("bank", "", "needs this field"),
        ("bank_account", "", "needs this field"),
        ("email", "nobody", "valid email"),
        ("cycle", "weekly", "not a valid choice"),
        ("kind", "other", "not a valid choice"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(buyer, now, field, value, words):
    mainland(buyer)
    with pytest.raises(BadInvoiceProfile, match=words) as refused:
        edit_invoice_profile(actor=acting(buyer), details=replace(DETAILS, **{field: value}), now=now)
    assert refused.value.field == field


def test_elsewhere_the_tax_number_has_another_form_and_no_fapiao_is_special(buyer, now):
    elsewhere = replace(DETAILS, kind="ordinary", tax_number=" 1234-5678 ", address="")
    assert edit_invoice_profile(actor=acting(buyer), details=elsewhere, now=now).tax_number == "1234-5678"
    without = replace(elsewhere, tax_number="")
    assert edit_invoice_profile(actor=acting(buyer), details=without, now=now).tax_number == ""
    with pytest.raises(BadInvoiceProfile, match="mainland"):
        edit_invoice_profile(actor=acting(buyer), details=DETAILS, now=now)


def test_what_is_issued_keeps_what_stood_on_it(buyer, provider, now):
    mainland(buyer)
    edit_invoice_profile(actor=acting(buyer), details=DETAILS, now=now)
    paid(opened(buyer, provider))
    issue_monthly_invoices(now=JULY)
    edit_invoice_profile(actor=acting(buyer), details=replace(DETAILS, title="Other"), now=JULY)
    customer = json.loads(Invoice.objects.get(kind="supply").document)["customer"]
    assert customer["fapiao"]["title"] == "算力有限公司"
    assert customer["fapiao"]["kind"] == "special"
