"""The only way to the motors of a PTZ channel: who may move it, inside which limits, and where it looked when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from engine.cameras.protocols import CameraError, MotorCapabilities, Motors, MotorStatus
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event, PresetsChanged
from engine.core.geometry import Direction, Pose, wrap_deg
from engine.core.zoom import ZoomCurve
from engine.ptz.drive import Drive
from engine.ptz.errors import PtzError, PtzUnavailable
from engine.ptz.lease import Lease, Ownership, Priority
from engine.ptz.leasing import Leasing
from engine.ptz.limits import Limits, MotorSpeeds
from engine.ptz.pose_history import PoseHistory
from engine.ptz.presets import CAMERA_PREFIX, Preset, PresetBook, PresetRepository

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbiterSettings:
    """What is particular to one PTZ channel.

    `control_time_out_s`: an operator who does nothing for so long gives the camera back. `command_delay_s`: from a
    command to its first effect, as measured for this camera, `report_delay_s` how old its positions are when it tells
    them. `busy_poll_s` and `idle_poll_s`: how often the pose is
    asked for while the camera is held or moves, and otherwise.
    """

    limits: Limits = field(default_factory=Limits)
    speeds: MotorSpeeds = field(default_factory=MotorSpeeds)
    home: Pose | None = None
    control_time_out_s: float = 10.0
    command_delay_s: float = 0.15
    report_delay_s: float = 0.0
    busy_poll_s: float = 0.1
    idle_poll_s: float = 1.0


class Arbiter:
    """Grants leases on one PTZ channel and carries out their commands.

    The rule: a higher priority pre-empts a lower one. The same owner asking again at the same priority gets its own
    lease renewed. Otherwise an equal or higher holder keeps the camera, and the request is refused, or waits if it
    was made with `wait`; among those who wait the highest priority goes first, then who came first.

    Events go to `bus` (PtzOwnerChanged, PresetsChanged).
    """

    def __init__(
        self,
        channel: str,
        zoom_curve: ZoomCurve,
        clock: Clock,
        bus: Bus[Event],
        *,
        settings: ArbiterSettings | None = None,
        presets: PresetRepository | None = None,
    ) -> None:
        self.channel = channel
        self.zoom_curve = zoom_curve
        self.settings = settings or ArbiterSettings()
        self._clock = clock
        self._bus = bus
        self._drive = Drive(clock, self.settings.limits, self.settings.speeds, self.settings.command_delay_s)
        self._history = PoseHistory()
        self._book = PresetBook(channel, presets)
        self._leasing = Leasing(channel, self, clock, bus, self.settings.control_time_out_s, self._halt)
        # Held around every call of the motors, so that a loser's command never follows a winner's.
        self._motors_lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._polled_at = float("-inf")
        self._fault: str | None = None

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self, motors: Motors | None = None) -> None:
        """Reads the presets and begins to watch the camera."""
        await self._book.load()
        self._tasks = [asyncio.create_task(self._watch_leases()), asyncio.create_task(self._watch_motors())]
        for task in self._tasks:
            task.add_done_callback(self._stopped)
        if motors is not None:
            await self.attach(motors)

    async def close(self) -> None:
        """Ends all leases and stops watching; the motors are stopped if they turn. Nobody gets the camera any more."""
        await self._leasing.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def attach(self, motors: Motors) -> None:
        """The camera is there (again). Leases that were granted meanwhile go on."""
        async with self._motors_lock:
            self._drive.attach(motors)
            self._fault = None
            await self._find_out(motors.capabilities)
        await self.poll()
        await self.refresh_camera_presets()

    async def _find_out(self, capabilities: MotorCapabilities) -> None:
        """A camera that cannot tell where it looks is sent home: then that is known, and all that follows."""
        home = self.settings.home
        if capabilities.status or not capabilities.absolute or home is None or self._leasing.holder is not None:
            return
        try:
            await self._drive.absolute(home.pan_deg, home.tilt_deg, self.zoom_curve.zoom(home.hfov_deg), 1.0)
        except CameraError as error:
            _LOG.warning("%s cannot tell where it looks, and could not be sent home: %s", self.channel, error)

    async def detach(self) -> None:
        """The camera is gone; commands raise PtzUnavailable until it is attached again."""
        async with self._motors_lock:
            self._drive.detach()

    # --- what is known ----------------------------------------------------------------------------------------

    @property
    def owner(self) -> Ownership | None:
        """Who holds the camera."""
        holder = self._leasing.holder
        return holder.ownership if holder else None

    @property
    def available(self) -> bool:
        """Whether there are motors."""
        return self._drive.motors is not None

    @property
    def fault(self) -> str | None:
        """Why the camera's position could not be read the last time; None when it could."""
        return self._fault

    @property
    def capabilities(self) -> MotorCapabilities | None:
        """What the motors can do; None while there are none."""
        return self._drive.capabilities

    @property
    def settled(self) -> bool:
        """Whether the camera stands still after the last move that it was sent, by the newest status."""
        return self._drive.settled

    @property
    def limits(self) -> Limits:
        """The limits in force: the configured ones inside the camera's own."""
        return self._drive.limits

    @property
    def speeds(self) -> MotorSpeeds:
        """What normalised speeds mean."""
        return self.settings.speeds

    @property
    def status(self) -> MotorStatus | None:
        """The last status that the camera told."""
        return self._drive.status

    @property
    def status_at(self) -> float:
        """When that was, by the clock that nobody sets; in the infinite past where there is none."""
        return self._drive.status_at

    @property
    def pose(self) -> Pose | None:
        """Where the camera looks, as last told."""
        return self._history.newest

    def pose_at(self, at: float) -> Pose | None:
        """Where the camera looked at a moment (Unix seconds) of the last 15 s; None when that is not known."""
        return self._history.pose_at(at)

    def pose_in_effect(self) -> Pose | None:
        """Where the camera will look when a command sent now takes effect, by what it was told so far."""
        state = self._drive.in_effect
        if state is None:
            return self._history.pose_at(self._clock.now() + self.settings.command_delay_s)
        return Pose(state.pan_deg, state.tilt_deg, self.zoom_curve.hfov_deg(state.zoom))

    def proportion(self) -> float:
        """How much slower than in the widest picture an operator's moves are made now."""
        pose = self.pose
        return 1.0 if pose is None else max(pose.hfov_deg / self.zoom_curve.widest_deg, 0.02)

    # --- leases -----------------------------------------------------------------------------------------------

    async def acquire(
        self,
        owner: str,
        purpose: str,
        priority: Priority,
        *,
        wait: bool = False,
        time_out_s: float | None = None,
    ) -> Lease:
        """The right to move the camera; raises LeaseRefused where `wait` is not set, ArbiterClosed after `close`.

        `time_out_s`: the lease ends when it is not used for so long; operators have the control time-out by default.
        """
        return await self._leasing.acquire(owner, purpose, priority, wait=wait, time_out_s=time_out_s)

    def renew(self, lease: Lease) -> None:
        """Starts a lease's control time-out afresh; raises LeaseLost when it has ended."""
        self._leasing.renew(lease)

    async def release(self, lease: Lease) -> None:
        """Ends a lease by its holder's wish."""
        await self._leasing.end(lease, "released")

    async def _halt(self, why: str, only_turning: bool) -> None:
        """Stops what a lease left behind. A move to a place may finish when the lease was simply given back."""
        async with self._motors_lock:
            head, lens = self._drive.turns if only_turning else (self._drive.busy,) * 2
            if not (head or lens) or not self.available:
                return
            try:
                await self._drive.stop(pan_tilt=head, zoom=lens)
            except CameraError as error:
                _LOG.warning("%s was not stopped at the end of a lease (%s): %s", self.channel, why, error)

    async def command(self, lease: Lease, action: Callable[[Drive], Awaitable[None]]) -> None:
        """Carries out one command of a lease; for Lease only."""
        self.renew(lease)
        if self.available and self._drive.status is None:
            await self.poll()
        async with self._motors_lock:
            # It may have been lost while another command was under way.
            self._leasing.check(lease)
            if not self.available:
                raise PtzUnavailable(f"the motors of {self.channel} cannot be reached now")
            await action(self._drive)

    # --- presets ----------------------------------------------------------------------------------------------

    @property
    def presets(self) -> tuple[Preset, ...]:
        """The engine's presets and the camera's own."""
        return self._book.presets

    async def set_preset(self, name: str, preset_id: str | None = None, pose: Pose | None = None) -> Preset:
        """Keeps the present pose (or the given one) as a preset; raises PresetRefused or PtzUnavailable."""
        pose = pose or self.pose
        if pose is None:
            raise PtzUnavailable(f"where {self.channel} looks is not known, so it cannot become a preset")
        preset = await self._book.set(name, pose, preset_id)
        self._presets_changed()
        return preset

    async def remove_preset(self, preset_id: str) -> None:
        """Forgets a preset, one of the camera's too; raises UnknownPreset."""
        token = self._book.find(preset_id).camera_token
        if token is None:
            await self._book.remove(preset_id)
            self._presets_changed()
            return
        async with self._motors_lock:
            if self._drive.motors is None:
                raise PtzUnavailable(f"the motors of {self.channel} cannot be reached now")
            await self._drive.motors.remove_preset(token)
        await self.refresh_camera_presets()

    async def refresh_camera_presets(self) -> None:
        """Reads the list of presets that the camera keeps."""
        motors = self._drive.motors
        if motors is None or not motors.capabilities.presets:
            return
        try:
            kept = await motors.presets()
        except CameraError as error:
            _LOG.warning("the presets that the camera of %s keeps could not be read: %s", self.channel, error)
            return
        if self._book.import_camera(kept):
            self._presets_changed()

    def _presets_changed(self) -> None:
        self._bus.publish(PresetsChanged(at=self._clock.now(), channel=self.channel))

    async def goto_preset(self, lease: Lease, preset_id: str, speed: float) -> None:
        """Carries out `Lease.goto_preset`."""
        preset = self._book.find(preset_id)
        if preset.pose is not None:
            await self._goto_pose(lease, preset.pose, speed)
            return
        token = preset.camera_token or preset_id.removeprefix(CAMERA_PREFIX)
        await self.command(lease, lambda d: d.goto_camera_preset(token, speed))

    async def goto_home(self, lease: Lease, speed: float) -> None:
        """Carries out `Lease.goto_home`."""
        home = self.settings.home
        if home is None:
            await self.command(lease, lambda d: d.goto_camera_home())
        else:
            await self._goto_pose(lease, home, speed)

    async def _goto_pose(self, lease: Lease, pose: Pose, speed: float) -> None:
        await lease.move_to(Direction(pose.pan_deg, pose.tilt_deg), pose.hfov_deg, speed)

    # --- watching ---------------------------------------------------------------------------------------------

    async def poll(self) -> None:
        """Asks the camera where it looks. A camera that does not answer is noted in `fault`, and asked again."""
        async with self._motors_lock:
            if self._drive.motors is None:
                return
            self._polled_at = self._clock.monotonic()
            try:
                status = await self._drive.look(self.settings.report_delay_s)
                if status is not None:
                    pose = Pose(wrap_deg(status.pan_deg), status.tilt_deg, self.zoom_curve.hfov_deg(status.zoom))
                    self._history.forget_after(max(self._clock.now(), status.at))
                    self._history.add(status.at, pose, moving=status.moving)
            except (CameraError, PtzError) as error:
                if self._fault is None:
                    _LOG.warning("the position of %s is not known for now: %s", self.channel, error)
                self._fault = str(error)
            else:
                self._fault = None

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.critical("%s is not watched any more", self.channel, exc_info=error)

    async def _watch_motors(self) -> None:
        settings = self.settings
        while True:
            busy = self._leasing.holder is not None or self._drive.busy
            # A camera that does not answer is not asked ten times a second.
            interval = settings.busy_poll_s if busy and self._fault is None else settings.idle_poll_s
            if self._clock.monotonic() - self._polled_at >= interval - 1e-6:
                await self.poll()
            await self._clock.sleep(settings.busy_poll_s)

    async def _watch_leases(self) -> None:
        while True:
            await self._leasing.end_idle()
            await self._clock.sleep(self.settings.busy_poll_s)
