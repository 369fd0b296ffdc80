"""The engine's power switch and papers for ONVIF."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from onvif_server.backend import Caller, Certificate, Document, FactoryDefault, Refusal, Refused

_log = logging.getLogger(__name__)


class EngineSystem:
    """`onvif_server.backend.System` on callables of the application.

    `restart` is called for a reboot and returns at once: what it starts must let the answer go out first.
    `forget` resets the engine's own settings; None: the site does not allow that. `lines` gives the newest lines of
    the log, without line ends, and `support` what helps to find a fault; both without secrets.
    """

    def __init__(
        self,
        *,
        restart: Callable[[], Awaitable[None]],
        forget: Callable[[FactoryDefault], Awaitable[None]] | None,
        lines: Callable[[], Iterable[str]],
        support: Callable[[], Mapping[str, Any]],
        certificates: Callable[[], Sequence[Certificate]] = tuple,
        dns_servers: Callable[[], Sequence[str]] = tuple,
        gateways: Callable[[], Sequence[str]] = tuple,
        ntp_servers: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._restart = restart
        self._forget = forget
        self._lines = lines
        self._support = support
        self._certificates = certificates
        self._dns_servers = dns_servers
        self._gateways = gateways
        self._ntp_servers = ntp_servers

    async def reboot(self, caller: Caller) -> str:
        """Restarts the engine, not the computer."""
        _log.warning("ONVIF user %r at %s restarts the engine", caller.username, caller.address)
        await self._restart()
        return "The engine restarts now"

    @property
    def factory_default_allowed(self) -> bool:
        """Whether the site allows it."""
        return self._forget is not None

    async def factory_default(self, caller: Caller, extent: FactoryDefault) -> None:
        """Resets the engine's settings. Raises Refused where the site does not allow it."""
        if self._forget is None:
            raise Refused(Refusal.NOT_ALLOWED, "the site does not allow a factory default by ONVIF")
        _log.warning("ONVIF user %r at %s orders a %s factory default", caller.username, caller.address, extent.value)
        await self._forget(extent)

    async def system_log(self) -> Document | None:
        """The newest lines; None if there are none."""
        lines = tuple(self._lines())
        return Document("".join(f"{line}\n" for line in lines).encode()) if lines else None

    async def support_information(self) -> Document | None:
        """As JSON."""
        text = json.dumps(self._support(), indent=2, sort_keys=True, default=str, ensure_ascii=False)
        return Document(text.encode(), "application/json")

    def certificates(self) -> Sequence[Certificate]:
        """Those of the web server."""
        return self._certificates()

    def dns_servers(self) -> Sequence[str]:
        """The computer's name servers, as far as the application knows them."""
        return self._dns_servers()

    def gateways(self) -> Sequence[str]:
        """The computer's gateways, as far as the application knows them."""
        return self._gateways()

    def ntp_servers(self) -> Sequence[str]:
        """The computer's time servers, as far as the application knows them."""
        return self._ntp_servers()
