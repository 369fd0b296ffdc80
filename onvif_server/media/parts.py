"""The kinds of configurations that a profile can hold; each channel has at most one of a kind."""

from __future__ import annotations

from enum import StrEnum

from onvif_server import tokens
from onvif_server.backend import Backend, VideoChannel
from onvif_server.soap.faults import invalid_argument


class Part(StrEnum):
    """A kind of configuration, with Media2's word for it (tr2:ConfigurationEnumeration)."""

    VIDEO_SOURCE = "VideoSource"
    VIDEO_ENCODER = "VideoEncoder"
    AUDIO_SOURCE = "AudioSource"
    AUDIO_ENCODER = "AudioEncoder"
    AUDIO_OUTPUT = "AudioOutput"
    AUDIO_DECODER = "AudioDecoder"
    METADATA = "Metadata"
    ANALYTICS = "Analytics"
    PTZ = "PTZ"


_TOKENS = {
    Part.VIDEO_SOURCE: tokens.video_source_configuration,
    Part.VIDEO_ENCODER: tokens.video_encoder_configuration,
    Part.AUDIO_SOURCE: tokens.audio_source_configuration,
    Part.AUDIO_ENCODER: tokens.audio_encoder_configuration,
    Part.AUDIO_OUTPUT: tokens.audio_output_configuration,
    Part.AUDIO_DECODER: tokens.audio_decoder_configuration,
    Part.METADATA: tokens.metadata_configuration,
    Part.ANALYTICS: tokens.analytics_configuration,
    Part.PTZ: tokens.ptz_configuration,
}


def token_of(part: Part, channel: str) -> str:
    """The token of a channel's configuration."""
    return _TOKENS[part](channel)


def parts_of(backend: Backend, channel: VideoChannel) -> frozenset[Part]:
    """The kinds of configurations that a channel has."""
    has = {
        Part.VIDEO_SOURCE: True,
        Part.VIDEO_ENCODER: True,
        Part.AUDIO_SOURCE: channel.audio is not None,
        Part.AUDIO_ENCODER: channel.audio is not None,
        Part.AUDIO_OUTPUT: channel.back_channel is not None,
        Part.AUDIO_DECODER: channel.back_channel is not None,
        Part.METADATA: backend.streaming.metadata,
        Part.ANALYTICS: backend.analytics(channel.token) is not None,
        Part.PTZ: backend.ptz(channel.token) is not None,
    }
    return frozenset(part for part, there in has.items() if there)


def holders(backend: Backend, part: Part) -> tuple[VideoChannel, ...]:
    """The channels that have a configuration of a kind."""
    return tuple(channel for channel in backend.channels if part in parts_of(backend, channel))


def holder(backend: Backend, part: Part, token: str) -> VideoChannel:
    """The channel whose configuration has this token. Raises Fault (ter:NoConfig)."""
    for channel in holders(backend, part):
        if token_of(part, channel.token) == token:
            return channel
    raise invalid_argument("NoConfig", f"there is no {part} configuration {token}")
