"""Faults: what was wrong, for the client (ONVIF Core 5.8.2)."""

from __future__ import annotations

from lxml import etree

from onvif_server.soap import names
from onvif_server.soap.values import clean_text


class Fault(Exception):  # noqa: N818 - SOAP's own word
    """Ends a request with a SOAP fault.

    `subcodes` are names in the `ter` namespace from the general to the special, or full QNames with one of the
    prefixes of `names.PREFIXES`. `sender` tells whose mistake it was. `status` is the HTTP status.
    """

    def __init__(
        self,
        *subcodes: str,
        reason: str,
        sender: bool = True,
        status: int | None = None,
        code: str | None = None,
        detail: etree._Element | None = None,
    ) -> None:
        super().__init__(reason)
        self.code = code or ("Sender" if sender else "Receiver")
        self.subcodes = tuple(name if ":" in name else f"ter:{name}" for name in subcodes)
        self.reason = reason
        self.status = status if status is not None else (400 if self.code == "Sender" else 500)
        self.detail = detail


def invalid_argument(subcode: str, reason: str) -> Fault:
    """An argument has the right form but names something that is not there or not allowed."""
    return Fault("InvalidArgVal", subcode, reason=reason)


def action_failed(subcode: str, reason: str) -> Fault:
    """The request was right, but the device cannot do it."""
    return Fault("Action", subcode, reason=reason, sender=False)


def not_supported(operation: str) -> Fault:
    """The device does not know the operation."""
    return Fault("ActionNotSupported", reason=f"{operation} is not supported by this device", sender=False)


def malformed(reason: str) -> Fault:
    """The request is not well-formed XML, or not an envelope."""
    return Fault("WellFormed", reason=reason)


def notification_fault(
    name: str,
    reason: str,
    at: str,
    *,
    namespace: str = names.NOTIFICATION,
    extra: etree._Element | None = None,
    sender: bool = True,
) -> Fault:
    """A fault of WS-BaseNotification, which carries itself as detail. `at` is the time as XML writes it.

    `extra` is the element that some of these faults hold besides. `sender` as with `Fault`.
    """
    detail = etree.Element(names.tag(namespace, name), nsmap=names.PREFIXES)
    etree.SubElement(detail, names.tag(names.FAULTS, "Timestamp")).text = at
    etree.SubElement(detail, names.tag(names.FAULTS, "Description")).text = clean_text(reason)
    if extra is not None:
        detail.append(extra)
    prefix = "wsrf-r" if namespace == names.RESOURCE else "wsnt"
    return Fault(f"{prefix}:{name}", reason=reason, sender=sender, detail=detail)
