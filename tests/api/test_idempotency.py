"""A request that is sent again with its key has no second effect, and gets the first one's answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from shop.api.views import ApiView, PublicMixin
from shop.catalog.models import Variant
from shop.idempotency.models import ABANDONED, KEPT, KeptAnswer
from shop.idempotency.services import KeyReused, RequestInFlight, claim, forget_answers, keep, release

pytestmark = pytest.mark.django_db
KEY = "0b6a4cde-7c1e-4a0e-9f3e-1c5b6f0f1d11"


@pytest.fixture
def ask(client: Client, make_variant: Callable[..., Variant]) -> Callable[..., Any]:
    sku = make_variant().sku

    def send(quantity: int = 1, key: str = KEY, **more: Any) -> Any:
        body = {"lines": [{"sku": sku, "quantity": quantity}], **more}
        return client.post("/api/v1/prices/", body, "application/json", headers={"Idempotency-Key": key})

    return send


def test_the_first_answer_comes_again_byte_for_byte(ask: Callable[..., Any]) -> None:
    first, again = ask(), ask()
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert KeptAnswer.objects.count() == 1


def test_a_refusal_is_an_answer_too(ask: Callable[..., Any]) -> None:
    refused = ask(quantity=0)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    assert ask(quantity=0).content == refused.content


def test_another_body_under_the_same_key_is_refused(ask: Callable[..., Any]) -> None:
    ask(quantity=1)
    answer = ask(quantity=2)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_what_was_asked_is_not_found_by_trying_from_what_is_kept(
    ask: Callable[..., Any], settings: Any
) -> None:
    for key, secret in ((KEY, "one"), (KEY[::-1], "one"), (KEY.upper(), "another")):
        settings.SECRET_KEY = secret
        ask(key=key)
    first, same, other = KeptAnswer.objects.order_by("pk").values_list("fingerprint", flat=True)
    assert first == same != other


def test_while_the_first_is_under_way_others_are_asked_to_wait(ask: Callable[..., Any]) -> None:
    ask()
    KeptAnswer.objects.update(status=None, body=b"")
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("key", ["short", "with a space in it", "ümlaut-and-much-more-of-it", "k" * 256])
def test_a_key_that_is_none_is_told_so(ask: Callable[..., Any], key: str) -> None:
    answer = ask(key=key)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["in"], error["path"]) == (400, "header", "Idempotency-Key")


def test_accounts_do_not_share_keys(ask: Callable[..., Any], client: Client, customer: Any) -> None:
    ask(quantity=1)
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    assert ask(quantity=2).status_code == 200


def test_after_a_day_a_key_is_a_new_one(ask: Callable[..., Any]) -> None:
    ask(quantity=1)
    with time_machine.travel(timezone.now() + KEPT + timedelta(seconds=1)):
        assert forget_answers() == 1
        assert ask(quantity=2).status_code == 200


def test_who_died_under_way_leaves_the_key_to_the_next() -> None:
    dead = claim("guest", KEY, "print")
    with pytest.raises(RequestInFlight):
        claim("guest", KEY, "print")
    with time_machine.travel(timezone.now() + ABANDONED + timedelta(seconds=1)):
        heir = claim("guest", KEY, "print")
        keep(heir, 201, {}, b"{}")
        # It was only slow: what it did is undone together with its answer.
        with pytest.raises(RequestInFlight):
            keep(dead, 201, {}, b"other")
    assert bytes(KeptAnswer.objects.get().body) == b"{}"


def test_what_came_to_nothing_may_be_tried_again() -> None:
    release(claim("guest", KEY, "print"))
    assert claim("guest", KEY, "other").status is None
    with pytest.raises(KeyReused):
        claim("guest", KEY, "print")


@pytest.mark.django_db(transaction=True)
def test_of_fifty_at_once_one_claims_the_key() -> None:
    def try_it(_: int) -> bool:
        try:
            claim("guest", KEY, "print")
        except RequestInFlight:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(50) as threads:
        assert sum(threads.map(try_it, range(50))) == 1


class Broken(PublicMixin, ApiView):
    broken = True

    def post(self, request: Request) -> Response:
        if self.broken:
            raise RuntimeError("a fault of ours")
        return Response({"done": True})


def test_a_fault_of_ours_leaves_the_key_free() -> None:
    request = APIRequestFactory().post("/once/", {}, "json", headers={"Idempotency-Key": KEY})
    with pytest.raises(RuntimeError):
        Broken.as_view()(request)
    assert Broken.as_view(broken=False)(request).status_code == 200
