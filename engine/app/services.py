"""What the API can ask of the engine."""

from __future__ import annotations

import asyncio

from engine import __version__
from engine.access import Role
from engine.api.messages.access import StreamCredentials
from engine.api.messages.history import CaptureDescription
from engine.api.messages.state import (
    CameraState,
    ChannelState,
    LinkState,
    OwnerState,
    PoseState,
    PresetState,
    State,
    TrackingState,
)
from engine.api.services import (
    EngineInfo,
    NotAvailableError,
)
from engine.app.channels import ChannelAtWork
from engine.app.operating import Operating
from engine.app.rooms import Rooms
from engine.captures import encode_jpeg
from engine.core.bus import Bus
from engine.core.events import CaptureTaken, PresetsChanged, PtzOwnerChanged, TrackingEnded, TrackingStarted
from engine.core.values import TrackUpdate
from engine.linkage import LinkDirector
from engine.media import MediaError
from engine.ptz import Arbiter

RELAY_USER = "relay"
POSE_EVERY_S = 0.5
MOVED_DEG = 0.05


class Services(Operating):
    """`engine.api.services.EngineServices` on the rooms of one engine."""

    def __init__(self, rooms: Rooms) -> None:
        super().__init__(rooms, Bus())
        self.track_updates: Bus[TrackUpdate] = Bus()
        self._last_captures: dict[str, CaptureTaken] = {}
        self._told_poses: dict[str, PoseState | None] = {}

    # --- what is ----------------------------------------------------------------------------------------------

    def info(self) -> EngineInfo:
        """See the protocol."""
        return EngineInfo(self._rooms.site.name, __version__, self._rooms.store.instance_id)

    async def state(self) -> State:
        """See the protocol."""
        return self._state()

    def _state(self) -> State:
        rooms = self._rooms
        return State(
            instance_id=rooms.store.instance_id,
            name=rooms.site.name,
            version=__version__,
            cameras=[self._camera(camera_id) for camera_id in rooms.cameras],
            channels=[self._channel(channel_id) for channel_id in rooms.channels],
            links=[self._link(link_id) for link_id in rooms.director.links],
            rules=[self.rule_state(rule) for rule in rooms.rulebook.rules()],
        )

    async def stream_credentials(self) -> StreamCredentials:
        """See the protocol."""
        known = self._rooms.access.device_users.password_of(RELAY_USER)
        user = await self._rooms.access.device_users.ensure(RELAY_USER, Role.USER)
        if known is None:
            await self._rooms.refresh_relay_users()
        return StreamCredentials(username=user.username, password=user.password)

    async def device_users_changed(self) -> None:
        """See the protocol."""
        await self._rooms.refresh_relay_users()

    async def snapshot(self, channel: str, at: float | None) -> bytes:
        """See the protocol."""
        self._find(channel)
        try:
            snapshot = await self._rooms.media.snapshot(channel, at)
        except MediaError as error:
            raise NotAvailableError(str(error)) from error
        return await asyncio.to_thread(encode_jpeg, snapshot.image)

    async def tracks(self, channel: str) -> TrackUpdate | None:
        """See the protocol."""
        return self._find(channel).newest

    # --- changes ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tells what changes because of events, and where the PTZ cameras look; until it is cancelled."""
        self._rooms.spawn(self._tell_poses())
        while True:
            with self._rooms.events.subscribe() as events:
                async for event in events:
                    if isinstance(event, CaptureTaken):
                        self._last_captures[event.link_id] = event
                    if isinstance(event, CaptureTaken | TrackingStarted | TrackingEnded):
                        self.changes.publish(self._link(event.link_id))
                    if isinstance(event, CaptureTaken | PtzOwnerChanged | PresetsChanged):
                        self.channel_changed(event.channel)

    async def _tell_poses(self) -> None:
        while True:
            await self._rooms.clock.sleep(POSE_EVERY_S)
            for channel in self._rooms.channels.values():
                pose = _pose(channel)
                if channel.arbiter is not None and _differs(pose, self._told_poses.get(channel.channel_id)):
                    self.channel_changed(channel.channel_id)

    async def load(self) -> None:
        """Reads the last captures, so that they are there after a restart."""
        for link_id in self._rooms.director.links:
            newest = await self._rooms.store.captures.search(link_id=link_id, limit=1)
            if newest:
                self._last_captures[link_id] = newest[0]

    def channel_changed(self, channel_id: str) -> None:
        """Tells a channel's new state, and its camera's."""
        self.changes.publish(self._channel(channel_id))
        self.changes.publish(self._camera(self._rooms.channels[channel_id].camera_id))

    def rules_changed(self) -> None:
        """Tells everything: rules came, went or are others now."""
        self.changes.publish(self._state())

    # --- states -----------------------------------------------------------------------------------------------

    def _camera(self, camera_id: str) -> CameraState:
        camera = self._rooms.cameras[camera_id]
        about = camera.camera.information
        return CameraState(
            id=camera_id,
            name=camera.config.name,
            online=camera.online,
            model=about.model or None,
            manufacturer=about.manufacturer or None,
            firmware=about.firmware or None,
        )

    def _channel(self, channel_id: str) -> ChannelState:
        channel = self._rooms.channels[channel_id]
        arbiter = channel.arbiter
        pose = _pose(channel)
        self._told_poses[channel_id] = pose
        owner = arbiter.owner if arbiter else None
        captures = [one for one in self._last_captures.values() if one.channel == channel_id]
        return ChannelState(
            id=channel_id,
            name=channel.config.name,
            camera_id=channel.camera_id,
            role=channel.config.role,
            online=channel.online,
            relay_url=self._rooms.media.relay_url(channel_id) if channel.stream else None,
            presets=[PresetState(id=one.preset_id, name=one.name) for one in arbiter.presets] if arbiter else [],
            pose=pose,
            owner=OwnerState(owner=owner.owner, purpose=owner.purpose) if owner else None,
            capabilities=_capabilities(arbiter),
            analysed_fps=channel.analysed_fps,
            last_capture=_described(max(captures, key=lambda one: one.at)) if captures else None,
        )

    def _link(self, link_id: str) -> LinkState:
        director = self._rooms.director.link(link_id)
        config = next(link for link in self._rooms.site.links if link.link_id == link_id)
        last = self._last_captures.get(link_id)
        return LinkState(
            id=link_id,
            name=config.name,
            overview=config.overview,
            ptz=config.ptz,
            tracking=_tracking(director),
            last_capture=_described(last) if last else None,
        )


