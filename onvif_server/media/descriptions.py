"""Configurations as both media services show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

from onvif_server import tokens
from onvif_server.backend import AudioFormat, EncoderSettings, MulticastTarget, Ptz, VideoChannel
from onvif_server.media.media import VER10_AUDIO, Media
from onvif_server.media.metadata_settings import MetadataSetting, filter_element
from onvif_server.media.parts import Part, token_of
from onvif_server.media.profiles import Profile
from onvif_server.services.channels import ptz_configuration
from onvif_server.soap.operations import Values

NO_MULTICAST: Final = {"Address": {"Type": "IPv4", "IPv4Address": "0.0.0.0"}, "Port": 0, "TTL": 0, "AutoStart": False}  # noqa: S104 - the standard's word for none
H264_PROFILES: Final = ("Baseline", "Main", "Extended", "High")

VER10_NAMES: Final = {
    Part.VIDEO_SOURCE: "VideoSourceConfiguration",
    Part.AUDIO_SOURCE: "AudioSourceConfiguration",
    Part.VIDEO_ENCODER: "VideoEncoderConfiguration",
    Part.AUDIO_ENCODER: "AudioEncoderConfiguration",
    Part.ANALYTICS: "VideoAnalyticsConfiguration",
    Part.PTZ: "PTZConfiguration",
    Part.METADATA: "MetadataConfiguration",
    Part.AUDIO_OUTPUT: "AudioOutputConfiguration",
    Part.AUDIO_DECODER: "AudioDecoderConfiguration",
}
"""Media ver10's names of the kinds of configurations, in the order of a tt:Profile."""


type AnalyticsDescription = Callable[[VideoChannel, int], Values | None]
"""The tt:VideoAnalyticsConfiguration of a channel, with its use count."""

type PtzDescription = Callable[[VideoChannel, Ptz], Values]
"""The tt:PTZConfiguration of a head."""


