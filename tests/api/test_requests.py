"""What can be sent: small, shallow, well-formed JSON. Whatever else is refused in words, and never by a 500."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client, override_settings
from rest_framework.test import APIRequestFactory

from shop.api.categories import CategoryViewSet
from shop.api.parsing import DEEPEST, LARGEST_BODY
from shop.api.schema import Operation

pytestmark = pytest.mark.django_db
PRICES = "/api/v1/prices/"


def send(client: Client, body: bytes | str, content_type: str = "application/json") -> Any:
    return client.generic("POST", PRICES, body, content_type)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ('{"lines": [', "malformed_json", "no JSON"),
        (b'{"lines": "\xff"}', "malformed_json", "not UTF-8"),
        ('{"lines": NaN}', "malformed_json", "no NaN"),
        ('{"lines": 1e999}', "malformed_json", "too large"),
        ('{"lines": ' + "9" * 19 + "}", "malformed_json", "18 digits"),
        ('{"lines": 1, "lines": 2}', "malformed_json", "twice"),
        (r'{"code": "a\u0000b"}', "malformed_json", "U+0000"),
        (r'{"code": "\ud800"}', "malformed_json", "half of a pair"),
        (r'{"\ud800": 1}', "malformed_json", "half of a pair"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "too_deep", "levels"),
        ("[" * 30_000 + "]" * 30_000, "too_deep", "levels"),
    ],
)
def test_what_is_no_good_json_is_told_why(client: Client, body: bytes | str, code: str, words: str) -> None:
    answer = send(client, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert words in problem["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_a_body_is_not_larger_than_anybody_needs(client: Client) -> None:
    answer = send(client, json.dumps({"code": "x" * LARGEST_BODY}))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_form_is_not_json(client: Client) -> None:
    answer = send(client, "lines=1", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_errors_name_the_fields_by_where_they_are(client: Client) -> None:
    body = {"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": "many"}], "cuopon": "X"}
    unknown = send(client, json.dumps(body)).json()["errors"]
    assert [(one["in"], one["path"], one["code"]) for one in unknown] == [
        ("body", "/cuopon", "unknown_field")
    ]
    del body["cuopon"]
    nested = send(client, json.dumps(body)).json()["errors"]
    assert [(one["path"], one["code"]) for one in nested] == [("/lines/1/quantity", "invalid")]


@pytest.mark.parametrize("path", ["nowhere/", "products/no-such-print/", "orders/%00/"])
def test_what_is_not_there_is_a_problem_as_well(client: Client, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["status"]) in [(404, 404), (401, 401)]
    assert answer.headers["Content-Type"] == "application/problem+json"


@override_settings(API_LIMITS={"read": (3, 60), "write": (2, 60)})
def test_every_answer_says_how_much_is_left(client: Client) -> None:
    answers = [client.get("/api/v1/categories/") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[-1].json()["code"] == "throttled"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert send(client, "{}").headers["RateLimit-Remaining"] == "1"  # writes are counted by themselves


def test_bytes_that_are_there_are_not_sent_again(client: Client) -> None:
    first = client.get("/api/v1/categories/")
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/api/v1/categories/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/v1/categories/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_is_private_is_kept_by_nobody_between(client: Client, customer: Any) -> None:
    client.force_login(customer, "django.contrib.auth.backends.ModelBackend")
    answer = client.get("/api/v1/orders/")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie", "Cart-Token"} <= {
        one.strip() for one in answer.headers["Vary"].split(",")
    }
    assert "ETag" in answer.headers


class Going(CategoryViewSet):
    deprecated = datetime(2027, 1, 1, tzinfo=UTC)
    sunset = datetime(2028, 1, 1, tzinfo=UTC)


def test_what_is_to_go_says_so() -> None:
    view = Going.as_view({"get": "list"})
    headers = view(APIRequestFactory().get("/api/v1/categories/")).headers
    assert headers["Deprecation"] == "@1798761600"
    assert headers["Sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
    operation = Operation()
    operation.view = Going()
    assert operation.is_deprecated()
