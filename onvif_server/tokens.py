"""The tokens that a channel's parts have on the wire. Hosts need some of them as sources of events."""

from __future__ import annotations


def profile(channel: str) -> str:
    """The token of the channel's media profile."""
    return f"{channel}-profile"


def video_source(channel: str) -> str:
    """The token of the channel's video source."""
    return f"{channel}-source"


def video_source_configuration(channel: str) -> str:
    """The token of the channel's video source configuration."""
    return f"{channel}-source-config"


def video_encoder_configuration(channel: str) -> str:
    """The token of the channel's video encoder configuration."""
    return f"{channel}-encoder-config"


def analytics_configuration(channel: str) -> str:
    """The token of the channel's analytics configuration, the source of rule events."""
    return f"{channel}-analytics-config"


def ptz_node(channel: str) -> str:
    """The token of the channel's PTZ node."""
    return f"{channel}-ptz-node"


def ptz_configuration(channel: str) -> str:
    """The token of the channel's PTZ configuration."""
    return f"{channel}-ptz-config"
