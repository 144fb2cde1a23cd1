from django.urls import path

from shop.storefront import (
    account,
    addresses,
    alerts,
    cart,
    catalog,
    checkout,
    delivery,
    drops,
    orders,
    pages,
    payment,
    preferences,
    privacy,
    product,
    returns,
    saved_cards,
    search,
)

app_name = "storefront"

browsing = [
    path("", catalog.home, name="home"),
    path("products/", catalog.product_list, name="products"),
    path("products/<slug:slug>/", product.product_detail, name="product"),
    path("categories/<slug:slug>/", catalog.category, name="category"),
    path("alerts/", alerts.alert_ask, name="alert_ask"),
    path("alerts/<str:token>/", alerts.alert, name="alert"),
    path("search/", search.results, name="search"),
    path("search/suggest/", search.suggestions, name="suggest"),
]

waiting = [
    path("drops/<slug:slug>/", drops.drop, name="drop"),
    path("drops/<slug:slug>/place/", drops.drop_place, name="drop_place"),
    path("drops/<slug:slug>/draw/", drops.drop_draw, name="drop_draw"),
]

reading = [
    path("delivery-and-returns/", pages.delivery, name="delivery"),
    path("terms/", pages.page("terms"), name="terms"),
    path("about/", pages.page("about"), name="about"),
    path("privacy/", pages.page("privacy"), name="privacy"),
    path("contact/", pages.page("contact"), name="contact"),
    path("accessibility/", pages.page("accessibility"), name="accessibility"),
]

buying = [
    path("cart/", cart.cart, name="cart"),
    path("cart/add/", cart.cart_add, name="cart_add"),
    path("cart/count/", cart.cart_count, name="cart_count"),
    path("cart/coupon/", cart.cart_coupon, name="cart_coupon"),
    path("cart/lines/<int:line_id>/", cart.cart_line, name="cart_line"),
    path("checkout/", checkout.details, name="checkout"),
    path("checkout/address-fields/", addresses.address_fields, name="address_fields"),
    path("checkout/amounts/", checkout.checkout_amounts, name="checkout_amounts"),
    path("checkout/delivery/", delivery.delivery, name="checkout_delivery"),
    path("checkout/summary/", delivery.checkout_summary, name="checkout_summary"),
    path("checkout/<slug:public_id>/pay/", payment.pay, name="pay"),
    path("checkout/<slug:public_id>/pay-with/", payment.pay_with, name="pay_with"),
    path("checkout/<slug:public_id>/return/", payment.pay_return, name="pay_return"),
    path("checkout/<slug:public_id>/status/", payment.pay_status, name="pay_status"),
    path("orders/<slug:public_id>/", orders.order, name="order"),
    path("orders/<slug:public_id>/cancel/", orders.order_cancel, name="order_cancel"),
    path("orders/<slug:public_id>/documents/<slug:number>.pdf", orders.order_document, name="order_document"),
    path("orders/<slug:public_id>/return/", returns.order_return, name="order_return"),
    path(
        "orders/<slug:public_id>/returns/<int:return_id>/withdraw/",
        returns.return_withdraw,
        name="return_withdraw",
    ),
    path("orders/<slug:public_id>/refill/", orders.order_refill, name="order_refill"),
    path("orders/<slug:public_id>/claim/", orders.order_claim, name="order_claim"),
]

keeping = [
    path("account/", account.account, name="account"),
    path("account/orders/", account.account_orders, name="account_orders"),
    path("account/orders/claim/", account.orders_claim, name="orders_claim"),
    path("account/name/", account.account_name, name="account_name"),
    path("account/close/", privacy.account_close, name="account_close"),
    path("account/devices/<int:device_id>/sign-out/", privacy.device_sign_out, name="device_sign_out"),
    path("account/export/", privacy.account_export, name="account_export"),
    path("account/notifications/", account.notifications, name="notifications"),
    path("account/notifications/read/", account.notifications_read, name="notifications_read"),
    path("account/notifications/preferences/", preferences.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
    path("account/waiting/", alerts.waiting, name="waiting"),
    path("account/waiting/<int:alert_id>/stop/", alerts.waiting_stop, name="waiting_stop"),
    path("account/cards/", saved_cards.saved, name="saved_cards"),
    path("account/cards/add/", saved_cards.add, name="saved_card_add"),
    path("account/cards/<slug:card_id>/remove/", saved_cards.remove, name="saved_card_remove"),
    path("account/addresses/", addresses.addresses, name="addresses"),
    path("account/addresses/add/", addresses.address_add, name="address_add"),
    path("account/addresses/<int:address_id>/", addresses.address_edit, name="address_edit"),
    path("account/addresses/<int:address_id>/delete/", addresses.address_delete, name="address_delete"),
    path("account/addresses/<int:address_id>/default/", addresses.address_default, name="address_default"),
]

urlpatterns = [*browsing, *waiting, *reading, *buying, *keeping]
