from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CatalogConfig(AppConfig):
    name = "shop.catalog"

    def ready(self) -> None:
        from shop.catalog import change_log, search_index

        for triggers in (search_index, change_log):
            pre_migrate.connect(triggers.take_down, sender=self)
            post_migrate.connect(triggers.put_up, sender=self)
