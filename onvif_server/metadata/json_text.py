"""Metadata as JSON (ONVIF Analytics: JSON payload format), for MQTT."""

from __future__ import annotations

import json
from typing import Final

from lxml import etree

type Json = str | dict[str, Json] | list[Json] | None

_REPEATED: Final = frozenset({"Frame", "Object", "Type", "Point", "Polygon", "ColorCluster"})
"""Elements that there can be several of are arrays even where there is one: who reads it need not know both forms."""


def json_payload(element: etree._Element) -> bytes:
    """An element as the payload of a message: attributes by `@name`, texts of elements with attributes by `#text`.

    All our elements are in ONVIF's own namespaces, whose prefixes are dropped.
    """
    return json.dumps(_children({}, [element]), ensure_ascii=False, separators=(",", ":")).encode()


def json_value(element: etree._Element) -> Json:
    """What is in an element, as `json_payload` writes it."""
    text = (element.text or "").strip()
    if not element.attrib and len(element) == 0:
        return text or None
    found: dict[str, Json] = {f"@{etree.QName(name).localname}": str(value) for name, value in element.attrib.items()}
    if text:
        found["#text"] = text
    return _children(found, list(element))


def _children(found: dict[str, Json], elements: list[etree._Element]) -> dict[str, Json]:
    for child in elements:
        name = etree.QName(child).localname
        value = json_value(child)
        known = found.get(name)
        if isinstance(known, list):
            known.append(value)
        elif name in found:
            found[name] = [known, value]
        else:
            found[name] = [value] if name in _REPEATED else value
    return found
