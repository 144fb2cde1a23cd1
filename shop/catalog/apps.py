from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CatalogConfig(AppConfig):
    name = "shop.catalog"

    def ready(self) -> None:
        from shop.catalog import search_index

        pre_migrate.connect(search_index.take_down, sender=self)
        post_migrate.connect(search_index.put_up, sender=self)
