from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "shop.inventory"

    def ready(self) -> None:
        from shop.catalog.change_log import follow, of_variant

        follow("inventory_stock", of_variant(), "on_hand", "reserved", "backorder_limit", "lead_days")
