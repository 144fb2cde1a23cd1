"""An order that leaves in several parcels."""

from collections.abc import Callable

import pytest
from django_tasks_db.models import DBTaskResult

from shop.cart.models import Cart
from shop.cart.services import add_to_cart
from shop.catalog.models import Variant
from shop.inventory.audit import stock_faults
from shop.inventory.models import Reservation, Stock, StockMovement
from shop.orders.mails import send_order_mail
from shop.orders.models import Order, OrderLine, WrongStatus
from shop.orders.services import (
    NothingToShip,
    deliver_order,
    deliver_parcel,
    mark_paid,
    pack_order,
    ship_order,
)
from shop.payments.cancellations import cancel_order
from tests.racing import at_once

Status = Order.Status


@pytest.fixture
def packed(
    place: Callable[..., Order], make_cart: Callable[..., Cart], make_variant: Callable[..., Variant]
) -> Order:
    """Three of one print and one of another."""
    cart = make_cart(make_variant(stock=5), 3)
    add_to_cart(cart, make_variant(stock=1))
    order = place(cart)
    mark_paid(order)
    pack_order(order)
    return order


def log(order: Order) -> list[str]:
    return [event.kind for event in order.events.all()]


def stock_of(line: OrderLine) -> tuple[int, int]:
    return Stock.objects.values_list("on_hand", "reserved").get(variant=line.variant_id)


@pytest.mark.django_db
def test_a_part_leaves_and_the_rest_follows(packed: Order) -> None:
    three, one = packed.lines.all()
    first = ship_order(packed, "Gannet", "GN 1", quantities={three.pk: 2})
    assert Order.objects.get(pk=packed.pk).status == Status.PACKED
    assert [(line.order_line, line.quantity) for line in first.lines.all()] == [(three, 2)]
    assert (stock_of(three), stock_of(one)) == ((3, 1), (1, 1))
    assert stock_faults() == []

    ship_order(packed, "Gannet", "GN 2")
    assert Order.objects.get(pk=packed.pk).status == Status.SHIPPED
    assert (stock_of(three), stock_of(one)) == ((2, 0), (0, 0))
    assert stock_faults() == []
    assert log(packed)[-2:] == ["partly_shipped", "shipped"]
    assert set(Reservation.objects.values_list("state", flat=True)) == {Reservation.State.SHIPPED}
    sent = StockMovement.objects.filter(reference=packed.public_id, variant=three.variant_id)
    assert sorted(sent.values_list("quantity", flat=True)) == [-2, -1]


@pytest.mark.django_db
def test_each_parcel_arrives_by_itself_and_the_last_delivers_the_order(packed: Order) -> None:
    three, _ = packed.lines.all()
    first = ship_order(packed, "Gannet", "GN 1", quantities={three.pk: 3})
    deliver_parcel(first)
    deliver_parcel(first)
    assert log(packed)[-2:] == ["partly_shipped", "parcel_delivered"]
    with pytest.raises(WrongStatus):
        deliver_order(packed)
    second = ship_order(packed, "Gannet", "GN 2")
    deliver_parcel(second)
    assert Order.objects.get(pk=packed.pk).status == Status.DELIVERED
    assert log(packed)[-1] == "delivered"
    assert packed.shipments.filter(delivered_at=None).count() == 0


@pytest.mark.django_db
def test_more_than_is_left_does_not_leave(packed: Order) -> None:
    three, one = packed.lines.all()
    ship_order(packed, "Gannet", "GN 1", quantities={three.pk: 2})
    for wrong in ({three.pk: 2}, {one.pk: -1}, {one.pk: 0}, {}):
        with pytest.raises(NothingToShip):
            ship_order(packed, "Gannet", "GN 2", quantities=wrong)
    assert packed.shipments.count() == 1
    assert stock_of(three) == (3, 1)


@pytest.mark.django_db
def test_what_has_left_in_part_is_not_cancelled_whole(packed: Order) -> None:
    three, _ = packed.lines.all()
    ship_order(packed, "Gannet", "GN 1", quantities={three.pk: 1})
    with pytest.raises(WrongStatus, match="left already"):
        cancel_order(packed)
    assert Order.objects.get(pk=packed.pk).status == Status.PACKED
    assert stock_faults() == []


@pytest.mark.django_db
def test_the_mail_of_a_parcel_says_what_is_in_it_and_where_it_is(
    packed: Order, mailoutbox: list, settings: object
) -> None:
    settings.TRACKING_URLS = {"gannet": "https://gannet.example/?parcel={number}"}  # type: ignore[attr-defined]
    three, one = packed.lines.all()
    ship_order(packed, "Gannet", "GN 1", quantities={three.pk: 2})
    ship_order(packed, "Gannet", "GN 2")
    for task in DBTaskResult.objects.order_by("enqueued_at")[1:]:
        send_order_mail.call(*task.args_kwargs["args"])
    first, second = mailoutbox
    assert first.subject == f"Part of your order {packed.number} is on its way"
    assert f"2 x {three.title}" in first.body
    assert one.title not in first.body
    assert "https://gannet.example/?parcel=GN%201" in first.body
    assert second.subject == f"Your order {packed.number} is on its way"
    assert f"1 x {one.title}" in second.body


@pytest.mark.django_db(transaction=True)
def test_two_packers_at_once_send_nothing_twice(packed: Order) -> None:
    three, _ = packed.lines.all()
    raised = at_once(
        *(
            lambda number=number: ship_order(
                Order.objects.get(pk=packed.pk), "Gannet", f"GN {number}", quantities={three.pk: 2}
            )
            for number in range(4)
        )
    )
    assert [type(error) for error in raised] == [NothingToShip] * 3
    assert stock_of(three) == (3, 1)
    assert stock_faults() == []


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_they_do(packed: Order) -> None:
    """The control: looked at first and written after, as OrderLine.send does not."""
    three, _ = packed.lines.all()
    ready = [OrderLine.objects.get(pk=three.pk) for _ in range(4)]

    def send(line: OrderLine) -> None:
        if line.to_ship >= 2:
            sent.append(2)
            OrderLine.objects.filter(pk=line.pk).update(shipped=line.shipped + 2)

    sent: list[int] = []
    assert at_once(*(lambda line=line: send(line) for line in ready)) == []
    assert sum(sent) > three.quantity
