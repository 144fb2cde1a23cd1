"""Who waits is told once, in the order of asking, of what can be bought: by message, and by a mail of its own."""

import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications.inbox import inbox
from notifications.models import Event
from notifications.preferences import choose
from notifications.services import tell
from shop.alerts.models import Alert
from shop.alerts.services import PAUSE, TOLD_FOR_EACH, ask, tell_due
from shop.catalog.models import Product, Variant
from shop.inventory.services import allow_backorders, receive, release, reserve
from shop.news import news_of
from tests.notifications.writing import run_python
from tests.racing import at_once
from tests.tasks import work_off_tasks

pytestmark = pytest.mark.django_db
BACK, CHEAPER = Alert.Kind.BACK, Alert.Kind.CHEAPER


@pytest.fixture
def gone(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="24.00", stock=0, slug="ebb", title="Ebb")


@pytest.fixture
def letters() -> Callable[[], list[tuple[str, list[str]]]]:
    """Works off what is to be mailed, and returns what was mailed so far: (subject, to)."""

    def read() -> list[tuple[str, list[str]]]:
        work_off_tasks()
        return [(letter.subject, letter.to) for letter in mail.outbox]

    return read


def confirm(user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def crowd(variant: Variant, size: int) -> list[Alert]:
    return [ask(variant, BACK, email=f"guest{number}@example.com") for number in range(size)]


def told() -> list[str]:
    waiting = Alert.objects.exclude(told_at=None).order_by("told_at", "pk")
    return [alert.email.partition("@")[0].removeprefix("guest") for alert in waiting]


def test_what_is_back_is_told_once_by_message_and_mail(
    gone: Variant, customer: User, letters: Callable[[], list[tuple[str, list[str]]]]
) -> None:
    confirm(customer)
    ask(gone, BACK, user=customer)
    assert tell_due() == 0
    receive(gone, 2)
    assert not inbox(customer), "not in the transaction that brought it back"
    assert tell_due() == 1
    assert tell_due() == 0

    event = inbox(customer).get()
    news = news_of(event.kind, event.payload)
    assert (news.title, news.detail) == ("“Ebb” is back", "30 × 40 cm, €24.00")
    assert news.url == "/products/ebb/?size=30x40"
    assert letters() == [("“Ebb” is back", [customer.email])]
    html = mail.outbox[0].alternatives[0].content
    assert "http://localhost:8000/products/ebb/?size=30x40" in html
    assert "30 × 40 cm, at €24.00" in mail.outbox[0].body


def test_a_released_reservation_brings_it_back(make_variant: Callable[..., Variant], customer: User) -> None:
    variant = make_variant(stock=1)
    reserve("an-order", {variant.pk: 1}, timezone.now())
    ask(variant, BACK, user=customer)
    assert tell_due() == 0
    release("an-order")
    assert tell_due() == 1


def test_what_costs_less_is_told_with_what_it_cost(
    make_variant: Callable[..., Variant],
    customer: User,
    letters: Callable[[], list[tuple[str, list[str]]]],
) -> None:
    confirm(customer)
    variant = make_variant(price="24.00", title="Ebb")
    ask(variant, CHEAPER, user=customer)
    for price, due in (("30", 0), ("24", 0), ("19.5", 1), ("18", 0)):
        Variant.objects.update(price=Decimal(price))
        assert tell_due() == due, price

    event = inbox(customer).get()
    news = news_of(event.kind, event.payload)
    assert (news.title, news.detail) == ("“Ebb” now costs €19.50", "30 × 40 cm, was €24.00")
    assert letters() == [("“Ebb” now costs €19.50", [customer.email])]
    assert "It was €24.00 when you asked" in mail.outbox[0].body


def test_nobody_is_called_to_what_cannot_be_bought(gone: Variant, customer: User) -> None:
    ask(gone, BACK, user=customer)
    ask(gone, CHEAPER, user=customer)
    Variant.objects.update(price=Decimal(9))
    Product.objects.update(visible_until=timezone.now())
    assert tell_due() == 0
    receive(gone, 1)
    assert tell_due() == 0
    Product.objects.update(visible_until=None)
    assert tell_due() == 2


def test_who_called_it_off_is_not_told(gone: Variant, customer: User) -> None:
    ask(gone, BACK, user=customer).delete()
    receive(gone, 1)
    assert tell_due() == 0


def test_the_choices_of_an_account_are_kept(
    gone: Variant, customer: User, letters: Callable[[], list[tuple[str, list[str]]]]
) -> None:
    confirm(customer)
    ask(gone, BACK, user=customer)
    choose(customer, BACK, live=False, email=False)
    receive(gone, 1)
    assert tell_due() == 1
    assert not inbox(customer)
    assert letters() == []


def test_an_account_s_address_gets_no_mail_until_it_is_confirmed(
    gone: Variant, customer: User, letters: Callable[[], list[tuple[str, list[str]]]]
) -> None:
    ask(gone, BACK, user=customer)
    ask(gone, BACK, email="ada@example.com")
    receive(gone, 1)
    assert tell_due() == 2
    assert [to for _, to in letters()] == [["ada@example.com"]]


# --- Waves --------------------------------------------------------------------------------------


def test_a_few_for_each_that_came_back_are_told_in_the_order_of_asking(gone: Variant) -> None:
    crowd(gone, 2 * TOLD_FOR_EACH + 3)
    receive(gone, 2)
    assert tell_due() == 2 * TOLD_FOR_EACH
    assert told() == [str(number) for number in range(2 * TOLD_FOR_EACH)]
    assert tell_due() == 0
    receive(gone, 1)
    assert tell_due() == 3, "one more came, so a few more need not wait"


def test_the_next_are_told_while_any_is_left_after_a_pause(gone: Variant) -> None:
    crowd(gone, 3 * TOLD_FOR_EACH)
    receive(gone, 2)
    assert tell_due() == 2 * TOLD_FOR_EACH
    reserve("an-order", {gone.pk: 1}, None)
    with time_machine.travel(timezone.now() + PAUSE - timedelta(minutes=1), tick=True):
        assert tell_due() == 0
    with time_machine.travel(timezone.now() + PAUSE, tick=True):
        reserve("another", {gone.pk: 1}, None)
        assert tell_due() == 0
        release("another")
        assert tell_due() == TOLD_FOR_EACH


def test_many_cost_the_same_few_questions_to_find(
    gone: Variant, make_variant: Callable[..., Variant], django_assert_max_num_queries: Callable
) -> None:
    crowd(gone, 30)
    for alert in crowd(make_variant(stock=0), 30):
        ask(alert.variant, CHEAPER, email=alert.email)
    with django_assert_max_num_queries(2):
        assert tell_due() == 0


# --- Races, and a death in the middle -----------------------------------------------------------

ROUNDS = 10


@pytest.mark.django_db(transaction=True)
def test_two_releases_at_the_same_moment_tell_an_alert_once(
    make_variant: Callable[..., Variant], customer: User
) -> None:
    variant = make_variant(stock=2)
    for number in range(ROUNDS):
        orders = [f"{number}-a", f"{number}-b"]
        for order in orders:
            reserve(order, {variant.pk: 1}, None)
        ask(variant, BACK, user=customer)
        assert at_once(*(lambda one=order: (release(one), tell_due()) for order in orders)) == []
        assert inbox(customer).count() == number + 1


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_the_same_moment_tells_it_twice(gone: Variant, customer: User) -> None:
    def looks_first() -> None:
        waiting = list(Alert.objects.waiting().loaded())
        time.sleep(0.2)  # what a busier server does between the two by itself
        for alert in waiting:
            with transaction.atomic():
                Alert.objects.filter(pk=alert.pk).update(told_at=timezone.now())
                tell(customer.pk, alert.kind, **alert.payload)

    ask(gone, BACK, user=customer)
    assert at_once(looks_first, looks_first) == []
    assert inbox(customer).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_while_telling_loses_no_alert(gone: Variant, customer: User) -> None:
    ask(gone, BACK, user=customer)
    receive(gone, 1)
    died = run_python(
        """
import os
from django.db import transaction
from notifications.models import Event
from shop.alerts.services import tell_due
with transaction.atomic():
    assert tell_due() == 1 and Event.objects.exists()
    os._exit(9)
""",
        check=False,
    )
    assert died.returncode == 9
    assert not Event.objects.exists()
    assert tell_due() == 1
    assert inbox(customer).count() == 1


def test_one_that_can_be_made_to_order_is_not_back_until_it_lies_there_for_them(
    gone: Variant,
) -> None:
    crowd(gone, 2)
    allow_backorders(gone, 5, 10)
    assert tell_due() == 0
    reserve("an order", {gone.pk: 3}, None)
    receive(gone, 3)
    assert tell_due() == 0  # all of these are somebody's
    receive(gone, 1)
    assert tell_due() == 2
