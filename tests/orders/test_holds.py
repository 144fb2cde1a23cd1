"""What an order that has ended holds of the shelf is found."""

import pytest
from django.core.management import CommandError, call_command

from shop.inventory.audit import stock_faults
from shop.inventory.services import release
from shop.orders.models import Order

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", ["cancelled", "refunded", "delivered"])
def test_what_an_ended_order_holds_is_a_fault(order: Order, status: str) -> None:
    call_command("check_stock")
    Order.objects.update(status=status)
    assert stock_faults() == []  # the shelf adds up; it is the order that does not
    line = order.lines.get()
    with pytest.raises(CommandError, match=f"{line.sku}: 2 held by {order.number}, which is {status}"):
        call_command("check_stock")
    release(order.public_id)
    call_command("check_stock")
