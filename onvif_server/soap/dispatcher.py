"""From the bytes of a request to the bytes of its response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lxml import etree

from onvif_server.backend import Caller
from onvif_server.security.access import STRICTEST, Access
from onvif_server.soap.envelope import Request, fault_envelope, new_envelope, parse_request, serialize
from onvif_server.soap.faults import Fault, not_supported
from onvif_server.soap.operations import Call, Registration
from onvif_server.soap.schema import Operation, Schemas

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What HTTP knows about a request."""

    base_url: str
    host: str
    local_address: str
    subscription: str | None
    connected: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished response; `fault` if it is one."""

    status: int
    body: bytes
    fault: Fault | None = None


type Admit = Callable[[Request, Access], Caller]
"""Finds out who sent a request and whether they may; raises Fault."""


class Dispatcher:
    """Knows all handlers. A request that none answers needs the strictest access class to be told so."""

    def __init__(self, schemas: Schemas, registrations: Iterable[Registration]) -> None:
        self._schemas = schemas
        self._handlers: dict[str, tuple[Registration, Operation]] = {}
        for registration in registrations:
            operation = schemas.operation(registration.request_tag)
            if operation is None or registration.request_tag in self._handlers:
                raise ValueError(f"{registration.request_tag} is no operation of the schema set, or declared twice")
            self._handlers[registration.request_tag] = registration, operation

    async def answer(self, body: bytes, origin: Origin, admit: Admit) -> Answer:
        """The response to a request, whatever it holds. Never raises because of it."""
        request: Request | None = None
        try:
            request = parse_request(body)
            envelope = await self._perform(request, origin, admit)
            return Answer(200, serialize(envelope))
        except Fault as fault:
            return _refusal(request, fault)
        except Exception:
            # A mistake of ours or of the host must not show its inside to a client.
            _LOGGER.exception("the request %s failed", "?" if request is None else request.message.tag)
            return _refusal(request, Fault(reason="internal error", code="Receiver"))

    async def _perform(self, request: Request, origin: Origin, admit: Admit) -> etree._Element:
        found = self._handlers.get(request.message.tag)
        caller = admit(request, STRICTEST if found is None else found[0].access)
        if found is None:
            raise not_supported(etree.QName(request.message).localname)
        registration, operation = found
        invalidity = self._schemas.request_invalidity(request.message)
        if invalidity is not None:
            raise Fault("InvalidArgs", reason=f"the request is not valid: {invalidity}")
        call = Call(
            value=self._schemas.parse(operation, request.message),
            message=request.message,
            caller=caller,
            base_url=origin.base_url,
            host=origin.host,
            local_address=origin.local_address,
            subscription=origin.subscription,
            connected=origin.connected,
        )
        reply = await registration.handler(call)
        envelope, content = new_envelope(request, operation.response_action)
        if isinstance(reply, dict):
            self._schemas.render(operation, reply, content)
        else:
            content.append(reply)
        return envelope


def _refusal(request: Request | None, fault: Fault) -> Answer:
    return Answer(fault.status, serialize(fault_envelope(request, fault)), fault)
