from django.apps import AppConfig


class CartConfig(AppConfig):
    name = "shop.cart"

    def ready(self) -> None:
        # A variant leaves the carts also where nothing of ours has asked for them, as in the back office.
        from shop.cart import services  # noqa: F401