class Descriptions:
    """Writes configurations. The two `describe_…` come from the services that those configurations belong to."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self.describe_analytics: AnalyticsDescription | None = None
        self.describe_ptz: PtzDescription | None = None

    async def profile10(self, profile: Profile) -> Values:
        """The tt:Profile of Media ver10."""
        shown = await self._configurations(profile, frozenset(Part), ver10=True)
        values: Values = {"token": profile.token, "fixed": profile.fixed, "Name": profile.name}
        outside = {Part.AUDIO_OUTPUT, Part.AUDIO_DECODER}
        values |= {VER10_NAMES[part]: shown[part] for part in shown if part not in outside}
        extension = {VER10_NAMES[part]: shown[part] for part in shown if part in outside}
        return values | ({"Extension": extension} if extension else {})

    async def profile2(self, profile: Profile, wanted: frozenset[Part]) -> Values:
        """The tr2:MediaProfile with the kinds of configurations that are wanted."""
        shown = await self._configurations(profile, wanted, ver10=False)
        return {
            "token": profile.token,
            "fixed": profile.fixed,
            "Name": profile.name,
            "Configurations": {part.value: values for part, values in shown.items()} or None,
        }

    async def _configurations(self, profile: Profile, wanted: frozenset[Part], *, ver10: bool) -> dict[Part, Values]:
        channel = self._media.profiles.channel(profile)
        if channel is None:
            return {}
        there = (part for part in Part if part in profile.parts & wanted)
        return {
            part: await self.configuration(part, channel, ver10=ver10)
            for part in there
            if channel in self._media.holders(part, ver10=ver10)
        }

    async def configuration(self, part: Part, channel: VideoChannel, *, ver10: bool) -> Values:
        """One configuration, in the words of the one service or the other."""
        head: Values = {
            "token": token_of(part, channel.token),
            "Name": self._media.name_of(part, channel),
            "UseCount": self._media.profiles.use_count(part, channel.token),
        }
        if part is Part.VIDEO_SOURCE:
            return head | _video_source(channel)
        if part is Part.VIDEO_ENCODER:
            settings = await self._media.encoder_settings(channel)
            return head | (self._encoder10(channel, settings) if ver10 else self._encoder2(channel, settings))
        if part is Part.METADATA:
            return head | self._metadata(channel)
        if part is Part.ANALYTICS:
            return self._analytics(channel, head)
        if part is Part.PTZ:
            described = self._ptz(channel)
            return described | {"UseCount": head["UseCount"]}
        return head | self._audio(part, channel, ver10=ver10)

    def _ptz(self, channel: VideoChannel) -> Values:
        ptz = self._media.backend.ptz(channel.token)
        if ptz is None or self.describe_ptz is None:
            return ptz_configuration(self._media.backend, channel) or {}
        return self.describe_ptz(channel, ptz)

    def _analytics(self, channel: VideoChannel, head: Values) -> Values:
        described = None if self.describe_analytics is None else self.describe_analytics(channel, head["UseCount"])
        if described is None:
            return head | {"AnalyticsEngineConfiguration": {}, "RuleEngineConfiguration": {}}
        return described | {"Name": head["Name"]}

    def _encoder10(self, channel: VideoChannel, settings: EncoderSettings) -> Values:
        values: Values = {
            "Encoding": settings.encoding,
            "Resolution": {"Width": settings.width, "Height": settings.height},
            "Quality": settings.quality,
            "RateControl": {
                "FrameRateLimit": max(round(settings.fps), 1),
                "EncodingInterval": 1,
                "BitrateLimit": settings.bitrate_kbps,
            },
            "Multicast": self._multicast(Part.VIDEO_ENCODER, channel) or NO_MULTICAST,
            "SessionTimeout": self._session_timeout(Part.VIDEO_ENCODER, channel),
        }
        if settings.encoding == "H264":
            values["H264"] = {"GovLength": settings.gov_length, "H264Profile": h264_profile(settings.profile)}
        return values

    def _encoder2(self, channel: VideoChannel, settings: EncoderSettings) -> Values:
        values: Values = {
            "Encoding": settings.encoding,
            "Resolution": {"Width": settings.width, "Height": settings.height},
            "RateControl": {
                "FrameRateLimit": settings.fps,
                "BitrateLimit": settings.bitrate_kbps,
                "ConstantBitRate": settings.constant_bitrate,
            },
            "Multicast": self._multicast(Part.VIDEO_ENCODER, channel),
            "Quality": settings.quality,
        }
        if settings.encoding != "JPEG":
            values |= {"GovLength": settings.gov_length, "Profile": settings.profile}
        return values

    def _metadata(self, channel: VideoChannel) -> Values:
        setting = self._media.metadata.of(channel.token)
        values: Values = {
            "Analytics": setting.analytics,
            "Multicast": self._multicast(Part.METADATA, channel) or NO_MULTICAST,
            "SessionTimeout": self._session_timeout(Part.METADATA, channel),
            "CompressionType": "None",
        }
        if self._media.backend.ptz(channel.token) is not None:
            values["PTZStatus"] = {"Status": setting.ptz_status, "Position": setting.ptz_position}
        if setting.event_topics is not None:
            values["Events"] = _events(setting)
        return values

    def _audio(self, part: Part, channel: VideoChannel, *, ver10: bool) -> Values:
        if part is Part.AUDIO_SOURCE:
            return {"SourceToken": tokens.audio_source(channel.token)}
        if part is Part.AUDIO_OUTPUT:
            return {"OutputToken": tokens.audio_output(channel.token), "OutputLevel": 0}
        if part is Part.AUDIO_DECODER:
            return {}
        sound = channel.audio or AudioFormat()
        multicast = self._multicast(Part.AUDIO_ENCODER, channel)
        values: Values = {"Bitrate": sound.bitrate_kbps, "SampleRate": sample_rate_khz(sound)}
        if not ver10:
            return values | {"Encoding": sound.encoding, "Multicast": multicast}
        return values | {
            "Encoding": VER10_AUDIO[sound.encoding],
            "Multicast": multicast or NO_MULTICAST,
            "SessionTimeout": self._session_timeout(Part.AUDIO_ENCODER, channel),
        }

    def _session_timeout(self, part: Part, channel: VideoChannel) -> timedelta:
        return timedelta(seconds=self._media.notes.of(part, channel.token).session_timeout_s)

    def _multicast(self, part: Part, channel: VideoChannel) -> Values | None:
        if self._media.backend.multicast(channel.token) is None:
            return None
        profiles = (self._media.profiles.all(), self._media.notes.sending)
        sending = any(
            one.channel == channel.token and part in one.parts and one.token in profiles[1] for one in profiles[0]
        )
        return _target(self._media.notes.multicast(part, channel.token)) | {"AutoStart": sending}


def _video_source(channel: VideoChannel) -> Values:
    return {
        "SourceToken": tokens.video_source(channel.token),
        "Bounds": {"x": 0, "y": 0, "width": channel.width, "height": channel.height},
    }


def _events(setting: MetadataSetting) -> Values:
    if not setting.event_topics:
        return {}
    # Elements of this kind are all that the filter holds.
    return {"Filter": {"_value_1": list(filter_element(setting.event_topics))}}


def _target(target: MulticastTarget) -> Values:
    version = f"IPv{ip_address(target.address).version}"
    address = {"Type": version, f"{version}Address": target.address}
    return {"Address": address, "Port": target.port, "TTL": target.ttl}


def sample_rate_khz(sound: AudioFormat) -> int:
    """The rate as ONVIF counts it: whole kHz."""
    return max(sound.sample_rate_hz // 1000, 1)


def h264_profile(name: str) -> str:
    """An H.264 profile in the words of Media ver10."""
    return name if name in H264_PROFILES else "Main"
