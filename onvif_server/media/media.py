"""What both media services share: the configurations, and what becomes of the host's refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onvif_server.backend import Backend, Encoder, EncoderSettings, Memory, Refusal, Refused, VideoChannel
from onvif_server.events import topics
from onvif_server.events.broker import Broker
from onvif_server.media.metadata_settings import MetadataSettings
from onvif_server.media.notes import Notes
from onvif_server.media.parts import Part, holder, holders, token_of
from onvif_server.media.profiles import Profile, Profiles
from onvif_server.soap.faults import Fault, action_failed, invalid_argument

_LOGGER = logging.getLogger(__name__)


class Media:
    """The profiles and configurations of a device. Tells changes as events."""

    def __init__(self, backend: Backend, memory: Memory, profiles: Profiles, broker: Broker) -> None:
        self.backend = backend
        self.profiles = profiles
        self.notes = Notes(memory, str(backend.information.uuid))
        self.metadata = MetadataSettings(memory)
        self.broker = broker
        profiles.listen(self._profile_changed)

    def forget(self) -> None:
        """Goes back to what the memory holds, for somebody emptied it."""
        self.profiles.forget()
        self.notes.forget()
        self.metadata.forget()

    def _profile_changed(self, token: str) -> None:
        self.broker.publish(topics.PROFILE_CHANGED.path, source={"Token": token})

    def configuration_changed(self, part: Part, channel: str) -> None:
        """Tells that a configuration has changed."""
        self.broker.publish(
            topics.CONFIGURATION_CHANGED.path, source={"Token": token_of(part, channel), "Type": part.value}
        )

    def name_of(self, part: Part, channel: VideoChannel) -> str:
        """The name of a channel's configuration."""
        return self.notes.of(part, channel.token).name or channel.name[:64]

    def holders(self, part: Part, *, ver10: bool = False) -> tuple[VideoChannel, ...]:
        """The channels with a configuration of a kind; with `ver10` those that Media ver10 has words for."""
        return tuple(
            channel for channel in holders(self.backend, part) if not ver10 or expressible_in_ver10(part, channel)
        )

    def holder(self, part: Part, token: str, *, ver10: bool = False) -> VideoChannel:
        """The channel with a configuration of this token. Raises Fault (ter:NoConfig)."""
        channel = holder(self.backend, part, token)
        if ver10 and not expressible_in_ver10(part, channel):
            raise invalid_argument("NoConfig", f"{token} is for Media2 only")
        return channel

    def compatible(self, part: Part, profile: Profile, *, ver10: bool = False) -> tuple[VideoChannel, ...]:
        """The channels whose configuration of a kind could be added to a profile."""
        bound = profile.channel if profile.fixed or profile.parts - {part} else None
        return tuple(channel for channel in self.holders(part, ver10=ver10) if bound in (None, channel.token))

    def selected(
        self, part: Part, configuration: str | None, profile: str | None, *, ver10: bool = False
    ) -> tuple[VideoChannel, ...]:
        """The channels that a request with optional tokens means. Raises Fault: ter:NoConfig, ter:NoProfile."""
        found = self.holders(part, ver10=ver10)
        if profile:
            found = self.compatible(part, self.profiles.get(profile), ver10=ver10)
        if configuration:
            wanted = self.holder(part, configuration, ver10=ver10)
            if wanted not in found:
                raise invalid_argument("NoConfig", f"{configuration} does not fit the profile {profile}")
            found = (wanted,)
        return found

    def encoder(self, channel: VideoChannel) -> Encoder | None:
        """The encoder of a channel, if it can be set."""
        return self.backend.encoder(channel.token)

    async def encoder_settings(self, channel: VideoChannel) -> EncoderSettings:
        """How a channel's video is encoded; what the host describes, if its encoder cannot be asked now."""
        encoder = self.encoder(channel)
        if encoder is not None:
            try:
                return await encoder.settings()
            except Refused as refused:
                _LOGGER.info("the encoder of %s does not tell its settings: %s", channel.token, refused)
        return EncoderSettings(
            encoding=channel.encoding,
            width=channel.width,
            height=channel.height,
            fps=channel.fps,
            bitrate_kbps=channel.bitrate_kbps,
            gov_length=channel.gov_length,
            profile=channel.encoder_profile,
            quality=5.0,
        )


def expressible_in_ver10(part: Part, channel: VideoChannel) -> bool:
    """Whether Media ver10 has words for a configuration: it knows neither H.265 nor Opus."""
    if part is Part.VIDEO_ENCODER:
        return channel.encoding in ("H264", "JPEG")
    if part is Part.AUDIO_ENCODER:
        return channel.audio is not None and channel.audio.encoding in VER10_AUDIO
    return True


VER10_AUDIO = {"PCMU": "G711", "PCMA": "G711", "G726": "G726", "MP4A-LATM": "AAC"}
"""Media ver10's words for audio encodings."""


@contextmanager
def storing(what: Any = "the change") -> Iterator[None]:
    """Turns a memory that cannot be written into a fault."""
    try:
        yield
    except OSError as error:
        _LOGGER.warning("%s cannot be kept: %s", what, error)
        raise Fault("Action", reason=f"{what} cannot be stored", sender=False) from error


@contextmanager
def refusals_as_faults(*, too_many: str = "ConfigurationConflict") -> Iterator[None]:
    """Turns the host's refusals into the faults of the media services."""
    try:
        yield
    except Refused as refused:
        raise _fault_of(refused, too_many) from refused


def _fault_of(refused: Refused, too_many: str) -> Fault:
    senders = {
        Refusal.INVALID: "ConfigModify",
        Refusal.NOT_FOUND: "NoConfig",
        Refusal.EXISTS: "ConfigModify",
        Refusal.INVALID_POSITION: "ConfigModify",
    }
    if refused.refusal in senders:
        return invalid_argument(senders[refused.refusal], refused.detail)
    if refused.refusal is Refusal.TOO_MANY:
        return action_failed(too_many, refused.detail)
    if refused.refusal is Refusal.NOT_ALLOWED:
        return Fault("OperationProhibited", reason=refused.detail)
    if refused.refusal is Refusal.NOT_SUPPORTED:
        return Fault("ActionNotSupported", reason=refused.detail, sender=False)
    return Fault("Action", reason=refused.detail, sender=False)
