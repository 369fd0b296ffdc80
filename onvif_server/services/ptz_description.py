"""PTZ nodes, configurations and spaces (ONVIF PTZ, chapters 5.2 and 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from onvif_server import tokens
from onvif_server.backend import PtzCapabilities, PtzTourLimits, Range, VideoChannel
from onvif_server.soap.operations import Values

_PAN_TILT: Final = "http://www.onvif.org/ver10/tptz/PanTiltSpaces"
_ZOOM: Final = "http://www.onvif.org/ver10/tptz/ZoomSpaces"
POSITION: Final = f"{_PAN_TILT}/PositionGenericSpace"
SPHERICAL_POSITION: Final = f"{_PAN_TILT}/SphericalPositionSpaceDegrees"
TRANSLATION: Final = f"{_PAN_TILT}/TranslationGenericSpace"
TRANSLATION_FOV: Final = f"{_PAN_TILT}/TranslationSpaceFov"
VELOCITY: Final = f"{_PAN_TILT}/VelocityGenericSpace"
SPEED: Final = f"{_PAN_TILT}/GenericSpeedSpace"
ZOOM_POSITION: Final = f"{_ZOOM}/PositionGenericSpace"
ZOOM_TRANSLATION: Final = f"{_ZOOM}/TranslationGenericSpace"
ZOOM_VELOCITY: Final = f"{_ZOOM}/VelocityGenericSpace"
ZOOM_SPEED: Final = f"{_ZOOM}/ZoomGenericSpeedSpace"

_SIGNED: Final = Range(-1.0, 1.0)
_UNSIGNED: Final = Range(0.0, 1.0)
_SHORTEST_TIMEOUT_S: Final = 0.1


def node(channel: VideoChannel, capabilities: PtzCapabilities) -> Values:
    """The tt:PTZNode."""
    values: Values = {
        "token": tokens.ptz_node(channel.token),
        "FixedHomePosition": capabilities.fixed_home,
        "GeoMove": capabilities.geo_move,
        "Name": channel.name,
        "SupportedPTZSpaces": spaces(capabilities),
        "MaximumNumberOfPresets": capabilities.maximum_presets,
        "HomeSupported": capabilities.home,
        "AuxiliaryCommands": list(capabilities.auxiliary_commands),
    }
    if capabilities.tours is not None:
        supported = {
            "MaximumNumberOfPresetTours": capabilities.tours.tours,
            "PTZPresetTourOperation": tour_operations(capabilities.tours),
        }
        values["Extension"] = {"SupportedPresetTour": supported}
    return values


def tour_operations(limits: PtzTourLimits) -> list[str]:
    """What a client can order a tour to do."""
    return ["Start", "Stop", *(["Pause"] if limits.pausable else [])]


def tracking_methods(capabilities: PtzCapabilities) -> list[str]:
    """How MoveAndStartTracking can be told its goal, with the words of tt:MoveAndTrackMethod."""
    if not capabilities.tracking:
        return []
    able = {
        "PresetToken": capabilities.maximum_presets > 0,
        "GeoLocation": capabilities.geo_move,
        "PTZVector": capabilities.absolute,
        "ObjectID": True,
    }
    return [method for method, possible in able.items() if possible]


def spaces(capabilities: PtzCapabilities) -> Values:
    """The tt:PTZSpaces that the motors understand, the default of each kind first."""
    pan_tilt_speed = capabilities.absolute or capabilities.relative or capabilities.relative_fov
    found: Values = {}
    if capabilities.absolute:
        found["AbsolutePanTiltPositionSpace"] = [
            _plane(POSITION, _SIGNED, _SIGNED),
            _plane(SPHERICAL_POSITION, capabilities.pan_deg, capabilities.tilt_deg),
        ]
    translations = []
    if capabilities.relative:
        translations.append(_plane(TRANSLATION, _SIGNED, _SIGNED))
    if capabilities.relative_fov:
        translations.append(_plane(TRANSLATION_FOV, _SIGNED, _SIGNED))
    if translations:
        found["RelativePanTiltTranslationSpace"] = translations
    if capabilities.continuous:
        found["ContinuousPanTiltVelocitySpace"] = [_plane(VELOCITY, _SIGNED, _SIGNED)]
    if pan_tilt_speed:
        found["PanTiltSpeedSpace"] = [_line(SPEED, _UNSIGNED)]
    return found | (_zoom_spaces(capabilities) if capabilities.zoom else {})


def _zoom_spaces(capabilities: PtzCapabilities) -> Values:
    found: Values = {"ZoomSpeedSpace": [_line(ZOOM_SPEED, _UNSIGNED)]}
    if capabilities.absolute:
        found["AbsoluteZoomPositionSpace"] = [_line(ZOOM_POSITION, _UNSIGNED)]
    if capabilities.relative or capabilities.relative_fov:
        found["RelativeZoomTranslationSpace"] = [_line(ZOOM_TRANSLATION, _SIGNED)]
    if capabilities.continuous:
        found["ContinuousZoomVelocitySpace"] = [_line(ZOOM_VELOCITY, _SIGNED)]
    return found


def configuration(channel: VideoChannel, capabilities: PtzCapabilities) -> Values:
    """The tt:PTZConfiguration. Home Assistant and Frigate take the default spaces for the abilities."""
    offered = spaces(capabilities)

    def default(kind: str) -> str | None:
        return offered[kind][0]["URI"] if kind in offered else None

    speed: Values = {}
    if "PanTiltSpeedSpace" in offered:
        speed["PanTilt"] = {"x": 1.0, "y": 1.0, "space": SPEED}
    if "ZoomSpeedSpace" in offered:
        speed["Zoom"] = {"x": 1.0, "space": ZOOM_SPEED}
    values: Values = {
        "token": tokens.ptz_configuration(channel.token),
        "Name": channel.name,
        "UseCount": 1,
        "NodeToken": tokens.ptz_node(channel.token),
        # The standard's own spelling.
        "DefaultAbsolutePantTiltPositionSpace": default("AbsolutePanTiltPositionSpace"),
        "DefaultAbsoluteZoomPositionSpace": default("AbsoluteZoomPositionSpace"),
        "DefaultRelativePanTiltTranslationSpace": default("RelativePanTiltTranslationSpace"),
        "DefaultRelativeZoomTranslationSpace": default("RelativeZoomTranslationSpace"),
        "DefaultContinuousPanTiltVelocitySpace": default("ContinuousPanTiltVelocitySpace"),
        "DefaultContinuousZoomVelocitySpace": default("ContinuousZoomVelocitySpace"),
        "DefaultPTZSpeed": speed or None,
        "DefaultPTZTimeout": timedelta(seconds=capabilities.default_timeout_s),
    }
    if capabilities.absolute:
        values["PanTiltLimits"] = {"Range": _plane(POSITION, _SIGNED, _SIGNED)}
        if capabilities.zoom:
            values["ZoomLimits"] = {"Range": _line(ZOOM_POSITION, _UNSIGNED)}
    return values


def configuration_options(capabilities: PtzCapabilities) -> Values:
    """The tt:PTZConfigurationOptions."""
    timeouts = timeouts_s(capabilities)
    shortest, longest = timedelta(seconds=timeouts.minimum), timedelta(seconds=timeouts.maximum)
    return {"Spaces": spaces(capabilities), "PTZTimeout": {"Min": shortest, "Max": longest}}


def timeouts_s(capabilities: PtzCapabilities) -> Range:
    """The time-outs that continuous moves can have, in seconds."""
    return Range(_SHORTEST_TIMEOUT_S, capabilities.maximum_timeout_s)


def _plane(uri: str, x: Range, y: Range) -> Values:
    return {"URI": uri, "XRange": _range(x), "YRange": _range(y)}


def _line(uri: str, x: Range) -> Values:
    return {"URI": uri, "XRange": _range(x)}


def _range(interval: Range) -> Values:
    return {"Min": interval.minimum, "Max": interval.maximum}
