"""Carries out the Set…Configuration requests of both media services. What cannot be set is refused."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from lxml import etree

from onvif_server import tokens
from onvif_server.backend import (
    AudioFormat,
    Caller,
    EncoderOptions,
    EncoderSettings,
    MulticastTarget,
    StreamKind,
    VideoChannel,
)
from onvif_server.events.filters import FilterError, parse_filter
from onvif_server.media.descriptions import h264_profile, sample_rate_khz
from onvif_server.media.media import VER10_AUDIO, Media, refusals_as_faults, storing
from onvif_server.media.metadata_settings import metadata_setting
from onvif_server.media.notes import Note, checked_target
from onvif_server.media.options import MAXIMUM_SESSION_TIMEOUT_S, encoder_options
from onvif_server.media.parts import Part
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.prefixes import in_force
from onvif_server.soap.values import seconds_of

STREAM_KINDS: Final = {
    Part.VIDEO_ENCODER: StreamKind.VIDEO,
    Part.AUDIO_ENCODER: StreamKind.AUDIO,
    Part.METADATA: StreamKind.METADATA,
}
"""The configurations that hold a multicast address."""


def cannot_be_set(reason: str) -> Fault:
    """The fault for values that a configuration cannot have."""
    return invalid_argument("ConfigModify", reason)


def insist(right: bool, reason: str) -> None:
    """Raises Fault (ter:ConfigModify) unless something is right."""
    if not right:
        raise cannot_be_set(reason)


type AnalyticsSetter = Callable[[str, etree._Element], Awaitable[None]]  # noqa: SLF001 - lxml has no public name for it
"""Takes a channel, and the tt:VideoAnalyticsConfiguration as it came. Raises Fault, OSError."""


class Changes:
    """Sets configurations, notes names, and tells it as events."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self.set_analytics: AnalyticsSetter | None = None
        """Sets the content of a channel's analytics configuration; None: there is no analytics."""

    async def video_source(self, value: Any, *, ver10: bool) -> None:
        """Sets a tt:VideoSourceConfiguration: its name, for a source is always shown as a whole."""
        channel = self._media.holder(Part.VIDEO_SOURCE, value.token, ver10=ver10)
        insist(value.SourceToken == tokens.video_source(channel.token), "the source cannot be changed")
        bounds = value.Bounds
        present = (0, 0, channel.width, channel.height)
        insist((bounds.x, bounds.y, bounds.width, bounds.height) == present, "only the whole picture can be shown")
        await self._note(Part.VIDEO_SOURCE, channel, value, ver10=ver10)

    async def video_encoder(self, caller: Caller, value: Any, *, ver10: bool) -> None:
        """Sets a tt:VideoEncoderConfiguration or tt:VideoEncoder2Configuration."""
        channel = self._media.holder(Part.VIDEO_ENCODER, value.token, ver10=ver10)
        present = await self._media.encoder_settings(channel)
        options = {one.encoding: one for one in await encoder_options(self._media, channel)}
        insist(value.Encoding in options, f"the encoding {value.Encoding} is not among the options")
        wanted = _wanted(value, present, options[value.Encoding], ver10=ver10)
        wanted = _adapted(wanted, options[value.Encoding])
        _insist_on_options(wanted, options[value.Encoding])
        note = self._noted(Part.VIDEO_ENCODER, channel, value, ver10=ver10)
        encoder = self._media.encoder(channel)
        if encoder is not None and wanted != present:
            with refusals_as_faults():
                await encoder.set(caller, wanted)
        await self._keep(Part.VIDEO_ENCODER, channel, note)

    async def metadata(self, value: Any, message: etree._Element, *, ver10: bool) -> None:
        """Sets a tt:MetadataConfiguration; `message` is the request as it came, for the prefixes of topics."""
        channel = self._media.holder(Part.METADATA, value.token)
        insist(value.CompressionType in (None, "None"), "metadata cannot be compressed")
        status, position = _ptz_filter(value.PTZStatus)
        moves = self._media.backend.ptz(channel.token) is not None
        insist(moves or not (status or position), "the channel has no PTZ status")
        note = self._noted(Part.METADATA, channel, value, ver10=ver10)
        with _filter_errors_as_faults():
            setting = metadata_setting(
                analytics=bool(value.Analytics),
                ptz_status=status,
                ptz_position=position,
                event_topics=_event_topics(message, [topic.path for topic in self._media.broker.topics]),
            )
        with storing():
            await self._media.metadata.set(channel.token, setting)
        await self._keep(Part.METADATA, channel, note)

    async def analytics(self, value: Any, message: etree._Element) -> None:
        """Sets a tt:VideoAnalyticsConfiguration: its name and its modules; `message` is the request as it came."""
        channel = self._media.holder(Part.ANALYTICS, value.token)
        note = self._noted(Part.ANALYTICS, channel, value, ver10=True)
        configuration = message.find(names.tag(names.MEDIA, "Configuration"))
        if self.set_analytics is not None and configuration is not None:
            with storing():
                await self.set_analytics(channel.token, configuration)
        await self._keep(Part.ANALYTICS, channel, note)

    async def audio_source(self, value: Any, *, ver10: bool) -> None:
        """Sets a tt:AudioSourceConfiguration: its name."""
        channel = self._media.holder(Part.AUDIO_SOURCE, value.token)
        insist(value.SourceToken == tokens.audio_source(channel.token), "the source cannot be changed")
        await self._note(Part.AUDIO_SOURCE, channel, value, ver10=ver10)

    async def audio_encoder(self, value: Any, *, ver10: bool) -> None:
        """Sets a tt:AudioEncoder(2)Configuration: name and multicast; the format is what it is."""
        channel = self._media.holder(Part.AUDIO_ENCODER, value.token, ver10=ver10)
        sound = channel.audio or AudioFormat()
        present = (VER10_AUDIO[sound.encoding] if ver10 else sound.encoding, sound.bitrate_kbps, sample_rate_khz(sound))
        insist((value.Encoding, value.Bitrate, value.SampleRate) == present, "the format of the sound is fixed")
        await self._note(Part.AUDIO_ENCODER, channel, value, ver10=ver10)

    async def audio_output(self, value: Any, *, ver10: bool) -> None:
        """Sets a tt:AudioOutputConfiguration: its name."""
        channel = self._media.holder(Part.AUDIO_OUTPUT, value.token)
        insist(value.OutputToken == tokens.audio_output(channel.token), "the output cannot be changed")
        insist(value.OutputLevel == 0, "the volume cannot be set")
        insist(not value.SendPrimacy, "the direction of the sound cannot be set")
        await self._note(Part.AUDIO_OUTPUT, channel, value, ver10=ver10)

    async def audio_decoder(self, value: Any, *, ver10: bool) -> None:
        """Sets a tt:AudioDecoderConfiguration: its name."""
        channel = self._media.holder(Part.AUDIO_DECODER, value.token)
        await self._note(Part.AUDIO_DECODER, channel, value, ver10=ver10)

    async def _note(self, part: Part, channel: VideoChannel, value: Any, *, ver10: bool) -> None:
        await self._keep(part, channel, self._noted(part, channel, value, ver10=ver10))

    def _noted(self, part: Part, channel: VideoChannel, value: Any, *, ver10: bool) -> Note:
        note = self._media.notes.of(part, channel.token)
        if value.Name != self._media.name_of(part, channel):
            note = replace(note, name=value.Name or None)
        if part not in STREAM_KINDS:
            return note
        multicast = self._target(part, channel, value.Multicast)
        if not ver10:  # there the time-out is a relic that nobody reads
            return replace(note, multicast=multicast)
        return replace(note, multicast=multicast, session_timeout_s=_session_timeout_s(value.SessionTimeout))

    def _target(self, part: Part, channel: VideoChannel, value: Any) -> MulticastTarget | None:
        present = self._media.notes.of(part, channel.token).multicast
        address = "" if value is None else value.Address.IPv4Address or value.Address.IPv6Address or ""
        if value is None:
            return present
        if not address.strip("0.:"):  # 0.0.0.0, ::, or none: our own choice again
            return None
        sender = self._media.backend.multicast(channel.token)
        if sender is None:
            raise cannot_be_set("the channel has no multicast")
        try:
            target = checked_target(address, value.Port, value.TTL)
        except ValueError as error:
            raise cannot_be_set(str(error)) from error
        insist(":" not in address or sender.ipv6, "multicast goes to IPv4 addresses only")
        return present if target == self._media.notes.multicast(part, channel.token) else target

    async def _keep(self, part: Part, channel: VideoChannel, note: Note) -> None:
        with storing():
            await self._media.notes.set(part, channel.token, note)
        multicast = self._media.backend.multicast(channel.token)
        if multicast is not None and part in STREAM_KINDS:
            multicast.configure(STREAM_KINDS[part], self._media.notes.multicast(part, channel.token))
        self._media.configuration_changed(part, channel.token)


