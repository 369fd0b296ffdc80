"""Reads and writes SOAP envelopes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import uuid4

from lxml import etree

from onvif_server.soap import names
from onvif_server.soap.faults import Fault, malformed
from onvif_server.soap.parsing import parse_xml
from onvif_server.soap.prefixes import declare_usual
from onvif_server.soap.values import clean_text

_UNDERSTOOD: Final = frozenset({names.ADDRESSING, names.SECURITY})
_VERBATIM: Final = frozenset(
    (names.tag(names.SCHEMA, "Password"), names.tag(names.SCHEMA, "PlainText"), names.tag(names.EVENTS, "Password"))
)
_ROLES: Final = (f"{names.ENVELOPE}/role/next", f"{names.ENVELOPE}/role/ultimateReceiver")
"""The roles that a receiver has, besides having none."""


@dataclass(frozen=True, slots=True)
class Request:
    """A received envelope: the body's one element, the UsernameToken if any, and the WS-Addressing message id."""

    message: etree._Element
    username_token: etree._Element | None
    message_id: str | None
    """None also if it is not what it must be, a URI."""

    addressed: bool
    """Whether the sender uses WS-Addressing at all."""


def parse_request(body: bytes) -> Request:
    """Reads an envelope. Raises Fault for anything that is not one, or that carries more than we read."""
    envelope = parse_xml(body)
    if envelope.tag != names.tag(names.ENVELOPE, "Envelope"):
        if etree.QName(envelope).localname == "Envelope":
            raise Fault(reason="the envelope is not of SOAP 1.2", code="VersionMismatch")
        raise malformed("the document is not a SOAP envelope")
    header = envelope.find(names.tag(names.ENVELOPE, "Header"))
    content = envelope.find(names.tag(names.ENVELOPE, "Body"))
    if content is None or len(content) != 1:
        raise malformed("the envelope needs a body with exactly one element")
    blocks = () if header is None else tuple(header)
    for block in blocks:
        if _must_understand(block) and etree.QName(block).namespace not in _UNDERSTOOD:
            raise Fault(reason=f"the header {block.tag} is not understood", code="MustUnderstand")
    _strip_values(content[0])
    declare_usual(content[0])
    security = next((b for b in blocks if b.tag == names.tag(names.SECURITY, "Security")), None)
    message_id = next((b.text for b in blocks if b.tag == names.tag(names.ADDRESSING, "MessageID")), None)
    return Request(
        message=content[0],
        username_token=None if security is None else security.find(names.tag(names.SECURITY, "UsernameToken")),
        message_id=message_id.strip() if message_id and _is_uri(message_id.strip()) else None,
        addressed=any(etree.QName(block).namespace == names.ADDRESSING for block in blocks),
    )


@cache
def _uris() -> etree.XMLSchema:
    schema = etree.Element(names.tag(names.XS, "schema"), nsmap={"xs": names.XS})
    etree.SubElement(schema, names.tag(names.XS, "element"), name="uri", type="xs:anyURI")
    return etree.XMLSchema(schema)


def _is_uri(text: str) -> bool:
    """Whether an answer that quotes this as a URI is valid itself."""
    element = etree.Element("uri")
    element.text = text
    return _uris().validate(element)


def _must_understand(block: etree._Element) -> bool:
    role = block.get(names.tag(names.ENVELOPE, "role"), "").strip()
    if role and role not in _ROLES:
        return False  # it is somebody else's
    return block.get(names.tag(names.ENVELOPE, "mustUnderstand"), "0").strip() in ("1", "true")


def _strip_values(message: etree._Element) -> None:
    # Some recorders break lines inside values; of ONVIF's only passwords and texts can begin or end with blanks.
    for element in message.iter(etree.Element):
        if element.text is not None and len(element) == 0 and element.tag not in _VERBATIM:
            element.text = element.text.strip()


def new_envelope(request: Request | None, action: str) -> tuple[etree._Element, etree._Element]:
    """An envelope that answers the request, and its empty body. Addressing headers only if the request has them."""
    envelope = etree.Element(names.tag(names.ENVELOPE, "Envelope"), nsmap=names.PREFIXES)
    if request is not None and request.addressed:
        header = etree.SubElement(envelope, names.tag(names.ENVELOPE, "Header"))
        etree.SubElement(header, names.tag(names.ADDRESSING, "MessageID")).text = f"urn:uuid:{uuid4()}"
        if request.message_id:
            etree.SubElement(header, names.tag(names.ADDRESSING, "RelatesTo")).text = request.message_id
        etree.SubElement(header, names.tag(names.ADDRESSING, "To")).text = names.ANONYMOUS_ADDRESS
        etree.SubElement(header, names.tag(names.ADDRESSING, "Action")).text = action
    return envelope, etree.SubElement(envelope, names.tag(names.ENVELOPE, "Body"))


_FAULT_ACTION: Final = f"{names.ADDRESSING}/soap/fault"
_ACTIONS_BY_DETAIL: Final = {
    # WS-BaseNotification, WS-ResourceFramework and the event service have actions of their own for their faults.
    names.NOTIFICATION: "http://docs.oasis-open.org/wsn/fault",
    names.RESOURCE: "http://docs.oasis-open.org/wsrf/fault",
    names.EVENTS: f"{names.EVENTS}/PullPointSubscription/PullMessages/Fault/PullMessagesFaultResponse",
}


def fault_envelope(request: Request | None, fault: Fault) -> etree._Element:
    """The envelope for a fault. Subcodes are QNames in text: their prefixes stand on the root."""
    defined_by = "" if fault.detail is None else etree.QName(fault.detail).namespace or ""
    envelope, body = new_envelope(request, _ACTIONS_BY_DETAIL.get(defined_by, _FAULT_ACTION))
    element = etree.SubElement(body, names.tag(names.ENVELOPE, "Fault"))
    code = etree.SubElement(element, names.tag(names.ENVELOPE, "Code"))
    etree.SubElement(code, names.tag(names.ENVELOPE, "Value")).text = f"s:{fault.code}"
    for subcode in fault.subcodes:
        code = etree.SubElement(code, names.tag(names.ENVELOPE, "Subcode"))
        etree.SubElement(code, names.tag(names.ENVELOPE, "Value")).text = subcode
    reason = etree.SubElement(element, names.tag(names.ENVELOPE, "Reason"))
    text = etree.SubElement(reason, names.tag(names.ENVELOPE, "Text"), {names.tag(names.XML, "lang"): "en"})
    text.text = clean_text(fault.reason)[:500]  # a reason may quote what the client sent
    if fault.detail is not None:
        etree.SubElement(element, names.tag(names.ENVELOPE, "Detail")).append(fault.detail)
    return envelope


def serialize(envelope: etree._Element) -> bytes:
    """The document as it goes over the wire."""
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