def _tracking(director: LinkDirector) -> TrackingState | None:
    now = director.tracking
    if now is None:
        return None
    return TrackingState(track_id=now.track_id, target_type=now.target_type, since=now.since, reason=now.reason)


def _capabilities(arbiter: Arbiter | None) -> list[str]:
    able = arbiter.capabilities if arbiter else None
    names = ("absolute", "relative", "continuous", "zoom", "presets", "home", "status")
    return [name for name in names if able is not None and getattr(able, name)]


def _pose(channel: ChannelAtWork) -> PoseState | None:
    arbiter = channel.arbiter
    pose = arbiter.pose if arbiter else None
    if arbiter is None or pose is None:
        return None
    return PoseState(
        pan_deg=round(pose.pan_deg, 2),
        tilt_deg=round(pose.tilt_deg, 2),
        hfov_deg=round(pose.hfov_deg, 2),
        zoom=round(arbiter.zoom_curve.zoom(pose.hfov_deg), 3),
    )


def _differs(now: PoseState | None, told: PoseState | None) -> bool:
    if now is None or told is None:
        return now is not told
    return max(abs(now.pan_deg - told.pan_deg), abs(now.tilt_deg - told.tilt_deg)) > MOVED_DEG or (
        abs(now.hfov_deg - told.hfov_deg) > 0.01 * told.hfov_deg
    )


def _described(capture: CaptureTaken) -> CaptureDescription:
    return CaptureDescription(
        id=capture.capture_id,
        at=capture.at,
        link_id=capture.link_id,
        channel=capture.channel,
        track_id=capture.track_id,
        target_type=capture.target_type,
        rule_id=capture.rule_id,
        grade=capture.grade,
        box=capture.box,
    )
