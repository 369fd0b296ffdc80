"""The messages of WS-Discovery 2005/04, which is the version that ONVIF uses, with WS-Addressing 2004/08."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from lxml import etree

from onvif_server.soap import names
from onvif_server.soap.envelope import serialize
from onvif_server.soap.faults import Fault
from onvif_server.soap.parsing import parse_xml
from onvif_server.soap.values import clean_text

DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
NETWORK: Final = "http://www.onvif.org/ver10/network/wsdl"
EVERYBODY: Final = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
ASKER: Final = f"{ADDRESSING}/role/anonymous"

MAXIMUM_BYTES: Final = 16 * 1024
"""A datagram that is larger is no question of an ONVIF client."""
_MAXIMUM_TEXT: Final = 1024
_MAXIMUM_WORDS: Final = 64

_PREFIXES: Final = {"s": names.ENVELOPE, "wsa": ADDRESSING, "d": DISCOVERY, "dn": NETWORK, "tds": names.DEVICE}
TYPES: Final = ((NETWORK, "NetworkVideoTransmitter"), (names.DEVICE, "Device"))
"""What every ONVIF device is, as namespace and name."""
_TYPES_TEXT: Final = "dn:NetworkVideoTransmitter tds:Device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Somebody searches: for devices that have all these types, and these scopes by this rule ("": the default)."""

    message_id: str
    types: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Somebody knows a device's identity, and asks for its address."""

    message_id: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A device as it is told."""

    uuid: UUID
    scopes: Sequence[str]
    addresses: Sequence[str]
    metadata_version: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands among those of its sender: in which life of it, and as which one (AppSequence)."""

    instance: int
    number: int


def read_question(datagram: bytes) -> Probe | Resolve | None:
    """The question in a datagram; None for anything else, and for what is malformed: nobody is told about that."""
    envelope = _envelope_of(datagram)
    if envelope is None:
        return None
    action = _text(envelope, "Header", names.tag(ADDRESSING, "Action"))
    message_id = _text(envelope, "Header", names.tag(ADDRESSING, "MessageID"))
    body = envelope.find(names.tag(names.ENVELOPE, "Body"))
    if not message_id or body is None or len(body) != 1:
        return None
    read = _READERS.get((action, str(body[0].tag)))
    return None if read is None else read(message_id, body[0])


def _envelope_of(datagram: bytes) -> etree._Element | None:
    if len(datagram) > MAXIMUM_BYTES or (b"Probe" not in datagram and b"Resolve" not in datagram):
        return None
    try:
        root = parse_xml(datagram)
    except Fault:
        return None
    return root if root.tag == names.tag(names.ENVELOPE, "Envelope") else None


def _text(envelope: etree._Element, part: str, name: str) -> str:
    parent = envelope.find(names.tag(names.ENVELOPE, part))
    text = "" if parent is None else (parent.findtext(name) or "").strip()
    return text if len(text) <= _MAXIMUM_TEXT else ""


def _probe(message_id: str, element: etree._Element) -> Probe | None:
    types = element.find(names.tag(DISCOVERY, "Types"))
    scopes = element.find(names.tag(DISCOVERY, "Scopes"))
    wanted_types = () if types is None else (types.text or "").split()
    wanted_scopes = () if scopes is None else (scopes.text or "").split()
    if len(wanted_types) > _MAXIMUM_WORDS or len(wanted_scopes) > _MAXIMUM_WORDS:
        return None
    return Probe(
        message_id=message_id,
        types=tuple(_qname(word, {} if types is None else types.nsmap) for word in wanted_types),
        scopes=tuple(wanted_scopes),
        rule="" if scopes is None else scopes.get("MatchBy", "").strip(),
    )


def _resolve(message_id: str, element: etree._Element) -> Resolve | None:
    reference = element.find(names.tag(ADDRESSING, "EndpointReference"))
    address = "" if reference is None else (reference.findtext(names.tag(ADDRESSING, "Address")) or "").strip()
    return Resolve(message_id=message_id, endpoint=address) if address else None


_READERS: Final = {
    (f"{DISCOVERY}/Probe", names.tag(DISCOVERY, "Probe")): _probe,
    (f"{DISCOVERY}/Resolve", names.tag(DISCOVERY, "Resolve")): _resolve,
}


def _qname(word: str, prefixes: dict[str | None, str]) -> tuple[str, str]:
    prefix, colon, name = word.rpartition(":")
    return prefixes.get(prefix if colon else None, ""), name


def hello(device: Description, place: Place) -> bytes:
    """The device is there."""
    envelope, body = _envelope("Hello", EVERYBODY, place)
    _describe(etree.SubElement(body, names.tag(DISCOVERY, "Hello")), device)
    return serialize(envelope)


def bye(uuid: UUID, place: Place) -> bytes:
    """The device goes away."""
    envelope, body = _envelope("Bye", EVERYBODY, place)
    _refer(etree.SubElement(body, names.tag(DISCOVERY, "Bye")), uuid)
    return serialize(envelope)


def answer(question: Probe | Resolve, device: Description, place: Place) -> bytes:
    """ProbeMatches or ResolveMatches with one device."""
    kind = type(question).__name__
    envelope, body = _envelope(f"{kind}Matches", ASKER, place, question.message_id)
    matches = etree.SubElement(body, names.tag(DISCOVERY, f"{kind}Matches"))
    _describe(etree.SubElement(matches, names.tag(DISCOVERY, f"{kind}Match")), device)
    return serialize(envelope)


def _envelope(
    action: str, to: str, place: Place, relates_to: str | None = None
) -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(names.tag(names.ENVELOPE, "Envelope"), nsmap=_PREFIXES)
    header = etree.SubElement(envelope, names.tag(names.ENVELOPE, "Header"))
    etree.SubElement(header, names.tag(ADDRESSING, "MessageID")).text = f"urn:uuid:{uuid4()}"
    if relates_to is not None:
        etree.SubElement(header, names.tag(ADDRESSING, "RelatesTo")).text = relates_to
    etree.SubElement(header, names.tag(ADDRESSING, "To")).text = to
    etree.SubElement(header, names.tag(ADDRESSING, "Action")).text = f"{DISCOVERY}/{action}"
    counted = {"InstanceId": str(place.instance), "MessageNumber": str(place.number)}
    etree.SubElement(header, names.tag(DISCOVERY, "AppSequence"), counted)
    return envelope, etree.SubElement(envelope, names.tag(names.ENVELOPE, "Body"))


def _refer(parent: etree._Element, uuid: UUID) -> None:
    reference = etree.SubElement(parent, names.tag(ADDRESSING, "EndpointReference"))
    etree.SubElement(reference, names.tag(ADDRESSING, "Address")).text = f"urn:uuid:{uuid}"


def _describe(parent: etree._Element, device: Description) -> None:
    _refer(parent, device.uuid)
    etree.SubElement(parent, names.tag(DISCOVERY, "Types")).text = _TYPES_TEXT
    etree.SubElement(parent, names.tag(DISCOVERY, "Scopes")).text = clean_text(" ".join(device.scopes))
    etree.SubElement(parent, names.tag(DISCOVERY, "XAddrs")).text = " ".join(device.addresses)
    etree.SubElement(parent, names.tag(DISCOVERY, "MetadataVersion")).text = str(device.metadata_version)
