"""The parts of a channel's profile as both media services show them. Profiles are fixed: one a channel."""

from __future__ import annotations

from collections.abc import Sequence

from onvif_server import tokens
from onvif_server.backend import Backend, VideoChannel
from onvif_server.services import ptz_description
from onvif_server.services.catalogue import SNAPSHOT_PATH
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values

_NO_MULTICAST = {"Address": {"Type": "IPv4", "IPv4Address": "0.0.0.0"}, "Port": 0, "TTL": 0, "AutoStart": False}  # noqa: S104


def by_profile(channels: Sequence[VideoChannel], token: str) -> VideoChannel:
    """The channel of a profile. Raises Fault (ter:NoProfile)."""
    for channel in channels:
        if tokens.profile(channel.token) == token:
            return channel
    raise invalid_argument("NoProfile", f"there is no profile {token}")


def by_source_configuration(channels: Sequence[VideoChannel], token: str) -> VideoChannel:
    """The channel of a video source configuration. Raises Fault (ter:NoConfig)."""
    for channel in channels:
        if tokens.video_source_configuration(channel.token) == token:
            return channel
    raise invalid_argument("NoConfig", f"there is no video source configuration {token}")


def by_encoder_configuration(channels: Sequence[VideoChannel], token: str) -> VideoChannel:
    """The channel of a video encoder configuration. Raises Fault (ter:NoConfig)."""
    for channel in channels:
        if tokens.video_encoder_configuration(channel.token) == token:
            return channel
    raise invalid_argument("NoConfig", f"there is no video encoder configuration {token}")


def selected(
    channels: Sequence[VideoChannel], configuration: str | None, profile: str | None, *, encoder: bool
) -> tuple[VideoChannel, ...]:
    """The channels that a request with optional configuration and profile tokens means. Raises Fault."""
    if profile:
        channels = tuple(channel for channel in channels if tokens.profile(channel.token) == profile)
        if not channels:
            raise invalid_argument("NoProfile", f"there is no profile {profile}")
    if configuration:
        find = by_encoder_configuration if encoder else by_source_configuration
        channels = (find(channels, configuration),)
    return tuple(channels)


def video_source(channel: VideoChannel) -> Values:
    """The tt:VideoSource."""
    return {
        "token": tokens.video_source(channel.token),
        "Framerate": channel.fps,
        "Resolution": {"Width": channel.width, "Height": channel.height},
    }


def source_configuration(channel: VideoChannel) -> Values:
    """The tt:VideoSourceConfiguration: the whole picture."""
    return {
        "token": tokens.video_source_configuration(channel.token),
        "Name": channel.name,
        "UseCount": 1,
        "SourceToken": tokens.video_source(channel.token),
        "Bounds": {"x": 0, "y": 0, "width": channel.width, "height": channel.height},
    }


def source_configuration_options(channels: Sequence[VideoChannel]) -> Values:
    """The tt:VideoSourceConfigurationOptions: what is, and nothing else. Raises Fault where there is no channel."""
    if not channels:
        raise Fault("InvalidArgVal", "NoConfig", reason="the device has no video source")
    widths, heights = [channel.width for channel in channels], [channel.height for channel in channels]
    return {
        "BoundsRange": {
            "XRange": {"Min": 0, "Max": 0},
            "YRange": {"Min": 0, "Max": 0},
            "WidthRange": {"Min": min(widths), "Max": max(widths)},
            "HeightRange": {"Min": min(heights), "Max": max(heights)},
        },
        "VideoSourceTokensAvailable": [tokens.video_source(channel.token) for channel in channels],
    }


def encoder_configuration(channel: VideoChannel) -> Values:
    """The tt:VideoEncoderConfiguration of Media ver10."""
    return {
        "token": tokens.video_encoder_configuration(channel.token),
        "Name": channel.name,
        "UseCount": 1,
        "Encoding": channel.encoding,
        "Resolution": {"Width": channel.width, "Height": channel.height},
        "Quality": 5.0,
        "RateControl": {
            "FrameRateLimit": max(round(channel.fps), 1),
            "EncodingInterval": 1,
            "BitrateLimit": channel.bitrate_kbps,
        },
        "H264": {"GovLength": channel.gov_length, "H264Profile": "Main"},
        "Multicast": _NO_MULTICAST,
        "SessionTimeout": "PT60S",
    }


def encoder_configuration2(channel: VideoChannel) -> Values:
    """The tt:VideoEncoder2Configuration of Media2."""
    return {
        "token": tokens.video_encoder_configuration(channel.token),
        "Name": channel.name,
        "UseCount": 1,
        "Encoding": channel.encoding,
        "GovLength": channel.gov_length,
        "Profile": "Main",
        "Resolution": {"Width": channel.width, "Height": channel.height},
        "RateControl": {"FrameRateLimit": channel.fps, "BitrateLimit": channel.bitrate_kbps},
        "Quality": 5.0,
    }


def ptz_configuration(backend: Backend, channel: VideoChannel) -> Values | None:
    """The tt:PTZConfiguration; None if the channel does not move."""
    ptz = backend.ptz(channel.token)
    return None if ptz is None else ptz_description.configuration(channel, ptz.capabilities)


def snapshot_uri(call: Call, channel: VideoChannel) -> str:
    """Where the newest picture is to be had, with digest authentication."""
    return f"{call.base_url}{SNAPSHOT_PATH}{channel.token}.jpg"
