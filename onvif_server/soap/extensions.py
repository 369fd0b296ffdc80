"""What newer releases of the schemas, and vendors, put into requests where the schemas leave room for it.

XSD 1.0 has no way to say "anything, beside these elements" (see `schema`), so the validator refuses what stands there.
Elements that nobody here knows, in places that are open to them, mean nothing to the device: they are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lxml import etree

from onvif_server.soap import names

_ELEMENT: Final = names.tag(names.XS, "element")
_TYPE: Final = names.tag(names.XS, "complexType")
_ANY: Final = names.tag(names.XS, "any")
_EXTENSION: Final = names.tag(names.XS, "extension")


class Extensions:
    """Knows the names of all elements of a schema set, and which of them are open to others."""

    def __init__(self, schemas: Iterable[etree._Element]) -> None:
        """`schemas` are the xs:schema elements of the set."""
        types: dict[str, etree._Element] = {}
        declared: list[tuple[str, etree._Element]] = []
        wildcards: set[etree._Element] = set()
        for schema in schemas:
            target = schema.get("targetNamespace", "")
            types |= {names.tag(target, one.get("name", "")): one for one in schema.iterfind(_TYPE)}
            declared += [
                (names.tag(target, one.get("name", "")), one) for one in schema.iter(_ELEMENT) if one.get("name")
            ]
            wildcards |= {
                next(one.iterancestors(_TYPE)) for one in schema.iter(_ANY) if one.get("namespace", "##any") == "##any"
            }
        self._known = frozenset(tag for tag, _ in declared)
        self._open = frozenset(
            tag for tag, element in declared if not wildcards.isdisjoint(_with_bases(element, types))
        )

    def drop(self, message: etree._Element) -> bool:
        """Takes what is not known out of the places that are open to it; whether there was any."""
        unknown = [
            element
            for element in message.iter(etree.Element)
            if element.tag not in self._known and _parent_tag(element) in self._open
        ]
        for element in unknown:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
        return bool(unknown)


def _parent_tag(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else str(parent.tag)


def _with_bases(element: etree._Element, types: Mapping[str, etree._Element]) -> Iterator[etree._Element]:
    """The complex type of an element, inline or by name, and those that it extends."""
    found = element.find(_TYPE)
    if found is None:
        found = types.get(_full(element, element.get("type", "")))
    while found is not None:
        yield found
        extension = found.find(f"*/{_EXTENSION}")
        found = None if extension is None else types.get(_full(extension, extension.get("base", "")))


def _full(element: etree._Element, qname: str) -> str:
    prefix, _, local = qname.rpartition(":")
    return names.tag(element.nsmap.get(prefix or None) or "", local)
