from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "settlement.payments"
    label = "payments"
