"""The engine's real API server, store and access, with a small engine behind it, on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from homeassistant.core import HomeAssistant
from seam_services import NOON, SeamServices, capture_description

from engine.access import Access, Role
from engine.api.application import create_app
from engine.api.server import ApiServer
from engine.api.services import BusyError, NotFoundError, ServiceError
from engine.core.bus import Bus
from engine.core.clock import SystemClock
from engine.core.events import CaptureTaken, Event
from engine.core.geometry import Box, Direction
from engine.core.values import TargetType
from engine.store import Store

ADMINISTRATOR, OPERATOR, VIEWER = "owner", "operator", "viewer"
PASSWORD = "Yard-9-gate-Lamp"

_ERRORS: dict[str, type[ServiceError]] = {"busy": BusyError, "not_found": NotFoundError}


# When the client is the one that closes a WebSocket, aiohttp (3.14.5) arms the heartbeat's timer once more at the
# server's answer; it finds the socket closed and does nothing. Tests in which that happens say so by this mark.
client_closes_websocket = pytest.mark.parametrize("expected_lingering_timers", [True], ids=["closes"])


class RunningEngine:
    """Starts and stops on the same port, as an engine that restarts does."""

    def __init__(self, data_dir: Path) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.services = SeamServices()
        self.store = Store(data_dir)
        # The cheapest parameters: what the hash costs is no matter here.
        self.access = Access(self.store, SystemClock(), hasher=PasswordHasher(1, 8, 1))
        self.bus: Bus[Event] = Bus()
        self._server: ApiServer | None = None
        self._captures = 0

    async def open(self) -> None:
        await self.store.open()
        await self.access.open()
        await self.start()

    async def activate(self) -> None:
        """Makes one user of each level."""
        await self.access.activate(ADMINISTRATOR, PASSWORD, self.host)
        await self.access.add_user(OPERATOR, PASSWORD, Role.OPERATOR, by=ADMINISTRATOR)
        await self.access.add_user(VIEWER, PASSWORD, Role.USER, by=ADMINISTRATOR)

    async def start(self, port: int | None = None) -> None:
        """Listens, on the port of the last time unless told otherwise."""
        server = ApiServer(create_app(self.services, self.access, self.store, self.bus))
        await server.start(self.host, self.port if port is None else port)
        self.port = server.port
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    async def close(self) -> None:
        await self.stop()
        await self.store.close()

    async def token(self) -> str:
        """A token as the config flow makes one."""
        session = await self.access.login(OPERATOR, PASSWORD, self.host)
        made = await self.access.create_token(session.identity, "Home Assistant")
        await self.access.revoke(session.identity, session.identity.token_id)
        return made.token

    async def revoke_tokens(self) -> None:
        """Takes every token from the operator, as a change of the password does."""
        await self.access.reset_password(OPERATOR, PASSWORD)

    def publish(self, event: Event) -> None:
        self.bus.publish(event)

    async def capture(self, *, picture: bytes, background: bytes, at: float = NOON) -> CaptureTaken:
        """Stores a capture as the engine does, and reports it."""
        self._captures += 1
        stored = await self.store.captures.add(
            CaptureTaken(
                at=at,
                capture_id=f"capture-{self._captures}",
                link_id="yard-dome",
                channel="ptz",
                track_id="t1",
                target_type=TargetType.PERSON,
                rule_id="fence",
                picture="",
                background="",
                box=Box(0.4, 0.4, 0.1, 0.2),
                grade=0.75,
                target_direction=Direction(10.0, -5.0),
            ),
            picture=picture,
            background=background,
        )
        self.publish(stored)
        self.services.replace("links", "yard-dome", last_capture=capture_description(stored.capture_id, at))
        return stored

    def refuse(self, code: str, message: str) -> None:
        """Refuses whatever is asked from now on."""
        self.services.refusal = _ERRORS[code](message)


async def until(hass: HomeAssistant, condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Waits until a condition holds; what it depends on comes over a real socket."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.01)
    await hass.async_block_till_done()
