"""Who has a camera, who waits for it, and when the one must give it to the other: no motors, only rights."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event, PtzOwnerChanged
from engine.ptz.errors import ArbiterClosed, LeaseLost, LeaseRefused
from engine.ptz.lease import Lease, Lessor, Ownership, Priority


@dataclass(slots=True)
class _Waiter:
    lease: Lease
    granted: asyncio.Future[None]


class Leasing:
    """Grants the leases on one channel, one at a time. Every change of the owner goes to `bus`.

    `halt(reason, only_turning)` stops what a lease left behind. `control_time_out_s` is an operator's.
    """

    def __init__(
        self,
        channel: str,
        lessor: Lessor,
        clock: Clock,
        bus: Bus[Event],
        control_time_out_s: float,
        halt: Callable[[str, bool], Awaitable[None]],
    ) -> None:
        self._channel = channel
        self._lessor = lessor
        self._clock = clock
        self._bus = bus
        self._control_time_out_s = control_time_out_s
        self._halt = halt
        self._waiting: list[_Waiter] = []
        self._closed = False
        self.holder: Lease | None = None

    async def close(self) -> None:
        """Ends all leases, and refuses whoever waits or comes later with ArbiterClosed."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.granted.done():
                waiter.granted.set_exception(ArbiterClosed(self._channel))
        self._waiting.clear()
        if self.holder is not None:
            await self.end(self.holder, "closed")

    async def acquire(
        self, owner: str, purpose: str, priority: Priority, *, wait: bool, time_out_s: float | None
    ) -> Lease:
        """See `Arbiter.acquire`."""
        if self._closed:
            raise ArbiterClosed(self._channel)
        holder = self.holder
        if holder is not None and holder.owner == owner and holder.priority == priority:
            holder.ownership = Ownership(owner, purpose, priority, holder.ownership.since)
            self.renew(holder)
            return holder
        if time_out_s is None and priority is Priority.OPERATOR:
            time_out_s = self._control_time_out_s
        ownership = Ownership(owner, purpose, priority, self._clock.now())
        lease = Lease(self._lessor, ownership, time_out_s, self._clock.monotonic())
        if holder is None or holder.priority < priority:
            self._grant(lease)
            if holder is not None:
                holder.end("preempted")
                try:
                    await self._halt("pre-emption", False)
                except asyncio.CancelledError:
                    # Nobody is left who could release it.
                    await self.end(lease, "released")
                    raise
            return lease
        if not wait:
            raise LeaseRefused(self._channel, owner, holder.owner, holder.purpose)
        await self._wait_for(lease)
        return lease

    async def _wait_for(self, lease: Lease) -> None:
        waiter = _Waiter(lease, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._waiting.sort(key=lambda known: -known.lease.priority)
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            # Granted in the very moment of the cancellation: it must not be held by nobody.
            await self.end(lease, "released")
            raise

    def _grant(self, lease: Lease) -> None:
        lease.renewed_at = self._clock.monotonic()
        now = self._clock.now()
        lease.ownership = Ownership(lease.owner, lease.purpose, lease.priority, now)
        self.holder = lease
        self._bus.publish(PtzOwnerChanged(at=now, channel=self._channel, owner=lease.owner, purpose=lease.purpose))

    def check(self, lease: Lease) -> None:
        """Raises LeaseLost for a lease that does not hold."""
        if lease.ended or self.holder is not lease:
            raise LeaseLost(f"{lease.owner} no longer holds {self._channel}: {lease.end_reason or 'not granted'}")

    def renew(self, lease: Lease) -> None:
        """Starts a lease's control time-out afresh; raises LeaseLost when it has ended."""
        self.check(lease)
        lease.renewed_at = self._clock.monotonic()

    async def end(self, lease: Lease, reason: str) -> None:
        """Ends a lease, and gives the camera to who waits first; harmless for one that has ended."""
        if lease.ended:
            return
        lease.end(reason)
        if self.holder is not lease:
            return
        # Those who were cancelled, but have not run since, want nothing any more.
        self._waiting = [waiter for waiter in self._waiting if not waiter.granted.done()]
        # The next one is granted in the same turn of the loop: nobody can come between.
        if self._waiting:
            waiter = self._waiting.pop(0)
            self._grant(waiter.lease)
            waiter.granted.set_result(None)
        else:
            self.holder = None
            at = self._clock.now()
            self._bus.publish(PtzOwnerChanged(at=at, channel=self._channel, owner=None, purpose=None))
        await self._halt(reason, reason in {"released", "timeout"})

    async def end_idle(self) -> None:
        """Takes the camera from a holder whose time is over."""
        lease = self.holder
        if lease is None or lease.time_out_s is None:
            return
        if self._clock.monotonic() - lease.renewed_at >= lease.time_out_s:
            await self.end(lease, "timeout")
