"""What clients set of PTZ configurations: name, default speeds, default time-out, default spaces."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from onvif_server import tokens
from onvif_server.backend import Memory, PtzCapabilities, PtzSpeed, VideoChannel
from onvif_server.services import ptz_description, ptz_values
from onvif_server.soap.faults import Fault, action_failed, invalid_argument
from onvif_server.soap.operations import Values
from onvif_server.soap.values import seconds_of

_LOGGER = logging.getLogger(__name__)
_KEY: Final = "ptz"
_FIXED_SPACES: Final = (
    ("DefaultAbsoluteZoomPositionSpace", "AbsoluteZoomPositionSpace"),
    ("DefaultRelativeZoomTranslationSpace", "RelativeZoomTranslationSpace"),
    ("DefaultContinuousPanTiltVelocitySpace", "ContinuousPanTiltVelocitySpace"),
    ("DefaultContinuousZoomVelocitySpace", "ContinuousZoomVelocitySpace"),
)
_CHOSEN_SPACES: Final = (
    ("DefaultAbsolutePantTiltPositionSpace", "AbsolutePanTiltPositionSpace"),
    ("DefaultRelativePanTiltTranslationSpace", "RelativePanTiltTranslationSpace"),
)


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What was set of one head; None: as the host has it. `timeout_s` is in seconds, speeds are fractions."""

    name: str | None = None
    pan_speed: float | None = None
    tilt_speed: float | None = None
    zoom_speed: float | None = None
    timeout_s: float | None = None
    absolute_space: str | None = None
    relative_space: str | None = None

    def speed(self, asked: PtzSpeed) -> PtzSpeed:
        """What a client asked for, and the defaults where it named nothing."""
        return PtzSpeed(
            self.pan_speed if asked.pan is None else asked.pan,
            self.tilt_speed if asked.tilt is None else asked.tilt,
            self.zoom_speed if asked.zoom is None else asked.zoom,
        )


