"""Small parts of a channel that several services show."""

from __future__ import annotations

from onvif_server import tokens
from onvif_server.backend import Backend, VideoChannel
from onvif_server.services import ptz_description
from onvif_server.services.catalogue import SNAPSHOT_PATH
from onvif_server.soap.operations import Call, Values


def video_source(channel: VideoChannel) -> Values:
    """The tt:VideoSource."""
    return {
        "token": tokens.video_source(channel.token),
        "Framerate": channel.fps,
        "Resolution": {"Width": channel.width, "Height": channel.height},
    }


def ptz_configuration(backend: Backend, channel: VideoChannel) -> Values | None:
    """The tt:PTZConfiguration; None if the channel does not move."""
    ptz = backend.ptz(channel.token)
    return None if ptz is None else ptz_description.configuration(channel, ptz.capabilities)


def snapshot_uri(call: Call, channel: VideoChannel) -> str:
    """Where the newest picture is to be had, with digest authentication."""
    return f"{call.base_url}{SNAPSHOT_PATH}{channel.token}.jpg"
