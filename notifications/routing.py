from django.urls import path

from notifications.consumers import NotificationConsumer
from notifications.origins import OriginGate

# Channels puts an application where Django has a view.
socket = OriginGate(NotificationConsumer.as_asgi())
websocket_urlpatterns = [path("ws/notifications/", socket)]  # type: ignore[arg-type]
