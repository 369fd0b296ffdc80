"""The machine's network interfaces, as far as multicast needs to know them (Linux)."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GET_FLAGS: Final = 0x8913  # SIOCGIFFLAGS
_GET_ADDRESS: Final = 0x8915  # SIOCGIFADDR
_UP: Final = 0x1
_LOOPBACK: Final = 0x8
_MULTICAST: Final = 0x1000
_TENTATIVE_OR_FAILED: Final = 0x48  # duplicate address detection runs, or found a duplicate
# Of this thread's network namespace; /proc/net would be that of the process's first thread.
_IPV6_ADDRESSES: Final = Path("/proc/thread-self/net/if_inet6")


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
    version6 = _ipv6_addresses()
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for index, name in socket.if_nameindex():
            flags = _flags(handle, name)
            wanted = flags & _MULTICAST and not flags & _LOOPBACK if names is None else name in names
            if flags & _UP and wanted:
                loopback = bool(flags & _LOOPBACK)
                found.append(Interface(name, index, loopback, _ipv4_address(handle, name), version6.get(name, ())))
    return tuple(found)


def _ask(handle: socket.socket, request: int, name: str) -> bytes | None:
    try:
        return fcntl.ioctl(handle.fileno(), request, struct.pack("256s", name.encode()[:15]))
    except OSError:  # it has none, or the interface went away meanwhile
        return None


def _flags(handle: socket.socket, name: str) -> int:
    answer = _ask(handle, _GET_FLAGS, name)
    return int.from_bytes(answer[16:18], sys.byteorder) if answer else 0


def _ipv4_address(handle: socket.socket, name: str) -> str | None:
    answer = _ask(handle, _GET_ADDRESS, name)
    return socket.inet_ntoa(answer[20:24]) if answer else None


def _ipv6_addresses() -> dict[str, tuple[str, ...]]:
    try:
        lines = _IPV6_ADDRESSES.read_text().splitlines()
    except OSError:  # a machine without IPv6
        return {}
    found: dict[str, list[ipaddress.IPv6Address]] = {}
    for line in lines:
        digits, _index, _prefix, _scope, flags, name = line.split()
        if not int(flags, 16) & _TENTATIVE_OR_FAILED:
            found.setdefault(name, []).append(ipaddress.IPv6Address(bytes.fromhex(digits)))
    return {name: tuple(str(one) for one in sorted(each, key=_link_local)) for name, each in found.items()}


def _link_local(address: ipaddress.IPv6Address) -> bool:
    return address.is_link_local
