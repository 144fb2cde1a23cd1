from django.urls import path
from rest_framework.routers import SimpleRouter

from shop.api.cart import (
    CartCodeView,
    CartCouponView,
    CartGiftCardView,
    CartLinesView,
    CartLineView,
    CartMergeView,
    CartView,
)
from shop.api.categories import CategoryViewSet
from shop.api.drops import DropPlaceView, DropsView, DropView
from shop.api.placing import PlacingViewSet
from shop.api.prices import PricesView
from shop.api.products import ProductViewSet
from shop.api.reference import RedocView, SchemaView, SwaggerView
from shop.api.root import ProblemsView, RootView
from shop.api.shipping import ShippingOptionsView

app_name = "api"

router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")
router.register("categories", CategoryViewSet, basename="category")
router.register("orders", PlacingViewSet, basename="order")

urlpatterns = [
    path("", RootView.as_view(), name="root"),
    path("problems/", ProblemsView.as_view(), name="problems"),
    path("cart/", CartView.as_view(), name="cart"),
    path("cart/code/", CartCodeView.as_view(), name="cart-code"),
    path("cart/coupon/", CartCouponView.as_view(), name="cart-coupon"),
    path("cart/gift-card/", CartGiftCardView.as_view(), name="cart-gift-card"),
    path("cart/lines/", CartLinesView.as_view(), name="cart-lines"),
    path("cart/lines/<int:line_id>/", CartLineView.as_view(), name="cart-line"),
    path("cart/merge/", CartMergeView.as_view(), name="cart-merge"),
    path("cart/shipping-options/", ShippingOptionsView.as_view(), name="cart-shipping-options"),
    path("drops/", DropsView.as_view(), name="drops"),
    path("drops/<slug:slug>/", DropView.as_view(), name="drop"),
    path("drops/<slug:slug>/place/", DropPlaceView.as_view(), name="drop-place"),
    path("prices/", PricesView.as_view(), name="prices"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", SwaggerView.as_view(), name="docs"),
    path("docs/redoc/", RedocView.as_view(), name="redoc"),
    *router.urls,
]
