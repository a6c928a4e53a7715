from settlement.invoices.operations.collect import collect_charges
from settlement.invoices.operations.fapiao import enter_fapiao, request_fapiao
from settlement.invoices.operations.issue import issue_contract_invoices, issue_monthly_invoices
from settlement.invoices.operations.profile import ProfileDetails, edit_invoice_profile

__all__ = [
    "ProfileDetails",
    "collect_charges",
    "edit_invoice_profile",
    "enter_fapiao",
    "issue_contract_invoices",
    "issue_monthly_invoices",
    "request_fapiao",
]
