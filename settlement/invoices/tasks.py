from celery import shared_task
from django.utils import timezone

from settlement.invoices.operations import issue_contract_invoices, issue_monthly_invoices


@shared_task
def invoice_contracts() -> None:
    issue_contract_invoices(now=timezone.now())


@shared_task
def invoice_months() -> None:
    issue_monthly_invoices(now=timezone.now())
