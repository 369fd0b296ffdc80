"""Cameras and their channels at work: connection, video, motors, and one answer to "is it online?"."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from engine.cameras.errors import CameraError
from engine.cameras.probe import make_camera
from engine.cameras.protocols import Camera, Channel, StreamAddress
from engine.cameras.supervisor import CameraState, CameraSupervisor
from engine.config import CameraConfig, ChannelConfig
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import CameraOffline, CameraOnline, CameraRefused, Event, PictureFault
from engine.core.values import TrackUpdate
from engine.media import MediaError, MediaProcess, StreamConnected, StreamLost, StreamSource
from engine.ptz import Arbiter

RETRY_S = 10.0
"""Between two tries to start a channel of a camera that answers."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class ChannelAtWork:
    """What is known about a channel now."""

    config: ChannelConfig
    camera_id: str
    arbiter: Arbiter | None = None
    newest: TrackUpdate | None = None
    analysed_fps: float | None = None
    video: bool = False
    online: bool = False
    told: bool = False
    """Whether anybody was told yet that the channel is online, offline or refused."""
    refused: bool = False
    """Whether its camera has refused our user since it was online last."""
    faults: set[PictureFault] = field(default_factory=set)
    """What is wrong with its picture."""
    stream: StreamAddress | None = field(default=None, repr=False)
    back_channel: bool = False
    """Whether the stream takes sound for a loudspeaker."""
    streaming: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the media process knows the stream."""

    @property
    def channel_id(self) -> str:
        """The channel's id in the site file."""
        return self.config.channel_id


class CameraAtWork:
    """Keeps a camera connected, its channels' video running and its motors attached.

    A channel is online when its camera answers and its video arrives; every change is an event. `on_change` is called
    after each.
    """

    def __init__(
        self,
        config: CameraConfig,
        channels: tuple[ChannelAtWork, ...],
        media: MediaProcess,
        facts: Bus[Event],
        clock: Clock,
        on_change: Callable[[ChannelAtWork], None],
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
    ) -> None:
        self.config = config
        self.channels = channels
        self.camera: Camera = make_camera(config, clock)
        self._supervisor = CameraSupervisor(self.camera, clock, self._on_camera)
        self._media = media
        self._facts = facts
        self._clock = clock
        self._on_change = on_change
        self._spawn = spawn
        self._watching: asyncio.Task[None] | None = None

    @property
    def online(self) -> bool:
        """Whether the camera answers."""
        return self._supervisor.online

    def described(self, channel_id: str) -> Channel | None:
        """What the camera says of a channel; None before it was reached."""
        return next((channel for channel in self.camera.channels if channel.id == channel_id), None)

    def start(self) -> None:
        """Begins."""
        self._supervisor.start()

    async def stop(self) -> None:
        """Ends."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._supervisor.stop()

    def on_stream(self, channel: ChannelAtWork, event: StreamConnected | StreamLost) -> None:
        """Takes note of what happened to a channel's video."""
        channel.video = isinstance(event, StreamConnected)
        if isinstance(event, StreamLost) and event.refused:
            self._refused(channel, event.reason)
        self._settle(channel, event.reason if isinstance(event, StreamLost) else "")
        self._spawn(self._leave_alone(channel))

    def _on_camera(self, state: CameraState, reason: str) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if state is CameraState.ONLINE:
            self._spawn(self._bring_up())
            self._watching = self._spawn(self._watch_terminals())
            return
        for channel in self.channels:
            if state is CameraState.REFUSED:
                self._refused(channel, reason)
                self._spawn(self._leave_alone(channel))
            if channel.arbiter is not None:
                self._spawn(channel.arbiter.detach())
            self._settle(channel, reason)

    async def _leave_alone(self, channel: ChannelAtWork) -> None:
        """Closes a broken stream of a camera that refuses our user, for its tries would count with the supervisor's.

        A stream that runs in spite of the refusal goes on.
        """
        if self._supervisor.state is CameraState.REFUSED and channel.stream is not None and not channel.video:
            channel.stream = None
            channel.streaming.clear()
            await self._media.add_stream(StreamSource(channel=channel.channel_id, url=""))

    async def _watch_terminals(self) -> None:
        """Follows the camera's relays and inputs, as long as it answers."""
        terminals = self.camera.terminals
        while terminals is not None:
            try:
                await terminals.watch()
            except CameraError as error:
                _LOG.info("the inputs and outputs of camera %r are not followed now: %s", self.camera.name, error)
                await self._clock.sleep(RETRY_S)
            else:
                return

    async def _bring_up(self) -> None:
        """Starts the channels; those that fail are tried again as long as the camera answers."""
        waiting = self.channels
        while waiting and self.online:
            waiting = tuple([channel for channel in waiting if not await self._bring_up_channel(channel)])
            if waiting:
                await self._clock.sleep(RETRY_S)

    async def _bring_up_channel(self, channel: ChannelAtWork) -> bool:
        trouble = ""
        try:
            motors = self.camera.motors(channel.channel_id)
            if channel.arbiter is not None and motors is not None and not channel.arbiter.available:
                await channel.arbiter.attach(motors)
            await self._start_video(channel)
        except (CameraError, MediaError) as error:
            # The supervisor notices a camera that is gone again; anything else is the person's to mend.
            _LOG.warning("channel %r could not be started: %s", channel.channel_id, error)
            trouble = str(error)
        self._settle(channel, trouble)
        return not trouble

    async def _start_video(self, channel: ChannelAtWork) -> None:
        address = await self.camera.stream_address(channel.channel_id)
        back_channel = self.camera.extras(channel.channel_id).back_channel
        if (address, back_channel) == (channel.stream, channel.back_channel):
            return
        analysis = channel.config.analysis
        await self._media.add_stream(
            StreamSource(
                channel=channel.channel_id,
                url=address.url,
                username=address.username,
                password=address.password,
                analysis_width=analysis.width,
                analysis_fps=analysis.fps,
                latency_s=channel.config.latency_s,
                loop=self.config.driver == "file",
                back_channel=back_channel,
            )
        )
        channel.stream, channel.back_channel = address, back_channel
        channel.streaming.set()

    def _settle(self, channel: ChannelAtWork, reason: str) -> None:
        online = self.online and channel.video
        # A channel that is away from the very beginning is told too, once there is a reason to tell.
        if online != channel.online or (reason and not channel.told):
            channel.online = online
            channel.told = True
            now = self._clock.now()
            if online:
                channel.refused = False
                self._facts.publish(CameraOnline(at=now, channel=channel.channel_id))
            else:
                self._facts.publish(CameraOffline(at=now, channel=channel.channel_id, reason=reason))
        self._on_change(channel)

    def _refused(self, channel: ChannelAtWork, reason: str) -> None:
        if not channel.refused:
            channel.refused = channel.told = True
            self._facts.publish(CameraRefused(at=self._clock.now(), channel=channel.channel_id, reason=reason))
