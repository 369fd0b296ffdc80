"""A link's hold of its camera: takes it from the arbiter for a target, gives it back, sends it home."""

from __future__ import annotations

from engine.cameras.protocols import CameraError
from engine.core.clock import Clock
from engine.linkage.settings import LinkSettings
from engine.ptz import Arbiter, Lease, LeaseLost, LeaseRefused, Priority, PtzError


class CameraHold:
    """The lease that a link has of its PTZ camera, and whether the camera is away from home because of it.

    What an operator wants tracked asks with priority RULE, what rules ask with TRACKING, so that manual control always
    wins.
    """

    def __init__(self, settings: LinkSettings, arbiter: Arbiter, clock: Clock) -> None:
        self._owner = f"link:{settings.link_id}"
        self._park_after_s = settings.park_after_s
        self._arbiter = arbiter
        self._clock = clock
        self._lease: Lease | None = None
        self._away = False
        self._idle_since = clock.now()

    @property
    def lease(self) -> Lease | None:
        """The lease that was taken last and not given back; it may have been lost meanwhile."""
        return self._lease

    @property
    def held(self) -> bool:
        """Whether the camera is ours."""
        return self._lease is not None and self._lease.active

    async def take(self, purpose: str, *, by_operator: bool) -> bool:
        """Asks for the camera; False when somebody more important has it."""
        priority = Priority.RULE if by_operator else Priority.TRACKING
        try:
            self._lease = await self._arbiter.acquire(self._owner, purpose, priority)
        except LeaseRefused:
            return False
        self._away = True
        return True

    def forget(self) -> None:
        """Somebody else took the camera."""
        self._lease = None

    def rest(self) -> None:
        """There is nothing to do from now on."""
        self._idle_since = self._clock.now()

    async def release(self) -> None:
        """Gives the camera back, where it is ours."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    async def park(self) -> None:
        """Sends the camera home when it stood idle for long enough. Raises PtzError or CameraError when it cannot."""
        wait_s = self._park_after_s
        if not self._away or wait_s is None or self._clock.now() - self._idle_since < wait_s:
            return
        if not self._arbiter.available:
            return
        try:
            async with await self._arbiter.acquire(self._owner, "park", Priority.PARK) as lease:
                await lease.goto_home()
        except (LeaseRefused, LeaseLost):
            # Somebody else uses the camera; it is parked when they are done.
            self.rest()
            return
        except (PtzError, CameraError):
            # It has no home, or does not go there: once is enough, until it is sent out again.
            self._away = False
            raise
        self._away = False
