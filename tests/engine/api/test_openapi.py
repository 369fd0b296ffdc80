"""The OpenAPI document tells the truth, and the page shows it without the internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from engine.api.application import OPERATIONS
from engine.api.openapi import document, for_swagger_ui
from engine.store import codec
from tests.engine.api.conftest import Api


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return json.loads(json.dumps(document(OPERATIONS, title="Smart PTZ", version="1.2.3")))


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


async def test_every_route_is_in_the_document_and_the_other_way_round(api: Api) -> None:
    status, served = await api.call("GET", "/openapi.json", role=None)
    assert status == 200
    documented = {(method.upper(), path) for path, item in served["paths"].items() for method in item}
    routed = {
        (route.method, route.resource.canonical)
        for route in api.server._app.router.routes()
        if route.resource is not None and route.method != "HEAD" and route.resource.canonical.startswith("/api/")
    }
    assert documented == routed


def test_the_document_has_the_form_of_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    assert set(described["info"]) >= {"title", "version"}
    names = [item["operationId"] for path in described["paths"].values() for item in path.values()]
    assert len(names) == len(set(names))
    for path, item in described["paths"].items():
        assert path.startswith("/api/v1/")
        for method, each in item.items():
            assert method in {"get", "post", "put", "delete"}
            assert each["summary"]
            assert {"default"} < set(each["responses"])
            in_path = {p["name"] for p in each["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert all(p["required"] for p in each["parameters"] if p["in"] == "path")
            assert all("schema" in p and p["schema"] for p in each["parameters"])
            assert "requestBody" not in each or method in {"post", "put"}
            for content in each.get("requestBody", {}).get("content", {}).values():
                assert "$ref" in content["schema"]


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    for schema in walk(described):
        if "$ref" in schema:
            target: Any = described
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]


def test_schemas_use_known_words_only(described: dict[str, Any]) -> None:
    known = {
        "$ref", "title", "description", "type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf",
        "allOf", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
        "minItems", "maxItems", "pattern", "format", "additionalProperties", "discriminator",
    }  # fmt: skip

    def check(schema: Any) -> None:
        if schema is True or schema is False:
            return
        assert set(schema) <= known, schema
        for inner in schema.get("properties", {}).values():
            check(inner)
        for word in ("anyOf", "oneOf", "allOf"):
            for inner in schema.get(word, []):
                check(inner)
        if "items" in schema:
            check(schema["items"])
        if "required" in schema:
            assert set(schema["required"]) <= set(schema["properties"])

    for schema in described["components"]["schemas"].values():
        check(schema)


def test_events_are_described_by_their_kinds(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["Event"]["discriminator"]["mapping"]) == set(codec.kinds())
    assert schemas["CaptureTaken"]["properties"]["kind"] == {"const": "capture_taken"}
    assert {"kind", "event_id", "at", "box"} <= set(schemas["CaptureTaken"]["required"])


def test_public_operations_are_the_few_that_must_be(described: dict[str, Any]) -> None:
    public = {path for path, item in described["paths"].items() for each in item.values() if each["security"] == []}
    # The WebSocket asks for the token in its own way.
    assert public == {f"/api/v1/{name}" for name in ("info", "activation", "session", "openapi.json", "ws")}


def test_the_page_gets_a_document_that_its_swagger_ui_can_read(described: dict[str, Any]) -> None:
    for schema in walk(for_swagger_ui(described)["components"]["schemas"]):
        assert schema.get("type") != "null"
        assert "const" not in schema
        assert not isinstance(schema.get("exclusiveMinimum"), float)
    assert described["openapi"] == "3.1.0", "the document itself is left as it is"
    assert described["info"]["license"]["identifier"] == "Apache-2.0"


async def test_the_page_needs_nothing_from_elsewhere(api: Api) -> None:
    base = f"http://127.0.0.1:{api.server.port}"
    async with api.http.get(base + "/docs") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "http" not in page
    assert "<script>" not in page
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(links) == 4
    for link in [*links, "/docs/openapi.json"]:
        async with api.http.get(base + link) as answer:
            assert answer.status == 200, link
    async with api.http.get(base + "/docs/..%2f..%2f__init__.py") as answer:
        assert answer.status == 404
