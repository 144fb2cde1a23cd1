from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    name = "shop.backoffice"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site in it; stands in INSTALLED_APPS instead of `django.contrib.admin`."""

    default = False
    default_site = "shop.backoffice.site.BackofficeSite"
