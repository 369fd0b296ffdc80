"""The device service's part about the network (ONVIF Core, 8.2). The network is the host's: it is shown, never set.

A setter agrees to what is so already; what could not be is refused with its own fault, everything else as not
supported (the capability NetworkConfigNotSupported says so).
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from onvif_server.backend import Backend, StreamRequest
from onvif_server.network import InterfaceAddress, network_interfaces, parse_address
from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_UNKNOWN: Final = "network"
"""The token of an interface of which nothing is known."""

_LOGGER = logging.getLogger(__name__)
_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class DeviceNetworkService:
    """Name, addresses, protocols, name and time servers of the host."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @operation(names.DEVICE, "GetHostname", Access.PRE_AUTH)
    async def get_hostname(self, call: Call) -> Values:
        """The host's name."""
        return {"HostnameInformation": {"FromDHCP": False, "Name": self._backend.information.hostname}}

    @operation(names.DEVICE, "SetHostname", Access.WRITE_SYSTEM)
    async def set_hostname(self, call: Call) -> Values:
        """See the module."""
        name = str(call.value.Name)
        if not _HOSTNAME.fullmatch(name):
            raise invalid_argument("InvalidHostname", "a host's name consists of letters, digits, hyphens and dots")
        return _agree(name == self._backend.information.hostname)

    @operation(names.DEVICE, "GetDNS", Access.READ_SYSTEM)
    async def get_dns(self, call: Call) -> Values:
        """The host's name servers."""
        return {"DNSInformation": {"FromDHCP": False, "DNSManual": [_ip_address(one) for one in self._dns_servers()]}}

    @operation(names.DEVICE, "SetDNS", Access.WRITE_SYSTEM)
    async def set_dns(self, call: Call) -> Values:
        """See the module."""
        value = call.value
        servers = [_address_of(one) for one in value.DNSManual or ()]
        same = not value.FromDHCP and not value.SearchDomain and servers == list(self._dns_servers())
        return _agree(same)

    @operation(names.DEVICE, "GetNTP", Access.READ_SYSTEM)
    async def get_ntp(self, call: Call) -> Values:
        """The host's time servers."""
        return {"NTPInformation": {"FromDHCP": False, "NTPManual": [_network_host(one) for one in self._ntp_servers()]}}

    @operation(names.DEVICE, "SetNTP", Access.WRITE_SYSTEM)
    async def set_ntp(self, call: Call) -> Values:
        """See the module."""
        servers = [_host_of(one) for one in call.value.NTPManual or ()]
        return _agree(not call.value.FromDHCP and servers == list(self._ntp_servers()))

    @operation(names.DEVICE, "GetNetworkDefaultGateway", Access.READ_SYSTEM)
    async def get_network_default_gateway(self, call: Call) -> Values:
        """The host's default gateways."""
        gateways = self._gateways()
        return {
            "NetworkGateway": {
                "IPv4Address": [one for one in gateways if _version(one) == 4],
                "IPv6Address": [one for one in gateways if _version(one) == 6],
            }
        }

    @operation(names.DEVICE, "SetNetworkDefaultGateway", Access.WRITE_SYSTEM)
    async def set_network_default_gateway(self, call: Call) -> Values:
        """See the module."""
        version_4 = [str(one) for one in call.value.IPv4Address or ()]
        version_6 = [str(one) for one in call.value.IPv6Address or ()]
        if any(_version(one) != 4 for one in version_4) or any(_version(one) != 6 for one in version_6):
            raise invalid_argument("InvalidGatewayAddress", "that is no address")
        return _agree(set(self._gateways()) == {*version_4, *version_6})

    @operation(names.DEVICE, "GetNetworkInterfaces", Access.READ_SYSTEM)
    async def get_network_interfaces(self, call: Call) -> Values:
        """One interface: that through which the client reached us."""
        token, interface = _reached(call.local_address)
        # The hardware address is the device's own, for it tells apart several devices on one machine; and it is the
        # same whichever way a client comes.
        info = {"HwAddress": self._backend.information.mac, **interface.pop("Info", {})}
        return {"NetworkInterfaces": [{"token": token, "Enabled": True, "Info": info, **interface}]}

    @operation(names.DEVICE, "SetNetworkInterfaces", Access.WRITE_SYSTEM)
    async def set_network_interfaces(self, call: Call) -> Values:
        """See the module."""
        if call.value.InterfaceToken != _reached(call.local_address)[0]:
            raise invalid_argument("InvalidNetworkInterface", f"there is no interface {call.value.InterfaceToken}")
        wanted = call.value.NetworkInterface
        named = ("Link", "MTU", "IPv4", "IPv6", "Extension")
        _agree(wanted.Enabled is not False and all(getattr(wanted, name, None) is None for name in named))
        return {"RebootNeeded": False}

    @operation(names.DEVICE, "GetNetworkProtocols", Access.READ_SYSTEM)
    async def get_network_protocols(self, call: Call) -> Values:
        """The web's protocol, and RTSP if there is a picture."""
        ports = self._ports(call)
        return {"NetworkProtocols": [{"Name": name, "Enabled": True, "Port": [port]} for name, port in ports.items()]}

    @operation(names.DEVICE, "SetNetworkProtocols", Access.WRITE_SYSTEM)
    async def set_network_protocols(self, call: Call) -> Values:
        """See the module."""
        ports = self._ports(call)
        for one in call.value.NetworkProtocols:
            if one.Name not in ports and one.Enabled:
                raise invalid_argument("ServiceNotSupported", f"the device does not speak {one.Name}")
        return _agree(
            all(
                one.Name not in ports or (one.Enabled and list(one.Port) == [ports[one.Name]])
                for one in call.value.NetworkProtocols
            )
        )

    def _ports(self, call: Call) -> dict[str, int]:
        web = urlsplit(call.base_url)
        ports = {web.scheme.upper(): web.port or (443 if web.scheme == "https" else 80)}
        for channel in self._backend.channels[:1]:
            ports["RTSP"] = urlsplit(self._backend.stream_uri(channel.token, StreamRequest(host=call.host))).port or 554
        return ports

    # The host may name an address that is none (from a file that somebody wrote): XML has no place for that.

    def _dns_servers(self) -> Sequence[str]:
        system = self._backend.system
        return _addresses(system.dns_servers() if system else ())

    def _gateways(self) -> Sequence[str]:
        system = self._backend.system
        return _addresses(system.gateways() if system else ())

    def _ntp_servers(self) -> Sequence[str]:
        system = self._backend.system
        return tuple(system.ntp_servers()) if system else ()


