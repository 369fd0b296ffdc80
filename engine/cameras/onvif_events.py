"""The events of an ONVIF camera, pulled."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.cameras.errors import CameraError
from engine.cameras.soap import PULL_S, SoapClient
from engine.cameras.soap_services import Service
from engine.core.clock import Clock

LIFE_S: Final = 180
"""For so long the camera keeps a subscription that nobody pulls from."""
RENEW_S: Final = 60.0
"""A subscription that ends so soon is replaced by a new one, which tells the present state again: nothing is lost."""
_MOST_MESSAGES: Final = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """A message. The topic comes without prefixes, like `Device/Trigger/Relay`; items by name."""

    topic: str
    source: Mapping[str, str]
    data: Mapping[str, str]


class _Pace:
    """Lets a few go at once, and then one every so many seconds: a camera that answers at once is not hammered."""

    def __init__(self, clock: Clock, burst: int, every_s: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._every_s = every_s
        self._left = self._burst
        self._at = clock.now()

    async def turn(self) -> None:
        """Waits until the next may go."""
        self._refill()
        if self._left < 1.0:
            await self._clock.sleep((1.0 - self._left) * self._every_s)
            self._refill()
        self._left = max(self._left - 1.0, 0.0)

    def _refill(self) -> None:
        now = self._clock.now()
        self._left = min(self._left + max(now - self._at, 0.0) / self._every_s, self._burst)
        self._at = now


async def camera_events(client: SoapClient) -> AsyncGenerator[CameraEvent]:
    """All events of a camera, beginning with the present states, for as long as it answers. Raises CameraError."""
    subscriptions, pulls = _Pace(client.clock, 3, 10.0), _Pace(client.clock, 20, 1.0)
    while True:
        await subscriptions.turn()
        address, life_s = await _subscribe(client)
        for service in (Service.PULL_POINT, Service.SUBSCRIPTION):
            await client.place(service, address)
        try:
            async for event in _pull(client, pulls, min(RENEW_S, life_s / 2)):
                yield event
        finally:
            await _unsubscribe(client)


async def _subscribe(client: SoapClient) -> tuple[str, float]:
    """Where to pull, and for how many seconds the camera keeps the subscription."""
    answer = await client.call_extra(
        Service.EVENTS, "CreatePullPointSubscription", InitialTerminationTime=f"PT{LIFE_S}S"
    )
    with client.making_sense("subscription"):
        # A structure or the text itself, depending on the description.
        address = answer.SubscriptionReference.Address
        return str(getattr(address, "_value_1", address)), _left_s(answer)


def _left_s(answer: Any) -> float:
    return float((answer.TerminationTime - answer.CurrentTime).total_seconds())


async def _pull(client: SoapClient, pace: _Pace, renew_s: float) -> AsyncGenerator[CameraEvent]:
    """Until the subscription nears its end, by so many seconds."""
    wait = dt.timedelta(seconds=PULL_S)
    while True:
        await pace.turn()
        answer = await client.call_extra(Service.PULL_POINT, "PullMessages", Timeout=wait, MessageLimit=_MOST_MESSAGES)
        with client.making_sense("events"):
            events = [event for one in answer.NotificationMessage or () if (event := _event(one)) is not None]
            left_s = _left_s(answer)
        for event in events:
            yield event
        if left_s < renew_s:
            return


async def _unsubscribe(client: SoapClient) -> None:
    """Cameras keep few subscriptions: none is left behind. One that is gone with its camera ends by itself."""
    try:
        await client.call_extra(Service.SUBSCRIPTION, "Unsubscribe")
    except CameraError as error:
        _log.debug("a subscription was not ended: %s", error)


def _event(message: Any) -> CameraEvent | None:
    inner = getattr(message.Message, "_value_1", None)
    if inner is None or str(getattr(inner, "PropertyOperation", None)) == "Deleted":
        return None
    topic = str(message.Topic._value_1).strip()  # noqa: SLF001 - zeep's name
    path = "/".join(part.rpartition(":")[2] for part in topic.split("/"))
    return CameraEvent(path, _items(getattr(inner, "Source", None)), _items(getattr(inner, "Data", None)))


def _items(part: Any) -> dict[str, str]:
    return {str(item.Name): str(item.Value) for item in getattr(part, "SimpleItem", None) or ()}
