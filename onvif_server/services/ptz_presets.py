"""Presets and the home position."""

from __future__ import annotations

from typing import Final

from onvif_server.backend import PtzCapabilities, PtzPreset
from onvif_server.security.access import Access
from onvif_server.services import ptz_values
from onvif_server.services.ptz_heads import PtzHeads
from onvif_server.services.ptz_values import insist, refusals_as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import action_failed, invalid_argument
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text

_MAXIMUM_NAME: Final = 64


class PtzPresets:
    """Stored positions."""

    def __init__(self, heads: PtzHeads) -> None:
        self._heads = heads

    @operation(names.PTZ, "GetPresets", Access.READ_MEDIA)
    async def get_presets(self, call: Call) -> Values:
        """The stored positions."""
        _, ptz = self._heads.moving(call.value.ProfileToken)
        with refusals_as_faults():
            presets = await ptz.presets()
        return {"Preset": [_preset(preset, ptz.capabilities) for preset in presets]}

    @operation(names.PTZ, "SetPreset", Access.ACTUATE)
    async def set_preset(self, call: Call) -> Values:
        """Stores the present position."""
        _, ptz = self._heads.moving(call.value.ProfileToken)
        insist(ptz.capabilities.maximum_presets > 0, "SetPreset")
        name = call.value.PresetName or None
        if name is not None and len(name) > _MAXIMUM_NAME:
            raise invalid_argument("InvalidPresetName", f"a preset's name has at most {_MAXIMUM_NAME} characters")
        with refusals_as_faults():
            token = await ptz.set_preset(call.caller, token=call.value.PresetToken or None, name=name)
        return {"PresetToken": token}

    @operation(names.PTZ, "GotoPreset", Access.ACTUATE)
    async def goto_preset(self, call: Call) -> Values:
        """Goes to a stored position."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        token = call.value.PresetToken
        speed = self._heads.settings.of(channel.token).speed(ptz_values.speed_of(call.value.Speed))
        with refusals_as_faults():
            await ptz.goto_preset(call.caller, token, speed)
            preset = next((one for one in await ptz.presets() if one.token == token), PtzPreset(token, token))
        self._heads.watch.invoked(channel.token, ptz, preset)
        return {}

    @operation(names.PTZ, "RemovePreset", Access.ACTUATE)
    async def remove_preset(self, call: Call) -> Values:
        """Forgets a stored position."""
        _, ptz = self._heads.moving(call.value.ProfileToken)
        with refusals_as_faults():
            await ptz.remove_preset(call.caller, call.value.PresetToken)
        return {}

    @operation(names.PTZ, "GotoHomePosition", Access.ACTUATE)
    async def goto_home_position(self, call: Call) -> Values:
        """Goes home."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        if not ptz.capabilities.home:
            raise action_failed("NoHomePosition", "the head has no home position")
        speed = self._heads.settings.of(channel.token).speed(ptz_values.speed_of(call.value.Speed))
        with refusals_as_faults():
            await ptz.goto_home(call.caller, speed)
        self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "SetHomePosition", Access.ACTUATE)
    async def set_home_position(self, call: Call) -> Values:
        """Makes the present position the home."""
        _, ptz = self._heads.moving(call.value.ProfileToken)
        insist(ptz.capabilities.home, "SetHomePosition")
        if ptz.capabilities.fixed_home:
            raise action_failed("CannotOverwriteHome", "the home position is fixed")
        with refusals_as_faults():
            await ptz.set_home(call.caller)
        return {}


def _preset(preset: PtzPreset, capabilities: PtzCapabilities) -> Values:
    # Some recorders take an empty name for the end of the list.
    values: Values = {"token": preset.token, "Name": clean_text(preset.name) or preset.token}
    if preset.pan_deg is not None and preset.tilt_deg is not None and preset.zoom is not None:
        values["PTZPosition"] = ptz_values.position(capabilities, preset.pan_deg, preset.tilt_deg, preset.zoom)
    return values
