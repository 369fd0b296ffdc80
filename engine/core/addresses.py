"""Whom a client's address stands for."""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """Whom an address stands for: itself for IPv4, the /64 for IPv6, of which one host has as many as it likes."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
