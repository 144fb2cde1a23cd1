"""What the shop adds to the metrics: work that waits for a worker, for people, or for money."""

from django_tasks_db.models import DBTaskResult

from notifications.collectors import add_figure
from shop.orders.models import Order
from shop.payments.models import Discrepancy


def register() -> None:
    add_figure("breakwater_tasks_ready", "Tasks that wait for a worker.", tasks_ready)
    add_figure("breakwater_tasks_failed", "Tasks for people to look at.", tasks_failed)
    add_figure(
        "breakwater_money_differences", "Lines that differ from the provider's books.", money_differences
    )
    add_figure("breakwater_orders_pending", "Orders that await payment.", orders_pending)


def money_differences() -> int:
    return Discrepancy.objects.count()


def tasks_ready() -> int:
    return DBTaskResult.objects.ready().count()


def tasks_failed() -> int:
    return DBTaskResult.objects.failed().count()


def orders_pending() -> int:
    return Order.objects.filter(status=Order.Status.PENDING).count()
