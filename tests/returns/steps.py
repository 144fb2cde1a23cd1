"""What happens to a return, each in one word."""

from djmoney.money import Money

from shop.orders.models import Order
from shop.returns.models import Return
from shop.returns.services import request_return


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def now(order: Order) -> Order:
    return Order.objects.for_page().get(pk=order.pk)


def ask(order: Order, *counts: int, **more: str) -> Return:
    lines = order.lines.all()
    wanted = {line.pk: count for line, count in zip(lines, counts, strict=False)}
    return request_return(order, wanted, **{"reason": "mind", **more})


def log(order: Order) -> list[str]:
    return [event.kind for event in order.events.all()]
