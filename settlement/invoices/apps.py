from django.apps import AppConfig


class InvoicesConfig(AppConfig):
    name = "settlement.invoices"
    label = "invoices"
