"""Everything of the demo as real processes: simulated cameras, engine, Home Assistant. The tests start it, too."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.dashboard import dashboard
from demo.engine_client import ADMIN, EngineClient
from demo.home_assistant import HomeAssistant
from demo.processes import Child, ProcessFailed, python
from demo.secrets_file import SecretsFile
from demo.site import Ports, write_site

SIMULATOR_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What is started, and where it keeps its state."""

    repository: Path
    folder: Path
    ports: Ports
    scene: str = "yard"
    home_assistant: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the engine gets besides ours."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs. Without Home Assistant, `hass` is there but not started."""

    note: dict[str, Any]
    """What the simulator says about its cameras."""
    engine: EngineClient
    hass: HomeAssistant


@asynccontextmanager
async def running(settings: StackSettings, say: Callable[[str], None]) -> AsyncIterator[Stack]:
    """Starts everything, and ends it at the end of the block. Returns once all of it works together.

    Raises ProcessFailed, EngineError or HomeAssistantError when something does not come up.
    """
    secrets = SecretsFile(settings.folder / "secrets.json")
    async with AsyncExitStack() as stack:
        say(f"starting the simulated cameras ({settings.scene})")
        note = await _start_simulator(stack, settings, secrets)
        site = write_site(settings.folder / "site", note, settings.ports)
        engine = EngineClient(site, settings.ports.api, secrets, settings.environment)
        hass = HomeAssistant(
            settings.folder / "home-assistant", settings.ports.home_assistant, settings.repository, secrets
        )
        await stack.enter_async_context(engine)
        if settings.home_assistant:
            await stack.enter_async_context(hass)
        say("starting the engine")
        await engine.wait_ready()
        await engine.wait_online()
        if settings.home_assistant:
            say("starting Home Assistant")
            await hass.wait_ready()
            await _set_up(hass, settings.ports, engine)
        yield Stack(note, engine, hass)


async def _start_simulator(stack: AsyncExitStack, settings: StackSettings, secrets: SecretsFile) -> dict[str, Any]:
    out = settings.folder / "simulator"
    ready = out / "ready.json"
    ready.unlink(missing_ok=True)
    simulator = Child(
        "simulator",
        python("engine.simulator", "--scene", settings.scene, "--out", str(out)),
        settings.folder / "simulator.log",
        {"SMART_PTZ_SIMULATOR_PASSWORD": secrets.get("cameras")},
    )
    await simulator.start()
    stack.push_async_callback(simulator.stop)
    end = time.monotonic() + SIMULATOR_TIMEOUT_S
    while not ready.exists():
        simulator.check()
        if time.monotonic() > end:
            raise ProcessFailed(f"the simulator was not ready in {SIMULATOR_TIMEOUT_S:.0f} s")
        await asyncio.sleep(0.1)
    note: dict[str, Any] = json.loads(ready.read_text())
    return note


async def _set_up(hass: HomeAssistant, ports: Ports, engine: EngineClient) -> None:
    await hass.add_integration(
        {
            "host": "127.0.0.1",
            "port": ports.api,
            "ssl": False,
            "verify_ssl": False,
            "username": ADMIN,
            "password": engine.password,
        }
    )
    await hass.wait_for_entities()
    entities = await hass.entities()
    presets: list[str] = []
    for entity in entities:
        if entity["translation_key"] == "preset":
            presets += (await hass.state(entity["entity_id"]))["attributes"]["options"]
    await hass.save_dashboard(dashboard(entities, presets))
