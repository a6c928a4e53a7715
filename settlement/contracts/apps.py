from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "settlement.contracts"
    label = "contracts"
