"""The machine's network interfaces and their addresses, asked of the kernel (Linux: rtnetlink)."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

type IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_GET_LINKS: Final = 18
_GET_ADDRESSES: Final = 22
_NEW_LINK: Final = 16
_NEW_ADDRESS: Final = 20
_DUMP: Final = 0x301  # a request for all
_ERROR: Final = 2
_DONE: Final = 3
_LINK_NAME: Final = 3
_LINK_MTU: Final = 4
_ADDRESS_FAR: Final = 1  # of a point-to-point link the other end, else the same as the next
_ADDRESS_LOCAL: Final = 2

_UP: Final = 0x1
_LOOPBACK: Final = 0x8
_MULTICAST: Final = 0x1000
_TENTATIVE_OR_FAILED: Final = 0x48  # duplicate address detection runs, or found a duplicate
_PERMANENT: Final = 0x80
_PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of an interface. `leased`: it ends unless somebody renews it (DHCP, router advertisements)."""

    address: IpAddress
    prefix_length: int
    leased: bool


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """An interface, with the addresses that can be used now. `mtu` is in bytes, None where it is not told."""

    name: str
    index: int
    up: bool
    loopback: bool
    multicast: bool
    mtu: int | None
    addresses: tuple[InterfaceAddress, ...]


def network_interfaces() -> tuple[NetworkInterface, ...]:
    """All interfaces of this thread's network. Raises OSError where the kernel does not tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(_PATIENCE_S)
        kernel.bind((0, 0))
        links = [link for kind, link in _ask(kernel, _GET_LINKS) if kind == _NEW_LINK]
        addresses: dict[int, list[InterfaceAddress]] = {}
        for kind, body in _ask(kernel, _GET_ADDRESSES):
            if kind == _NEW_ADDRESS and (found := _address(body)) is not None:
                addresses.setdefault(found[0], []).append(found[1])
    return tuple(_interface(link, addresses) for link in links)


def own_addresses() -> frozenset[IpAddress]:
    """All addresses of this machine. Raises OSError where the kernel does not tell."""
    return frozenset(one.address for interface in network_interfaces() for one in interface.addresses)


def parse_address(text: str) -> IpAddress | None:
    """An address as it is compared: without a zone, and IPv4 as IPv4 though it came as IPv6. None if it is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def bound_address(host: str) -> IpAddress | None:
    """The address at which a server with this setting listens; None for a name, which stands for all."""
    return ipaddress.IPv4Address("127.0.0.1") if host == "localhost" else parse_address(host)


def _ask(kernel: socket.socket, what: int) -> Iterator[tuple[int, bytes]]:
    """The kinds and bodies of the kernel's messages."""
    size = _HEADER.size + _LINK.size
    kernel.send(_HEADER.pack(size, what, _DUMP, what, 0) + bytes(_LINK.size))
    while True:
        packet = kernel.recv(1 << 18)
        while len(packet) >= _HEADER.size:
            length, kind, _flags, _number, _port = _HEADER.unpack_from(packet)
            body, packet = packet[_HEADER.size : length], packet[(length + 3) & ~3 :]
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -int.from_bytes(body[:4], sys.byteorder, signed=True)
                raise OSError(number, "the kernel tells nothing of the network")
            yield kind, body


def _attributes(body: bytes) -> dict[int, bytes]:
    found = {}
    while len(body) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(body)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = body[_ATTRIBUTE.size : length]
        body = body[(length + 3) & ~3 :]
    return found


def _interface(body: bytes, addresses: dict[int, list[InterfaceAddress]]) -> NetworkInterface:
    _family, _type, index, flags, _change = _LINK.unpack_from(body)
    told = _attributes(body[_LINK.size :])
    mtu = told.get(_LINK_MTU)
    return NetworkInterface(
        name=told.get(_LINK_NAME, b"").rstrip(b"\0").decode(errors="replace"),
        index=index,
        up=bool(flags & _UP),
        loopback=bool(flags & _LOOPBACK),
        multicast=bool(flags & _MULTICAST),
        mtu=struct.unpack("=I", mtu)[0] if mtu else None,
        addresses=tuple(addresses.get(index, ())),
    )


def _address(body: bytes) -> tuple[int, InterfaceAddress] | None:
    _family, prefix_length, flags, _scope, index = _ADDRESS.unpack_from(body)
    told = _attributes(body[_ADDRESS.size :])
    packed = told.get(_ADDRESS_LOCAL) or told.get(_ADDRESS_FAR) or b""
    if flags & _TENTATIVE_OR_FAILED:
        return None
    with contextlib.suppress(ValueError):  # a family that we do not know
        return index, InterfaceAddress(ipaddress.ip_address(packed), prefix_length, not flags & _PERMANENT)
    return None
