"""The device service (ONVIF Core, chapter 8): name plate, clock, and what the device offers.

Its other operations are in the modules `device_…` beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lxml import etree

from onvif_server.backend import Backend
from onvif_server.identity import Identity
from onvif_server.security.access import Access
from onvif_server.services import catalogue
from onvif_server.services.device_users import MAXIMUM_PASSWORD, MAXIMUM_USERNAME
from onvif_server.services.relays import Relays
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.faults import Fault
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.schema import Schemas

_DATE_TIME_TYPE = "NTP"  # the host keeps the clock


class DeviceService:
    """Name plate, clock, and what else the device offers."""

    def __init__(self, backend: Backend, identity: Identity, settings: DeviceSettings, schemas: Schemas) -> None:
        self._backend = backend
        self._identity = identity
        self._relays = Relays(backend)
        self._settings = settings
        self._schemas = schemas
        self.capability_sources: Mapping[str, Callable[[], Values]] = {}
        """Who tells the capabilities of each other service as they are now, by namespace; filled by the device."""

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
        capabilities = self.capabilities() if namespace == names.DEVICE else self.capability_sources[namespace]()
        self._schemas.render(operation_, {"Capabilities": capabilities}, parent)
        return {"_value_1": parent[0][0]}

    @operation(names.DEVICE, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    def capabilities(self) -> Values:
        """The capabilities of the device service."""
        commands = self._backend.auxiliary_commands
        return {
            "Network": {
                "IPFilter": False,
                "ZeroConfiguration": False,
                "IPVersion6": False,
                "DynDNS": False,
                "Dot11Configuration": False,
                "Dot1XConfigurations": 0,
                "HostnameFromDHCP": False,
                "NTP": 0,  # how many SetNTP would take
                "DHCPv6": False,
            },
            "Security": self._security(),
            "System": {
                "DiscoveryResolve": self._identity.announced,
                "DiscoveryBye": self._identity.announced,
                "RemoteDiscovery": False,
                "SystemBackup": False,
                "HttpFirmwareUpgrade": False,
                "HttpSystemBackup": False,
                **self._papers(),
                "DiscoveryNotSupported": not self._identity.announced,
                "NetworkConfigNotSupported": True,
                "UserConfigNotSupported": self._backend.user_administration is None,
            },
            "Misc": {"AuxiliaryCommands": list(commands)} if commands else None,
        }

    def _security(self) -> Values:
        system = self._backend.system
        encrypted = bool(system and system.certificates())
        return {
            # Python and GStreamer speak 1.2 and newer; the standard has no attribute for 1.3.
            "TLS1.0": False,
            "TLS1.1": False,
            "TLS1.2": encrypted,
            "OnboardKeyGeneration": False,
            "AccessPolicyConfig": False,
            "DefaultAccessPolicy": True,
            "Dot1X": False,
            "RemoteUserHandling": False,
            "UsernameToken": True,
            "HttpDigest": True,
            "MaxUserNameLength": MAXIMUM_USERNAME,
            "MaxPasswordLength": MAXIMUM_PASSWORD,
            "HashingAlgorithms": [",".join(self._settings.digest_algorithms)],  # the schema's example has commas
        }

    def _papers(self) -> Values:
        there = self._backend.system is not None
        return {"SystemLogging": there, "HttpSystemLogging": there, "HttpSupportInformation": there}

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
        media = self.capability_sources[names.MEDIA]()
        addresses = {entry.namespace: f"{base_url}{entry.path}" for entry in catalogue.offered(self._backend)}
        return {
            "Device": self._old_device(base_url),
            "Events": {
                "XAddr": f"{base_url}{catalogue.EVENTS.path}",
                "WSSubscriptionPolicySupport": False,
                "WSPullPointSupport": True,
                "WSPausableSubscriptionManagerInterfaceSupport": False,
            },
            "Media": {
                "XAddr": f"{base_url}{catalogue.MEDIA.path}",
                # The same as the service says of itself.
                "StreamingCapabilities": {
                    name: media["StreamingCapabilities"][name] for name in ("RTPMulticast", "RTP_TCP", "RTP_RTSP_TCP")
                },
                "Extension": {"ProfileCapabilities": media["ProfileCapabilities"]},
            },
            "PTZ": {"XAddr": addresses[names.PTZ]} if names.PTZ in addresses else None,
            "Imaging": {"XAddr": addresses[names.IMAGING]} if names.IMAGING in addresses else None,
            "Analytics": {
                "XAddr": addresses[names.ANALYTICS],
                "RuleSupport": True,
                "AnalyticsModuleSupport": True,
            }
            if names.ANALYTICS in addresses
            else None,
            "Extension": {"DeviceIO": self._old_device_io(addresses[names.DEVICE_IO])},
        }

    def _old_device_io(self, address: str) -> Values:
        counts = self.capability_sources[names.DEVICE_IO]()
        named = ("VideoSources", "VideoOutputs", "AudioSources", "AudioOutputs", "RelayOutputs")
        return {"XAddr": address} | {name: counts[name] for name in named}

    def _old_device(self, base_url: str) -> Values:
        announced, papers = self._identity.announced, self._papers()
        terminals, commands = self._backend.terminals, self._backend.auxiliary_commands
        return {
            "XAddr": f"{base_url}{catalogue.DEVICE.path}",
            "Network": {"IPFilter": False, "ZeroConfiguration": False, "IPVersion6": False, "DynDNS": False},
            "System": {
                "DiscoveryResolve": announced,
                "DiscoveryBye": announced,
                "RemoteDiscovery": False,
                "SystemBackup": False,
                "SystemLogging": papers.pop("SystemLogging"),
                "FirmwareUpgrade": False,
                "SupportedVersions": [catalogue.VERSION],
                "Extension": {"HttpFirmwareUpgrade": False, "HttpSystemBackup": False, **papers},
            },
            "IO": {
                "InputConnectors": len(terminals.inputs()) if terminals else 0,
                "RelayOutputs": self._relays.count(),
                "Extension": {"Auxiliary": True, "AuxiliaryCommands": list(commands), "Extension": {}}
                if commands
                else None,
            },
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

    @operation(names.DEVICE, "GetWsdlUrl", Access.PRE_AUTH)
    async def get_wsdl_url(self, call: Call) -> Values:
        """Where the standard's descriptions are."""
        return {"WsdlUrl": "https://www.onvif.org/profiles/specifications/"}

    @operation(names.DEVICE, "GetEndpointReference", Access.PRE_AUTH)
    async def get_endpoint_reference(self, call: Call) -> Values:
        """The stable identity of the device."""
        return {"GUID": f"urn:uuid:{self._backend.information.uuid}"}
