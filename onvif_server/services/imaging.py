"""The imaging service: settings of the picture, and the focus."""

from __future__ import annotations

from typing import Any, Final

from onvif_server import tokens
from onvif_server.backend import Backend, FocusAbilities, Imaging, Range, Refusal
from onvif_server.security.access import Access
from onvif_server.services import imaging_values
from onvif_server.services.ptz_values import refusals_as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text

_SETTING: Final = {Refusal.INVALID: ("InvalidArgVal", "SettingsInvalid")}


class ImagingService:
    """Offered where at least one channel has `Backend.imaging`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def _imaging(self, source: str) -> Imaging:
        for channel in self._backend.channels:
            if tokens.video_source(channel.token) == source:
                imaging = self._backend.imaging(channel.token)
                if imaging is None:
                    raise _no_imaging(f"the video source {source} has no imaging settings")
                return imaging
        raise invalid_argument("NoSource", f"there is no video source {source}")

    def _focus(self, source: str) -> tuple[Imaging, FocusAbilities]:
        imaging = self._imaging(source)
        if imaging.focus is None:
            raise _no_imaging(f"the focus of the video source {source} cannot be moved")
        return imaging, imaging.focus

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        able = (self._backend.imaging(channel.token) for channel in self._backend.channels)
        fields = {option.field for imaging in able if imaging is not None for option in imaging.options}
        stabilization = bool(fields & {"stabilization_mode", "stabilization_level"})
        return {"ImageStabilization": stabilization, "Presets": False, "AdaptablePreset": False}

    @operation(names.IMAGING, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.IMAGING, "GetImagingSettings", Access.READ_MEDIA)
    async def get_imaging_settings(self, call: Call) -> Values:
        """The settings as they are now."""
        imaging = self._imaging(call.value.VideoSourceToken)
        with refusals_as_faults():
            settings = await imaging.settings()
        return {"ImagingSettings": imaging_values.settings_values(settings, imaging.options)}

    @operation(names.IMAGING, "SetImagingSettings", Access.ACTUATE)
    async def set_imaging_settings(self, call: Call) -> Values:
        """Changes settings: all that are named, or none. They outlast a restart unless the client wants otherwise."""
        imaging = self._imaging(call.value.VideoSourceToken)
        asked = call.message.find(names.tag(names.IMAGING, "ImagingSettings"))
        if asked is None:  # the schema demands it
            raise invalid_argument("SettingsInvalid", "the request names no settings")
        settings = imaging_values.read_settings(asked, imaging.options)
        with refusals_as_faults(_SETTING):
            await imaging.set(call.caller, settings, persistent=call.value.ForcePersistence is not False)
        return {}

    @operation(names.IMAGING, "GetOptions", Access.READ_MEDIA)
    async def get_options(self, call: Call) -> Values:
        """What can be set."""
        imaging = self._imaging(call.value.VideoSourceToken)
        return {"ImagingOptions": imaging_values.options_values(imaging.options)}

    @operation(names.IMAGING, "GetMoveOptions", Access.READ_MEDIA)
    async def get_move_options(self, call: Call) -> Values:
        """How the focus can be moved; empty where it cannot."""
        focus = self._imaging(call.value.VideoSourceToken).focus or FocusAbilities()
        values: Values = {}
        if focus.absolute is not None:
            values["Absolute"] = {"Position": _range(focus.absolute), "Speed": _range(focus.absolute_speed)}
        if focus.relative is not None:
            values["Relative"] = {"Distance": _range(focus.relative), "Speed": _range(focus.relative_speed)}
        if focus.continuous_speed is not None:
            values["Continuous"] = {"Speed": _range(focus.continuous_speed)}
        return {"MoveOptions": values}

    @operation(names.IMAGING, "Move", Access.ACTUATE)
    async def move(self, call: Call) -> Values:
        """Moves the focus in one of the three ways."""
        imaging, focus = self._focus(call.value.VideoSourceToken)
        move = _focus_move(call.value.Focus, focus)
        with refusals_as_faults(_SETTING):
            await imaging.move_focus(call.caller, **move)
        return {}

    @operation(names.IMAGING, "Stop", Access.ACTUATE)
    async def stop(self, call: Call) -> Values:
        """Stops the focus."""
        imaging, _ = self._focus(call.value.VideoSourceToken)
        with refusals_as_faults():
            await imaging.stop_focus(call.caller)
        return {}

    @operation(names.IMAGING, "GetStatus", Access.READ_MEDIA)
    async def get_status(self, call: Call) -> Values:
        """Where the focus is."""
        imaging, _ = self._focus(call.value.VideoSourceToken)
        with refusals_as_faults():
            status = await imaging.focus_status()
        found: Values = {"Position": status.position, "MoveStatus": "MOVING" if status.moving else "IDLE"}
        if status.error:
            found["Error"] = clean_text(status.error)
        return {"Status": {"FocusStatus20": found}}


def _no_imaging(reason: str) -> Fault:
    return Fault("ActionNotSupported", "NoImagingForSource", reason=reason, sender=False)


def _range(interval: Range | None) -> Values | None:
    return None if interval is None else {"Min": interval.minimum, "Max": interval.maximum}


def _focus_move(asked: Any, focus: FocusAbilities) -> dict[str, float]:
    """The arguments of `Imaging.move_focus`. Raises Fault (ter:SettingsInvalid)."""
    kinds = () if asked is None else ("Absolute", "Relative", "Continuous")
    named = [kind for kind in kinds if getattr(asked, kind) is not None]
    if len(named) != 1:
        raise invalid_argument("SettingsInvalid", "a move of the focus is absolute, relative or continuous")
    if asked.Absolute is not None:
        move = {"absolute": _within(asked.Absolute.Position, focus.absolute)}
        speed, speeds = asked.Absolute.Speed, focus.absolute_speed
    elif asked.Relative is not None:
        move = {"relative": _within(asked.Relative.Distance, focus.relative)}
        speed, speeds = asked.Relative.Speed, focus.relative_speed
    else:
        return {"continuous": _within(asked.Continuous.Speed, focus.continuous_speed)}
    return move if speed is None else move | {"speed": _within(speed, speeds)}


def _within(number: float, interval: Range | None) -> float:
    if interval is None:
        raise invalid_argument("SettingsInvalid", "the focus cannot be moved in that way")
    if not interval.minimum <= number <= interval.maximum:  # false for what is not a number, too
        reason = f"{number} is not between {interval.minimum:g} and {interval.maximum:g}"
        raise invalid_argument("SettingsInvalid", reason)
    return number
