from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        from shop import figures, news, streams

        streams.register()
        news.register()
        figures.register()
