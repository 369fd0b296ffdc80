"""The events of an ONVIF camera, pulled."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.cameras.errors import CameraError
from engine.cameras.soap import PULL_S, Service, SoapClient

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


async def camera_events(client: SoapClient) -> AsyncGenerator[CameraEvent]:
    """All events of a camera, beginning with the present states, for as long as it answers. Raises CameraError."""
    while True:
        address = await _subscribe(client)
        for service in (Service.PULL_POINT, Service.SUBSCRIPTION):
            await client.place(service, address)
        try:
            async for event in _pull(client):
                yield event
        finally:
            await _unsubscribe(client)


async def _subscribe(client: SoapClient) -> str:
    answer = await client.call_extra(
        Service.EVENTS, "CreatePullPointSubscription", InitialTerminationTime=f"PT{LIFE_S}S"
    )
    with client.making_sense("subscription"):
        # A structure or the text itself, depending on the description.
        address = answer.SubscriptionReference.Address
        return str(getattr(address, "_value_1", address))


async def _pull(client: SoapClient) -> AsyncGenerator[CameraEvent]:
    """Until the subscription nears its end."""
    wait = dt.timedelta(seconds=PULL_S)
    while True:
        answer = await client.call_extra(Service.PULL_POINT, "PullMessages", Timeout=wait, MessageLimit=_MOST_MESSAGES)
        with client.making_sense("events"):
            events = [event for one in answer.NotificationMessage or () if (event := _event(one)) is not None]
            left_s = (answer.TerminationTime - answer.CurrentTime).total_seconds()
        for event in events:
            yield event
        if left_s < RENEW_S:
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
