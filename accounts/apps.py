from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
    default = True


class ExchangeAdminConfig(admin_apps.AdminConfig):
    default_site = "accounts.admin_site.ExchangeAdminSite"
    default = False
