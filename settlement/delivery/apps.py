from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "settlement.delivery"
    label = "delivery"
