"""What the API can ask of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from engine import __version__
from engine.access import Role
from engine.api.messages import (
    CameraState,
    CaptureDescription,
    ChannelState,
    LinkState,
    LookAtRequest,
    MoveRequest,
    OwnerState,
    PoseState,
    PresetState,
    State,
    StreamCredentials,
    TrackingState,
    TrackRequest,
)
from engine.api.services import (
    BusyError,
    EngineInfo,
    NotAvailableError,
    NotFoundError,
    NotPossibleError,
)
from engine.app.channels import ChannelAtWork
from engine.app.rooms import Rooms
from engine.app.rule_services import RuleServices
from engine.cameras.errors import CameraError
from engine.captures import encode_jpeg
from engine.core.bus import Bus
from engine.core.events import CaptureTaken, PresetsChanged, PtzOwnerChanged, TrackingEnded, TrackingStarted
from engine.core.geometry import Box, Point
from engine.core.values import TrackUpdate
from engine.linkage import LinkDirector, NoTarget, UnknownLink
from engine.media import MediaError
from engine.ptz import Arbiter, Lease, LeaseLost, LeaseRefused, Priority, PtzError, PtzUnavailable, UnknownPreset

RELAY_USER = "relay"
POSE_EVERY_S = 0.5
RENEW_S = 5.0
"""A long move keeps its lease from timing out."""
MOVED_DEG = 0.05


class Services(RuleServices):
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

    # --- motors -----------------------------------------------------------------------------------------------

    async def move(self, channel: str, request: MoveRequest, *, by: str) -> None:
        """See the protocol."""
        with _told():
            lease = await self._operate(channel, by)
            pan, tilt = request.pan, request.tilt
            if request.mode == "absolute":
                await lease.move_absolute(pan_deg=pan, tilt_deg=tilt, zoom=request.zoom, speed=request.speed)
            elif request.mode == "relative":
                await lease.move_relative(
                    pan_deg=pan or 0.0, tilt_deg=tilt or 0.0, zoom=request.zoom or 0.0, speed=request.speed
                )
            else:
                speed = request.speed
                await lease.move_continuous(
                    pan=(pan or 0.0) * speed, tilt=(tilt or 0.0) * speed, zoom=request.zoom, proportional=True
                )
                if request.duration_s is not None:
                    self._rooms.spawn(self._stop_after(lease, request.duration_s))

    async def _stop_after(self, lease: Lease, seconds: float) -> None:
        renewed = lease.renewed_at
        end = self._rooms.clock.now() + seconds
        while (left := end - self._rooms.clock.now()) > 0:
            await self._rooms.clock.sleep(min(left, RENEW_S))
            # A later command of the same operator goes on.
            if not lease.active or lease.renewed_at != renewed:
                return
            if left > RENEW_S:
                lease.renew()
                renewed = lease.renewed_at
        if lease.active:
            with _told():
                await lease.stop()

    async def stop(self, channel: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            lease = await self._operate(channel, by)
            await lease.stop()
            await lease.release()

    async def go_home(self, channel: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await (await self._operate(channel, by)).goto_home()

    async def presets(self, channel: str) -> list[PresetState]:
        """See the protocol."""
        return [PresetState(id=one.preset_id, name=one.name) for one in self._arbiter(channel).presets]

    async def save_preset(self, channel: str, name: str, *, by: str) -> PresetState:
        """See the protocol."""
        with _told():
            preset = await self._arbiter(channel).set_preset(name)
        return PresetState(id=preset.preset_id, name=preset.name)

    async def remove_preset(self, channel: str, preset_id: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await self._arbiter(channel).remove_preset(preset_id)

    async def goto_preset(self, channel: str, preset_id: str, speed: float, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await (await self._operate(channel, by)).goto_preset(preset_id, speed)

    # --- links ------------------------------------------------------------------------------------------------

    async def look_at(self, link: str, request: LookAtRequest, *, by: str) -> None:
        """See the protocol."""
        director = self._director(link)
        with _told():
            if request.width is not None and request.height is not None:
                box = Box(request.x, request.y, request.width, request.height)
                await director.look_at(box=box, owner=_operator(by))
            else:
                await director.look_at(point=Point(request.x, request.y), owner=_operator(by))

    async def track(self, link: str, request: TrackRequest, *, by: str) -> str:
        """See the protocol."""
        director = self._director(link)
        with _told():
            # Who asks for a pursuit has finished steering by hand.
            arbiter = self._rooms.channels[director.settings.ptz].arbiter
            if arbiter is not None and arbiter.owner is not None and arbiter.owner.owner == _operator(by):
                await (await self._operate(director.settings.ptz, by)).release()
            if request.track_id is not None:
                return await director.track(track_id=request.track_id)
            return await director.track(point=Point(request.x or 0.0, request.y or 0.0))

    async def stop_tracking(self, link: str, *, by: str) -> None:
        """See the protocol."""
        await self._director(link).stop_tracking()

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

    # --- finding ----------------------------------------------------------------------------------------------

    def _find(self, channel_id: str) -> ChannelAtWork:
        try:
            return self._rooms.channels[channel_id]
        except KeyError:
            raise NotFoundError(f"there is no channel '{channel_id}'") from None

    def _arbiter(self, channel_id: str) -> Arbiter:
        arbiter = self._find(channel_id).arbiter
        if arbiter is None:
            raise NotPossibleError(f"channel '{channel_id}' has no motors")
        return arbiter

    def _director(self, link_id: str) -> LinkDirector:
        try:
            return self._rooms.director.link(link_id)
        except UnknownLink as error:
            raise NotFoundError(str(error)) from error

    async def _operate(self, channel_id: str, by: str) -> Lease:
        return await self._arbiter(channel_id).acquire(_operator(by), "manual control", Priority.OPERATOR)


def _operator(by: str) -> str:
    return f"user:{by}"


@contextmanager
def _told() -> Iterator[None]:
    """Turns what the rooms raise into what the API answers."""
    try:
        yield
    except LeaseRefused as error:
        raise BusyError(str(error)) from error
    except (PtzUnavailable, LeaseLost, CameraError) as error:
        raise NotAvailableError(str(error)) from error
    except UnknownPreset as error:
        raise NotFoundError(str(error)) from error
    except (PtzError, NoTarget) as error:
        raise NotPossibleError(str(error)) from error


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
