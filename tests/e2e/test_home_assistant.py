"""The product as its owner sees it: a real Home Assistant with cameras, events, pictures, actions and a dashboard."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio
from home_views import REACH_S, decoded, eventually, first_segment
from playwright.async_api import Browser, Locator, Page, async_playwright
from real_processes import REPOSITORY, free_ports

from demo.home_assistant import HomeAssistant, StateChange
from demo.site import PTZ, Ports
from demo.stack import Stack, StackSettings, running
from demo.truth import Moment, Truth
from engine.core.geometry import Pose, wrap_deg

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

CHROMIUM = Path("/usr/bin/chromium")
ARTEFACTS = REPOSITORY / ".build" / "artefacts"
PLAY_S = 75.0
"""The yard's play repeats every minute: so long, at most, until the next target."""
NEAR_DEG = 1.0


@dataclass(frozen=True, slots=True)
class Home:
    """The running site with its Home Assistant, and every change of state since the beginning."""

    stack: Stack
    changes: list[StateChange] = field(default_factory=list)

    @property
    def hass(self) -> HomeAssistant:
        return self.stack.hass

    async def change(self, entity_id: str, fits: Callable[[StateChange], bool], what: str) -> StateChange:
        """The first change of an entity that fits, from the beginning on."""

        async def look() -> StateChange | None:
            return next((one for one in self.changes if one.entity_id == entity_id and fits(one)), None)

        return await eventually(look, what, PLAY_S)

    def moments(self, since: float) -> list[Moment]:
        """What the simulated motors really did."""
        return Truth.read(Path(self.stack.note["truth"])).between(since, time.time())

    async def reached(self, since: float, there: Callable[[Pose], bool], what: str) -> Pose:
        """The first pose of the simulated camera since an instant that is there."""

        async def look() -> Pose | None:
            return next((moment.pose for moment in self.moments(since) if there(moment.pose)), None)

        return await eventually(look, what, REACH_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> AsyncIterator[Home]:
    settings = StackSettings(
        repository=REPOSITORY,
        folder=tmp_path_factory.mktemp("home"),
        ports=Ports(*free_ports(4)),
        environment=models,
    )
    async with running(settings, print) as stack:
        site = Home(stack)

        async def note_changes() -> None:
            async for change in stack.hass.state_changes():
                site.changes.append(change)

        listening = asyncio.create_task(note_changes())
        try:
            yield site
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
        log = stack.hass.child.log.read_text().splitlines()
        complaints = [line for line in log if "smart_ptz" in line or "components.stream" in line]
        assert [line for line in complaints if "has not been tested by Home Assistant" not in line] == []


@pytest.mark.ledger("HA-1")
async def test_each_channel_is_a_camera_with_picture_and_stream(home: Home) -> None:
    await asyncio.gather(*(_shows(home, camera) for camera in ("camera.yard", "camera.dome")))


async def _shows(home: Home, camera: str) -> None:
    picture = decoded(await home.hass.picture(f"/api/camera_proxy/{camera}"))
    assert picture.shape == (720, 1280, 3)

    segment = await first_segment(home.hass, camera)
    assert b"moof" in segment[:200], "a fragment of MP4"
    assert len(segment) > 10_000


@pytest.mark.ledger("HA-1")
async def test_an_intrusion_is_an_event_and_the_capture_a_picture(home: Home) -> None:
    told = await home.change(
        "event.yard_lawn", lambda one: one.attributes.get("event_type") == "entered", "an intrusion"
    )
    assert told.attributes["target_type"] in {"person", "vehicle"}
    captured = await home.change(
        "event.yard_and_dome_capture", lambda one: one.attributes.get("event_type") == "captured", "a capture"
    )
    shown = await home.change(
        "image.yard_and_dome_last_capture", lambda one: one.at >= captured.at - 5.0, "the picture of the capture"
    )
    assert shown.attributes["entity_picture"]
    for name in ("last_capture", "last_capture_s_scene"):
        state = await home.hass.state(f"image.yard_and_dome_{name}")
        picture = decoded(await home.hass.picture(state["attributes"]["entity_picture"]))
        assert picture.shape[0] >= 150, "large enough to see who it was"
    await home.change("binary_sensor.yard_and_dome_tracking", lambda one: one.state == "on", "the pursuit")
    await home.change("binary_sensor.yard_lawn", lambda one: one.state == "on", "somebody on the lawn")
    assert (await home.hass.state("sensor.dome_moved_by"))["state"] not in {"unknown", "unavailable"}


@pytest.mark.ledger("HA-1", "PTZ-1")
async def test_a_preset_and_a_relative_move_reach_the_motors(home: Home) -> None:
    start = _home_pose(home)
    began = time.time()
    await home.hass.call_service("select", "select_option", {"entity_id": "select.dome_preset", "option": "Left"})
    pose = await home.reached(began, lambda one: _at(one, start.pan_deg - 22.0, start.tilt_deg), "the preset")
    state = await home.stack.engine.call("GET", "/state")
    owner = next(channel for channel in state["channels"] if channel["id"] == PTZ)["owner"]
    assert owner is not None
    assert not owner["owner"].startswith("link:"), "a person goes before the pursuit"

    began = time.time()
    move = {"entity_id": "camera.dome", "mode": "relative", "pan": 9.0, "tilt": -2.0}
    await home.hass.call_service("smart_ptz", "move", move)
    await home.reached(began, lambda one: _at(one, pose.pan_deg + 9.0, pose.tilt_deg - 2.0), "the relative move")


def _home_pose(home: Home) -> Pose:
    values = next(camera["home"] for camera in home.stack.note["cameras"] if camera["id"] == PTZ)
    return Pose(values["pan_deg"], values["tilt_deg"], values["hfov_deg"])


def _at(pose: Pose, pan_deg: float, tilt_deg: float) -> bool:
    return abs(wrap_deg(pose.pan_deg - pan_deg)) < NEAR_DEG and abs(pose.tilt_deg - tilt_deg) < NEAR_DEG


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: `scripts/setup` installs it")
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync", "no-first-run")
    flags = [f"--{name}" for name in ("headless", "no-sandbox", "disable-gpu", "disable-quic", *quiet)]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield chromium
        finally:
            await chromium.close()


async def open_dashboard(chromium: Browser, hass: HomeAssistant, width: int, height: int) -> Page:
    """A page that is logged in and shows the dashboard."""
    context = await chromium.new_context(viewport={"width": width, "height": height})
    await context.add_init_script(f"localStorage.hassTokens = {json.dumps(json.dumps(hass.browser_login()))};")
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{hass.url}/smart-ptz")
    return page


async def plays(page: Page) -> None:
    """Waits until both live pictures play, and looks whether there is something in them."""
    videos = page.locator("hui-picture-entity-card video")
    for video in (videos.nth(0), videos.nth(1)):
        await video.wait_for()

        begin = await video.evaluate("one => one.currentTime")

        async def look(video: Locator = video, begin: float = begin) -> bool:
            # Not only the first picture: two more seconds have to come.
            goes_on = f"one.currentTime > {begin + 2.0}"
            return bool(await video.evaluate(f"one => one.readyState >= 2 && one.videoWidth == 1280 && {goes_on}"))

        await eventually(look, "a live picture plays", REACH_S)
        shot = cv2.imdecode(np.frombuffer(await video.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert shot is not None
        assert shot.std() > 15.0, "the live picture is not of one colour"


@pytest.mark.ledger("HA-1")
async def test_the_dashboard_plays_live_and_moves_the_camera(home: Home) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    start = _home_pose(home)
    async with browser() as chromium:
        page = await open_dashboard(chromium, home.hass, 1280, 900)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await plays(page)
        began = time.time()
        await page.locator("hui-button-card", has_text="Right").click()
        await home.reached(began, lambda one: _at(one, start.pan_deg + 22.0, start.tilt_deg), "the preset")
        assert (await home.hass.state("select.dome_preset"))["state"] == "Right"

        assert await page.locator("hui-error-card, hui-warning").count() == 0
        await page.screenshot(path=ARTEFACTS / "dashboard.png")

        phone = await open_dashboard(chromium, home.hass, 390, 844)
        await plays(phone)
        assert await phone.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"
        began = time.time()
        await phone.locator("hui-button-card", has_text="Left").click()
        await home.reached(began, lambda one: _at(one, start.pan_deg - 22.0, start.tilt_deg), "the other preset")
        await phone.evaluate("window.scrollTo(0, 0)")
        await phone.screenshot(path=ARTEFACTS / "dashboard-phone.png")
        assert errors == []
