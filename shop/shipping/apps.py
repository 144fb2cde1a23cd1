from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shop.shipping"

    def ready(self) -> None:
        from shop.catalog.change_log import EVERYTHING, follow

        # A print's page says what it costs to send, and when it would be there.
        for table in ("shippingmethod", "shippingmethod_zones", "shippingrate", "shippingplace"):
            follow(f"shipping_{table}", EVERYTHING)
