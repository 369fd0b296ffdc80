"""MoveAndStartTracking: the orders of ONVIF clients as orders to the links."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass

from engine.cameras.errors import CameraError
from engine.core.clock import Clock
from engine.core.geometry import Direction
from engine.linkage import LinkDirector, NoTarget
from engine.onvif_device.numbers import ObjectNumbers
from engine.ptz import Arbiter, PtzError, wait_until_settled
from onvif_server.backend import Refusal, Refused

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Order:
    """What a client has had tracked: which link, which pursuit of it; or the wait for the camera's arrival."""

    link: LinkDirector
    pursuit: tuple[str, float] | None = None
    arrival: asyncio.Task[None] | None = None


class LinkTracker:
    """`engine.onvif_device.ptz.Tracker` by the links of one PTZ channel.

    An object goes to the link that sees it; a direction to the first link. `numbers` are the metadata stream's.
    `spawn` runs something beside; it logs what fails.
    """

    def __init__(
        self,
        arbiter: Arbiter,
        links: Iterable[LinkDirector],
        numbers: ObjectNumbers,
        clock: Clock,
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
    ) -> None:
        self._arbiter = arbiter
        self._links = [link for link in links if link.settings.ptz == arbiter.channel]
        if not self._links:
            raise ValueError(f"no link sends {arbiter.channel}")
        self._numbers = numbers
        self._clock = clock
        self._spawn = spawn
        self._order: _Order | None = None

    def knows(self, object_id: int) -> bool:
        """Whether the object of that number is seen now."""
        return self._sighting(object_id) is not None

    def _sighting(self, object_id: int) -> tuple[LinkDirector, str] | None:
        track_id = self._numbers.track_of(object_id)
        if track_id is None:
            return None
        return next(((link, track_id) for link in self._links if link.sees(track_id)), None)

    async def track(self, direction: Direction | None, object_id: int | None) -> None:
        """See `Tracker`. Without both it waits until the camera stands, and follows what is there then."""
        await self.stop()
        if object_id is not None:
            sighting = self._sighting(object_id)
            if sighting is None:
                raise Refused(Refusal.NO_SUCH_TARGET, f"object {object_id} is not seen now")
            link, track_id = sighting
            await self._begin(link, track_id=track_id)
        elif direction is not None:
            await self._begin(self._links[0], direction=direction)
        else:
            self._order = _Order(self._links[0], arrival=self._spawn(self._track_at_arrival(self._links[0])))

    async def stop(self) -> None:
        """See `Tracker`. What somebody else has had followed since then is left alone."""
        order, self._order = self._order, None
        if order is None:
            return
        if order.arrival is not None:
            order.arrival.cancel()
            await asyncio.gather(order.arrival, return_exceptions=True)
        if order.pursuit is not None and order.pursuit == _pursuit(order.link):
            await order.link.stop_tracking()

    async def _begin(
        self, link: LinkDirector, *, track_id: str | None = None, direction: Direction | None = None
    ) -> None:
        try:
            await link.track(track_id=track_id, direction=direction)
        except NoTarget as error:
            raise Refused(Refusal.NO_SUCH_TARGET, str(error)) from error
        self._order = _Order(link, pursuit=_pursuit(link))

    async def _track_at_arrival(self, link: LinkDirector) -> None:
        there = await wait_until_settled(self._arbiter, self._clock)
        pose = self._arbiter.pose
        if not there or pose is None:
            _LOG.warning("nothing is tracked with %s: it has not come to its goal", self._arbiter.channel)
            return
        try:
            await self._begin(link, direction=pose.direction)
        except (Refused, PtzError, CameraError) as error:
            _LOG.warning("nothing is tracked with %s: %s", self._arbiter.channel, error)


def _pursuit(link: LinkDirector) -> tuple[str, float] | None:
    """Tells a pursuit from every other of the link."""
    tracking = link.tracking
    return None if tracking is None else (tracking.track_id, tracking.since)
