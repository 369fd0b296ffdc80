"""The DeviceIO service: of its parts, the picture sources (Profile T asks for them here)."""

from __future__ import annotations

from onvif_server import tokens
from onvif_server.backend import Backend
from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.operations import Call, Values, operation


class DeviceIoService:
    """Physical inputs and outputs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "VideoSources": len(self._backend.channels),
            "VideoOutputs": 0,
            "AudioSources": 0,
            "AudioOutputs": 0,
            "RelayOutputs": 0,
            "SerialPorts": 0,
            "DigitalInputs": 0,
        }

    @operation(names.DEVICE_IO, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.DEVICE_IO, "GetVideoSources", Access.READ_MEDIA)
    async def get_video_sources(self, call: Call) -> Values:
        """The tokens of the picture sources."""
        return {"Token": [tokens.video_source(channel.token) for channel in self._backend.channels]}
