"""What autodiscovery finds: one module of admins for each domain."""

from shop.backoffice import (  # noqa: F401
    accounts,
    catalog,
    drops,
    giftcards,
    inventory,
    invoices,
    orders,
    payments,
    pricing,
    promotions,
    sales,
    shipping,
    tasks,
)
