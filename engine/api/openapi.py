"""The OpenAPI document, made of the declared operations and the types of their messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from engine.api.messages.base import ErrorAnswer
from engine.api.messages.websocket import ClientMessage, ServerMessage
from engine.api.operations import Document, Jpeg, Operation
from engine.store import codec

type Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"


def document(operations: Iterable[Operation], *, title: str, version: str) -> Json:
    """The OpenAPI 3.1 document."""
    operations = tuple(operations)
    paths: dict[str, Json] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Times are Unix seconds, angles degrees, picture coordinates 0 to 1 from the upper left "
            "corner. Clients must ignore fields and events that they do not know.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Error": {
                    "description": "Refused or failed: `code` is for programs, `message` for people.",
                    "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="ErrorAnswer")}}},
                }
            },
        },
    }


def for_swagger_ui(document_3_1: Mapping[str, Any]) -> Json:
    """The same in OpenAPI 3.0, which is what the packaged Swagger UI 4 can show."""
    converted = _downgrade(document_3_1)
    converted["openapi"] = "3.0.3"
    converted["info"]["license"].pop("identifier", None)
    return converted  # type: ignore[no-any-return]


def _operation(each: Operation) -> Json:
    described: Json = {
        "operationId": each.name,
        "tags": [each.tag],
        "summary": each.summary,
        "parameters": [*_path_parameters(each.path), *_query_parameters(each.query)],
        "responses": {str(each.status.value): _success(each), "default": {"$ref": "#/components/responses/Error"}},
        "security": [] if each.role is None else [{"token": []}],
    }
    description = each.description
    if each.role is not None:
        description = f"{description}\n\nNeeds the level `{each.role}` or above.".strip()
    if description:
        described["description"] = description
    if each.body is not None:
        (schema,), _ = msgspec.json.schema_components([each.body], ref_template=_REFERENCE)
        fields = msgspec.structs.fields(each.body)
        described["requestBody"] = {
            "required": any(field.required for field in fields),
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: type[msgspec.Struct] | None) -> list[Json]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components([query], ref_template=_REFERENCE)
    schema = components[query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(described)}
        for name, described in schema["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    # A query cannot say null: what is left out is null.
    kept = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    choices = [choice for choice in kept.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept.pop("anyOf")
        kept |= choices[0]
    return kept


def _success(each: Operation) -> Json:
    if each.result is type(None):
        return {"description": "Done."}
    if each.result is Jpeg:
        return {"description": "A JPEG.", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
    if each.result is Document:
        return {"description": "A JSON document.", "content": {"application/json": {"schema": {"type": "object"}}}}
    if not issubclass(each.result, msgspec.Struct):
        return {"description": "Switching protocols."}
    (schema,), _ = msgspec.json.schema_components([each.result], ref_template=_REFERENCE)
    description = (each.result.__doc__ or "").partition("\n")[0] or "Done."
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schemas(operations: tuple[Operation, ...]) -> Json:
    types: list[Any] = [ErrorAnswer, ClientMessage, ServerMessage]
    for each in operations:
        types += [
            kind for kind in (each.body, each.result) if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        ]
    kinds = codec.kinds()
    (_, client, server, *_), schemas = msgspec.json.schema_components(
        [*types, *kinds.values()], ref_template=_REFERENCE
    )
    schemas["ClientMessage"], schemas["ServerMessage"] = client, server
    for name, kind in kinds.items():
        schema = schemas[kind.__name__]
        schema["properties"] = {"kind": {"const": name}, **schema["properties"]}
        # The engine always sends all fields; defaults concern only those who make events.
        schema["required"] = list(schema["properties"])
    event = {"$ref": _REFERENCE.format(name="Event")}
    schemas["Event"] = {
        "oneOf": [{"$ref": _REFERENCE.format(name=kind.__name__)} for kind in kinds.values()],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {name: _REFERENCE.format(name=kind.__name__) for name, kind in kinds.items()},
        },
    }
    schemas["EventMessage"]["properties"]["event"] = event
    schemas["EventList"]["properties"]["events"]["items"] = event
    return schemas


def _downgrade(value: Any) -> Any:
    if isinstance(value, list):
        return [_downgrade(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    converted = {key: _downgrade(each) for key, each in value.items()}
    choices = converted.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        converted.pop("anyOf")
        converted["nullable"] = True
        # Beside a reference 3.0 ignores everything, so it is wrapped.
        converted |= {"allOf": rest} if len(rest) == 1 and "$ref" in rest[0] else _one_of(rest)
    if "const" in converted:
        converted["enum"] = [converted.pop("const")]
    for limit, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(converted.get(limit), int | float):
            converted[plain] = converted[limit]
            converted[limit] = True
    return converted


def _one_of(choices: list[Json]) -> Json:
    return choices[0] if len(choices) == 1 else {"anyOf": choices}
