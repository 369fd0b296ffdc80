"""Where notifications may go: a client must not make the device send what itself could not reach."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from onvif_server.network import IpAddress, own_addresses, parse_address

_MAXIMUM_ADDRESS: Final = 2048
_MAXIMUM_FOUND: Final = 8
# Names whose servers do not answer must not take the threads that others wait for.
_LOOK_UPS: Final = ThreadPoolExecutor(2, "consumers")
_NUMERIC: Final = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9a-fA-F]*)")


class ConsumerError(ValueError):
    """A reference to a consumer that cannot be used."""


def check_address(address: str) -> URL:
    """The consumer's address, if it has the right form. Raises ConsumerError."""
    if len(address) > _MAXIMUM_ADDRESS:
        raise ConsumerError("the consumer's address is too long")
    try:
        url = URL(address)
        host = url.host
        usable = url.scheme in ("http", "https") and bool(host) and url.user is None and url.password is None
    except ValueError:
        usable, host = False, None
    if not usable or not host:
        raise ConsumerError("a consumer has an http or https address without credentials in it")
    if parse_address(host) is None and _NUMERIC.fullmatch(host):
        # `127.1` and `0x7f.1` are addresses to some, and names to others.
        raise ConsumerError("a consumer's numeric address is written in full")
    return url


async def find_consumer(address: str, requester: str, timeout_s: float) -> PinnedResolver:
    """Looks up the consumer's name, once, and keeps the addresses that `requester` may have notifications sent to.

    Raises ConsumerError where there are none.
    """
    host = check_address(address).host or ""
    look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(timeout_s):
            found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, look_up)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise ConsumerError("the consumer's name is not known here") from error
    try:
        allowed = _judge(requester, own_addresses())
    except OSError as error:
        raise ConsumerError("this machine does not tell its own addresses") from error
    judged = dict.fromkeys(filter(allowed, (_written(name) for *_, name in found)))
    if not judged:
        raise ConsumerError("notifications are not sent to that address on behalf of this client")
    return PinnedResolver(tuple(judged)[:_MAXIMUM_FOUND])


def _written(name: Sequence[object]) -> str:
    """An address of `getaddrinfo` as text, with the zone of an IPv6 address that needs one."""
    zone = name[3] if len(name) > 3 else 0
    return f"{name[0]}%{zone}" if zone else str(name[0])


def _judge(requester: str, own: Collection[IpAddress]) -> Callable[[str], bool]:
    """What tells whether the client at an address may have notifications sent to another one.

    To itself always. To this machine only a client that is on it: what else listens here may trust those who are.
    Neighbours on the link speak to each other by addresses that lead nowhere else.
    """
    asking = parse_address(requester)

    def is_here(one: IpAddress | None) -> bool:
        return one is not None and (one.is_loopback or one in own)

    def allowed(text: str) -> bool:
        goal = parse_address(text)
        if goal is None or goal.is_unspecified or goal.is_multicast or (goal.version == 4 and goal.is_reserved):
            return False
        if goal == asking:
            return True
        if is_here(goal):
            return is_here(asking)
        return not goal.is_link_local or (asking is not None and asking.is_link_local)

    return allowed


class PinnedResolver(AbstractResolver):
    """Answers every name with addresses that were found and judged before, whatever the name stands for by now."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See `AbstractResolver`."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""
