"""An ONVIF camera."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from engine.cameras.errors import CameraFault, CameraUnreachable
from engine.cameras.extras import Extras
from engine.cameras.onvif_device_extras import LONGEST_ANSWER, DeviceExtras, learn_device_extras
from engine.cameras.onvif_encoder import OnvifEncoder, learn_encoder
from engine.cameras.onvif_imaging import OnvifImaging, learn_imaging
from engine.cameras.onvif_media import MediaProfile, MediaServices, choose_profiles
from engine.cameras.onvif_motors import Head, OnvifMotors, learn_head
from engine.cameras.onvif_osd import OnvifOsd, learn_osd
from engine.cameras.onvif_terminals import Found, OnvifTerminals, learn_terminals
from engine.cameras.protocols import CameraInformation, Channel, ChannelCapabilities, StreamAddress
from engine.cameras.soap import SoapClient
from engine.cameras.soap_http import TIMEOUT_S
from engine.cameras.soap_services import Service
from engine.config.schema import CameraConfig, ChannelConfig
from engine.core.clock import Clock

_log = logging.getLogger(__name__)


class OnvifCamera:
    """One ONVIF device; see the protocol `Camera`. Raises CameraFault at once for an address that is none."""

    def __init__(self, config: CameraConfig, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._config = config
        self._client = SoapClient(
            config.name, config.address, config.username or "", config.password or "", clock, timeout_s=timeout_s
        )
        self._media = MediaServices(self._client)
        self._profiles: dict[str, MediaProfile] = {}
        self._heads: dict[str, Head] = {}
        self._motors = {
            channel.channel_id: OnvifMotors(self._client, clock) for channel in config.channels if channel.role == "ptz"
        }
        self._imaging = {channel.channel_id: OnvifImaging(self._client) for channel in config.channels}
        self._encoders = {channel.channel_id: OnvifEncoder(self._client) for channel in config.channels}
        self._osds = {channel.channel_id: OnvifOsd(self._client) for channel in config.channels}
        self._extras: dict[str, Extras] = {}
        self._device_extras = DeviceExtras()
        self._found = Found()
        self.terminals = OnvifTerminals(self._client)
        self.information = CameraInformation()
        self.channels: tuple[Channel, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the site file."""
        return self._config.name

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return self._client.address

    @property
    def has_events(self) -> bool:
        """Whether it offers the event service."""
        return self._client.offers(Service.EVENTS)

    @property
    def clock_offset_s(self) -> float:
        """How many seconds the camera's clock is ahead of ours."""
        return self._client.clock_offset_s

    async def connect(self) -> None:
        """Reaches the camera and learns what it can do."""
        await self._client.open()
        await self._client.synchronise()
        self.information = _information(await self._client.login())
        with self._client.making_sense("description of itself"):
            await self._client.discover_services()
            await self._learn()

    async def _learn(self) -> None:
        profiles = await self._media.profiles()
        chosen = choose_profiles(self._config.channels, profiles)
        self._profiles = {}
        for channel in self._config.channels:
            profile = chosen[channel.channel_id]
            if profile is None:
                raise self._no_profile(channel, profiles)
            self._profiles[channel.channel_id] = profile
        for channel in self._config.channels:
            if channel.role == "ptz":
                await self._learn_motors(channel, profiles)
        known = self._device_extras
        self._device_extras = await self._beside(learn_device_extras(self._client), known, DeviceExtras())
        found = await self._beside(learn_terminals(self._client, self._device_extras), self._found, Found())
        self._found = found
        self.terminals.attach(found)
        self._extras = {channel_id: await self._learn_extras(channel_id) for channel_id in self._profiles}
        # Last: who sees the channels takes the camera for known.
        self.channels = tuple(_channel(channel_id, one, profiles) for channel_id, one in self._profiles.items())

    def _no_profile(self, channel: ChannelConfig, profiles: list[MediaProfile]) -> CameraFault:
        names = ", ".join(f"{one.token} ({one.name})" for one in profiles) or "none"
        if channel.stream is not None:
            what = f"channel {channel.channel_id!r} wants the profile {channel.stream!r}, which it does not have"
        else:
            what = f"it has no picture source left for channel {channel.channel_id!r}"
        return self._client.fault(what, f"name one of its profiles as the channel's stream: {names}")

    async def _learn_motors(self, channel: ChannelConfig, profiles: list[MediaProfile]) -> None:
        profile = self._profiles[channel.channel_id]
        same_source = (one for one in profiles if one.source == profile.source and one.ptz_node)
        moving = profile if profile.ptz_node else next(same_source, None)
        if moving is None or moving.ptz_node is None or not self._client.offers(Service.PTZ):
            _log.warning("camera %r at %s: channel %r has no motors", self.name, self.address, channel.channel_id)
            self._heads.pop(channel.channel_id, None)
            self._motors[channel.channel_id].attach(None)
            return
        head = await learn_head(
            self._client, moving.token, moving.ptz_node, channel.pan_range_deg, channel.tilt_range_deg
        )
        self._heads[channel.channel_id] = head
        self._motors[channel.channel_id].attach(head)

    async def _learn_extras(self, channel: str) -> Extras:
        before, profile = self._extras.get(channel, Extras()), self._profiles[channel]
        # Tokens of the other media service may be others.
        media2 = self._media.service is Service.MEDIA2
        encoder, osd = (profile.encoder_configuration, profile.source_configuration) if media2 else (None, None)
        self._imaging[channel].attach(profile.source)
        self._encoders[channel].attach(encoder)
        self._osds[channel].attach(osd)
        imaging = await self._beside(learn_imaging(self._client, profile.source), before.imaging, None)
        head = self._heads.get(channel)
        return Extras(
            imaging=imaging,
            auxiliary_commands=head.auxiliary_commands if head else (),
            device_auxiliary_commands=self._device_extras.auxiliary_commands,
            terminals=self._found.abilities,
            encoder=await self._beside(learn_encoder(self._client, encoder), before.encoder, False),
            osd=await self._beside(learn_osd(self._client, osd), before.osd, False),
            back_channel=profile.back_channel,
        )

    async def _beside[T](self, learning: Awaitable[T], before: T, nothing: T) -> T:
        """Asks for something that the camera can do without: no trouble with it keeps the camera from being used.

        A camera that gives no answer, or one that says nothing, is taken to be as it was before.
        """
        troubles = self._client.troubles
        try:
            found = await learning
        except CameraUnreachable as error:
            _log.info("%s; it is taken to be as before", error)
            return before
        except CameraFault as error:
            _log.info("%s; that is not used", error)
            found = nothing
        # Where nothing was known, what is found is more than before.
        return found if before == nothing or self._client.troubles == troubles else before

    async def check(self) -> None:
        """A cheap call that raises when the camera is gone."""
        await self._client.check()

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.close()

    def _profile(self, channel: str) -> MediaProfile:
        if channel not in self._profiles:
            raise self._client.fault(f"channel {channel!r} is not known", "connect the camera first")
        return self._profiles[channel]

    async def stream_address(self, channel: str) -> StreamAddress:
        """Where the channel's video is."""
        with self._client.making_sense("stream address"):
            url = await self._media.stream_url(self._profile(channel).token)
        return StreamAddress(url, self._config.username or "", self._config.password or "")

    async def snapshot(self, channel: str) -> bytes:
        """A JPEG from the camera itself."""
        return await self._client.picture(await self._media.snapshot_url(self._profile(channel).token))

    async def synchronize(self, channel: str) -> None:
        """Asks for a key frame."""
        await self._media.synchronize(self._profile(channel).token)

    def motors(self, channel: str) -> OnvifMotors | None:
        """The motors of a PTZ channel."""
        return self._motors.get(channel)

    def extras(self, channel: str) -> Extras:
        """What the channel can do beside showing and moving."""
        return self._extras.get(channel, Extras())

    def imaging(self, channel: str) -> OnvifImaging | None:
        """Picture settings and focus."""
        return self._imaging.get(channel)

    def encoder(self, channel: str) -> OnvifEncoder | None:
        """The encoder."""
        return self._encoders.get(channel)

    def osd(self, channel: str) -> OnvifOsd | None:
        """The texts in the picture."""
        return self._osds.get(channel)

    async def auxiliary(self, channel: str, command: str) -> str:
        """Sends one of the head's auxiliary commands."""
        motors = self._motors.get(channel)
        if motors is None:
            raise self._client.fault(f"channel {channel!r} has no head that knows {command}", "name a PTZ channel")
        return await motors.auxiliary(command)

    async def device_auxiliary(self, command: str) -> str:
        """Sends one of the camera's own auxiliary commands."""
        answer = await self._client.call_extra(Service.DEVICE, "SendAuxiliaryCommand", AuxiliaryCommand=command)
        return str(answer or "")[:LONGEST_ANSWER]

    async def capabilities(self, channel: str) -> ChannelCapabilities:
        """What the channel can do."""
        profile = self._profile(channel)
        head = self._heads.get(channel)
        try:
            snapshot = bool(await self._media.snapshot_url(profile.token))
        except CameraFault:
            snapshot = False
        return ChannelCapabilities(
            motors=head.capabilities if head else None,
            snapshot=snapshot,
            audio=profile.audio,
        )


def _information(answer: Any) -> CameraInformation:
    def text(name: str) -> str:
        return " ".join(str(getattr(answer, name, None) or "").split())[:100]

    return CameraInformation(
        manufacturer=text("Manufacturer"),
        model=text("Model"),
        firmware=text("FirmwareVersion"),
        serial=text("SerialNumber"),
        hardware=text("HardwareId"),
    )


def _channel(channel_id: str, profile: MediaProfile, profiles: list[MediaProfile]) -> Channel:
    return Channel(
        id=channel_id,
        profile=profile.token,
        codec=profile.codec,
        size=profile.size,
        fps=profile.fps,
        profiles=tuple(one.token for one in profiles if one.source == profile.source),
    )
