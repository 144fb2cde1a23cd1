from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "shop.api"

    def ready(self) -> None:
        # Here, because it knows the models of sign-in.
        from notifications.identity import register_scheme
        from shop.api.authentication import reader_by_access_token

        register_scheme("Bearer", reader_by_access_token)
