from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    name = "shop.storefront"

    def ready(self) -> None:
        # A guest's cart and places are taken along at every sign-in, also one that no page of ours has asked for.
        from shop.storefront import cart, drops  # noqa: F401
