"""Prefixes in values: many clients write the usual ones (`tt:LineDetector`, `tns1:RuleEngine`) and declare none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from onvif_server.soap import names

USUAL: Final[Mapping[str | None, str]] = {"tt": names.SCHEMA, "axt": names.ANALYTICS_TYPES, "tns1": names.TOPICS}
"""What these prefixes mean wherever ONVIF's own texts use them."""

_TYPED: Final = frozenset({names.tag(names.ANALYTICS, name) for name in ("Type", "RuleType")})


def in_force(element: etree._Element) -> dict[str | None, str]:
    """The namespaces by prefix for values in an element: those that the client has declared, and the usual ones."""
    return {**USUAL, **element.nsmap}


def declare_usual(message: etree._Element) -> None:
    """Declares the usual prefixes of types (of rules and analytics modules) where the client has not."""
    for element in message.iter(etree.Element):
        written = element.get("Type")
        if written is not None and (meant := _meant(element, written)) is not None:
            element.set("Type", meant)
        if element.tag in _TYPED and element.text and (meant := _meant(element, element.text)) is not None:
            element.text = meant


def _meant(element: etree._Element, value: str) -> Any:
    """The QName in a value whose prefix is usual and not declared, else None. Set as a value it gets a declaration."""
    prefix, colon, local = value.strip().partition(":")
    if not colon or prefix not in USUAL or prefix in element.nsmap:
        return None
    try:
        return etree.QName(USUAL[prefix], local)
    except ValueError:  # no name; the validation says so
        return None
