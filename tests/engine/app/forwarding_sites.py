"""The simulator, the engine in front of it, and a client at the engine's ONVIF device: all speak real SOAP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onvif import ONVIFCamera

from engine.access.roles import Role
from engine.app.engine import Engine
from engine.app.onvif import LOOK_S
from engine.core.clock import VirtualClock
from engine.simulator.rtsp import Login
from engine.simulator.scene import PictureSize
from engine.simulator.site import SimulatedSite, SiteSettings
from engine.simulator.yard import YardScene
from onvif_server.tokens import video_source
from tests.engine.app.app_sites import PASSWORD, until
from tests.engine.app.conftest import StartEngine

PASSWORD_HERE = "Tall-Ships-1889"
WIDE, DOME = video_source("wide"), video_source("dome")


@asynccontextmanager
async def simulator(folder: Path, back_channel: str = "") -> AsyncIterator[tuple[SimulatedSite, dict[str, str]]]:
    """The site and its cameras' addresses by role. Its pictures are small, and drawn only when asked for."""
    folder.mkdir()
    scene = YardScene(1, PictureSize(320, 180), 2.0)
    site = SimulatedSite(scene, SiteSettings(folder=folder, login=Login("engine", PASSWORD), back_channel=back_channel))
    note = await site.start()
    try:
        yield site, {camera["role"]: camera["onvif"] for camera in note["cameras"]}
    finally:
        await site.stop()


@dataclass
class Place:
    """The three of them."""

    site: SimulatedSite
    engine: Engine
    clock: VirtualClock
    client: ONVIFCamera

    async def service(self, name: str) -> Any:
        """A service of our device: `imaging`, `ptz`…"""
        return await getattr(self.client, f"create_{name}_service")()


async def served(engine: Engine, clock: VirtualClock, holds: Callable[[], bool], what: str) -> None:
    """Lets the device look around until something holds."""
    async with asyncio.timeout(60):
        while not holds():
            await until(lambda: bool(clock._sleepers), "it waits")
            await clock.advance(LOOK_S)
            await asyncio.sleep(0.01)
    assert holds(), what


@asynccontextmanager
async def facing(engine: Engine) -> AsyncIterator[None]:
    task = asyncio.create_task(engine.onvif.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.onvif.stop()


async def client_of(engine: Engine) -> ONVIFCamera:
    """A real client. The device lives in virtual time: the client asks it what time it is."""
    await engine.access.device_users.save("chief", PASSWORD_HERE, Role.ADMINISTRATOR)
    client = ONVIFCamera("127.0.0.1", engine.onvif.port, "chief", PASSWORD_HERE, adjust_time=True)
    await client.update_xaddrs()
    return client


async def eventually[T](ask: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """The first answer that is right."""
    async with asyncio.timeout(60):
        while not right(answer := await ask()):
            await asyncio.sleep(0.02)
    return answer


@asynccontextmanager
async def place(
    start_engine: StartEngine, clock: VirtualClock, folder: Path, *, back_channel: str = ""
) -> AsyncIterator[Place]:
    """Both cameras of the simulator behind an engine whose device is served."""
    async with simulator(folder / "simulated", back_channel) as (site, addresses):
        engine = await start_engine(wall=addresses["overview"], mast=addresses["ptz"])
        await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")
        for camera in engine.cameras.values():
            camera.start()
        try:
            await until(lambda: all(one.camera.channels for one in engine.cameras.values()), "cameras are known", 60)
            async with facing(engine):
                await served(engine, clock, lambda: engine.onvif.port > 0, "the device is served")
                client = await client_of(engine)
                try:
                    yield Place(site, engine, clock, client)
                finally:
                    await client.close()
        finally:
            for camera in engine.cameras.values():
                await camera.stop()
