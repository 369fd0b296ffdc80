"""The PTZ service (ONVIF PTZ): translates spaces into degrees and the host's refusals into faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onvif_server import tokens
from onvif_server.backend import (
    Backend,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    Range,
    Refusal,
    Refused,
    VideoChannel,
)
from onvif_server.security.access import Access
from onvif_server.services import catalogue, channels, ptz_description
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, action_failed, invalid_argument
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text, seconds_of, xml_time

_SENDERS_MISTAKE = {
    Refusal.INVALID_POSITION: "InvalidPosition",
    Refusal.NO_SUCH_PRESET: "NoToken",
    Refusal.PRESET_EXISTS: "PresetExist",
}
_CANNOT = {
    Refusal.TOO_MANY_PRESETS: "TooManyPresets",
    Refusal.MOVING: "MovingPTZ",
    Refusal.NO_HOME: "NoHomePosition",
}
_MAXIMUM_PRESET_NAME = 64


def fault_of(refused: Refused) -> Fault:
    """The fault that tells a client of a refusal."""
    if refused.refusal in _SENDERS_MISTAKE:
        return invalid_argument(_SENDERS_MISTAKE[refused.refusal], refused.detail)
    if refused.refusal in _CANNOT:
        return action_failed(_CANNOT[refused.refusal], refused.detail)
    return Fault("Action", reason=refused.detail, sender=False)


@contextmanager
def _refusals_as_faults() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise fault_of(refused) from refused


class PtzService:
    """Nodes, configurations, moves, presets, home."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def _moving(self, profile_token: str) -> tuple[VideoChannel, Ptz]:
        channel = channels.by_profile(self._backend.channels, profile_token)
        ptz = self._backend.ptz(channel.token)
        if ptz is None:
            raise invalid_argument("NoPTZProfile", f"the profile {profile_token} has no PTZ configuration")
        return channel, ptz

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "EFlip": False,
            "Reverse": False,
            "GetCompatibleConfigurations": True,
            "MoveStatus": True,
            "StatusPosition": True,
        }

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

    @operation(names.PTZ, "GetConfigurations", Access.READ_MEDIA)
    async def get_configurations(self, call: Call) -> Values:
        """The configurations of all heads."""
        moving = catalogue.moving_channels(self._backend)
        return {
            "PTZConfiguration": [ptz_description.configuration(channel, ptz.capabilities) for channel, ptz in moving]
        }

    @operation(names.PTZ, "GetCompatibleConfigurations", Access.READ_MEDIA)
    async def get_compatible_configurations(self, call: Call) -> Values:
        """The configuration that belongs to a profile; none for one that does not move."""
        channel = channels.by_profile(self._backend.channels, call.value.ProfileToken)
        found = channels.ptz_configuration(self._backend, channel)
        return {"PTZConfiguration": [found] if found else []}

    @operation(names.PTZ, "GetConfiguration", Access.READ_MEDIA)
    async def get_configuration(self, call: Call) -> Values:
        """One configuration."""
        channel, capabilities = self._configured(call.value.PTZConfigurationToken)
        return {"PTZConfiguration": ptz_description.configuration(channel, capabilities)}

    @operation(names.PTZ, "GetConfigurationOptions", Access.READ_MEDIA)
    async def get_configuration_options(self, call: Call) -> Values:
        """The spaces and time-outs of one configuration."""
        _, capabilities = self._configured(call.value.ConfigurationToken)
        return {"PTZConfigurationOptions": ptz_description.configuration_options(capabilities)}

    def _configured(self, token: str) -> tuple[VideoChannel, PtzCapabilities]:
        for channel, ptz in catalogue.moving_channels(self._backend):
            if tokens.ptz_configuration(channel.token) == token:
                return channel, ptz.capabilities
        raise invalid_argument("NoConfig", f"there is no PTZ configuration {token}")

    @operation(names.PTZ, "GetStatus", Access.READ_MEDIA)
    async def get_status(self, call: Call) -> Values:
        """Where the head looks, in the generic space, and whether it moves."""
        _, ptz = self._moving(call.value.ProfileToken)
        with _refusals_as_faults():
            status = await ptz.status()
        moving: Values = {"PanTilt": _move_status(status.pan_tilt_moving)}
        if ptz.capabilities.zoom:
            moving["Zoom"] = _move_status(status.zoom_moving)
        return {
            "PTZStatus": {
                "Position": _position(ptz.capabilities, status.pan_deg, status.tilt_deg, status.zoom),
                "MoveStatus": moving,
                "UtcTime": xml_time(status.at),
            }
        }

    @operation(names.PTZ, "AbsoluteMove", Access.ACTUATE)
    async def absolute_move(self, call: Call) -> Values:
        """Goes to a position in the generic or the spherical space."""
        _, ptz = self._moving(call.value.ProfileToken)
        _insist(ptz.capabilities.absolute, "AbsoluteMove")
        pan_deg, tilt_deg, zoom = _absolute_target(call.value.Position, ptz.capabilities)
        if pan_deg is None and zoom is None:
            raise invalid_argument("InvalidPosition", "the request names no position")
        with _refusals_as_faults():
            await ptz.move_absolute(
                call.caller, pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=_speed(call.value.Speed)
            )
        return {}

    @operation(names.PTZ, "RelativeMove", Access.ACTUATE)
    async def relative_move(self, call: Call) -> Values:
        """Moves by a part of the head's range (generic space) or of the picture (field-of-view space)."""
        _, ptz = self._moving(call.value.ProfileToken)
        capabilities, translation = ptz.capabilities, call.value.Translation
        _insist(capabilities.relative or capabilities.relative_fov, "RelativeMove")
        if translation is None:
            raise invalid_argument("InvalidTranslation", "the request names no translation")
        pan_tilt = translation.PanTilt
        x, y = (0.0, 0.0) if pan_tilt is None else _within(_SIGNED, "InvalidTranslation", pan_tilt.x, pan_tilt.y)
        zoom = _zoom_value(translation.Zoom, ptz_description.ZOOM_TRANSLATION, _SIGNED, "InvalidTranslation") or 0.0
        space = (pan_tilt.space if pan_tilt is not None else None) or _default_translation(capabilities)
        speed = _speed(call.value.Speed)
        with _refusals_as_faults():
            if space == ptz_description.TRANSLATION and capabilities.relative:
                # The unit of this space is the whole range of the head (PTZ 6.2.1).
                pan_deg, tilt_deg = x * _width(capabilities.pan_deg), y * _width(capabilities.tilt_deg)
                await ptz.move_relative(call.caller, pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
            elif space == ptz_description.TRANSLATION_FOV and capabilities.relative_fov:
                await ptz.move_relative_fov(call.caller, x=x, y=y, zoom=zoom, speed=speed)
            else:
                raise _space_not_supported(space)
        return {}

    @operation(names.PTZ, "ContinuousMove", Access.ACTUATE)
    async def continuous_move(self, call: Call) -> Values:
        """Moves until it is stopped, or until the time-out."""
        _, ptz = self._moving(call.value.ProfileToken)
        capabilities, velocity = ptz.capabilities, call.value.Velocity
        _insist(capabilities.continuous, "ContinuousMove")
        if velocity is None:
            raise invalid_argument("InvalidVelocity", "the request names no velocity")
        pan = tilt = None
        if velocity.PanTilt is not None:
            _insist_space(velocity.PanTilt.space, ptz_description.VELOCITY)
            pan, tilt = _within(_SIGNED, "InvalidVelocity", velocity.PanTilt.x, velocity.PanTilt.y)
        zoom = _zoom_value(velocity.Zoom, ptz_description.ZOOM_VELOCITY, _SIGNED, "InvalidVelocity")
        timeout_s = capabilities.default_timeout_s
        if call.value.Timeout is not None:
            timeout_s = _seconds(call.value.Timeout, capabilities.maximum_timeout_s)
        with _refusals_as_faults():
            await ptz.move_continuous(call.caller, pan=pan, tilt=tilt, zoom=zoom, timeout_s=timeout_s)
        return {}

    @operation(names.PTZ, "Stop", Access.ACTUATE)
    async def stop(self, call: Call) -> Values:
        """Stops pan and tilt, zoom, or (if neither is named) all."""
        _, ptz = self._moving(call.value.ProfileToken)
        pan_tilt, zoom = call.value.PanTilt, call.value.Zoom
        both = pan_tilt is None and zoom is None
        with _refusals_as_faults():
            await ptz.stop(call.caller, pan_tilt=both or bool(pan_tilt), zoom=both or bool(zoom))
        return {}

    @operation(names.PTZ, "GetPresets", Access.READ_MEDIA)
    async def get_presets(self, call: Call) -> Values:
        """The stored positions."""
        _, ptz = self._moving(call.value.ProfileToken)
        with _refusals_as_faults():
            presets = await ptz.presets()
        return {"Preset": [_preset(preset, ptz.capabilities) for preset in presets]}

    @operation(names.PTZ, "SetPreset", Access.ACTUATE)
    async def set_preset(self, call: Call) -> Values:
        """Stores the present position."""
        _, ptz = self._moving(call.value.ProfileToken)
        _insist(ptz.capabilities.maximum_presets > 0, "SetPreset")
        name = call.value.PresetName or None
        if name is not None and len(name) > _MAXIMUM_PRESET_NAME:
            raise invalid_argument(
                "InvalidPresetName", f"a preset's name has at most {_MAXIMUM_PRESET_NAME} characters"
            )
        with _refusals_as_faults():
            token = await ptz.set_preset(call.caller, token=call.value.PresetToken or None, name=name)
        return {"PresetToken": token}

    @operation(names.PTZ, "GotoPreset", Access.ACTUATE)
    async def goto_preset(self, call: Call) -> Values:
        """Goes to a stored position."""
        _, ptz = self._moving(call.value.ProfileToken)
        with _refusals_as_faults():
            await ptz.goto_preset(call.caller, call.value.PresetToken, _speed(call.value.Speed))
        return {}

    @operation(names.PTZ, "RemovePreset", Access.ACTUATE)
    async def remove_preset(self, call: Call) -> Values:
        """Forgets a stored position."""
        _, ptz = self._moving(call.value.ProfileToken)
        with _refusals_as_faults():
            await ptz.remove_preset(call.caller, call.value.PresetToken)
        return {}

    @operation(names.PTZ, "GotoHomePosition", Access.ACTUATE)
    async def goto_home_position(self, call: Call) -> Values:
        """Goes home."""
        _, ptz = self._moving(call.value.ProfileToken)
        if not ptz.capabilities.home:
            raise action_failed("NoHomePosition", "the head has no home position")
        with _refusals_as_faults():
            await ptz.goto_home(call.caller, _speed(call.value.Speed))
        return {}

    @operation(names.PTZ, "SetHomePosition", Access.ACTUATE)
    async def set_home_position(self, call: Call) -> Values:
        """Makes the present position the home."""
        _, ptz = self._moving(call.value.ProfileToken)
        _insist(ptz.capabilities.home, "SetHomePosition")
        if ptz.capabilities.fixed_home:
            raise action_failed("CannotOverwriteHome", "the home position is fixed")
        with _refusals_as_faults():
            await ptz.set_home(call.caller)
        return {}


_SIGNED = Range(-1.0, 1.0)
_UNSIGNED = Range(0.0, 1.0)


def _insist(able: bool, what: str) -> None:
    if not able:
        raise Fault("ActionNotSupported", reason=f"the head does not support {what}", sender=False)


def _space_not_supported(space: str | None) -> Fault:
    return invalid_argument("SpaceNotSupported", f"the space {space} is not supported here")


def _insist_space(space: str | None, supported: str) -> None:
    if space and space != supported:
        raise _space_not_supported(space)


def _within(interval: Range, subcode: str, *numbers: float) -> tuple[float, ...]:
    for number in numbers:
        if not interval.minimum <= number <= interval.maximum:  # false for what is not a number, too
            raise invalid_argument(subcode, f"{number} is not between {interval.minimum:g} and {interval.maximum:g}")
    return numbers


def _zoom_value(zoom: Any, space: str, interval: Range, subcode: str) -> float | None:
    if zoom is None:
        return None
    _insist_space(zoom.space, space)
    return _within(interval, subcode, zoom.x)[0]


def _default_translation(capabilities: PtzCapabilities) -> str:
    return ptz_description.TRANSLATION if capabilities.relative else ptz_description.TRANSLATION_FOV


def _absolute_target(position: Any, capabilities: PtzCapabilities) -> tuple[float | None, float | None, float | None]:
    if position is None:  # how an empty element looks
        return None, None, None
    zoom = _zoom_value(position.Zoom, ptz_description.ZOOM_POSITION, _UNSIGNED, "InvalidPosition")
    if zoom is not None and not capabilities.zoom:
        raise _space_not_supported(ptz_description.ZOOM_POSITION)
    pan_tilt = position.PanTilt
    if pan_tilt is None:
        return None, None, zoom
    if pan_tilt.space == ptz_description.SPHERICAL_POSITION:
        (pan_deg,) = _within(capabilities.pan_deg, "InvalidPosition", pan_tilt.x)
        (tilt_deg,) = _within(capabilities.tilt_deg, "InvalidPosition", pan_tilt.y)
        return pan_deg, tilt_deg, zoom
    _insist_space(pan_tilt.space, ptz_description.POSITION)
    x, y = _within(_SIGNED, "InvalidPosition", pan_tilt.x, pan_tilt.y)
    return _from_generic(capabilities.pan_deg, x), _from_generic(capabilities.tilt_deg, y), zoom


def _width(interval: Range) -> float:
    return interval.maximum - interval.minimum


def _from_generic(interval: Range, value: float) -> float:
    return interval.minimum + (value + 1.0) / 2.0 * _width(interval)


def _to_generic(interval: Range, value: float) -> float:
    if _width(interval) <= 0:
        return 0.0
    return min(max((value - interval.minimum) / _width(interval) * 2.0 - 1.0, -1.0), 1.0)


def _position(capabilities: PtzCapabilities, pan_deg: float, tilt_deg: float, zoom: float) -> Values:
    position: Values = {
        "PanTilt": {
            "x": _to_generic(capabilities.pan_deg, pan_deg),
            "y": _to_generic(capabilities.tilt_deg, tilt_deg),
            "space": ptz_description.POSITION,
        }
    }
    if capabilities.zoom:
        position["Zoom"] = {"x": min(max(zoom, 0.0), 1.0), "space": ptz_description.ZOOM_POSITION}
    return position


def _preset(preset: PtzPreset, capabilities: PtzCapabilities) -> Values:
    # Some recorders take an empty name for the end of the list.
    values: Values = {"token": preset.token, "Name": clean_text(preset.name) or preset.token}
    if preset.pan_deg is not None and preset.tilt_deg is not None and preset.zoom is not None:
        values["PTZPosition"] = _position(capabilities, preset.pan_deg, preset.tilt_deg, preset.zoom)
    return values


def _speed(speed: Any) -> PtzSpeed:
    if speed is None:
        return PtzSpeed()
    pan = tilt = zoom = None
    if speed.PanTilt is not None:
        _insist_space(speed.PanTilt.space, ptz_description.SPEED)
        # Recorders send the sign of the direction along with the speed.
        pan, tilt = _within(_UNSIGNED, "InvalidSpeed", abs(speed.PanTilt.x), abs(speed.PanTilt.y))
    if speed.Zoom is not None:
        _insist_space(speed.Zoom.space, ptz_description.ZOOM_SPEED)
        (zoom,) = _within(_UNSIGNED, "InvalidSpeed", abs(speed.Zoom.x))
    return PtzSpeed(pan, tilt, zoom)


def _seconds(timeout: Any, maximum: float) -> float:
    try:
        seconds = seconds_of(timeout).total_seconds()
    except ValueError as error:
        raise invalid_argument("TimeoutNotSupported", str(error)) from error
    if not (math.isfinite(seconds) and seconds > 0):
        raise invalid_argument("TimeoutNotSupported", "the time-out must be longer than nothing")
    return min(seconds, maximum)


def _move_status(moving: bool) -> str:
    return "MOVING" if moving else "IDLE"
