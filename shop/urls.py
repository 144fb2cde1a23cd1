from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from accounts.views import OwnEmailView
from shop import health
from shop.payments.webhooks import stripe_webhook

# Those that programs ask come first: Django tries one pattern after another, and the pages have a hundred.
urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/events/", include("notifications.urls")),
    path("api/v1/", include("shop.api.urls")),
    path("webhooks/stripe/", stripe_webhook, name="stripe_webhook"),
    path("", include("shop.storefront.urls")),
    path("accounts/email/", OwnEmailView.as_view(), name="account_email"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
if not settings.PRODUCTION:
    urlpatterns += [path("", include("shop.demo.urls"))]
    if settings.DEMO:
        urlpatterns += [path("lab/", include("lab.urls"))]

handler400 = "shop.storefront.errors.bad_request"
handler403 = "shop.storefront.errors.forbidden"
handler404 = "shop.storefront.errors.not_found"
handler500 = "shop.storefront.errors.server_error"
