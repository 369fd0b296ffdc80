"""The engine as a process, and a client of its API that notes what it hears and when."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

from demo.processes import Child, python
from demo.secrets_file import SecretsFile

ADMIN = "demo"
READY_TIMEOUT_S = 300.0
"""The first start may fetch a model."""
PREFIX = "/api/v1"


class EngineError(Exception):
    """The engine answered with an error."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of the engine as the WebSocket told it, and when it arrived (Unix seconds)."""

    event: dict[str, Any]
    at: float

    @property
    def decided_at(self) -> float:
        """When the engine made the event (Unix seconds): the time inside its id, a UUID of version 7 (RFC 9562)."""
        return int(self.event["event_id"].replace("-", "")[:12], 16) / 1000


class EngineClient:
    """Starts the engine with a site file, activates it, and speaks its API."""

    def __init__(
        self, site: Path, port: int, secrets: SecretsFile, environment: Mapping[str, str] | None = None
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.child = Child("engine", python("engine", "run", str(site)), site.with_name("engine.log"), environment)
        self.password = secrets.get("engine")
        self.events: list[Heard] = []
        self.listening = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        await self.child.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        await self.child.stop()

    async def wait_ready(self) -> None:
        """Waits until the engine answers, activates it if need be, and logs in."""
        end = time.monotonic() + READY_TIMEOUT_S
        while True:
            self.child.check()
            try:
                info = await self.call("GET", "/info")
                break
            except aiohttp.ClientConnectionError:
                if time.monotonic() > end:
                    raise EngineError(f"the engine did not answer within {READY_TIMEOUT_S:.0f} s") from None
                await asyncio.sleep(0.1)
        account = {"username": ADMIN, "password": self.password}
        answer = await self.call("POST", "/session" if info["activated"] else "/activation", account)
        self._token = answer["token"]

    async def wait_online(self, timeout_s: float = 60.0) -> None:
        """Waits until every channel is online and analysed."""
        end = time.monotonic() + timeout_s
        while True:
            self.child.check()
            state = await self.call("GET", "/state")
            if all(channel["online"] and channel["analysed_fps"] for channel in state["channels"]):
                return
            if time.monotonic() > end:
                missing = [c["id"] for c in state["channels"] if not (c["online"] and c["analysed_fps"])]
                raise EngineError(f"not online after {timeout_s:.0f} s: {', '.join(missing)}")
            await asyncio.sleep(0.2)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; returns the JSON of the answer. Raises EngineError."""
        async with self._http.request(method, self.url + PREFIX + path, json=body, headers=self._headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise EngineError(f"{method} {path}: {response.status} {text[:300]}")
            return json.loads(text) if text else None

    async def picture(self, path: str) -> bytes:
        """One picture. Raises EngineError."""
        async with self._http.get(self.url + PREFIX + path, headers=self._headers) as response:
            if response.status >= 400:
                raise EngineError(f"GET {path}: {response.status} {(await response.text())[:300]}")
            return await response.read()

    async def listen(self, on_event: Callable[[Heard], None], on_tracks: Callable[[dict[str, Any]], None]) -> None:
        """Follows the WebSocket until it is cancelled."""
        async with self._http.ws_connect(self.url + PREFIX + "/ws", headers=self._headers) as socket:
            await socket.send_json({"type": "subscribe", "topics": ["tracks"]})
            self.listening.set()
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                body = json.loads(message.data)
                if body["type"] == "event":
                    heard = Heard(body["event"], time.time())
                    self.events.append(heard)
                    on_event(heard)
                elif body["type"] == "tracks":
                    on_tracks(body)
        raise EngineError(f"the engine closed the WebSocket; the end of its log:\n{self.child.last_lines()}")

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise EngineError("not started")
        return self._session

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}
