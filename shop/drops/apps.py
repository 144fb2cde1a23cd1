from django.apps import AppConfig


class DropsConfig(AppConfig):
    name = "shop.drops"

    def ready(self) -> None:
        from shop.catalog.change_log import follow, of_many, of_product

        follow("drops_drop_products", of_product())
        guarded = of_many("SELECT product_id FROM drops_drop_products WHERE drop_id = {row}.id")
        follow("drops_drop", guarded, "title", "slug", "opens_at", "closes_at")
