from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "shop.idempotency"
