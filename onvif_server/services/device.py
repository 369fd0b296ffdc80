"""The device service (ONVIF Core, chapter 8)."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from lxml import etree

from onvif_server.backend import Backend, Level, StreamRequest, Users
from onvif_server.security.access import Access
from onvif_server.services import catalogue
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.faults import Fault
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.schema import Schemas
from onvif_server.soap.values import clean_text

_CATEGORIES = ("Device", "Events", "Media", "PTZ")
_DATE_TIME_TYPE = "NTP"  # the host keeps the clock


class DeviceService:
    """Name plate, network, clock, users, and what else the device offers."""

    def __init__(self, backend: Backend, users: Users, settings: DeviceSettings, schemas: Schemas) -> None:
        self._backend = backend
        self._users = users
        self._settings = settings
        self._schemas = schemas
        self.capability_sources: dict[str, Values] = {}
        """The capabilities of each service by namespace, for GetServices; filled by the device."""

    @operation(names.DEVICE, "GetServices", Access.PRE_AUTH)
    async def get_services(self, call: Call) -> Values:
        """All services with their addresses."""
        return {
            "Service": [
                {
                    "Namespace": entry.namespace,
                    "XAddr": f"{call.base_url}{entry.path}",
                    "Version": catalogue.VERSION,
                    "Capabilities": self._capabilities(entry.namespace) if call.value.IncludeCapability else None,
                }
                for entry in catalogue.offered(self._backend)
            ]
        }

    def _capabilities(self, namespace: str) -> Values:
        operation_ = self._schemas.operation(names.tag(namespace, "GetServiceCapabilities"))
        if operation_ is None:
            raise LookupError(f"the schema set has no GetServiceCapabilities in {namespace}")
        parent = etree.Element("parent", nsmap=names.PREFIXES)
        self._schemas.render(operation_, {"Capabilities": self.capability_sources[namespace]}, parent)
        return {"_value_1": parent[0][0]}

    @operation(names.DEVICE, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capability_sources[names.DEVICE]}

    def capabilities(self) -> Values:
        """The capabilities of the device service."""
        return {
            "Network": {"IPFilter": False, "ZeroConfiguration": False, "IPVersion6": False, "DynDNS": False, "NTP": 0},
            "Security": {
                "HttpDigest": True,
                "UsernameToken": True,
                "DefaultAccessPolicy": True,
                "MaxUserNameLength": 64,
                "HashingAlgorithms": ",".join(self._settings.digest_algorithms),
            },
            "System": {
                "DiscoveryResolve": False,
                "DiscoveryBye": False,
                "RemoteDiscovery": False,
                "SystemBackup": False,
                "SystemLogging": False,
                "DiscoveryNotSupported": True,
                "NetworkConfigNotSupported": True,
                "UserConfigNotSupported": True,
            },
        }

    @operation(names.DEVICE, "GetCapabilities", Access.PRE_AUTH)
    async def get_capabilities(self, call: Call) -> Values:
        """The older form of GetServices, which Media ver10 clients use."""
        wanted = set(call.value.Category or ["All"])
        offered = {name: values for name, values in self._old_capabilities(call.base_url).items() if values}
        if "All" not in wanted:
            missing = wanted - set(offered)
            if missing:
                reason = f"the device has no service of the category {', '.join(sorted(missing))}"
                raise Fault("ActionNotSupported", "NoSuchService", reason=reason, sender=False)
            offered = {name: values for name, values in offered.items() if name in wanted}
        return {"Capabilities": offered}

    def _old_capabilities(self, base_url: str) -> Values:
        moving = bool(catalogue.moving_channels(self._backend))
        version = catalogue.VERSION
        return {
            "Device": {
                "XAddr": f"{base_url}{catalogue.DEVICE.path}",
                "Network": {"IPFilter": False, "ZeroConfiguration": False, "IPVersion6": False, "DynDNS": False},
                "System": {
                    "DiscoveryResolve": False,
                    "DiscoveryBye": False,
                    "RemoteDiscovery": False,
                    "SystemBackup": False,
                    "SystemLogging": False,
                    "FirmwareUpgrade": False,
                    "SupportedVersions": [version],
                },
            },
            "Events": {
                "XAddr": f"{base_url}{catalogue.EVENTS.path}",
                "WSSubscriptionPolicySupport": False,
                "WSPullPointSupport": True,
                "WSPausableSubscriptionManagerInterfaceSupport": False,
            },
            "Media": {
                "XAddr": f"{base_url}{catalogue.MEDIA.path}",
                "StreamingCapabilities": {"RTPMulticast": False, "RTP_TCP": True, "RTP_RTSP_TCP": True},
            },
            "PTZ": {"XAddr": f"{base_url}{catalogue.PTZ.path}"} if moving else None,
        }

    @operation(names.DEVICE, "GetDeviceInformation", Access.READ_SYSTEM)
    async def get_device_information(self, call: Call) -> Values:
        """The name plate."""
        information = self._backend.information
        return {
            "Manufacturer": information.manufacturer,
            "Model": information.model,
            "FirmwareVersion": information.firmware_version,
            "SerialNumber": information.serial_number,
            "HardwareId": information.hardware_id,
        }

    @operation(names.DEVICE, "GetSystemDateAndTime", Access.PRE_AUTH)
    async def get_system_date_and_time(self, call: Call) -> Values:
        """The clock, in UTC."""
        now = datetime.fromtimestamp(self._settings.now(), UTC)
        parts = {
            "Time": {"Hour": now.hour, "Minute": now.minute, "Second": now.second},
            "Date": {"Year": now.year, "Month": now.month, "Day": now.day},
        }
        return {
            "SystemDateAndTime": {
                "DateTimeType": _DATE_TIME_TYPE,
                "DaylightSavings": False,
                "TimeZone": {"TZ": "UTC0"},
                "UTCDateTime": parts,
                "LocalDateTime": parts,
            }
        }

    @operation(names.DEVICE, "SetSystemDateAndTime", Access.WRITE_SYSTEM)
    async def set_system_date_and_time(self, call: Call) -> Values:
        """Agrees to what is so already, and refuses everything else: the clock is the host's."""
        zone = call.value.TimeZone.TZ if call.value.TimeZone else "UTC0"
        if call.value.DateTimeType != _DATE_TIME_TYPE:
            raise Fault("InvalidArgVal", "InvalidDateTime", reason="the clock is kept by the host (NTP)")
        if zone not in ("UTC0", "UTC", "GMT0"):
            raise Fault("InvalidArgVal", "InvalidTimeZone", reason="the device keeps UTC")
        return {}

    @operation(names.DEVICE, "GetScopes", Access.READ_SYSTEM)
    async def get_scopes(self, call: Call) -> Values:
        """What the device tells about itself to those who search."""
        return {"Scopes": [{"ScopeDef": "Fixed", "ScopeItem": scope} for scope in self.scopes()]}

    def scopes(self) -> list[str]:
        """The scopes as URIs."""
        information = self._backend.information
        root = "onvif://www.onvif.org"
        scopes = [
            f"{root}/type/video_encoder",
            f"{root}/type/Network_Video_Transmitter",
            f"{root}/name/{quote(information.name, safe='')}",
            f"{root}/hardware/{quote(information.model, safe='')}",
        ]
        if information.location:
            scopes.append(f"{root}/location/{quote(information.location, safe='')}")
        return [*scopes, f"{root}/type/ptz"] if catalogue.moving_channels(self._backend) else scopes

    @operation(names.DEVICE, "GetDiscoveryMode", Access.READ_SYSTEM)
    async def get_discovery_mode(self, call: Call) -> Values:
        """The device does not announce itself."""
        return {"DiscoveryMode": "NonDiscoverable"}

    @operation(names.DEVICE, "GetHostname", Access.PRE_AUTH)
    async def get_hostname(self, call: Call) -> Values:
        """The host's name."""
        return {"HostnameInformation": {"FromDHCP": False, "Name": self._backend.information.hostname}}

    @operation(names.DEVICE, "GetNetworkInterfaces", Access.READ_SYSTEM)
    async def get_network_interfaces(self, call: Call) -> Values:
        """One interface: that through which the client reached us."""
        interface: Values = {
            "token": "eth0",
            "Enabled": True,
            "Info": {"Name": "eth0", "HwAddress": self._backend.information.mac, "MTU": 1500},
        }
        if _is_ipv4(call.local_address):
            address = {"Address": call.local_address, "PrefixLength": 24}
            interface["IPv4"] = {"Enabled": True, "Config": {"Manual": [address], "DHCP": False}}
        return {"NetworkInterfaces": [interface]}

    @operation(names.DEVICE, "GetNetworkProtocols", Access.READ_SYSTEM)
    async def get_network_protocols(self, call: Call) -> Values:
        """HTTP, and RTSP if there is a picture."""
        web = urlsplit(call.base_url)
        ports = {web.scheme.upper(): web.port or (443 if web.scheme == "https" else 80)}
        for channel in self._backend.channels[:1]:
            ports["RTSP"] = urlsplit(self._backend.stream_uri(channel.token, StreamRequest(host=call.host))).port or 554
        return {"NetworkProtocols": [{"Name": name, "Enabled": True, "Port": [port]} for name, port in ports.items()]}

    @operation(names.DEVICE, "GetUsers", Access.READ_SYSTEM_SECRET)
    async def get_users(self, call: Call) -> Values:
        """Names and levels; passwords are never told."""
        levels = {Level.ADMINISTRATOR: "Administrator", Level.OPERATOR: "Operator", Level.USER: "User"}
        return {
            "User": [
                {"Username": clean_text(name), "UserLevel": levels.get(self._users.level_of(name), "Anonymous")}
                for name in self._users.usernames()
            ]
        }

    @operation(names.DEVICE, "GetWsdlUrl", Access.PRE_AUTH)
    async def get_wsdl_url(self, call: Call) -> Values:
        """Where the standard's descriptions are."""
        return {"WsdlUrl": "https://www.onvif.org/profiles/specifications/"}

    @operation(names.DEVICE, "GetEndpointReference", Access.PRE_AUTH)
    async def get_endpoint_reference(self, call: Call) -> Values:
        """The stable identity of the device."""
        return {"GUID": f"urn:uuid:{self._backend.information.uuid}"}


def _is_ipv4(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 4
    except ValueError:
        return False
