"""The two sockets of discovery, one for IPv4 and one for IPv6."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from onvif_server.discovery.interfaces import Interface

GROUP_IPV4: Final = "239.255.255.250"
GROUP_IPV6: Final = "ff02::c"
PORT: Final = 3702

# Linux's numbers, which the `socket` module of Python 3.13 has not got.
_IP_PKTINFO: Final = 8
_IP_MULTICAST_ALL: Final = 49
_IPV6_MULTICAST_ALL: Final = 29
_ANCILLARY_BYTES: Final = 128
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came, from whom (as `sendto` takes it), by which interface, and our IPv4 address that faces the sender."""

    content: bytes
    sender: Any
    interface: int
    local: str | None


class GroupSocket:
    """A socket at the discovery port that belongs to the group of its address family. Raises OSError when made."""

    def __init__(self, family: socket.AddressFamily, port: int) -> None:
        self._version4 = family == socket.AF_INET
        self._joined: set[int] = set()
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            # Other programs of the machine listen at this port too.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for level, option, value in _IPV4_OPTIONS if self._version4 else _IPV6_OPTIONS:
                self.socket.setsockopt(level, option, value)
            self.socket.bind(("", port))
        except OSError:
            self.socket.close()
            raise

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.socket.getsockname()[1])

    def join(self, interfaces: Sequence[Interface]) -> None:
        """Belongs to the group on just these interfaces, as far as they have an address of the family."""
        wanted = {one.index: one for one in interfaces if (one.ipv4 if self._version4 else one.ipv6)}
        for index in self._joined - wanted.keys():
            # The interface may be gone, and its membership with it.
            with contextlib.suppress(OSError):
                self._membership(index, join=False)
            self._joined.discard(index)
        for index, interface in wanted.items():
            if index not in self._joined:
                try:
                    self._membership(index, join=True)
                except OSError as error:
                    _LOGGER.debug("no multicast on %s: %s", interface.name, error)
                    continue
            self._joined.add(index)

    def receive(self, limit: int) -> Datagram | None:
        """The next datagram, None if there is none; of one that is longer only `limit` bytes and one more."""
        try:
            content, ancillary, _, sender = self.socket.recvmsg(limit + 1, _ANCILLARY_BYTES)
        except OSError:  # nothing there, or a message of ours that could not be delivered
            return None
        interface, local = 0, None
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= 12:
                interface, local = struct.unpack_from("i", data)[0], socket.inet_ntoa(data[4:8])
            elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) >= 20:
                interface = struct.unpack_from("I", data, 16)[0]
        return Datagram(content, sender, interface, local)

    def tell_everybody(self, content: bytes, interface: Interface) -> None:
        """Sends to the group on an interface; nobody is told if that is not possible."""
        if interface.index not in self._joined:
            return
        try:
            if self._version4:
                # With our address in it, this also sets the source address.
                choice = struct.pack("4s4si", b"", socket.inet_aton(interface.ipv4 or "0.0.0.0"), interface.index)  # noqa: S104
                self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, choice)
                self.socket.sendto(content, (GROUP_IPV4, self.port))
            else:
                self.socket.sendto(content, (GROUP_IPV6, self.port, 0, interface.index))
        except OSError as error:
            _LOGGER.debug("discovery cannot send on %s: %s", interface.name, error)

    def tell(self, content: bytes, receiver: Any) -> None:
        """Sends to one address."""
        try:
            self.socket.sendto(content, receiver)
        except OSError as error:
            _LOGGER.debug("discovery cannot answer %s: %s", receiver, error)

    def close(self) -> None:
        """Leaves the group and the port."""
        self.socket.close()

    def _membership(self, index: int, *, join: bool) -> None:
        if self._version4:
            option = socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP
            request = struct.pack("4s4si", socket.inet_aton(GROUP_IPV4), b"", index)
            self.socket.setsockopt(socket.IPPROTO_IP, option, request)
        else:
            option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
            request = struct.pack("16si", socket.inet_pton(socket.AF_INET6, GROUP_IPV6), index)
            self.socket.setsockopt(socket.IPPROTO_IPV6, option, request)


# One hop; our own machine hears us too; only what we joined ourselves; and each datagram tells by where it came.
_IPV4_OPTIONS: Final = (
    (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1),
    (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1),
    (socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0),
    (socket.IPPROTO_IP, _IP_PKTINFO, 1),
)
_IPV6_OPTIONS: Final = (
    (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),
    (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1),
    (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1),
    (socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0),
    (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1),
)
