"""A guest book on Django, Channels and Daphne: what is not written here is what they give by themselves.

`python -m lab.defaults.django_site PORT`
"""

import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lab.defaults.django_settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.views import LoginView, LogoutView  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import redirect, render  # noqa: E402
from django.urls import path  # noqa: E402

notes: list[str] = []


@login_required(login_url="/login/")
def book(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        notes.append(request.POST["note"])
        return redirect("/")
    return render(request, "django_book.html", {"notes": notes})


def fault(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the hinge of the door")


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


urlpatterns = [
    path("", book),
    path("fault/", fault),
    path("login/", LoginView.as_view(template_name="django_login.html")),
    path("logout/", LogoutView.as_view()),
]
sockets: Any = URLRouter([path("ws/", Echo.as_asgi())])
application = ProtocolTypeRouter(
    {"http": pages, "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets))}
)


def main() -> None:
    from daphne.server import Server
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_user("ada", password=os.environ["GUESTBOOK_PASSWORD"])
    Server(application, endpoints=[f"tcp:port={sys.argv[1]}:interface=127.0.0.1"]).run()


if __name__ == "__main__":
    main()
