"""The device service's relay operations: older than DeviceIO's, and still what many recorders call."""

from __future__ import annotations

from onvif_server.backend import Backend
from onvif_server.security.access import Access
from onvif_server.services.relays import Relays
from onvif_server.soap import names
from onvif_server.soap.operations import Call, Values, operation


class DeviceRelaysService:
    """Relays."""

    def __init__(self, backend: Backend) -> None:
        self._relays = Relays(backend)

    @operation(names.DEVICE, "GetRelayOutputs", Access.READ_MEDIA)
    async def get_relay_outputs(self, call: Call) -> Values:
        """The relays with their settings."""
        return {"RelayOutputs": self._relays.all("GetRelayOutputs")}

    @operation(names.DEVICE, "SetRelayOutputSettings", Access.ACTUATE)
    async def set_relay_output_settings(self, call: Call) -> Values:
        """Changes the settings of a relay."""
        value = call.value
        await self._relays.configure("SetRelayOutputSettings", call.caller, value.RelayOutputToken, value.Properties)
        return {}

    @operation(names.DEVICE, "SetRelayOutputState", Access.ACTUATE)
    async def set_relay_output_state(self, call: Call) -> Values:
        """Switches a relay."""
        value = call.value
        await self._relays.switch("SetRelayOutputState", call.caller, value.RelayOutputToken, value.LogicalState)
        return {}
