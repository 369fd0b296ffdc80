"""Finds out which pictures an ONVIF camera sends: media profiles, by Media2 where it works, otherwise by Media1."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.cameras.errors import CameraFault
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import dig, number
from engine.config.schema import ChannelConfig

_log = logging.getLogger(__name__)

_LONGEST_SIDE: Final = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaProfile:
    """One way in which the camera shows one picture source. `ptz_node` is the PTZ node that moves it.

    The configurations are the tokens of those of its video source and of its encoder. `back_channel`: sound is taken,
    for a loudspeaker.
    """

    token: str
    name: str
    source: str
    codec: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    ptz_node: str | None = None
    source_configuration: str | None = None
    encoder_configuration: str | None = None
    audio: bool = False
    back_channel: bool = False

    @property
    def pixels(self) -> int:
        """The size of a picture."""
        return self.size[0] * self.size[1] if self.size else 0


class MediaServices:
    """The media service that the camera answers best. Methods raise CameraError."""

    def __init__(self, client: SoapClient) -> None:
        self._client = client
        self.service = Service.MEDIA1

    async def profiles(self) -> list[MediaProfile]:
        """All profiles that show a picture; chooses the service."""
        if self._client.offers(Service.MEDIA2):
            try:
                answer = await self._client.call(Service.MEDIA2, "GetProfiles", Type=["All"])
                profiles = [profile for one in answer or () if (profile := _media2_profile(one))]
            except CameraFault as error:
                _log.info("%s: Media2 does not work, Media1 is used", error)
                profiles = []
            if profiles:
                self.service = Service.MEDIA2
                return profiles
        self.service = Service.MEDIA1
        answer = await self._client.call(Service.MEDIA1, "GetProfiles")
        return [profile for one in answer or () if (profile := _media1_profile(one))]

    async def stream_url(self, profile: str) -> str:
        """The RTSP address of a profile, without credentials."""
        if self.service is Service.MEDIA2:
            answer = await self._client.call(self.service, "GetStreamUri", Protocol="RTSP", ProfileToken=profile)
        else:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            answer = await self._client.call(self.service, "GetStreamUri", StreamSetup=setup, ProfileToken=profile)
        return self._client.reachable(_uri(answer))

    async def snapshot_url(self, profile: str) -> str:
        """The HTTP address of a profile's newest picture."""
        return self._client.reachable(
            _uri(await self._client.call(self.service, "GetSnapshotUri", ProfileToken=profile))
        )

    async def synchronize(self, profile: str) -> None:
        """Asks for a key frame of a profile that is streamed; a camera that refuses just this is no other camera."""
        await self._client.call_extra(self.service, "SetSynchronizationPoint", ProfileToken=profile)


def _uri(answer: Any) -> str:
    # Media2 answers with the address itself, Media1 with a structure that holds it.
    return str(getattr(answer, "Uri", answer) or "")


def _media2_profile(profile: Any) -> MediaProfile | None:
    configurations = profile.Configurations
    source = getattr(configurations, "VideoSource", None)
    if source is None:
        return None
    encoder = getattr(configurations, "VideoEncoder", None)
    rate = getattr(encoder, "RateControl", None)
    base = _base(profile, source, configurations.PTZ, configurations.AudioEncoder)
    return _with_encoder(_with_back_channel(base, configurations, ""), encoder, rate)


def _media1_profile(profile: Any) -> MediaProfile | None:
    source = profile.VideoSourceConfiguration
    if source is None:
        return None
    encoder = profile.VideoEncoderConfiguration
    rate = getattr(encoder, "RateControl", None)
    base = _base(profile, source, profile.PTZConfiguration, profile.AudioEncoderConfiguration)
    # Schema 1.0 has them in the profile's extension.
    return _with_encoder(_with_back_channel(base, profile.Extension, "Configuration"), encoder, rate)


def _with_back_channel(profile: MediaProfile, holder: Any, ending: str) -> MediaProfile:
    """A back channel is a loudspeaker and a decoder for it."""
    parts = (dig(holder, (f"{name}{ending}",)) for name in ("AudioOutput", "AudioDecoder"))
    return replace(profile, back_channel=all(part is not None for part in parts))


def _base(profile: Any, source: Any, ptz: Any, audio: Any) -> MediaProfile:
    return MediaProfile(
        token=str(profile.token),
        name=str(profile.Name),
        source=str(source.SourceToken),
        ptz_node=None if ptz is None else str(ptz.NodeToken),
        source_configuration=str(source.token),
        audio=audio is not None,
    )


def _size(resolution: Any) -> tuple[int, int] | None:
    """A size that pictures can have; None for what is none."""
    if resolution is None or not (0 < resolution.Width <= _LONGEST_SIDE and 0 < resolution.Height <= _LONGEST_SIDE):
        return None
    return int(resolution.Width), int(resolution.Height)


def _with_encoder(profile: MediaProfile, encoder: Any, rate: Any) -> MediaProfile:
    if encoder is None:
        return profile
    resolution, limit = encoder.Resolution, getattr(rate, "FrameRateLimit", None)
    return replace(
        profile,
        encoder_configuration=str(encoder.token),
        codec=str(encoder.Encoding).upper() if encoder.Encoding else None,
        size=_size(resolution),
        fps=number(limit) or None if limit and limit > 0 else None,
    )


def choose_profiles(
    channels: Sequence[ChannelConfig], profiles: Sequence[MediaProfile]
) -> dict[str, MediaProfile | None]:
    """Which profile shows which channel (by channel id); None where the camera has none for it.

    A channel that names a profile, by token or name, gets that. The others get the picture sources that are left, PTZ
    channels those that move first, and of each source the profile with the most pixels.
    """
    chosen: dict[str, MediaProfile | None] = {}
    for channel in channels:
        if channel.stream is not None:
            named = (one for one in profiles if channel.stream in (one.token, one.name))
            chosen[channel.channel_id] = next(named, None)
    for channel in channels:
        if channel.stream is None:
            taken = {one.source for one in chosen.values() if one}
            moves = channel.role == "ptz"
            left = [one for one in profiles if one.source not in taken]
            fitting = [one for one in left if (one.ptz_node is not None) == moves] or left
            first = [one for one in fitting if one.source == fitting[0].source]
            chosen[channel.channel_id] = max(first, key=lambda one: one.pixels, default=None)
    return chosen