def _wanted(value: Any, present: EncoderSettings, options: EncoderOptions, *, ver10: bool) -> EncoderSettings:
    gov_length, profile = _h264_part(value) if ver10 else (value.GovLength, value.Profile)
    wanted = replace(
        present,
        encoding=value.Encoding,
        width=value.Resolution.Width,
        height=value.Resolution.Height,
        quality=float(value.Quality),
        gov_length=_kept(gov_length, present.gov_length, options.gov_length),
        profile=_profile(profile, present, options, ver10=ver10),
    )
    rate = value.RateControl
    if rate is None:
        return wanted
    fps = rate.FrameRateLimit / max(rate.EncodingInterval or 1, 1) if ver10 else rate.FrameRateLimit
    return replace(
        wanted,
        fps=_nearest_rate(fps, present.fps, options.frame_rates, ver10=ver10),
        bitrate_kbps=rate.BitrateLimit,
        constant_bitrate=present.constant_bitrate if ver10 else bool(rate.ConstantBitRate),
    )


def _h264_part(value: Any) -> tuple[int | None, str | None]:
    return (None, None) if value.H264 is None else (value.H264.GovLength, value.H264.H264Profile)


def _kept(number: int | None, present: int, interval: tuple[int, int]) -> int:
    return min(max(present, interval[0]), interval[1]) if number is None else number


