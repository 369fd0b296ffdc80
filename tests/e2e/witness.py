"""Who listens all the time: a client of the WebSocket and an ONVIF client, in a thread of their own."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from real_processes import Api, wait_for

from demo.onvif_listener import Notification, OnvifListener

type Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, and when it came."""

    at: float
    message: Message


class Witness:
    """Remembers every message; `with` it."""

    def __init__(self, api: Api, onvif_port: int) -> None:
        self._api = api
        self._onvif_port = onvif_port
        self._heard: list[Heard] = []
        self._listener: OnvifListener | None = None
        self._loop = asyncio.new_event_loop()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="witness")
        self._work: asyncio.Task[None] | None = None

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(lambda: self._work and self._work.cancel())
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._work = self._loop.create_task(self._listen())
        try:
            self._loop.run_until_complete(self._work)
        except asyncio.CancelledError:
            return
        except BaseException as error:  # noqa: BLE001 - told by the next question
            self._failure = error

    async def _listen(self) -> None:
        credentials = await asyncio.to_thread(self._api.get, "stream-credentials")
        self._listener = OnvifListener("127.0.0.1", self._onvif_port, credentials["username"], credentials["password"])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_websocket())
            tasks.create_task(self._hear_onvif(self._listener))

    async def _hear_websocket(self) -> None:
        headers = {"Authorization": f"Bearer {self._api.token}"}
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self._api.url}/ws", headers=headers) as ws:
            await ws.send_json({"type": "subscribe", "topics": ["tracks"]})
            async for message in ws:
                self._heard.append(Heard(time.time(), json.loads(message.data)))
        raise ConnectionError("the engine closed the WebSocket")

    async def _hear_onvif(self, listener: OnvifListener) -> None:
        # The device begins once the cameras are known.
        for _ in range(100):
            try:
                await asyncio.open_connection("127.0.0.1", self._onvif_port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.2)
        await listener.run()

    def _check(self) -> None:
        if self._failure is not None:
            raise AssertionError("the witness has stopped listening") from self._failure

    @property
    def subscribed(self) -> bool:
        """Whether both listen."""
        self._check()
        return bool(self._heard) and self._listener is not None and self._listener.subscribed.is_set()

    def heard(self, after: float) -> list[Heard]:
        """What came over the WebSocket after an instant."""
        self._check()
        return [one for one in list(self._heard) if one.at >= after]

    def first(self, fits: Callable[[Message], bool], what: str, after: float, seconds: float = 60.0) -> Heard:
        """Waits for the first message since an instant that fits."""
        return wait_for(lambda: next((one for one in self.heard(after) if fits(one.message)), None), what, seconds)

    def events(self, kind: str, after: float, **values: Any) -> list[Message]:
        """The events of a kind that came since an instant and have these values."""
        return [one.message["event"] for one in self.heard(after) if _is(one.message, kind, values)]

    def event(self, kind: str, after: float, seconds: float = 60.0, **values: Any) -> Message:
        """Waits for such an event."""
        found = self.first(lambda message: _is(message, kind, values), f"{kind} {values}", after, seconds)
        event: Message = found.message["event"]
        return event

    def notification(self, fits: Callable[[Notification], bool], what: str, seconds: float = 20.0) -> Notification:
        """Waits for a message of the ONVIF pull point."""

        def look() -> Notification | None:
            self._check()
            return next((one for one in list(self._listener.notifications) if fits(one)), None)

        return wait_for(look, what, seconds)


def _is(message: Message, kind: str, values: dict[str, Any]) -> bool:
    if message["type"] != "event" or message["event"]["kind"] != kind:
        return False
    return all(message["event"][name] == value for name, value in values.items())
