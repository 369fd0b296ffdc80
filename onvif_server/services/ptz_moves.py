"""The moves of the PTZ service, MoveAndStartTracking and GeoMove among them."""

from __future__ import annotations

from typing import Any, Final

from onvif_server.backend import Caller, GeoPosition, Ptz, PtzSpeed, Range, Refusal
from onvif_server.security.access import Access
from onvif_server.services import ptz_description, ptz_values
from onvif_server.services.ptz_heads import PtzHeads
from onvif_server.services.ptz_values import SIGNED, Target, insist, insist_space, refusals_as_faults, within
from onvif_server.soap import names
from onvif_server.soap.faults import invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_UNREACHABLE: Final = {Refusal.INVALID_POSITION: ("InvalidArgVal", "UnreachablePosition")}
_AREA_M: Final = Range(0.0, 1e6)


class PtzMoves:
    """Everything that sets a head in motion except presets and tours."""

    def __init__(self, heads: PtzHeads) -> None:
        self._heads = heads

    def _speed(self, channel: str, asked: Any) -> PtzSpeed:
        return self._heads.settings.of(channel).speed(ptz_values.speed_of(asked))

    @operation(names.PTZ, "AbsoluteMove", Access.ACTUATE)
    async def absolute_move(self, call: Call) -> Values:
        """Goes to a position in the generic or the spherical space."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        insist(ptz.capabilities.absolute, "AbsoluteMove")
        space = self._heads.settings.absolute_space(channel.token)
        pan_deg, tilt_deg, zoom = ptz_values.absolute_target(call.value.Position, ptz.capabilities, space)
        if pan_deg is None and zoom is None:
            raise invalid_argument("InvalidPosition", "the request names no position")
        speed = self._speed(channel.token, call.value.Speed)
        with refusals_as_faults():
            await ptz.move_absolute(call.caller, pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
        self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "RelativeMove", Access.ACTUATE)
    async def relative_move(self, call: Call) -> Values:
        """Moves by a part of the head's range (generic space) or of the picture (field-of-view space)."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        capabilities, translation = ptz.capabilities, call.value.Translation
        insist(capabilities.relative or capabilities.relative_fov, "RelativeMove")
        if translation is None or (translation.PanTilt is None and translation.Zoom is None):
            raise invalid_argument("InvalidTranslation", "the request names no translation")
        zoom_space = ptz_description.ZOOM_TRANSLATION
        zoom = ptz_values.zoom_value(translation.Zoom, zoom_space, SIGNED, "InvalidTranslation")
        speed = self._speed(channel.token, call.value.Speed)
        with refusals_as_faults():
            usual = self._heads.settings.relative_space(channel.token, capabilities)
            await _translate(ptz, call.caller, translation.PanTilt, usual, zoom, speed)
        self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "ContinuousMove", Access.ACTUATE)
    async def continuous_move(self, call: Call) -> Values:
        """Moves until it is stopped, or until the time-out."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        capabilities, velocity = ptz.capabilities, call.value.Velocity
        insist(capabilities.continuous, "ContinuousMove")
        if velocity is None or (velocity.PanTilt is None and velocity.Zoom is None):
            raise invalid_argument("InvalidVelocity", "the request names no velocity")
        pan = tilt = None
        if velocity.PanTilt is not None:
            insist_space(velocity.PanTilt.space, ptz_description.VELOCITY)
            pan, tilt = within(SIGNED, "InvalidVelocity", velocity.PanTilt.x, velocity.PanTilt.y)
        zoom = ptz_values.zoom_value(velocity.Zoom, ptz_description.ZOOM_VELOCITY, SIGNED, "InvalidVelocity")
        timeout_s = self._heads.settings.timeout_s(channel.token, capabilities)
        if call.value.Timeout is not None:
            timeout_s = ptz_values.seconds(call.value.Timeout, ptz_description.timeouts_s(capabilities))
        with refusals_as_faults():
            await ptz.move_continuous(call.caller, pan=pan, tilt=tilt, zoom=zoom, timeout_s=timeout_s)
        self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "Stop", Access.ACTUATE)
    async def stop(self, call: Call) -> Values:
        """Stops pan and tilt, zoom, or (if neither is named) all."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        pan_tilt, zoom = call.value.PanTilt, call.value.Zoom
        both = pan_tilt is None and zoom is None
        with refusals_as_faults():
            await ptz.stop(call.caller, pan_tilt=both or bool(pan_tilt), zoom=both or bool(zoom))
        self._heads.watch.stopped(channel.token)
        return {}

    @operation(names.PTZ, "GeoMove", Access.ACTUATE)
    async def geo_move(self, call: Call) -> Values:
        """Looks at a place on Earth."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        _insist_on_geo_move(ptz)
        target = ptz_values.geo_position(call.value.Target)
        area = tuple(within(_AREA_M, "InvalidArgs", call.value.AreaWidth or 0.0, call.value.AreaHeight or 0.0))
        speed = self._speed(channel.token, call.value.Speed)
        with refusals_as_faults(_UNREACHABLE):
            await ptz.geo_move(call.caller, target, speed=speed, area_m=(area[0], area[1]) if any(area) else None)
        self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "MoveAndStartTracking", Access.ACTUATE)
    async def move_and_start_tracking(self, call: Call) -> Values:
        """Goes to a preset, a position or a place, and follows what is there."""
        channel, ptz = self._heads.moving(call.value.ProfileToken)
        insist(ptz.capabilities.tracking, "MoveAndStartTracking")
        preset, position, geo = self._goal(channel.token, call.value)
        object_id = call.value.ObjectID
        if preset is None and position is None and geo is None and object_id is None:
            raise invalid_argument("InvalidArgs", "the request names neither a goal nor an object")
        speed = self._speed(channel.token, call.value.Speed)
        with refusals_as_faults():
            await ptz.move_and_track(
                call.caller,
                preset=preset,
                position=position,
                geo=geo,
                speed=speed,
                object_id=None if object_id is None else int(object_id),
            )
        self._heads.watch.moved(channel.token)
        return {}

    def _goal(self, channel: str, asked: Any) -> tuple[str | None, Target | None, GeoPosition | None]:
        ptz = self._heads.backend.ptz(channel)
        named = [value for value in (asked.PresetToken, asked.GeoLocation, asked.TargetPosition) if value is not None]
        if len(named) > 1:
            raise invalid_argument("InvalidArgs", "the request names more than one goal")
        if ptz is None or not named:
            return None, None, None
        if asked.PresetToken is not None:
            return asked.PresetToken, None, None
        if asked.GeoLocation is not None:
            _insist_on_geo_move(ptz)
            return None, None, ptz_values.geo_position(asked.GeoLocation)
        insist(ptz.capabilities.absolute, "tracking at a position")
        space = self._heads.settings.absolute_space(channel)
        position = ptz_values.absolute_target(asked.TargetPosition, ptz.capabilities, space)
        if position == (None, None, None):
            raise invalid_argument("InvalidPosition", "the request names no position")
        return None, position, None


async def _translate(ptz: Ptz, caller: Caller, pan_tilt: Any, usual: str, zoom: float | None, speed: PtzSpeed) -> None:
    """A relative move in the space that the request names, else the usual one. Raises Fault, Refused."""
    capabilities, space = ptz.capabilities, usual
    x = y = pan_deg = tilt_deg = None
    if pan_tilt is not None:
        space = pan_tilt.space or usual
        x, y = within(SIGNED, "InvalidTranslation", pan_tilt.x, pan_tilt.y)
        # The unit of the generic space is the whole range of the head (PTZ 6.2.1).
        pan_deg, tilt_deg = x * ptz_values.width(capabilities.pan_deg), y * ptz_values.width(capabilities.tilt_deg)
    if space == ptz_description.TRANSLATION and capabilities.relative:
        await ptz.move_relative(caller, pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)
    elif space == ptz_description.TRANSLATION_FOV and capabilities.relative_fov:
        await ptz.move_relative_fov(caller, x=x, y=y, zoom=zoom, speed=speed)
    else:
        raise ptz_values.space_not_supported(space)


def _insist_on_geo_move(ptz: Ptz) -> None:
    # The standard takes this for a mistake of the sender.
    if not ptz.capabilities.geo_move:
        raise invalid_argument("GeoMoveNotSupported", "the head does not know where on Earth it stands")
