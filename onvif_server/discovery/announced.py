"""What is announced: a device, and where its services answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from onvif_server.discovery.interfaces import Interface
from onvif_server.network import bound_address
from onvif_server.services.catalogue import DEVICE


class Shown(Protocol):
    """How a device shows itself; `onvif_server.identity.Identity` is one."""

    announced: bool
    """Whether it is announced; set when discovery starts and ends."""

    @property
    def discoverable(self) -> bool:
        """Whether it wants to be found at present."""
        ...

    def scopes(self) -> Sequence[str]:
        """Its scopes, as URIs."""
        ...

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` after each change of the two; returns what ends that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A device to announce: who it is, and where it listens.

    `host` is the address that it listens at: one of ours, or `0.0.0.0` (all of IPv4), `::` (all of IPv6), "" (all).
    A name stands for all. A device at a loopback address is told on the loopback interface only.
    """

    uuid: UUID
    identity: Shown
    port: int
    host: str = "0.0.0.0"  # noqa: S104 - where the host has let it listen
    scheme: str = "http"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        bound = bound_address(self.host)
        return bound is not None and bound.is_loopback

    def addresses(self, interface: Interface, local: str | None = None) -> tuple[str, ...]:
        """The XAddrs for somebody on the interface's network; empty: it cannot be reached from there.

        `local` is our IPv4 address that faces him, where it is known.
        """
        bound = bound_address(self.host)
        if bound is not None and not bound.is_unspecified:
            found: tuple[str, ...] = (str(bound),) if bound.is_loopback == interface.loopback else ()
        else:
            version4 = (local or interface.ipv4,) if bound is None or bound.version == 4 else ()
            version6 = interface.ipv6 if bound is None or bound.version == 6 else ()
            found = tuple(address for address in (*version4, *version6) if address)
        return tuple(f"{self.scheme}://{_host(address)}:{self.port}{DEVICE.path}" for address in found)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
