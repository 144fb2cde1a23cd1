from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from shop.api.categories import CategoryViewSet
from shop.api.orders import OrderViewSet
from shop.api.prices import PricesView
from shop.api.products import ProductViewSet
from shop.api.root import ProblemsView, RootView

app_name = "api"

router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")
router.register("categories", CategoryViewSet, basename="category")
router.register("orders", OrderViewSet, basename="order")

urlpatterns = [
    path("", RootView.as_view(), name="root"),
    path("problems/", ProblemsView.as_view(), name="problems"),
    path("prices/", PricesView.as_view(), name="prices"),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    path("docs/redoc/", SpectacularRedocView.as_view(url_name="api:schema"), name="redoc"),
    *router.urls,
]
