from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from shop.cart.models import Cart
from shop.cart.services import apply_coupon
from shop.codes import ALPHABET, LENGTH, new_code, plain
from shop.promotions.guessing import WRONG_FROM_AN_ADDRESS, WRONG_OF_AN_ACCOUNT
from shop.promotions.models import Coupon
from shop.promotions.services import export_batch, make_batch
from tests.offers import make_coupon, make_offer

pytestmark = pytest.mark.django_db


def test_a_code_of_a_batch_has_eighty_bits_and_letters_that_cannot_be_misread() -> None:
    assert len(set(ALPHABET)) ** LENGTH >= 2**80
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert set("".join(codes)) == {*ALPHABET, "-"}
    assert not set("OILU") & set(ALPHABET)


@pytest.mark.parametrize("typed", ["7k2q-m0xw-9v4t-1b3h", "7K2QMOXW9V4TIB3H", " 7K2Q MOXW 9U4T lB3H "])
def test_a_code_is_known_however_it_is_typed(typed: str) -> None:
    assert plain(typed) == "7K2Q-M0XW-9V4T-1B3H"


def test_a_batch_is_for_one_order_each_and_leaves_once(make_cart: Callable[..., Cart]) -> None:
    batch = make_batch(make_offer(percent=10, needs_code=True), "Autumn letter", 25)
    codes = export_batch(batch)
    assert len(set(codes)) == 25
    assert set(Coupon.objects.values_list("limit", flat=True)) == {1}
    assert export_batch(batch) == []
    typed = codes[0].replace("-", " ").lower()
    assert apply_coupon(make_cart(), typed).code == codes[0]


def guess(client: Client, code: str, address: str = "127.0.0.1") -> int:
    return client.post("/cart/coupon/", {"code": code}, REMOTE_ADDR=address).status_code


def test_guessing_is_stopped_for_an_address_and_a_right_code_waits_too(client: Client) -> None:
    make_coupon("HARBOUR10", percent=10)
    answers = [guess(client, f"WRONG{number}") for number in range(WRONG_FROM_AN_ADDRESS)]
    assert set(answers) == {302}
    answer = client.post("/cart/coupon/", {"code": "HARBOUR10"})
    assert answer.status_code == 429
    assert "Too many wrong codes were tried. Please wait a quarter of an hour" in answer.text
    assert guess(Client(), "HARBOUR10", "10.0.0.7") == 302


def test_an_account_has_fewer_tries_wherever_it_comes_from(customer: User) -> None:
    client = Client()
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    tried = [guess(client, "WRONG", f"10.0.0.{number}") for number in range(WRONG_OF_AN_ACCOUNT + 1)]
    assert tried == [302] * WRONG_OF_AN_ACCOUNT + [429]


def test_right_codes_and_those_that_have_expired_are_no_guesses(client: Client) -> None:
    make_coupon("HARBOUR10", percent=10)
    make_coupon("ONCE", limit=0, percent=10)
    for _ in range(WRONG_FROM_AN_ADDRESS):
        assert guess(client, "HARBOUR10") == 302
        assert guess(client, "ONCE") == 302
    assert guess(client, "WRONG") == 302
