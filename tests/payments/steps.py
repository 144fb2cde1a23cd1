"""What happens to a payment, each in one word."""

from asgiref.sync import async_to_sync
from django_tasks_db.models import DBTaskResult

from shop.background import new_worker
from shop.orders.models import Order
from shop.payments.models import Payment
from shop.payments.services import (
    refresh_payment,
    start_payment,
)


def start(order: Order) -> Payment:
    return async_to_sync(start_payment)(order)


def refresh(order: Order) -> str:
    return async_to_sync(refresh_payment)(order)


def work_off_tasks() -> None:
    """The worker, until nothing is left to do."""
    new_worker(["*"], interval=0, batch=True).run()
    failed = DBTaskResult.objects.failed()
    assert not failed, failed[0].traceback


def log(order: Order) -> list[str]:
    return [event.kind for event in order.events.all()]


def now(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)
