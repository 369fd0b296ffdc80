"""The PTZ service (ONVIF PTZ): nodes, configurations, status, auxiliary commands; its other parts see `parts`."""

from __future__ import annotations

from collections.abc import Callable

from onvif_server import tokens
from onvif_server.backend import Backend, Memory, Ptz, VideoChannel
from onvif_server.events import topics
from onvif_server.events.broker import Broker
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profiles
from onvif_server.security.access import Access
from onvif_server.services import catalogue, ptz_description, ptz_values
from onvif_server.services.ptz_heads import PtzHeads
from onvif_server.services.ptz_moves import PtzMoves
from onvif_server.services.ptz_presets import PtzPresets
from onvif_server.services.ptz_settings import PtzSettings
from onvif_server.services.ptz_tour_watch import TourWatch
from onvif_server.services.ptz_tours import PtzTours
from onvif_server.services.ptz_values import refusals_as_faults
from onvif_server.services.ptz_watch import PresetWatch
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import xml_time

TOPICS = (
    topics.PRESET_INVOKED,
    topics.PRESET_REACHED,
    topics.PRESET_ABORTED,
    topics.PRESET_LEFT,
    topics.PRESET_TOURS,
)
"""What the service sends by itself where something moves."""


class PtzService:
    """Nodes, configurations, status, auxiliary commands. `parts` are the handlers of everything else.

    `configured` is told the channel whose configuration was set.
    """

    def __init__(
        self,
        backend: Backend,
        profiles: Profiles,
        memory: Memory,
        broker: Broker,
        configured: Callable[[str], None] = lambda _channel: None,
    ) -> None:
        self._configured_now = configured
        self.settings = PtzSettings(memory)
        self._backend = backend
        self.tours = TourWatch(backend, profiles, broker)
        self._heads = PtzHeads(backend, profiles, self.settings, PresetWatch(broker), self.tours)
        self.parts = (PtzMoves(self._heads), PtzPresets(self._heads), PtzTours(self._heads))

    async def close(self) -> None:
        """Watches no move any more."""
        await self._heads.watch.close()

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        values: Values = {
            "EFlip": False,
            "Reverse": False,
            "GetCompatibleConfigurations": True,
            "MoveStatus": True,
            "StatusPosition": True,
        }
        methods = [
            method
            for channel, ptz in catalogue.moving_channels(self._backend)
            for method in ptz_description.tracking_methods(ptz.capabilities)
        ]
        if methods:
            values["MoveAndTrack"] = list(dict.fromkeys(methods))
        return values

    @operation(names.PTZ, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.PTZ, "GetNodes", Access.READ_MEDIA)
    async def get_nodes(self, call: Call) -> Values:
        """All heads."""
        moving = catalogue.moving_channels(self._backend)
        return {"PTZNode": [ptz_description.node(channel, ptz.capabilities) for channel, ptz in moving]}

    @operation(names.PTZ, "GetNode", Access.READ_MEDIA)
    async def get_node(self, call: Call) -> Values:
        """One head."""
        for channel, ptz in catalogue.moving_channels(self._backend):
            if tokens.ptz_node(channel.token) == call.value.NodeToken:
                return {"PTZNode": ptz_description.node(channel, ptz.capabilities)}
        raise invalid_argument("NoEntity", f"there is no PTZ node {call.value.NodeToken}")

    def configuration(self, channel: VideoChannel, ptz: Ptz) -> Values:
        """The tt:PTZConfiguration of a head as it is now."""
        use_count = self._heads.profiles.use_count(Part.PTZ, channel.token)
        return self.settings.configuration(channel, ptz.capabilities, use_count)

    @operation(names.PTZ, "GetConfigurations", Access.READ_MEDIA)
    async def get_configurations(self, call: Call) -> Values:
        """The configurations of all heads."""
        moving = catalogue.moving_channels(self._backend)
        return {"PTZConfiguration": [self.configuration(channel, ptz) for channel, ptz in moving]}

    @operation(names.PTZ, "GetCompatibleConfigurations", Access.READ_MEDIA)
    async def get_compatible_configurations(self, call: Call) -> Values:
        """The configurations that can be added to a profile: its channel's, or all while it is empty."""
        profile = self._heads.profiles.get(call.value.ProfileToken)
        moving = catalogue.moving_channels(self._backend)
        fitting = [self.configuration(one, ptz) for one, ptz in moving if profile.channel in (None, one.token)]
        return {"PTZConfiguration": fitting}

    @operation(names.PTZ, "GetConfiguration", Access.READ_MEDIA)
    async def get_configuration(self, call: Call) -> Values:
        """One configuration."""
        channel, ptz = self._configured(call.value.PTZConfigurationToken)
        return {"PTZConfiguration": self.configuration(channel, ptz)}

    @operation(names.PTZ, "SetConfiguration", Access.ACTUATE)
    async def set_configuration(self, call: Call) -> Values:
        """Changes the name, and the defaults of speed, time-out and spaces; always for good."""
        channel, ptz = self._configured(call.value.PTZConfiguration.token)
        # zeep loses elements that stand behind a wildcard, so this one is looked for in the message.
        if call.message.find(f".//{names.tag(names.SCHEMA, 'PTControlDirection')}") is not None:
            raise invalid_argument("ConfigModify", "the directions of the node cannot be turned round")
        await self.settings.set(channel, ptz.capabilities, call.value.PTZConfiguration)
        self._configured_now(channel.token)
        return {}

    @operation(names.PTZ, "GetConfigurationOptions", Access.READ_MEDIA)
    async def get_configuration_options(self, call: Call) -> Values:
        """The spaces and time-outs of one configuration."""
        _, ptz = self._configured(call.value.ConfigurationToken)
        return {"PTZConfigurationOptions": ptz_description.configuration_options(ptz.capabilities)}

    def _configured(self, token: str) -> tuple[VideoChannel, Ptz]:
        for channel, ptz in catalogue.moving_channels(self._backend):
            if tokens.ptz_configuration(channel.token) == token:
                return channel, ptz
        raise invalid_argument("NoConfig", f"there is no PTZ configuration {token}")

    @operation(names.PTZ, "GetStatus", Access.READ_MEDIA)
    async def get_status(self, call: Call) -> Values:
        """Where the head looks, and whether it moves."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        with refusals_as_faults():
            status = await ptz.status()
        # The spaces of the position are the defaults of the configuration (PTZ 5.3.6).
        space = self.settings.absolute_space(channel.token)
        place = (status.pan_deg, status.tilt_deg, status.zoom)
        moving: Values = {"PanTilt": _move_status(status.pan_tilt_moving)}
        if ptz.capabilities.zoom:
            moving["Zoom"] = _move_status(status.zoom_moving)
        return {
            "PTZStatus": {
                "Position": ptz_values.position(ptz.capabilities, *place, space),
                "MoveStatus": moving,
                "UtcTime": xml_time(status.at),
            }
        }

    @operation(names.PTZ, "SendAuxiliaryCommand", Access.ACTUATE)
    async def send_auxiliary_command(self, call: Call) -> Values:
        """Carries out a command that the node lists."""
        _, ptz = self._heads.moving(call.value.ProfileToken)
        command = call.value.AuxiliaryData
        if command not in ptz.capabilities.auxiliary_commands:
            reason = f"the node has no auxiliary command {command}"
            raise Fault("ActionNotSupported", "AuxiliaryDataNotSupported", reason=reason, sender=False)
        with refusals_as_faults():
            return {"AuxiliaryResponse": await ptz.auxiliary(call.caller, command)}


def _move_status(moving: bool) -> str:
    return "MOVING" if moving else "IDLE"
