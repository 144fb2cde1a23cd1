from django.urls import path
from rest_framework.routers import DefaultRouter

from shop.api.categories import CategoryViewSet
from shop.api.orders import OrderViewSet
from shop.api.prices import PricesView
from shop.api.products import ProductViewSet

app_name = "api"

router = DefaultRouter()
router.include_format_suffixes = False
router.register("products", ProductViewSet, basename="product")
router.register("categories", CategoryViewSet, basename="category")
router.register("orders", OrderViewSet, basename="order")

urlpatterns = [path("prices/", PricesView.as_view(), name="prices"), *router.urls]
