"""What the schema shows is true: every example of a request succeeds, every example of an answer is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from tests.api.examples import (
    ARRANGED,
    Example,
    Json,
    World,
    operations,
    request_examples,
    route_of,
    schema,
    send,
)

PROBLEM = "application/problem+json"


def faults(value: Any, shape: Json) -> list[str]:
    """Where a value is not of this shape of the schema's."""
    whole = {"components": schema()["components"], "allOf": [shape]}
    checker = Draft202012Validator.FORMAT_CHECKER
    found = Draft202012Validator(whole, format_checker=checker).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


class Shown(NamedTuple):
    where: str
    status: str
    value: Any
    shape: Json
    words: str


def answer_examples() -> Iterator[Shown]:
    for method, path, said in operations():
        for status, answer in said["responses"].items():
            for content in answer.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    where = f"{method} {path} {status} {name}"
                    yield Shown(where, status, example["value"], content["schema"], answer["description"])


def test_every_body_has_an_example_and_every_example_is_tried() -> None:
    bodies = {said["operationId"] for _, _, said in operations() if "requestBody" in said}
    shown = {example.operation for example in request_examples()}
    assert bodies == shown == set(ARRANGED)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("example", request_examples(), ids=lambda one: f"{one.operation}-{one.name}")
def test_an_example_of_a_request_succeeds(example: Example, world_of_examples: World) -> None:
    method, path = route_of(example.operation)
    said = schema()["paths"][path][method]
    shape = said["requestBody"]["content"]["application/json"]["schema"]
    ask = ARRANGED[example.operation](world_of_examples, dict(example.body))
    assert faults(example.body, shape) == faults(ask.body, shape) == []

    answer = send(example.operation, ask)

    assert 200 <= answer.status_code < 300, answer.content
    content = said["responses"][str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b""
    else:
        assert faults(answer.json(), content["application/json"]["schema"]) == []


def test_every_example_of_an_answer_is_of_its_shape() -> None:
    shown = list(answer_examples())
    assert len(shown) > 50
    wrong = {one.where: found for one in shown if (found := faults(one.value, one.shape))}
    assert not wrong


def test_an_example_of_a_refusal_has_the_status_under_which_it_stands() -> None:
    for shown in answer_examples():
        assert str(shown.value["status"]) == shown.status, shown.where
        assert f"`{shown.value['code']}`" in shown.words, shown.where


def test_every_operation_says_what_comes_when_all_is_well() -> None:
    for method, path, said in operations():
        well = {status: answer for status, answer in said["responses"].items() if status.startswith("2")}
        assert well, (method, path)
        for status, answer in well.items():
            without = status == "204" or (status, said["operationId"]) in WITHOUT_A_BODY
            assert without == ("content" not in answer), (method, path, status)
            for content in answer.get("content", {}).values():
                assert content["schema"], (method, path, status)


# Accepted, and there is nothing to say of it.
WITHOUT_A_BODY = {("202", "forget_password"), ("202", "send_email_confirmation")}


def test_every_operation_is_described_in_a_line_of_its_own() -> None:
    first = [said["description"].split("\n")[0] for _, _, said in operations()]
    assert all(line.endswith((".", "`")) for line in first), first
    assert all(len(line) < 150 for line in first), [line for line in first if len(line) >= 150]


def test_a_wrong_value_is_found() -> None:
    shape = {"$ref": "#/components/schemas/Money"}
    assert faults({"amount": "52.90", "currency": "EUR"}, shape) == []
    assert faults({"amount": 52.9, "currency": "EUR"}, shape)
    assert faults({"amount": "52.90"}, shape)
