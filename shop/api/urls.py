from django.urls import path
from rest_framework.routers import SimpleRouter

from shop.api.account import AccountView
from shop.api.addresses import (
    AddressesView,
    AddressFormView,
    AddressView,
    CountriesView,
    DefaultAddressView,
)
from shop.api.alerts import AlertViewSet
from shop.api.auth import RefreshView, SecondFactorView, SignInView, SignOutView, SignUpView
from shop.api.cards import CardsView, CardView
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
from shop.api.devices import DevicesView, DeviceView, OtherDevicesView
from shop.api.documents import DocumentViewSet
from shop.api.drops import DropPlaceView, DropsView, DropView
from shop.api.emails import ConfirmationView, EmailsView, EmailView, PrimaryView, VerifyView
from shop.api.events import TicketView
from shop.api.facets import FacetsView
from shop.api.inbox import InboxViewSet
from shop.api.mfa import FactorsView, RecoveryCodesView, TotpBeginView, TotpView
from shop.api.ownership import PUBLIC_ID
from shop.api.passwords import ChangeView, ForgottenView, ReauthenticateView, ResetView
from shop.api.payments import PaymentView, SavedCardPaymentView
from shop.api.placing import PlacingViewSet
from shop.api.preferences import PreferencesView
from shop.api.prices import PricesView
from shop.api.privacy import ExportView
from shop.api.products import ProductViewSet
from shop.api.reference import RedocView, SchemaView, SwaggerView
from shop.api.returns import ReturnViewSet
from shop.api.root import ProblemsView, RootView
from shop.api.shipping import ShippingOptionsView
from shop.api.suggestions import SuggestionsView
from shop.api.timeline import TimelineViewSet
from shop.api.variants import VariantViewSet

app_name = "api"

router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")
router.register("categories", CategoryViewSet, basename="category")
router.register("alerts", AlertViewSet, basename="alert")
router.register("inbox", InboxViewSet, basename="inbox")
router.register("orders", PlacingViewSet, basename="order")
router.register("variants", VariantViewSet, basename="variant")
router.register(f"orders/(?P<public_id>{PUBLIC_ID})/documents", DocumentViewSet, basename="order-document")
router.register(f"orders/(?P<public_id>{PUBLIC_ID})/returns", ReturnViewSet, basename="order-return")
router.register(f"orders/(?P<public_id>{PUBLIC_ID})/timeline", TimelineViewSet, basename="order-timeline")

urlpatterns = [
    path("", RootView.as_view(), name="root"),
    path("account/", AccountView.as_view(), name="account"),
    path("account/addresses/", AddressesView.as_view(), name="addresses"),
    path("account/addresses/<int:address_id>/", AddressView.as_view(), name="address"),
    path(
        "account/addresses/<int:address_id>/make-default/",
        DefaultAddressView.as_view(),
        name="address-default",
    ),
    path("account/emails/", EmailsView.as_view(), name="emails"),
    path("account/emails/<int:email_id>/", EmailView.as_view(), name="email"),
    path("account/emails/<int:email_id>/make-primary/", PrimaryView.as_view(), name="email-primary"),
    path(
        "account/emails/<int:email_id>/send-confirmation/",
        ConfirmationView.as_view(),
        name="email-confirmation",
    ),
    path("account/export/", ExportView.as_view(), name="export"),
    path("account/mfa/", FactorsView.as_view(), name="second-factors"),
    path("account/mfa/recovery-codes/", RecoveryCodesView.as_view(), name="recovery-codes"),
    path("account/mfa/totp/", TotpView.as_view(), name="totp"),
    path("account/mfa/totp/begin/", TotpBeginView.as_view(), name="totp-begin"),
    path("address-forms/", CountriesView.as_view(), name="countries"),
    path("address-forms/<str:country>/", AddressFormView.as_view(), name="address-form"),
    path("auth/email/verify/", VerifyView.as_view(), name="email-verify"),
    path("auth/mfa/", SecondFactorView.as_view(), name="second-factor"),
    path("auth/password/change/", ChangeView.as_view(), name="password-change"),
    path("auth/password/forgot/", ForgottenView.as_view(), name="password-forgotten"),
    path("auth/password/reset/", ResetView.as_view(), name="password-reset"),
    path("auth/reauthenticate/", ReauthenticateView.as_view(), name="reauthenticate"),
    path("auth/refresh/", RefreshView.as_view(), name="refresh"),
    path("auth/sign-in/", SignInView.as_view(), name="sign-in"),
    path("auth/sign-out/", SignOutView.as_view(), name="sign-out"),
    path("auth/sign-up/", SignUpView.as_view(), name="sign-up"),
    path("problems/", ProblemsView.as_view(), name="problems"),
    path("account/cards/", CardsView.as_view(), name="cards"),
    path("account/cards/<slug:card_id>/", CardView.as_view(), name="card"),
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
    path("devices/", DevicesView.as_view(), name="devices"),
    path("devices/sign-out-others/", OtherDevicesView.as_view(), name="other-devices"),
    path("devices/<int:device_id>/", DeviceView.as_view(), name="device"),
    path("facets/", FacetsView.as_view(), name="facets"),
    path("orders/<slug:public_id>/payment/", PaymentView.as_view(), name="order-payment"),
    path(
        "orders/<slug:public_id>/payment/saved-card/",
        SavedCardPaymentView.as_view(),
        name="order-payment-saved-card",
    ),
    path("events/ticket/", TicketView.as_view(), name="events-ticket"),
    path("preferences/", PreferencesView.as_view(), name="preferences"),
    path("prices/", PricesView.as_view(), name="prices"),
    path("suggestions/", SuggestionsView.as_view(), name="suggestions"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", SwaggerView.as_view(), name="docs"),
    path("docs/redoc/", RedocView.as_view(), name="redoc"),
    *router.urls,
]
