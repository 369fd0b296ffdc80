"""Declares handlers: each once, with the request it answers and the access class it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from onvif_server.backend import Caller
from onvif_server.security.access import Access
from onvif_server.soap import names

type Values = dict[str, Any]
"""A response as nested values by element and attribute name, as zeep takes them; `{}` is an empty response."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way to its handler: authenticated, allowed and valid against the schema."""

    value: Any
    """The request as zeep's value: attributes by the names of the schema, None where the client left them out."""

    message: etree._Element
    """The request as it came, for what hangs on the client's prefixes."""

    caller: Caller
    """Who asks; the name is empty for an anonymous caller."""

    base_url: str
    """Where the client reached us, e.g. `http://192.0.2.7:8080`."""

    host: str
    """The host of `base_url`, without the port."""

    local_address: str
    """The address of our end of the connection."""

    subscription: str | None
    """The identifier in the path of a subscription manager."""

    connected: Callable[[], bool]
    """Whether the client still listens."""


type Handler = Callable[[Call], Awaitable[Values | etree._Element]]  # noqa: SLF001 - lxml has no public name for it
"""Answers a call: with values, or with the finished response element."""

_MARK: Final = "_onvif_operation"


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler and what was declared about it."""

    request_tag: str
    access: Access
    handler: Handler


def operation(namespace: str, name: str, access: Access) -> Callable[[Any], Any]:
    """Declares a method as the handler of a request."""

    def mark(method: Any) -> Any:
        setattr(method, _MARK, (namespace, name, access))
        return method

    return mark


def shared_operation(name: str, access: Access) -> Callable[[Any], Any]:
    """Declares a method as the handler of a request that several services have, each in its `namespace`."""
    return operation("", name, access)


def registrations(services: Iterable[object]) -> Iterator[Registration]:
    """All handlers that the services declare."""
    for service in services:
        kind: Any = type(service)
        for name in dir(kind):
            declared = getattr(getattr(kind, name), _MARK, None)
            if declared is not None:
                namespace, request, access = declared
                tag = names.tag(namespace or kind.namespace, request)
                yield Registration(tag, access, getattr(service, name))
