"""Home Assistant's own ONVIF integration at the running engine, in a real Home Assistant."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from home_views import eventually, first_segment
from real_processes import REPOSITORY, free_ports
from recorder import PASSWORD, USER

from clients.client_site import PLAY_S, ClientSite, near, shows_something
from demo.home_assistant import HomeAssistant, StateChange
from demo.secrets_file import SecretsFile
from demo.site import PTZ
from engine.core.geometry import Pose

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.ledger("ONVIF-1", "ONVIF-2", "HA-1"),
    pytest.mark.timeout(400),
]

DOMAIN = "onvif"
MOTION, INSIDE = "Motion Alarm", "Field Detection"


@dataclass(frozen=True, slots=True)
class Home:
    """Home Assistant with our device, and every change of state since the beginning."""

    hass: HomeAssistant
    changes: list[StateChange] = field(default_factory=list)

    async def entities(self, kind: str) -> dict[str, str]:
        """The integration's entities of a kind, by the names that it gave them."""
        found = await self.hass.entities(DOMAIN)
        return {one["original_name"]: one["entity_id"] for one in found if one["entity_id"].startswith(f"{kind}.")}

    async def named(self, kind: str, name: str) -> set[str]:
        """The integration's entities of a kind whose names contain this."""
        found = await self.hass.entities(DOMAIN)
        return {
            one["entity_id"]
            for one in found
            if one["entity_id"].startswith(f"{kind}.") and name in (one["original_name"] or "")
        }

    async def pulls(self) -> bool:
        """Whether the integration asks for events; when notifications reach its webhook, it does not any more."""
        address = f"/api/diagnostics/config_entry/{await self._entry_id()}"
        told = json.loads(await self.hass.picture(address))["data"]["events"]
        return "PAUSED" not in told["pullpoint_manager_state"]["repr"]

    async def is_reached_at(self, address: str | None) -> None:
        """Sets the address at which others find Home Assistant, and starts the integration again."""
        await self.hass.ask({"type": "config/core/update", "internal_url": address})
        await self.hass.call_service("homeassistant", "reload_config_entry", {"entry_id": await self._entry_id()})

    async def _entry_id(self) -> str:
        (entry,) = await self.hass.ask({"type": "config_entries/get", "domain": DOMAIN})
        return str(entry["entry_id"])

    async def ptz(self, **order: Any) -> None:
        """The integration's own action."""
        camera = (await self.entities("camera"))["Dome"]
        await self.hass.call_service(DOMAIN, "ptz", {"entity_id": camera, **order})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(site: ClientSite, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    folder = tmp_path_factory.mktemp("onvif-home")
    (port,) = free_ports(1)
    async with HomeAssistant(folder / "hass", port, REPOSITORY, SecretsFile(folder / "secrets.json")) as hass:
        await hass.wait_ready()
        answers = {"auto": False, "name": "Site", "host": "127.0.0.1", "port": site.ports.onvif}
        await hass.add_integration(answers | {"username": USER, "password": PASSWORD}, DOMAIN)
        there = Home(hass)

        async def note_changes() -> None:
            async for change in hass.state_changes():
                there.changes.append(change)

        listening = asyncio.create_task(note_changes())

        async def set_up() -> bool:
            return bool(await there.entities("camera"))

        await eventually(set_up, "its cameras are there", PLAY_S)
        try:
            yield there
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
        log = hass.child.log.read_text().splitlines()
        complaints = [line for line in log if "components.onvif" in line or "components.stream" in line]
        # It knows no events of presets, of loitering, and of a few more; a snapshot may be late on a busy machine.
        usual = ("No registered handler for event", "Fetch snapshot image failed")
        assert [line for line in complaints if not any(words in line for words in usual)] == []


async def test_each_profile_is_a_camera_with_snapshot_and_live_stream(home: Home) -> None:
    cameras = await home.entities("camera")
    assert sorted(cameras) == ["Dome", "Yard"]
    for camera in cameras.values():

        async def snapshot(camera: str = camera) -> bytes | None:
            # A machine that has much to do may be late once.
            with suppress(aiohttp.ClientResponseError):
                return await home.hass.picture(f"/api/camera_proxy/{camera}")
            return None

        assert shows_something(await eventually(snapshot, "a snapshot", PLAY_S)) == (1280, 720)
    segments = await asyncio.gather(*(first_segment(home.hass, camera) for camera in cameras.values()))
    for segment in segments:
        assert b"moof" in segment[:200], "a fragment of MP4"
        assert len(segment) > 10_000


async def test_motion_and_objects_are_sensors_that_follow_the_people(home: Home) -> None:
    for name in (MOTION, INSIDE):

        async def went_on_and_off(name: str = name) -> bool:
            # Each channel has one; people are where the rules are, in the yard.
            for entity in await home.named("binary_sensor", name):
                states = [one.state for one in home.changes if one.entity_id == entity]
                if "on" in states and "off" in states[states.index("on") :]:
                    return True
            return False

        await eventually(went_on_and_off, f"a sensor for {name} was on, and then off", 2 * PLAY_S)


@pytest_asyncio.fixture(loop_scope="module")
async def listening_home(home: Home) -> AsyncIterator[Home]:
    """The same with a webhook that the device can reach; otherwise Home Assistant names an address of the network."""
    await home.is_reached_at(home.hass.url)
    yield home
    await home.is_reached_at(None)

    async def pulls() -> bool:
        return await home.pulls()

    await eventually(pulls, "it asks for events again", PLAY_S)


async def test_motion_is_told_to_its_webhook_where_that_can_be_reached(listening_home: Home) -> None:
    home = listening_home

    async def listens() -> bool:
        return not await home.pulls()

    await eventually(listens, "a notification reached the webhook", PLAY_S)
    since = time.time()

    async def told() -> bool:
        sensors = await home.named("binary_sensor", MOTION)
        return any(one.entity_id in sensors and one.state == "on" and one.at > since for one in home.changes)

    await eventually(told, "motion was told to the webhook", PLAY_S)
    assert await listens(), "nothing was asked for meanwhile"


async def test_its_ptz_action_moves_the_motors(home: Home, site: ClientSite) -> None:
    start = site.home
    began = time.time()
    await home.ptz(move_mode="AbsoluteMove", pan="RIGHT", tilt="DOWN", distance=0.1, speed=1.0)
    # A tenth of the half turn; where tilt ends is the device's matter: it is at least lower.
    right = await rested(site, began, lambda pose: abs(pose.pan_deg - 18.0) < 1.0, "absolute")

    began = time.time()
    await home.ptz(move_mode="RelativeMove", pan="LEFT", distance=0.05, speed=1.0)
    left = await rested(site, began, lambda pose: near(pose, 0.0, right.tilt_deg), "relative")

    began = time.time()
    await home.ptz(move_mode="ContinuousMove", pan="RIGHT", distance=0.5, continuous_duration=0.5)
    await rested(site, began, lambda pose: pose.pan_deg > left.pan_deg + 4.0, "continuous")
    await home.ptz(move_mode="Stop")

    began = time.time()
    presets = site.api.channel(PTZ)["presets"]
    await home.ptz(move_mode="GotoPreset", preset=next(one["id"] for one in presets if one["name"] == "Left"))
    await rested(site, began, lambda pose: near(pose, start.pan_deg - 22.0, start.tilt_deg), "a preset")


async def rested(site: ClientSite, began: float, there: Callable[[Pose], bool], what: str) -> Pose:
    return await asyncio.to_thread(site.rested, began, there, what)