def _profile(name: str | None, present: EncoderSettings, options: EncoderOptions, *, ver10: bool) -> str:
    # Media ver10 has fewer words for profiles: its word for the present one means just that.
    if name is None or (ver10 and name == h264_profile(present.profile)):
        fits = present.profile in options.profiles or not options.profiles
        return present.profile if fits else options.profiles[0]
    return name


def _nearest_rate(fps: float, present: float, rates: Iterable[float], *, ver10: bool) -> float:
    possible = sorted(rates)
    insist(math.isfinite(fps) and bool(possible), f"{fps} pictures a second are not possible")
    if ver10 and fps == max(round(present), 1):
        return present
    insist(possible[0] - 1 < fps < possible[-1] + 1, f"{fps} pictures a second are not among the options")
    return min(possible, key=lambda rate: abs(rate - fps))


def _adapted(wanted: EncoderSettings, options: EncoderOptions) -> EncoderSettings:
    # A bit rate out of range is no fault, it becomes the nearest that is possible (Media2 5.4.3).
    lowest, highest = options.bitrate_kbps
    return replace(wanted, bitrate_kbps=min(max(wanted.bitrate_kbps, lowest), highest))


def _insist_on_options(wanted: EncoderSettings, options: EncoderOptions) -> None:
    insist((wanted.width, wanted.height) in options.sizes, "the resolution is not among the options")
    insist(_between(wanted.quality, options.quality), "the quality is not among the options")
    insist(options.constant_bitrate or not wanted.constant_bitrate, "constant bit rate is not among the options")
    if wanted.encoding != "JPEG":
        insist(_between(wanted.gov_length, options.gov_length), "the GOV length is not among the options")
        insist(wanted.profile in options.profiles, "the encoder profile is not among the options")


def _between(number: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= number <= interval[1]


def _session_timeout_s(value: Any) -> float:
    try:
        seconds = seconds_of(value).total_seconds()
    except ValueError as error:
        raise cannot_be_set(str(error)) from error
    insist(1 <= seconds <= MAXIMUM_SESSION_TIMEOUT_S, f"the time-out is 1 to {MAXIMUM_SESSION_TIMEOUT_S} seconds")
    return seconds


def _ptz_filter(value: Any) -> tuple[bool, bool]:
    if value is None:
        return False, False
    insist(not value.FieldOfView, "the field of view is not told")
    return bool(value.Status), bool(value.Position)


@contextmanager
def _filter_errors_as_faults() -> Iterator[None]:
    try:
        yield
    except FilterError as error:
        raise cannot_be_set(str(error)) from error


def _event_topics(message: etree._Element, topics: Iterable[str]) -> tuple[str, ...] | None:
    """The topic expressions of a request with our own prefixes. Raises FilterError."""
    events = message.find(f".//{names.tag(names.SCHEMA, 'Events')}")
    if events is None:
        return None
    found = events.find(names.tag(names.SCHEMA, "Filter"))
    if found is None or not len(found):
        return ()
    expression = names.tag(names.NOTIFICATION, "TopicExpression")
    if any(part.tag != expression for part in found):
        raise FilterError("InvalidFilterFault", "metadata can be filtered by topics only")
    parse_filter(found, topics)
    return tuple(_with_own_prefixes(part) for part in found)


def _with_own_prefixes(expression: etree._Element) -> str:
    own = {namespace: prefix for prefix, namespace in names.PREFIXES.items()}
    texts = []
    for text in "".join(str(part) for part in expression.itertext()).split("|"):
        prefix, _, path = text.strip().partition(":")
        namespace = in_force(expression).get(prefix)
        if namespace not in own:
            raise FilterError("InvalidTopicExpressionFault", f"there are no topics with the prefix {prefix}")
        texts.append(f"{own[namespace]}:{path}")
    return "|".join(texts)
