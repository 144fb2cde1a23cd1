"""Papers of an order: a list, and each as a PDF. Its log, in the words of its page."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from notifications.log import position
from shop.cart.models import Cart
from shop.invoices.models import Document
from shop.invoices.services import as_pdf
from shop.orders.models import Order
from shop.orders.services import mark_paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(order: Order) -> Order:
    order.payments.create(amount=order.total, status="succeeded", intent_id="pi_1")
    mark_paid(order, why="visa ···· 4242")
    return order


def path(order: Order, what: str) -> str:
    return f"/api/v1/orders/{order.public_id}/{what}/"


def test_the_papers_of_an_order_and_each_as_it_is(client: Client, paid: Order) -> None:
    (shown,) = client.get(path(paid, "documents")).json()["results"]
    document = Document.objects.get()
    assert (shown["number"], shown["kind"], shown["total"]["amount"]) == (document.number, "invoice", "52.90")
    for accept in ("application/pdf", "*/*"):
        paper = client.get(shown["url"], headers={"Accept": accept})
        assert (paper.status_code, paper.headers["Content-Type"]) == (200, "application/pdf")
        assert paper.content == as_pdf(document)
        assert paper.headers["Content-Disposition"] == f'attachment; filename="{document.number}.pdf"'
    again = client.get(shown["url"], headers={"If-None-Match": paper.headers["ETag"]})
    assert again.status_code == 304


def test_a_paper_is_nothing_but_a_pdf(client: Client, paid: Order) -> None:
    paper = path(paid, f"documents/{Document.objects.get().number}")
    answer = client.get(paper, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_paper_that_is_not_there_is_refused_in_words(
    client: Client, paid: Order, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    other = place(make_cart())
    number = Document.objects.get().number
    for order, wanted in ((other, number), (paid, "INV-1999-00001")):
        answer = client.get(path(order, f"documents/{wanted}"), headers={"Accept": "application/pdf"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_log_tells_what_happened_in_words(client: Client, customer: User, paid: Order) -> None:
    shown = client.get(path(paid, "timeline")).json()
    told = [(one["kind"], one["title"], one["why"], one["hand"]) for one in shown["results"]]
    assert told == [("paid", "Paid", "visa ···· 4242", "you"), ("placed", "Order placed", "", "you")]
    here = position(paid.stream)
    assert shown["stream"] == {"name": paid.stream, "epoch": here.epoch, "offset": here.offset}
    paid.record("refund_paid", by=customer)
    first = client.get(path(paid, "timeline"), {"limit": 1}).json()
    assert [(one["title"], one["hand"]) for one in first["results"]] == [
        ("Refund paid out", "the harbour office")
    ]
    assert client.get(first["next"]).json()["results"] == shown["results"][:1]


def test_a_long_log_takes_as_many_queries_as_a_short_one(
    client: Client, customer: User, paid: Order, django_assert_num_queries: Callable
) -> None:
    for wanted in (3, 30):
        for _ in range(paid.events.count(), wanted):
            paid.record("edited", by=customer)
        with django_assert_num_queries(6):  # stream, the order with its parts, log
            shown = client.get(path(paid, "timeline"), {"limit": 100}).json()
        assert len(shown["results"]) == wanted
        with django_assert_num_queries(5):
            client.get(path(paid, "documents"))
