"""The schema says everything, and what apps rely on stays. `docs/openapi.json` is what they rely on."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.api.compatibility import METHODS, breaking_changes
from tests.processes import ROOT

RELEASED = ROOT / "docs" / "openapi.json"
WRITE = "python manage.py spectacular --format openapi-json --file docs/openapi.json"
PRICES = "/api/v1/prices/"
LONGEST_TITLE = 100


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(made))


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


def test_it_is_whole_and_valid(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert not GENERATOR_STATS, "drf-spectacular could not find out everything; run manage.py spectacular"
    assert schema["openapi"].startswith("3.1")


def test_every_operation_says_what_it_is(schema: dict[str, Any]) -> None:
    silent = [name for name, one in operations(schema) if not one.get("description")]
    assert not silent
    assert all(
        len(one["summary"]) <= LONGEST_TITLE and "\n" not in one["summary"] for _, one in operations(schema)
    )
    ids = [one["operationId"] for _, one in operations(schema)]
    assert len(ids) == len(set(ids))


def test_every_operation_says_how_it_refuses(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        answers = operation["responses"]
        assert {"401", "406", "429", "503"} <= answers.keys(), name
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= answers.keys(), name
        for status, answer in answers.items():
            if status >= "400":
                assert "application/problem+json" in answer["content"], (name, status)


def test_what_apps_rely_on_is_still_there(schema: dict[str, Any]) -> None:
    broken = breaking_changes(json.loads(RELEASED.read_text()), schema)
    assert not broken, "\n".join(["This breaks apps; see docs/api.md, Versions.", *broken])


def test_the_committed_schema_is_the_one_that_is_served(schema: dict[str, Any]) -> None:
    assert json.loads(RELEASED.read_text()) == schema, f"Write it anew: {WRITE}"


def without_operation(schema: dict[str, Any]) -> None:
    del schema["paths"][PRICES]["post"]


def without_a_member(schema: dict[str, Any]) -> None:
    del schema["components"]["schemas"]["Totals"]["properties"]["total"]


def with_an_optional_answer(schema: dict[str, Any]) -> None:
    schema["components"]["schemas"]["Totals"]["required"].remove("total")


def with_a_nullable_answer(schema: dict[str, Any]) -> None:
    schema["components"]["schemas"]["Money"]["properties"]["amount"]["type"] = ["string", "null"]


def with_a_new_demand(schema: dict[str, Any]) -> None:
    schema["components"]["schemas"]["WantedRequest"]["required"].append("country")


def with_a_shorter_text(schema: dict[str, Any]) -> None:
    schema["components"]["schemas"]["WantedLineRequest"]["properties"]["sku"]["maxLength"] = 10


def with_another_type(schema: dict[str, Any]) -> None:
    schema["components"]["schemas"]["WantedLineRequest"]["properties"]["quantity"]["type"] = "string"


def without_a_parameter(schema: dict[str, Any]) -> None:
    schema["paths"][PRICES]["post"]["parameters"] = []


def without_guests(schema: dict[str, Any]) -> None:
    schema["paths"][PRICES]["post"]["security"] = [{"accessToken": []}]


@pytest.mark.parametrize(
    "change",
    [
        without_operation,
        without_a_member,
        with_an_optional_answer,
        with_a_nullable_answer,
        with_a_new_demand,
        with_a_shorter_text,
        with_another_type,
        without_a_parameter,
        without_guests,
    ],
)
def test_a_change_that_breaks_apps_is_found(
    schema: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    changed = copy.deepcopy(schema)
    change(changed)
    assert breaking_changes(schema, changed)


def test_what_is_new_breaks_nobody(schema: dict[str, Any]) -> None:
    grown = copy.deepcopy(schema)
    grown["paths"]["/api/v1/news/"] = grown["paths"]["/api/v1/problems/"]
    grown["components"]["schemas"]["Totals"]["properties"]["more"] = {"type": "string"}
    grown["components"]["schemas"]["WantedRequest"]["properties"]["more"] = {"type": "string"}
    assert breaking_changes(schema, grown) == []
    assert breaking_changes(grown, schema)
