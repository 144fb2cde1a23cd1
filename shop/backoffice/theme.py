"""Unfold's settings: the house's colours and type, and the way through the back office."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _needs(*permissions: str) -> Any:
    """Shows a link to whoever has one of these permissions."""
    return lambda request: any(request.user.has_perm(permission) for permission in permissions)


def _link(title: str, icon: str, model: str) -> dict[str, Any]:
    """A link to a model's list: `_link("Orders", "receipt_long", "orders.order")`."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _needs(f"{app}.view_{name}", f"{app}.change_{name}"),
    }


NAVIGATION = [
    {
        "items": [
            {"title": "Today", "icon": "wb_twilight", "link": reverse_lazy("admin:index")},
            {
                "title": "What is happening",
                "icon": "campaign",
                "link": reverse_lazy("admin:feed"),
                "permission": _needs("orders.view_order", "inventory.view_stock"),
            },
            _link("Orders", "receipt_long", "orders.order"),
            _link("Stock", "inventory_2", "inventory.stock"),
        ]
    },
    {
        "title": "Catalogue",
        "items": [
            _link("Products", "wall_art", "catalog.product"),
            _link("Categories", "account_tree", "catalog.category"),
            _link("Options", "tune", "catalog.option"),
            _link("Attributes", "list_alt", "catalog.attribute"),
        ],
    },
    {
        "title": "Selling",
        "items": [
            _link("Drops", "sailing", "drops.drop"),
            _link("Sales", "price_change", "pricing.sale"),
            _link("Offers", "sell", "promotions.offer"),
            _link("Coupons", "local_activity", "promotions.coupon"),
            _link("Coupon batches", "confirmation_number", "promotions.couponbatch"),
            _link("Gift cards", "featured_seasonal_and_gifts", "giftcards.giftcard"),
            _link("Shipping methods", "local_shipping", "shipping.shippingmethod"),
            _link("Shipping zones", "public", "shipping.shippingzone"),
            _link("Tax", "percent", "pricing.taxzone"),
        ],
    },
    {
        "title": "People",
        "items": [
            _link("Users", "person", "accounts.user"),
            _link("Groups", "group", "auth.group"),
            _link("E-mail addresses", "mail", "account.emailaddress"),
        ],
    },
    {
        "title": "Ledgers",
        "collapsible": True,
        "items": [
            _link("Payments", "credit_card", "payments.payment"),
            _link("Refunds", "undo", "payments.refund"),
            _link("Disputes", "gavel", "payments.dispute"),
            _link("Ledger", "account_balance", "payments.ledgerentry"),
            _link("Invoices", "receipt_long", "invoices.document"),
            _link("Gift card movements", "swap_horiz", "giftcards.giftcardmovement"),
            _link("Offers used", "redeem", "promotions.redemption"),
            _link("Gateway events", "webhook", "payments.gatewayevent"),
            _link("Stock movements", "swap_vert", "inventory.stockmovement"),
            _link("Reservations", "lock_clock", "inventory.reservation"),
        ],
    },
    {
        "title": "Machinery",
        "items": [
            {
                "title": "Live",
                "icon": "monitoring",
                "link": reverse_lazy("admin:live"),
                "permission": _needs("notifications.view_stream"),
            },
            _link("Background tasks", "manufacturing", "django_tasks_database.dbtaskresult"),
        ],
    },
]

UNFOLD = {
    "SITE_TITLE": "Breakwater",
    "SITE_HEADER": "Breakwater",
    "SITE_LOGO": {
        "light": lambda request: static("backoffice/img/wordmark.svg"),
        "dark": lambda request: static("backoffice/img/wordmark-dark.svg"),
    },
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("storefront/icons/mark.svg")}
    ],
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "shop.backoffice.dashboard.dashboard",
    "STYLES": [lambda request: static("backoffice/css/backoffice.css")],
    "BORDER_RADIUS": "4px",
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
    "COLORS": {
        "base": {
            "50": "#f6f3ec",
            "100": "#efeadf",
            "200": "#ddd6c8",
            "300": "#c6beae",
            "400": "#9aa6af",
            "500": "#5b6670",
            "600": "#46525d",
            "700": "#36444f",
            "800": "#26323c",
            "900": "#141d25",
            "950": "#0e151b",
        },
        "primary": {
            "50": "#eff4f5",
            "100": "#dde8eb",
            "200": "#bfd4da",
            "300": "#9fc2cd",
            "400": "#8fbcc9",
            "500": "#7fb3c4",
            "600": "#1f4e5f",
            "700": "#1a4352",
            "800": "#163845",
            "900": "#122e39",
            "950": "#0c2029",
        },
        "font": {
            "subtle-light": "#5b6670",
            "subtle-dark": "#9aa6af",
            "default-light": "#35414c",
            "default-dark": "#cbc8bf",
            "important-light": "#16202a",
            "important-dark": "#e9e4d8",
        },
    },
}
