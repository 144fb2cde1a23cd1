"""Who may follow what live: the shop's answers to the notifications, which know no shop word."""

from accounts.models import User
from notifications.streams import Reader, register_stream
from shop.cart.models import Cart
from shop.catalog.models import Product
from shop.drops.models import Drop
from shop.orders.models import Order

# `staff:desk` says who has which order open.
STAFF_STREAMS = {"orders": "orders.view_order", "desk": "orders.view_order", "stock": "inventory.view_stock"}


def own_user(reader: Reader, key: str) -> bool:
    return reader.user.is_authenticated and str(reader.user.pk) == key


def own_cart(reader: Reader, key: str) -> bool:
    """An account's own; a guest's where the session has the token that opens the cart."""
    cart = Cart.objects.filter(pk=key).only("user_id", "token").first() if key.isdecimal() else None
    if cart is None:
        return False
    if cart.user_id is None:
        return reader.session.get("cart") == cart.token
    return cart.user_id == reader.user.pk


def own_order(reader: Reader, key: str) -> bool:
    """The buyer's; a guest's by the grant that opening the order's link left in the session; staff's by permission."""
    order = Order.objects.filter(public_id=key).only("user_id").first()
    if order is None:
        return False
    if order.user_id is None and key in reader.session.get("guest_orders", []):
        return True
    mine = reader.user.is_authenticated and order.user_id == reader.user.pk
    return mine or _staff_with(reader, "orders.view_order")


def public_product(reader: Reader, key: str) -> bool:
    return Product.objects.visible().filter(slug=key).exists()


def public_drop(reader: Reader, key: str) -> bool:
    return Drop.objects.filter(slug=key).exists()


def staff_feed(reader: Reader, key: str) -> bool:
    permission = STAFF_STREAMS.get(key)
    return permission is not None and _staff_with(reader, permission)


def _staff_with(reader: Reader, permission: str) -> bool:
    user = reader.user
    return isinstance(user, User) and user.is_active and user.is_staff and user.has_perm(permission)


def register() -> None:
    register_stream("user", own_user)
    register_stream("cart", own_cart)
    register_stream("order", own_order)
    register_stream("drop", public_drop, public=True)  # one process at a time moves a line
    # Unrelated checkouts write to these at once and must not wait for one another.
    register_stream("product", public_product, shared=True, public=True)
    register_stream("staff", staff_feed, shared=True)
