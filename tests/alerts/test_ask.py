from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from djmoney.money import Money

from accounts.models import User
from shop.alerts.models import Alert
from shop.alerts.services import LONGEST_WAIT, TOLD_KEPT, ThereAlready, ask, forget_old
from shop.catalog.models import Variant

pytestmark = pytest.mark.django_db
BACK, CHEAPER = Alert.Kind.BACK, Alert.Kind.CHEAPER


@pytest.fixture
def gone(make_variant: Callable[..., Variant]) -> Variant:
    return make_variant(price="24.00", stock=0)


def test_asking_for_what_is_there_is_refused(make_variant: Callable[..., Variant], customer: User) -> None:
    with pytest.raises(ThereAlready):
        ask(make_variant(stock=1), BACK, user=customer)


def test_asking_twice_keeps_the_place_and_the_price(gone: Variant, customer: User) -> None:
    first = [ask(gone, kind, user=customer) for kind in (BACK, CHEAPER)]
    Variant.objects.update(price=Decimal(99))
    gone.refresh_from_db()
    for kind in (BACK, CHEAPER):
        ask(gone, kind, user=customer)

    kept = list(customer.alerts.order_by("pk"))
    assert [alert.asked_at for alert in kept] == [alert.asked_at for alert in first]
    assert [alert.price_asked for alert in kept] == [None, Money("24", "EUR")]


def test_who_was_told_and_asks_again_waits_anew(gone: Variant, customer: User) -> None:
    alert = ask(gone, CHEAPER, user=customer)
    Alert.objects.update(told_at=timezone.now())
    Variant.objects.update(price=Decimal(20))
    gone.refresh_from_db()
    ask(gone, CHEAPER, user=customer)

    again = Alert.objects.get()
    assert again.told_at is None
    assert again.price_asked == Money("20", "EUR")
    assert again.asked_at > alert.asked_at


def test_an_account_and_a_guest_wait_side_by_side(gone: Variant, customer: User) -> None:
    ask(gone, BACK, user=customer)
    for email in ("Ada@example.com", "ada@example.com"):
        ask(gone, BACK, email=email)

    assert [(alert.user, alert.email) for alert in Alert.objects.waiting()] == [
        (customer, ""),
        (None, "ada@example.com"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": None},
        {"email": "ada@example.com"},
        {"kind": CHEAPER},
        {"price_asked": Money("9", "EUR")},
    ],
    ids=["of nobody", "of two", "below no price", "back below a price"],
)
def test_the_database_holds_even_if_the_code_is_wrong(
    gone: Variant, customer: User, wrong: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(**{"user": customer, "variant": gone, "kind": BACK, **wrong})
    Alert.objects.create(user=customer, variant=gone, kind=BACK)
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(user=customer, variant=gone, kind=BACK)


def test_nothing_is_kept_for_ever(gone: Variant, customer: User) -> None:
    old, told = ask(gone, BACK, user=customer), ask(gone, CHEAPER, user=customer)
    Alert.objects.filter(pk=told.pk).update(told_at=timezone.now())
    forget_old()
    assert Alert.objects.count() == 2
    with time_machine.travel(timezone.now() + TOLD_KEPT, tick=True):
        forget_old()
        assert Alert.objects.get() == old
    with time_machine.travel(timezone.now() + LONGEST_WAIT, tick=True):
        forget_old()
        assert not Alert.objects.exists()
