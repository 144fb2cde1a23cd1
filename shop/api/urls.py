from django.urls import path
from rest_framework.routers import SimpleRouter

from shop.api.categories import CategoryViewSet
from shop.api.orders import OrderViewSet
from shop.api.prices import PricesView
from shop.api.products import ProductViewSet
from shop.api.reference import RedocView, SchemaView, SwaggerView
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
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", SwaggerView.as_view(), name="docs"),
    path("docs/redoc/", RedocView.as_view(), name="redoc"),
    *router.urls,
]
