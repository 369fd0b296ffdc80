"""Reading and changing what zeep makes of a camera's answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final

import zeep.helpers
from lxml import etree
from zeep.xsd.valueobjects import CompoundValue

_GREATEST: Final = 2**31 - 1


def plain(value: Any) -> dict[str, Any]:
    """A structure as dictionaries, to be changed and sent back: without what is not there, and what is private."""
    found = _without_gaps(zeep.helpers.serialize_object(value, dict))  # type: ignore[no-untyped-call]
    return found if isinstance(found, dict) else {}


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _without_gaps(one) for name, one in value.items() if not name.startswith("_")}
        return {name: one for name, one in found.items() if one is not None and one != {}}
    return value


def dig(value: Any, path: Iterable[str]) -> Any:
    """What is at a path of names; None where there is nothing.

    Where the schema allows anything before an element, zeep takes the element for that, and gives its structure if an
    element of that name stands by itself in the schema, else XML: from there on the answer is a list of texts, or a
    structure of texts.
    """
    found: Any = value
    for name in path:
        found = _step(found, name)
    if not isinstance(found, list) or not any(isinstance(one, etree._Element) for one in found):  # noqa: SLF001 - lxml's type
        return found
    if len(found[0]):
        return SimpleNamespace(**{etree.QName(child).localname: child.text for child in found[0]})
    return [one.text or "" for one in found]


def _step(value: Any, name: str) -> Any:
    typed = getattr(value, name, None)
    if typed is not None and typed != []:
        return typed
    elements = (
        [child for one in value for child in one] if isinstance(value, list) else getattr(value, "_value_1", None)
    )
    for one in elements or ():
        if isinstance(one, CompoundValue) and type(one).__name__ == name:
            return one
    named = [one for one in elements or () if isinstance(one, etree._Element) and etree.QName(one).localname == name]  # noqa: SLF001 - lxml's type
    return named or None


def number(value: Any) -> float:
    """A number that can be passed on. Raises TypeError, and ValueError for one without end and for what is none."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{found} is no number")
    return found


def integer(value: Any) -> int:
    """A number as XML's int can hold it. Raises TypeError, ValueError."""
    return int(min(max(number(value), -_GREATEST), _GREATEST))


def numbers(value: str | Iterable[Any] | None) -> tuple[float, ...]:
    """A list of numbers, which an attribute may also hold as one text. Raises TypeError, ValueError."""
    parts = value.split() if isinstance(value, str) else value or ()
    return tuple(number(part) for part in parts)


def words(value: str | Iterable[Any] | None) -> tuple[str, ...]:
    """A list of words, each once, which an attribute may also hold as one text."""
    parts = value.split() if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(str(part) for part in parts))
