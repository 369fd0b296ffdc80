"""An NVR's ear: a real ONVIF client that pulls the engine's events and notes when each arrived."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from onvif import ONVIFCamera
from onvif.exceptions import ONVIFError

PULL_TIMEOUT = dt.timedelta(seconds=20)
SUBSCRIPTION = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message of the pull point: its topic, its simple items, its own time and when it arrived (Unix seconds)."""

    topic: str
    items: dict[str, str]
    operation: str | None
    utc: float
    at: float


class OnvifListener:
    """Subscribes to everything and keeps what comes."""

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self.notifications: list[Notification] = []
        self.subscribed = asyncio.Event()
        self._camera = ONVIFCamera(host, port, username, password)

    async def run(self) -> None:
        """Listens until it is cancelled."""
        try:
            await self._camera.update_xaddrs()
            manager = await self._camera.create_pullpoint_manager(SUBSCRIPTION, lambda: None)
            service = manager.get_service()
            self.subscribed.set()
            while True:
                answer = await service.PullMessages({"MessageLimit": 100, "Timeout": PULL_TIMEOUT})
                arrived = time.time()
                for message in answer.NotificationMessage or ():
                    self.notifications.append(_notification(message, arrived))
        except ONVIFError as error:
            raise ConnectionError(f"the engine's ONVIF device did not serve a pull point: {error}") from error
        finally:
            await self._camera.close()


def _notification(message: Any, arrived: float) -> Notification:
    topic = message.Topic._value_1  # noqa: SLF001 - zeep's name for an element's text
    body = message.Message._value_1  # noqa: SLF001 - and for its any-content
    items = {}
    for group in (body.Source, body.Key, body.Data):
        for item in (group.SimpleItem if group is not None else None) or ():
            items[item.Name] = item.Value
    return Notification(str(topic), items, body.PropertyOperation, body.UtcTime.timestamp(), arrived)