def _reached(local_address: str) -> tuple[str, Values]:
    """The interface that has an address: its token, and what the machine tells of it."""
    wanted = parse_address(local_address)
    try:
        interfaces = network_interfaces()
    except OSError as error:
        _LOGGER.warning("the machine tells nothing of its network: %s", error)
        return _UNKNOWN, {}
    for interface in interfaces:
        for one in interface.addresses:
            if one.address == wanted:
                info = {"Name": interface.name} | ({} if interface.mtu is None else {"MTU": interface.mtu})
                return interface.name, {"Info": info, **_configured(one)}
    return _UNKNOWN, {}


def _configured(one: InterfaceAddress) -> Values:
    """An address with its prefix, by the way in which the interface came by it."""
    prefixed = {"Address": str(one.address), "PrefixLength": one.prefix_length}
    by_router = one.leased and one.address.version == 6 and one.prefix_length == 64
    by_dhcp = one.leased and not by_router and not one.address.is_link_local
    if one.address.version == 4:
        kind = "LinkLocal" if one.address.is_link_local else "FromDHCP" if by_dhcp else "Manual"
        config = {kind: [prefixed] if kind == "Manual" else prefixed, "DHCP": by_dhcp}
        return {"IPv4": {"Enabled": True, "Config": config}}
    kind = "FromRA" if by_router else "FromDHCP" if by_dhcp else "Manual"
    kind = "LinkLocal" if one.address.is_link_local else kind
    return {"IPv6": {"Enabled": True, "Config": {"DHCP": "Stateful" if by_dhcp else "Off", kind: [prefixed]}}}


def _agree(same: bool) -> Values:
    if not same:
        raise Fault("ActionNotSupported", reason="the network belongs to the host and is set there", sender=False)
    return {}


def _version(address: str) -> int | None:
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return None


def _addresses(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if _version(text) is not None)


def _ip_address(address: str) -> Values:
    if _version(address) == 6:
        return {"Type": "IPv6", "IPv6Address": address}
    return {"Type": "IPv4", "IPv4Address": address}


def _network_host(name: str) -> Values:
    return _ip_address(name) if _version(name) is not None else {"Type": "DNS", "DNSname": name}


def _address_of(value: Any) -> str:
    version, address = (6, value.IPv6Address) if value.Type == "IPv6" else (4, value.IPv4Address)
    if _version(address or "") != version:
        raise invalid_argument(f"InvalidIPv{version}Address", "that is no address")
    return str(address)


def _host_of(value: Any) -> str:
    if value.Type != "DNS":
        return _address_of(value)
    if not _HOSTNAME.fullmatch(value.DNSname or ""):
        raise invalid_argument("InvalidDnsName", "that is no name")
    return str(value.DNSname)
