"""Reads foreign XML: no DTD, no entities, limited size and depth, and nothing of it stays in memory."""

from __future__ import annotations

import re
from concurrent.futures import Future
from threading import Thread
from typing import Final
from xml.parsers import expat

from lxml import etree

from onvif_server.soap.faults import Fault, malformed

MAXIMUM_DEPTH: Final = 64
MAXIMUM_TAGS: Final = 20_000
"""Opening and closing tags of one document."""

MAXIMUM_ATTRIBUTES: Final = 8_000
"""Equals signs of one document: each attribute and each declaration of a prefix has one."""

MAXIMUM_ATTRIBUTES_OF_ONE: Final = 64
MAXIMUM_KEPT_NAMES: Final = 8_192
"""So many different names (and namespaces) may stay in memory for good; the whole schema set has fewer."""

MAXIMUM_KEPT_NAME: Final = 128
"""And none of them is longer than that, in characters."""

_ENCODING: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']*)")
_UTF_8: Final = re.compile(rb"(?i)utf-?8")
_ASCII_LIKE: Final = re.compile(rb"(?i)utf-?8|us-ascii|ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d")
_FOREIGN_MARKS: Final = frozenset({b"\x4c\x6f\xa7\x94"})
_BLANKS: Final = re.compile(rb">[ \t\r\n]+<")


def parse_xml(body: bytes) -> etree._Element:
    """Parses foreign bytes; the size is the caller's to limit. Raises Fault.

    What would cost something is refused before the tree is built: document types, encodings that could hide one,
    floods of elements and attributes, depth.
    """
    foreign = _names(body, _check_bytes(body))
    # libxml2 keeps every name that it ever met, and blanks between tags too, for as long as the thread lives.
    # Strangers must not fill our memory so: a document with names that cannot stay is read by a thread that goes.
    body = _BLANKS.sub(b"><", body)
    if _kept.learn(foreign):
        return _parse(body)
    result: Future[etree._Element] = Future()
    thread = Thread(target=_parse_into, args=(result, body), name="foreign XML")
    thread.start()
    thread.join()
    return result.result()


class _Kept:
    """The names that libxml2 holds for us already."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def learn(self, names: set[str]) -> bool:
        """Whether these names may stay; if so, they do."""
        new = names - self._names
        if not new:
            return True
        if len(self._names) + len(new) > MAXIMUM_KEPT_NAMES or any(len(name) > MAXIMUM_KEPT_NAME for name in new):
            return False
        self._names |= new
        return True


_kept: Final = _Kept()


class _Reader:
    """Follows a document without keeping it: its depth, and its names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._depth = 0

    def begin(self, name: str, attributes: list[str]) -> None:
        """An element begins; `attributes` are names and values in turns."""
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise malformed(f"the request is nested deeper than {MAXIMUM_DEPTH} elements")
        self.names.add(name)
        if attributes:
            if len(attributes) > 2 * MAXIMUM_ATTRIBUTES_OF_ONE:
                raise malformed(f"an element has more than {MAXIMUM_ATTRIBUTES_OF_ONE} attributes")
            self.names.update(attributes[::2])
            self.names.update(
                value for key, value in zip(attributes[::2], attributes[1::2], strict=True) if key[:5] == "xmlns"
            )

    def end(self, _name: str) -> None:
        """An element ends."""
        self._depth -= 1

    def instruction(self, target: str, _content: str) -> None:
        """A processing instruction."""
        self.names.add(target)

    def document_type(self, *_of_it: object) -> None:
        """A document type; its name in the bytes was looked for already."""
        raise malformed("a document type is not allowed")


def _names(body: bytes, encoding: str | None) -> set[str]:
    reader = _Reader()
    parser = expat.ParserCreate(encoding)
    parser.ordered_attributes = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.ProcessingInstructionHandler = reader.instruction
    parser.StartDoctypeDeclHandler = reader.document_type
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise malformed(f"the request is not well-formed XML: {error}") from error
    return reader.names


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise malformed(f"the request is not well-formed XML: {error}") from error


def _parse_into(result: Future[etree._Element], body: bytes) -> None:
    try:
        result.set_result(_parse(body))
    except Fault as fault:
        result.set_exception(fault)


def _check_bytes(body: bytes) -> str | None:
    """Refuses what must not be read. Returns the encoding, None if the document's own name for it will do."""
    declared = _ENCODING.match(body)
    if b"\0" in body or body[:4] in _FOREIGN_MARKS:
        raise malformed("the request must be UTF-8")
    if declared is not None and not _ASCII_LIKE.fullmatch(declared.group(1)):
        raise malformed("the request must be UTF-8")
    # In the encodings that are left, these bytes are these characters and nothing else.
    if b"<!DOCTYPE" in body:
        raise malformed("a document type is not allowed")
    if body.count(b"<") > MAXIMUM_TAGS or body.count(b"=") > MAXIMUM_ATTRIBUTES:
        raise malformed("the request has too many elements or attributes")
    return "utf-8" if declared is None or _UTF_8.fullmatch(declared.group(1)) else None
