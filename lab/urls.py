from django.urls import path

from lab import views
from lab.rehearsal import may_follow
from notifications.streams import register_stream

app_name = "lab"
urlpatterns = [
    path("", views.page, name="page"),
    path("live/", views.live, name="live"),
    path("rehearsal/", views.rehearsal, name="rehearsal"),
]

# Where the page is, its crowd has a stream to follow.
register_stream("lab", may_follow, public=True)
