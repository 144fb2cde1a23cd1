import pytest
from allauth.account.models import EmailAddress
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from notifications.models import Event, Pending
from shop.inventory.models import Stock
from shop.orders.models import Order, WrongStatus
from shop.orders.services import (
    EmailNotVerified,
    TrackingNumberTaken,
    claim_orders,
    deliver_order,
    mark_paid,
    pack_order,
    ship_order,
)

pytestmark = pytest.mark.django_db
Status = Order.Status


def log(order: Order) -> list[str]:
    return [event.kind for event in order.events.all()]


def mails() -> list[str]:
    return [task.args_kwargs["args"][1] for task in DBTaskResult.objects.order_by("enqueued_at")]


def test_an_order_goes_from_paid_to_delivered_and_each_step_is_written_and_told(
    order: Order, customer: User
) -> None:
    variant_id = order.lines.get().variant_id
    assert mark_paid(order)
    pack_order(order, customer)
    ship_order(order, "Gannet", "GN 1", customer)
    deliver_order(order)
    assert log(order) == ["placed", "paid", "packed", "shipped", "delivered"]
    assert order.events.get(kind="packed").actor == customer
    told = Event.objects.filter(stream__name=order.stream).order_by("offset")
    assert [event.kind for event in told] == [f"order.{kind}" for kind in log(order)]
    assert told.last().payload["status"] == "delivered"
    assert Pending.objects.filter(stream_name="staff:orders").count() == 5
    assert mails() == ["confirmation", "shipped"]
    stock = Stock.objects.get(variant=variant_id)
    assert (stock.on_hand, stock.reserved) == (8, 0)


def test_being_paid_twice_is_being_paid_once(order: Order) -> None:
    assert mark_paid(order)
    assert mark_paid(Order.objects.get(pk=order.pk)) is False
    assert log(order) == ["placed", "paid"]
    assert mails() == ["confirmation"]


@pytest.mark.parametrize("status", [Status.PACKED, Status.SHIPPED, Status.DELIVERED, Status.REFUNDED])
def test_an_unpaid_order_goes_nowhere(order: Order, status: str) -> None:
    with pytest.raises(WrongStatus, match="awaiting payment"):
        order.move_to(status)
    assert log(order) == ["placed"]


def test_every_status_has_its_ways_in() -> None:
    ways_in = set(Order.COMES_FROM) | {Status.PENDING}
    assert ways_in == set(Status)


def test_a_stale_copy_of_the_order_moves_nothing(order: Order) -> None:
    stale = Order.objects.get(pk=order.pk)
    order.move_to(Status.CANCELLED)
    assert mark_paid(stale) is False
    assert Order.objects.get(pk=order.pk).status == Status.CANCELLED


def test_a_parcel_number_is_used_once(order: Order, place, make_cart) -> None:
    for each, expected in [(order, None), (place(make_cart()), TrackingNumberTaken)]:
        mark_paid(each)
        pack_order(each)
        if expected:
            with pytest.raises(expected):
                ship_order(each, "Gannet", "GN 1")
            each.refresh_from_db()
            assert each.status == Status.PACKED
        else:
            ship_order(each, "Gannet", "GN 1")


def test_shipping_twice_sends_one_parcel(order: Order) -> None:
    mark_paid(order)
    pack_order(order)
    first = ship_order(order, "Gannet", "GN 1")
    assert ship_order(Order.objects.get(pk=order.pk), "Gannet", "GN 1") == first
    assert order.shipments.count() == 1


def test_guest_orders_are_claimed_by_a_verified_address_only(order: Order, customer: User) -> None:
    address = EmailAddress.objects.create(user=customer, email=customer.email, primary=True, verified=False)
    with pytest.raises(EmailNotVerified):
        claim_orders(customer)
    address.verified = True
    address.save()
    assert claim_orders(customer) == 1
    assert claim_orders(customer) == 0
    order.refresh_from_db()
    assert order.user == customer
    assert log(order) == ["placed", "claimed"]
    assert Event.objects.filter(stream__name=f"user:{customer.pk}").count() == 1


def test_numbers_are_made_by_the_database_and_never_again(order: Order, place, make_cart) -> None:
    other = place(make_cart())
    assert order.number.startswith("BW-1")
    assert other.number != order.number
    assert len(other.public_id) >= 22
