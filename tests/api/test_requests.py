"""What can be sent: small, shallow, well-formed JSON. Whatever else is refused in words, and never by a 500."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client, override_settings
from rest_framework.exceptions import APIException
from rest_framework.test import APIRequestFactory

from shop.api.categories import CategoryViewSet
from shop.api.parsing import DEEPEST, LARGEST_BODY
from shop.api.schema import Operation
from tests.processes import ROOT

pytestmark = pytest.mark.django_db
PRICES = "/api/v1/prices/"
# A validation error is told as `invalid`, and what nobody caught as `fault`; JSON has a code of its own.
NEVER_TOLD = {"error", "parse_error"}


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
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "too_deep", "levels"),
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


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ("[]", "", "This is to be an object."),
        ('{"lines": {}}', "/lines", "This is to be a list."),
        ('{"lines": ["A"]}', "/lines/0", "This is to be an object."),
        ('{"lines": [{"sku": 1, "quantity": 1}]}', "/lines/0/sku", "This is to be a text."),
        ('{"lines": [{"sku": "A", "quantity": "1"}]}', "/lines/0/quantity", "This is to be a whole number."),
    ],
)
def test_a_wrong_type_is_told_by_the_names_of_json(client: Client, body: str, path: str, words: str) -> None:
    errors = send(client, body).json()["errors"]
    assert [(one["path"], one["code"], one["detail"]) for one in errors] == [(path, "invalid", words)]


def test_a_list_that_is_too_long_is_refused_as_a_whole(client: Client) -> None:
    errors = send(client, json.dumps({"lines": [1] * 1000})).json()["errors"]
    assert [(one["path"], one["code"]) for one in errors] == [("/lines", "max_length")]


def test_a_wrong_parameter_is_told_what_is_wanted(client: Client) -> None:
    answer = client.get("/api/v1/products/?price_min=cheap&options=oak").json()
    assert {one["path"]: one["detail"] for one in answer["errors"]} == {
        "options": "A value as `facets/` names it, such as size:30x40.",
        "price_min": "An amount, such as 24.50.",
    }
    unknown = client.get("/api/v1/products/?colour=red").json()["errors"]
    assert [one["detail"] for one in unknown] == ["There is no such parameter."]


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_an_address_without_its_last_slash_leads_nowhere_else(client: Client, method: str) -> None:
    answer = getattr(client, method)("/api/v1/cart")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"].endswith("end with a slash.")


def test_what_may_be_done_at_an_address_is_what_is_done_there(client: Client) -> None:
    answer = client.options("/api/v1/cart/lines/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_every_code_is_in_the_list(client: Client) -> None:
    known = {one["code"] for one in client.get("/api/v1/problems/").json()}
    of_rest = {one.default_code for one in subclasses(APIException)} - NEVER_TOLD
    source = "".join(path.read_text() for path in (ROOT / "notifications").glob("*.py"))
    of_doors = set(re.findall(r'Refusal\(\s*[45][0-9]{2}, "([a-z_]+)"', source))
    assert len(of_doors) >= 10
    assert of_rest | of_doors | {"invalid", "token_invalid", "too_deep", "unavailable"} <= known


def test_the_type_of_a_problem_opens_as_a_page_at_its_code(client: Client) -> None:
    type_ = client.get("/api/v1/orders/none/").json()["type"]
    address, _, code = type_.partition("#")
    in_a_browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    page = client.get(address, headers={"Accept": in_a_browser})
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Accept" in page.headers["Vary"]
    for one in client.get(address, headers={"Accept": "*/*"}).json():
        assert f'id="{one["code"]}"' in page.text
    assert code == "not_found"
    assert "Nothing of what <code>Accept</code> names can be had here." in page.text
    refused = client.post(address, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.headers["Content-Type"]) == (405, "application/problem+json")
    assert client.get(address, headers={"Accept": "image/png"}).status_code == 406


def subclasses(error: type[Any]) -> set[type[Any]]:
    return {error}.union(*(subclasses(below) for below in error.__subclasses__()))


def test_the_schema_is_asked_for_as_all_else(client: Client) -> None:
    first = client.get("/api/v1/schema/", headers={"Accept": "application/json"})
    assert first.json()["openapi"].startswith("3.1")
    assert "RateLimit-Remaining" in first.headers
    again = client.get("/api/v1/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


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
    assert answers[-1].json()["detail"].startswith("That was too often. Come back in ")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert send(client, "{}").headers["RateLimit-Remaining"] == "1"  # writes are counted by themselves


def test_bytes_that_are_there_are_not_sent_again(client: Client) -> None:
    first = client.get("/api/v1/categories/")
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/api/v1/categories/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    told = {"ETag", "Cache-Control", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert told <= again.headers.keys()
    assert "Content-Type" not in again.headers
    for theirs, status in {f"W/{first.headers['ETag']}": 304, "*": 304, '"other"': 200}.items():
        answer = client.get("/api/v1/categories/", headers={"If-None-Match": theirs})
        assert answer.status_code == status, theirs


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
