from django.apps import AppConfig


class LicencesConfig(AppConfig):
    name = "settlement.licences"
    label = "licences"
