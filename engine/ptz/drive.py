"""Turns wishes (go there, turn that fast) into what the motors can do, and keeps every limit while they run."""

from __future__ import annotations

import math

from engine.cameras.protocols import MotorCapabilities, Motors, MotorStatus
from engine.core.clock import Clock
from engine.core.geometry import wrap_deg
from engine.ptz.errors import PtzUnavailable
from engine.ptz.governor import SLOWEST, Governor, HeadPlace, HeadTurn, LensPlace, LensTurn, unit
from engine.ptz.head_model import HeadModel, HeadState
from engine.ptz.known_motors import KnownMotors
from engine.ptz.limits import Limits, MotorSpeeds, counted_within

RENEW_TURN_S = 10.0
"""How often a turn that goes on unchanged is told to the camera again."""
STEP_S = 0.4
"""How often a camera without continuous moves is sent a step further."""
LEG_DEG = 120.0
"""The longest way that is sent as one absolute move to a head that turns endlessly.

The rest up to a half turn is what a fast head may go on while its last known position grows old and a command is on its
way: from there, too, the way to the goal must be the shorter one.
"""


class Drive:
    """The only caller of a channel's motors. Not safe for concurrent use: the arbiter's lock is held around it.

    Head and lens are apart: a command that says nothing of the one (None) lets it go on with what it does.
    `command_delay_s` is the time from a command to its first effect. Times are of the clock that nobody sets.
    """

    def __init__(self, clock: Clock, limits: Limits, speeds: MotorSpeeds, command_delay_s: float) -> None:
        self._clock = clock
        self._own_limits = limits
        self._governor = Governor(limits, speeds)
        self._command_delay_s = command_delay_s
        self._model = HeadModel(limits, speeds, command_delay_s)
        self._place_at = -math.inf
        """When head or lens was sent to a place last."""
        self.motors: KnownMotors | None = None
        self.status: MotorStatus | None = None
        self.status_at = -math.inf
        self._head: HeadPlace | HeadTurn | None = None
        self._lens: LensPlace | LensTurn | None = None
        self._leg_pan: float | None = None
        """Where the present leg ends, while the head goes to its place in legs."""
        self._sent: tuple[float | None, ...] | None = None
        """The velocities of pan, tilt and zoom that were sent last; None where something else was sent since."""
        self._sent_at = -math.inf

    def attach(self, motors: Motors) -> None:
        """Takes over motors; what was going on before is forgotten."""
        self.detach()
        capabilities = motors.capabilities
        pan_range = None if capabilities.pan_endless else capabilities.pan_range_deg
        limits = self._own_limits.within(pan_range, capabilities.tilt_range_deg)
        self._governor = Governor(limits, self._governor.speeds)
        self._model = HeadModel(limits, self._governor.speeds, self._command_delay_s)
        self.motors = KnownMotors(motors, self._model, self._clock)

    def detach(self) -> None:
        """The motors are gone."""
        self.motors = None
        self.status = None
        self.status_at = -math.inf
        self._forget()

    def _forget(self) -> None:
        self._head = self._lens = self._leg_pan = self._sent = None

    @property
    def capabilities(self) -> MotorCapabilities | None:
        """What the motors can do; None while there are none."""
        return self.motors.capabilities if self.motors else None

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._governor.limits

    @property
    def turns(self) -> tuple[bool, bool]:
        """Whether the head, and whether the lens, moves until it is stopped."""
        return isinstance(self._head, HeadTurn), isinstance(self._lens, LensTurn)

    @property
    def busy(self) -> bool:
        """Whether something asked for is not finished, as far as is known."""
        wished = self._head is not None or self._lens is not None
        return wished or (self.status is not None and self.status.moving)

    @property
    def settled(self) -> bool:
        """Whether the last move has had its time to begin, and has ended."""
        return self._head is None and self._lens is None and self._rests()

    @property
    def in_effect(self) -> HeadState | None:
        """Head and lens when a command sent now takes effect, by what they were told so far; None: nobody knows."""
        return self._model.in_effect(self._clock.monotonic())

    # --- commands ---------------------------------------------------------------------------------------------

    async def absolute(self, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: float) -> None:
        """Starts a move to a place inside the limits, by whichever kind of move the camera has."""
        capabilities, limits = self._require().capabilities, self.limits
        head = lens = None
        if pan_deg is not None or tilt_deg is not None:
            head = HeadPlace(
                None if pan_deg is None else limits.clamp_pan(pan_deg),
                None if tilt_deg is None else limits.clamp_tilt(tilt_deg),
                min(max(speed, 0.01), 1.0),
            )
        if zoom is not None and capabilities.zoom:
            lens = LensPlace(limits.clamp_zoom(zoom))
        if head is None and lens is None:
            return
        if capabilities.absolute:
            await self._send_place(head, lens)
        elif self.status is not None and (capabilities.continuous or capabilities.relative):
            self._head, self._lens = head or self._head, lens or self._lens
            await self._go_on(force=True)
        else:
            raise PtzUnavailable("the camera has no absolute moves, and cannot say where it looks to make up for it")

    async def relative(self, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: float) -> None:
        """Starts a move by angles, cut off at the limits. What is to move by nothing comes to rest."""
        motors, status = self._require(), self.status
        if status is None and not motors.capabilities.relative:
            raise PtzUnavailable("the camera has no relative moves, and cannot say where it looks")
        head_rests = (pan_deg, tilt_deg) != (None, None) and not pan_deg and not tilt_deg
        lens_rests = zoom is not None and not zoom
        if (head_rests or lens_rests) and self.busy:
            await self.stop(pan_tilt=head_rests, zoom=lens_rests)
        if status is None:
            if pan_deg or tilt_deg:
                self._head = None
            if zoom:
                self._lens = None
            await self._send_relative(pan_deg or None, tilt_deg or None, zoom or None, speed)
            return
        # Sent as a place: where a relative move ends depends on where the head is when the command arrives, and
        # that could be beyond a limit.
        await self.absolute(
            self.limits.pan_advance(status.pan_deg, pan_deg) if pan_deg else None,
            status.tilt_deg + tilt_deg if tilt_deg else None,
            status.zoom + zoom if zoom else None,
            speed,
        )

    async def velocity(self, pan: float | None, tilt: float | None, zoom: float | None) -> None:
        """Sets normalised velocities; what exceeds 1 is cut off. Of pan and tilt, one that is None goes on turning."""
        capabilities = self._require().capabilities
        if not (capabilities.continuous or capabilities.absolute or capabilities.relative):
            raise PtzUnavailable("the camera has no moves at all")
        if pan is not None or tilt is not None:
            before = self._head if isinstance(self._head, HeadTurn) else HeadTurn(0.0, 0.0)
            self._head = HeadTurn(before.pan if pan is None else unit(pan), before.tilt if tilt is None else unit(tilt))
            self._leg_pan = None
        if zoom is not None and capabilities.zoom:
            self._lens = LensTurn(unit(zoom))
        await self._go_on(force=True)

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens or both."""
        motors = self._require()
        # Only then is it forgotten: a stop that was lost on the way is sent again at the end of the lease.
        await motors.stop(pan_tilt=pan_tilt, zoom=zoom)
        if pan_tilt:
            self._head = self._leg_pan = None
        if zoom:
            self._lens = None
        # What goes on turning is told so: not every camera stops only what it is told to.
        self._sent = None

    async def goto_camera_preset(self, token: str, speed: float) -> None:
        """Starts a move to a position that the camera keeps."""
        motors = self._require()
        self._begin_unknown_move()
        await motors.goto_preset(token, speed)

    async def goto_camera_home(self) -> None:
        """Starts a move to the camera's own home position."""
        motors = self._require()
        if not motors.capabilities.home:
            raise PtzUnavailable("no home position is configured, and the camera has none")
        self._begin_unknown_move()
        await motors.goto_home()

    async def look(self, report_delay_s: float) -> MotorStatus | None:
        """Finds out where the head is (see `KnownMotors.look`), and goes on with what was asked for."""
        motors = self._require()
        seen = await motors.look(report_delay_s)
        if seen is None or self.motors is not motors:
            return None
        await self._on_status(*seen)
        return seen[0]

    async def _on_status(self, status: MotorStatus, at: float) -> None:
        """Goes on with what was asked for, from a fresh status; `at` is its time by the clock that nobody sets."""
        self.status, self.status_at = status, at
        if self._leg_pan is not None and isinstance(self._head, HeadPlace):
            near = abs(wrap_deg(self._leg_pan - status.pan_deg)) < 20.0
            if near or self._rests():
                await self._send_place(self._head, None)
        await self._go_on(force=False)

    # --- how they are carried out -----------------------------------------------------------------------------

    def _require(self) -> KnownMotors:
        if self.motors is None:
            raise PtzUnavailable("the camera's motors cannot be reached now")
        return self.motors

    def _rests(self) -> bool:
        """Whether the last move to a place has ended; one that was just sent has not begun yet."""
        begun = self.status_at - self._place_at > self._command_delay_s + 0.2
        return self.status is not None and not self.status.moving and begun

    def _begin_unknown_move(self) -> None:
        self._forget()
        self._place_at = self._clock.monotonic()

    async def _send_place(self, head: HeadPlace | None, lens: LensPlace | None) -> None:
        """One absolute move; in legs where a head that turns endlessly might take the other way."""
        motors, status = self._require(), self.status
        self._place_at = self._clock.monotonic()
        pan = tilt = None
        if head is not None:
            self._head = self._leg_pan = None
            pan, tilt = head.pan_deg, head.tilt_deg
            if pan is not None and status is not None and motors.capabilities.pan_endless:
                path = self.limits.pan_path(status.pan_deg, pan)
                # Also where the shorter way is the right one now: a head that still moves may have passed the middle.
                if abs(path) > LEG_DEG:
                    pan = self.limits.pan_advance(status.pan_deg, math.copysign(LEG_DEG, path))
                    self._head, self._leg_pan = head, pan
        if lens is not None:
            self._lens = None
        await motors.move_absolute(
            pan_deg=self._as_camera_counts(pan),
            tilt_deg=tilt,
            zoom=None if lens is None else lens.zoom,
            speed=1.0 if head is None else head.speed,
        )

    def _as_camera_counts(self, pan_deg: float | None) -> float | None:
        capabilities = self._require().capabilities
        if pan_deg is None or capabilities.pan_endless or capabilities.pan_range_deg is None:
            return pan_deg
        return counted_within(pan_deg, capabilities.pan_range_deg)

    async def _send_relative(
        self, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: float
    ) -> None:
        head, lens = (pan_deg, tilt_deg) != (None, None), zoom is not None
        if head or lens:
            self._place_at = self._clock.monotonic()
            await self._require().move_relative(pan_deg=pan_deg, tilt_deg=tilt_deg, zoom=zoom, speed=speed)

    async def _go_on(self, *, force: bool) -> None:
        """Sends what is due of turns, and of places that the camera cannot be sent to at once."""
        if self._require().capabilities.continuous:
            await self._steer(force=force)
        else:
            await self._step(force=force)
            await self._approach(force=force)

    async def _steer(self, *, force: bool) -> None:
        status = self.status
        # On its legs the head is on its own.
        head = None if self._leg_pan is not None else self._head
        lens = self._lens
        if status is not None:
            there = isinstance(head, HeadPlace) and self._governor.head_arrived(head, status)
            zoomed = isinstance(lens, LensPlace) and self._governor.lens_arrived(lens, status)
            if there or zoomed:
                await self.stop(pan_tilt=there, zoom=zoomed)
                head, lens = self._head, self._lens
        pan, tilt, zoom = self._velocities(head, lens)
        if (head is not None or lens is not None) and (force or self._is_news((pan, tilt, zoom))):
            self._sent, self._sent_at = (pan, tilt, zoom), self._clock.monotonic()
            await self._require().move_continuous(pan=pan, tilt=tilt, zoom=zoom)

    def _velocities(
        self, head: HeadPlace | HeadTurn | None, lens: LensPlace | LensTurn | None
    ) -> tuple[float | None, float | None, float | None]:
        """The velocities that hold now, inside the limits; None for what nothing is wished of."""
        pan = tilt = zoom = None
        ahead = self.in_effect
        if head is not None:
            pan, tilt = self._governor.head(head, ahead)
        if lens is not None:
            zoom = self._governor.lens(lens, ahead)
        return pan, tilt, zoom

    def _is_news(self, velocities: tuple[float | None, ...]) -> bool:
        if self._sent is None:
            return True
        for new, old in zip(velocities, self._sent, strict=True):
            if (new is None) != (old is None) or abs((new or 0.0) - (old or 0.0)) > SLOWEST:
                return True
        # A camera ends a long turn by itself: it is told again in time.
        return any(velocities) and self._clock.monotonic() - self._sent_at >= RENEW_TURN_S

    async def _step(self, *, force: bool) -> None:
        """Continuous motion out of absolute or relative moves that reach a little further than the next step."""
        now, status, motors = self._clock.monotonic(), self.status, self._require()
        if status is None or (not force and now - self._sent_at < STEP_S):
            return
        head = self._head if isinstance(self._head, HeadTurn) else None
        lens = self._lens if isinstance(self._lens, LensTurn) else None
        pan, tilt, zoom = (value or 0.0 for value in self._velocities(head, lens))
        turns, zooms = bool(pan or tilt), bool(zoom)
        if not turns and not zooms:
            return
        self._sent_at = now
        speeds, speed, seconds = self._governor.speeds, max(abs(pan), abs(tilt), 0.01), 2 * STEP_S
        by_pan, by_tilt = pan * speeds.pan_dps * seconds, tilt * speeds.tilt_dps * seconds
        by_zoom = zoom * speeds.zoom_per_s * seconds
        if motors.capabilities.absolute:
            self._place_at = now
            await motors.move_absolute(
                pan_deg=self._as_camera_counts(self.limits.pan_advance(status.pan_deg, by_pan)) if turns else None,
                tilt_deg=self.limits.clamp_tilt(status.tilt_deg + by_tilt) if turns else None,
                zoom=self.limits.clamp_zoom(status.zoom + by_zoom) if zooms else None,
                speed=speed,
            )
        else:
            await self._send_relative(
                by_pan if turns else None, by_tilt if turns else None, by_zoom if zooms else None, speed
            )

    async def _approach(self, *, force: bool) -> None:
        """A relative move to the place that is wished for: at once, and again when the head rests elsewhere."""
        status, speed = self.status, 1.0
        # From where the head will be when the move begins: it need not rest.
        where = self.in_effect if force else status
        if status is None or where is None or self._leg_pan is not None:
            return
        pan = tilt = zoom = None
        if isinstance(self._head, HeadPlace):
            pan, tilt = self._governor.head_way(self._head, where)
            speed = self._head.speed
            if not force and self._governor.head_arrived(self._head, status):
                self._head = pan = tilt = None
        if isinstance(self._lens, LensPlace):
            zoom = self._lens.zoom - where.zoom
            if not force and self._governor.lens_arrived(self._lens, status):
                self._lens = zoom = None
        if force or self._rests():
            await self._send_relative(pan, tilt, zoom, speed)
