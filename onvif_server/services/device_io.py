"""The DeviceIO service: which sources and outputs there are, relays, and digital inputs.

Its GetRelayOutputs and SetRelayOutputState have the messages of the device service (`device_relays` answers them).
"""

from __future__ import annotations

from collections.abc import Sequence

from onvif_server import tokens
from onvif_server.backend import Backend, DigitalInput
from onvif_server.security.access import Access
from onvif_server.services.relays import Relays
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument, not_supported
from onvif_server.soap.operations import Call, Values, operation


class DeviceIoService:
    """Physical inputs and outputs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._relays = Relays(backend)

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "VideoSources": len(self._backend.channels),
            "VideoOutputs": 0,
            "AudioSources": len(self._audio_sources()),
            "AudioOutputs": len(self._audio_outputs()),
            "RelayOutputs": self._relays.count(),
            "SerialPorts": 0,
            "DigitalInputs": len(self._inputs()),
            "DigitalInputOptions": False,
        }

    @operation(names.DEVICE_IO, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.DEVICE_IO, "GetVideoSources", Access.READ_MEDIA)
    async def get_video_sources(self, call: Call) -> Values:
        """The tokens of the picture sources."""
        return {"Token": [tokens.video_source(channel.token) for channel in self._backend.channels]}

    @operation(names.DEVICE_IO, "GetAudioSources", Access.READ_MEDIA)
    async def get_audio_sources(self, call: Call) -> Values:
        """The tokens of the microphones."""
        sources = self._audio_sources()
        if not sources:
            raise _no_audio("AudioNotSupported", "the device has no microphone")
        return {"Token": sources}

    @operation(names.DEVICE_IO, "GetAudioOutputs", Access.READ_MEDIA)
    async def get_audio_outputs(self, call: Call) -> Values:
        """The tokens of the loudspeakers."""
        outputs = self._audio_outputs()
        if not outputs:
            raise _no_audio("AudioOutputNotSupported", "the device has no loudspeaker")
        return {"Token": outputs}

    @operation(names.DEVICE_IO, "GetRelayOutputOptions", Access.READ_MEDIA)
    async def get_relay_output_options(self, call: Call) -> Values:
        """What relays can be set to."""
        return {"RelayOutputOptions": self._relays.options("GetRelayOutputOptions", call.value.RelayOutputToken)}

    @operation(names.DEVICE_IO, "SetRelayOutputSettings", Access.ACTUATE)
    async def set_relay_output_settings(self, call: Call) -> Values:
        """Changes the settings of a relay."""
        output = call.value.RelayOutput
        await self._relays.configure("SetRelayOutputSettings", call.caller, output.token, output.Properties)
        return {}

    @operation(names.DEVICE_IO, "GetDigitalInputs", Access.READ_MEDIA)
    async def get_digital_inputs(self, call: Call) -> Values:
        """The digital inputs; their states are events."""
        inputs = self._insist_on_inputs("GetDigitalInputs")
        return {"DigitalInputs": [{"token": one.token, "IdleState": _idle_state(one)} for one in inputs]}

    @operation(names.DEVICE_IO, "GetDigitalInputConfigurationOptions", Access.READ_MEDIA)
    async def get_digital_input_configuration_options(self, call: Call) -> Values:
        """The idle states that the inputs have: they cannot be set."""
        inputs = self._insist_on_inputs("GetDigitalInputConfigurationOptions")
        token = call.value.Token
        if token:
            inputs = tuple(one for one in inputs if one.token == token)
            if not inputs:
                raise invalid_argument("NoToken", f"there is no digital input {token}")
        return {"DigitalInputOptions": {"IdleState": sorted({_idle_state(one) for one in inputs})}}

    def _audio_sources(self) -> list[str]:
        return [tokens.audio_source(one.token) for one in self._backend.channels if one.audio is not None]

    def _audio_outputs(self) -> list[str]:
        return [tokens.audio_output(one.token) for one in self._backend.channels if one.back_channel is not None]

    def _inputs(self) -> Sequence[DigitalInput]:
        terminals = self._backend.terminals
        return terminals.inputs() if terminals else ()

    def _insist_on_inputs(self, name: str) -> Sequence[DigitalInput]:
        inputs = self._inputs()
        if not inputs:
            raise not_supported(name)
        return inputs


def _no_audio(subcode: str, reason: str) -> Fault:
    return Fault("ActionNotSupported", subcode, reason=reason, sender=False)


def _idle_state(one: DigitalInput) -> str:
    return "open" if one.idle_open else "closed"
