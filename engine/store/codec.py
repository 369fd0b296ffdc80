"""Events as JSON and back. The same text is stored and sent: one object with `kind` and the event's own fields."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from engine.core.events import Event


class UnknownEventError(ValueError):
    """A stored event cannot be read back: its kind or its fields are not those of this version."""


def kinds() -> dict[str, type[Event]]:
    """Every kind of event that is known, by its name on the wire."""
    known: dict[str, type[Event]] = {}
    waiting: list[type[Event]] = [Event]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            # The property only reads the class's name, so it needs no instance with fields.
            known[object.__new__(kind).kind] = kind
            waiting.append(kind)
    return known


def encode(event: Event) -> bytes:
    """The event as JSON. Raises ValueError when a number in it is not finite: JSON would lose it."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    _require_finite(fields, event.kind)
    return msgspec.json.encode({"kind": event.kind, **fields})


def decode(body: bytes | str) -> Event:
    """The event of a JSON text. Raises UnknownEventError."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(body, type=dict)
        kind = fields.pop("kind", None)
        known = kinds()
        if not isinstance(kind, str) or kind not in known:
            raise UnknownEventError(f"events of kind {kind!r} are not known to this version")
        return msgspec.convert(fields, known[kind])
    except msgspec.MsgspecError as error:
        raise UnknownEventError(f"the event cannot be read: {error}") from error


def _require_finite(value: Any, where: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: events hold finite numbers only")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _require_finite(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _require_finite(inner, f"{where}[{index}]")
