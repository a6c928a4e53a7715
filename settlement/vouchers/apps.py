from django.apps import AppConfig


class VouchersConfig(AppConfig):
    name = "settlement.vouchers"
    label = "vouchers"
