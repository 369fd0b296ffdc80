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


def metadata_configuration(channel: str) -> str:
    """The token of the channel's metadata configuration."""
    return f"{channel}-metadata-config"


def audio_source(channel: str) -> str:
    """The token of the channel's microphone."""
    return f"{channel}-audio-source"


def audio_source_configuration(channel: str) -> str:
    """The token of the channel's audio source configuration."""
    return f"{channel}-audio-source-config"


def audio_encoder_configuration(channel: str) -> str:
    """The token of the channel's audio encoder configuration."""
    return f"{channel}-audio-encoder-config"


def audio_output(channel: str) -> str:
    """The token of the channel's loudspeaker."""
    return f"{channel}-audio-output"


def audio_output_configuration(channel: str) -> str:
    """The token of the channel's audio output configuration."""
    return f"{channel}-audio-output-config"


def audio_decoder_configuration(channel: str) -> str:
    """The token of the channel's audio decoder configuration."""
    return f"{channel}-audio-decoder-config"