class PtzSettings:
    """The settings of all heads, kept in the device's memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._heads = _read(memory)

    def forget(self) -> None:
        """Goes back to what the memory holds, for somebody emptied it."""
        self._heads = _read(self._memory)

    def of(self, channel: str) -> HeadSettings:
        """The settings of a head."""
        return self._heads.get(channel, HeadSettings())

    def absolute_space(self, channel: str) -> str:
        """The space of positions that name none."""
        return self.of(channel).absolute_space or ptz_description.POSITION

    def relative_space(self, channel: str, capabilities: PtzCapabilities) -> str:
        """The space of translations that name none."""
        usual = ptz_description.TRANSLATION if capabilities.relative else ptz_description.TRANSLATION_FOV
        return self.of(channel).relative_space or usual

    def timeout_s(self, channel: str, capabilities: PtzCapabilities) -> float:
        """How long a continuous move lasts that names no time-out."""
        return self.of(channel).timeout_s or capabilities.default_timeout_s

    def configuration(self, channel: VideoChannel, capabilities: PtzCapabilities, use_count: int = 1) -> Values:
        """The tt:PTZConfiguration as it is now."""
        values = ptz_description.configuration(channel, capabilities)
        kept = self.of(channel.token)
        values["UseCount"] = use_count
        values["Name"] = kept.name or channel.name
        values["DefaultPTZTimeout"] = timedelta(seconds=self.timeout_s(channel.token, capabilities))
        for (element, kind), chosen in zip(_CHOSEN_SPACES, (kept.absolute_space, kept.relative_space), strict=True):
            if chosen in _uris(capabilities, kind):
                values[element] = chosen
        speed = values["DefaultPTZSpeed"] or {}
        if "PanTilt" in speed:
            speed["PanTilt"]["x"] = 1.0 if kept.pan_speed is None else kept.pan_speed
            speed["PanTilt"]["y"] = 1.0 if kept.tilt_speed is None else kept.tilt_speed
        if "Zoom" in speed:
            speed["Zoom"]["x"] = 1.0 if kept.zoom_speed is None else kept.zoom_speed
        return values

    async def set(self, channel: VideoChannel, capabilities: PtzCapabilities, asked: Any) -> None:
        """Takes over a tt:PTZConfiguration. Raises Fault: ter:ConfigModify for what cannot be."""
        _insist_unchanged(channel, capabilities, asked)
        # What a request leaves out stays as it is (Core 5.3).
        kept = self.of(channel.token)
        speed = kept.speed(_default_speed(asked.DefaultPTZSpeed))
        timeout_s = _default_timeout(asked.DefaultPTZTimeout, capabilities)
        heads = self._heads | {
            channel.token: HeadSettings(
                name=None if asked.Name == channel.name else asked.Name,
                pan_speed=speed.pan,
                tilt_speed=speed.tilt,
                zoom_speed=speed.zoom,
                timeout_s=kept.timeout_s if timeout_s is None else timeout_s,
                absolute_space=asked.DefaultAbsolutePantTiltPositionSpace or kept.absolute_space,
                relative_space=asked.DefaultRelativePanTiltTranslationSpace or kept.relative_space,
            )
        }
        try:
            await self._memory.write(_KEY, json.dumps({name: asdict(head) for name, head in heads.items()}))
        except OSError as error:
            _LOGGER.warning("PTZ configurations cannot be kept: %s", error)
            raise action_failed("ConfigurationConflict", "the configuration cannot be kept") from error
        self._heads = heads


def _cannot(reason: str) -> Fault:
    return invalid_argument("ConfigModify", reason)


def _uris(capabilities: PtzCapabilities, kind: str) -> list[str]:
    return [space["URI"] for space in ptz_description.spaces(capabilities).get(kind, ())]


def _insist_unchanged(channel: VideoChannel, capabilities: PtzCapabilities, asked: Any) -> None:
    """Refuses what the host does not let be changed: node, limits, ramps; and spaces that are not there."""
    if asked.NodeToken != tokens.ptz_node(channel.token):
        raise _cannot("the configuration belongs to another node")
    for element, kind in (*_FIXED_SPACES, *_CHOSEN_SPACES):
        space = getattr(asked, element)
        if space is not None and space not in _uris(capabilities, kind):
            raise _cannot(f"{space} is no {kind} of the node")
    if any(getattr(asked, ramp) is not None for ramp in ("MoveRamp", "PresetRamp", "PresetTourRamp")):
        raise _cannot("the node has no ramps")
    present = ptz_description.configuration(channel, capabilities)
    for element, axes in (("PanTiltLimits", ("XRange", "YRange")), ("ZoomLimits", ("XRange",))):
        limits = getattr(asked, element)
        if limits is not None and not (element in present and _same(limits.Range, present[element]["Range"], axes)):
            raise _cannot("the limits are those of the site and cannot be changed here")


def _same(asked: Any, present: Values, axes: tuple[str, ...]) -> bool:
    if present["URI"] != asked.URI:
        return False
    return all(
        _is_end(getattr(asked, axis).Min, present[axis]["Min"])
        and _is_end(getattr(asked, axis).Max, present[axis]["Max"])
        for axis in axes
    )


def _is_end(asked: float, end: float) -> bool:
    # Infinity takes a limit away, which is to say: the end of the range.
    return math.isclose(asked, end, abs_tol=1e-6) or (math.isinf(asked) and asked * end > 0) or asked == -math.inf


def _default_speed(asked: Any) -> PtzSpeed:
    try:
        return ptz_values.speed_of(asked)
    except Fault as fault:
        raise _cannot(fault.reason) from fault


def _default_timeout(asked: Any, capabilities: PtzCapabilities) -> float | None:
    if asked is None:
        return None
    try:
        seconds = seconds_of(asked).total_seconds()
    except ValueError as error:
        raise _cannot(str(error)) from error
    timeouts = ptz_description.timeouts_s(capabilities)
    if not timeouts.minimum <= seconds <= timeouts.maximum:
        raise _cannot(f"the time-out is {timeouts.minimum:g} to {timeouts.maximum:g} s")
    return seconds


def _read(memory: Memory) -> dict[str, HeadSettings]:
    try:
        text = memory.read(_KEY)
        kept = {} if text is None else {str(name): HeadSettings(**head) for name, head in json.loads(text).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        _LOGGER.warning("what is kept of PTZ configurations cannot be used: %s", error)
        return {}
    return kept
