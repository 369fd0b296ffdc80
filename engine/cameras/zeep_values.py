"""Reading and changing what zeep makes of a camera's answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import zeep.helpers


def plain(value: Any) -> dict[str, Any]:
    """A structure as dictionaries, to be changed and sent back: without what is not there, and what is private."""
    found = _without_gaps(zeep.helpers.serialize_object(value, dict))  # type: ignore[no-untyped-call]
    return found if isinstance(found, dict) else {}


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _without_gaps(one) for name, one in value.items() if not name.startswith("_")}
        return {name: one for name, one in found.items() if one is not None and one != {}}
    return value


def numbers(value: str | Iterable[Any] | None) -> tuple[float, ...]:
    """A list of numbers, which an attribute may also hold as one text. Raises ValueError."""
    parts = value.split() if isinstance(value, str) else value or ()
    return tuple(float(part) for part in parts)


def words(value: str | Iterable[Any] | None) -> tuple[str, ...]:
    """A list of words, each once, which an attribute may also hold as one text."""
    parts = value.split() if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(str(part) for part in parts))
