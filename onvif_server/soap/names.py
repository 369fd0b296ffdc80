"""XML namespaces, the prefixes they are written with, and the dialects of ONVIF."""

from __future__ import annotations

from typing import Final

ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"
ENVELOPE_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
ERROR: Final = "http://www.onvif.org/ver10/error"
SCHEMA: Final = "http://www.onvif.org/ver10/schema"
DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
PTZ: Final = "http://www.onvif.org/ver20/ptz/wsdl"
EVENTS: Final = "http://www.onvif.org/ver10/events/wsdl"
IMAGING: Final = "http://www.onvif.org/ver20/imaging/wsdl"
DEVICE_IO: Final = "http://www.onvif.org/ver10/deviceIO/wsdl"
ANALYTICS: Final = "http://www.onvif.org/ver20/analytics/wsdl"
ANALYTICS_TYPES: Final = "http://www.onvif.org/ver20/analytics"
MODULES: Final = "urn:onvif-server:analytics"
"""The library's own types of analytics modules; the standard defines none that finds objects."""

NOTIFICATION: Final = "http://docs.oasis-open.org/wsn/b-2"
TOPIC: Final = "http://docs.oasis-open.org/wsn/t-1"
FAULTS: Final = "http://docs.oasis-open.org/wsrf/bf-2"
RESOURCE: Final = "http://docs.oasis-open.org/wsrf/r-2"
TOPICS: Final = "http://www.onvif.org/ver10/topics"
XS: Final = "http://www.w3.org/2001/XMLSchema"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_ADDRESSING: Final = "http://www.w3.org/2006/05/addressing/wsdl"
XML: Final = "http://www.w3.org/XML/1998/namespace"

PREFIXES: Final = {
    "s": ENVELOPE,
    "wsa": ADDRESSING,
    "ter": ERROR,
    "tt": SCHEMA,
    "tds": DEVICE,
    "trt": MEDIA,
    "tr2": MEDIA2,
    "tptz": PTZ,
    "tev": EVENTS,
    "timg": IMAGING,
    "tmd": DEVICE_IO,
    "tan": ANALYTICS,
    "axt": ANALYTICS_TYPES,
    "osv": MODULES,
    "wsnt": NOTIFICATION,
    "wstop": TOPIC,
    "wsrf-bf": FAULTS,
    "wsrf-r": RESOURCE,
    "tns1": TOPICS,
    "xs": XS,
}
"""Declared on every envelope that is sent: clients compare QNames in text by these very prefixes."""

CONCRETE_TOPIC: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
ITEM_FILTER: Final = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
ANONYMOUS_ADDRESS: Final = "http://www.w3.org/2005/08/addressing/anonymous"


def tag(namespace: str, name: str) -> str:
    """The name as lxml writes it."""
    return f"{{{namespace}}}{name}"
