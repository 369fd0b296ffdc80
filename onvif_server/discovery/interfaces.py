"""The machine's network interfaces, as far as multicast needs to know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onvif_server.network import NetworkInterface, network_interfaces


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that is up, with its first IPv4 address and its IPv6 addresses (link-local ones last)."""

    name: str
    index: int
    loopback: bool
    ipv4: str | None
    ipv6: tuple[str, ...]


def find_interfaces(names: Sequence[str] | None = None) -> tuple[Interface, ...]:
    """The interfaces of these names that are up; by default all that can multicast, without the loopback."""
    return tuple(
        _interface(one)
        for one in network_interfaces()
        if one.up and (one.multicast and not one.loopback if names is None else one.name in names)
    )


def _interface(found: NetworkInterface) -> Interface:
    addresses = [one.address for one in found.addresses]
    version6 = sorted((one for one in addresses if one.version == 6), key=lambda one: one.is_link_local)
    return Interface(
        found.name,
        found.index,
        found.loopback,
        next((str(one) for one in addresses if one.version == 4), None),
        tuple(map(str, version6)),
    )
