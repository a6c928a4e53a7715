import json

from django import template
from django.template import Context

from accounts.permissions import Permission, permissions_of
from accounts.requests import MemberRequest
from settlement.contracts.models import Contract
from settlement.invoices.document import FAPIAO
from settlement.invoices.forms import ProfileForm
from settlement.invoices.models import Invoice, InvoiceProfile
from settlement.invoices.queries import invoices_with

register = template.Library()


@register.inclusion_tag("invoices/_with_contract.html", takes_context=True)
def contract_invoices(context: Context, contract: Contract) -> dict[str, object]:
    """The invoices that a contract stands on, for those of its parties' members who see money."""
    request: MemberRequest = context["request"]
    sees_money = Permission.SEE_MONEY in permissions_of(request.actor)
    return {
        "sees_money": sees_money,
        "invoices": invoices_with(contract, request.organisation) if sees_money else [],
    }


@register.inclusion_tag("invoices/_for_the_fapiao.html")
def for_the_fapiao(invoice: Invoice) -> dict[str, object]:
    """What its seller writes on the official fapiao: its customer as the signed document has it."""
    customer = json.loads(invoice.document)["customer"]["fapiao"]
    return {
        "invoice": invoice,
        "kind": InvoiceProfile.Kind(customer["kind"]).label,
        "facts": [(ProfileForm.base_fields[name].label, customer[name]) for name in FAPIAO if customer[name]],
    }
