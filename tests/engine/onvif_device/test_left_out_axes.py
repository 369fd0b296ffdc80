"""A client that names only pan and tilt, or only the zoom, leaves the other alone: SOAP to us, SOAP to the camera."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from engine.access import DeviceUsers, Role
from engine.access.seal import Seal
from engine.cameras.onvif_camera import OnvifCamera
from engine.core.bus import Bus
from engine.core.clock import SystemClock
from engine.core.geometry import Pose
from engine.core.zoom import ZoomCurve
from engine.onvif_device import DeviceAccounts, DeviceChannel, EngineDevice
from engine.ptz import Arbiter
from engine.simulator.devices import SimulatedMotors
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.scene import MotorLimits, PictureSize, SceneFacts
from engine.store import Store
from onvif_server.backend import DeviceInformation
from tests.engine.app.soap_recorder import PASSWORD, SoapRecorder
from tests.engine.cameras.device import Quirks, Running
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("ONVIF-6", "PTZ-1")

CLOCK = SystemClock()
CURVE = ZoomCurve(((0.0, 60.0), (1.0, 3.0)))
HOME = Pose(0.0, -10.0, CURVE.hfov_deg(0.5))
FACTS = SceneFacts(
    name="yard",
    projection="pinhole",
    overview_size=PictureSize(640, 360),
    ptz_size=PictureSize(640, 360),
    overview_hfov_deg=90.0,
    zoom_curve=CURVE,
    # Slow enough that whatever is asked is under way while the next thing is asked.
    motors=MotorLimits(pan_deg=None, pan_speed=20.0, tilt_speed=20.0, zoom_speed=0.02),
    home=HOME,
    pairs=(),
)
PAN = '<tt:PanTilt x="0.5" y="0"/>'
ZOOM = '<tt:Zoom x="0.9"/>'


@dataclass
class Chain:
    """A client, our device, the simulator's motors behind it."""

    recorder: SoapRecorder
    dynamics: PtzDynamics

    async def ptz(self, operation: str, arguments: str = "") -> None:
        answer = await self.recorder.ptz(operation, arguments)
        assert answer.fault == "", answer.texts("Text")

    async def turn(self, axes: str, timeout: str = "PT1M") -> None:
        await self.ptz("ContinuousMove", f"<tptz:Velocity>{axes}</tptz:Velocity><tptz:Timeout>{timeout}</tptz:Timeout>")

    async def comes(self, *, turns: bool, zooms: bool) -> None:
        """Waits until head and lens do (not) move."""
        async with asyncio.timeout(60):
            while True:
                state = self.dynamics.state_at(CLOCK.now())
                if (abs(state.pan.speed) > 1e-6, abs(state.zoom.speed) > 1e-6) == (turns, zooms):
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
async def chain(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(tmp_path))
        users = DeviceUsers(store, CLOCK)
        await users.open(await Seal.at(tmp_path))
        await users.save("recorder", PASSWORD, Role.ADMINISTRATOR)
        dynamics = PtzDynamics(FACTS.motors, CURVE, HOME, start=CLOCK.now(), command_delay_s=0.05)
        simulated = Running(Quirks())
        simulated.yard.head = SimulatedMotors(FACTS, dynamics)  # type: ignore[assignment]
        await simulated.appear()
        stack.push_async_callback(simulated.vanish)
        far = OnvifCamera(camera(simulated.address, channel("dome", "ptz")), CLOCK, timeout_s=20)
        stack.push_async_callback(far.close)
        await far.connect()
        arbiter = Arbiter("dome", CURVE, CLOCK, Bus())
        stack.push_async_callback(arbiter.close)
        await arbiter.start(far.motors("dome"))
        device = EngineDevice(
            DeviceInformation(
                manufacturer="Smart PTZ",
                model="Engine",
                firmware_version="0.1.0",
                serial_number="1",
                hardware_id="engine",
                name="yard",
                uuid=uuid.UUID(int=1),
                mac="02:00:00:00:00:02",
            ),
            (DeviceChannel(id="dome", name="Dome", width=640, height=360, fps=12),),
            {"dome": arbiter},
            DeviceAccounts(users, None),
            Bus(),
            stream_url=lambda name, request: f"rtsp://{request.host}:8554/{name}",
            snapshot=lambda name: asyncio.sleep(0, None),
            clock=CLOCK,
        )
        await device.start("127.0.0.1", 0)
        stack.push_async_callback(device.stop)
        login = aiohttp.DigestAuthMiddleware("recorder", PASSWORD)
        session = await stack.enter_async_context(aiohttp.ClientSession(middlewares=[login]))
        yield Chain(SoapRecorder(session, device.port), dynamics)


TRANSLATION, POSITION = "<tptz:Translation>{}</tptz:Translation>", "<tptz:Position>{}</tptz:Position>"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("ContinuousMove", "<tptz:Velocity>{}</tptz:Velocity>"),
        ("RelativeMove", TRANSLATION),
        ("AbsoluteMove", POSITION),
        ("Stop", "<tptz:PanTilt>false</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"),
    ],
)
async def test_a_head_that_turns_is_not_disturbed_by_what_is_asked_of_the_lens(
    chain: Chain, operation: str, arguments: str
) -> None:
    await chain.turn(PAN)
    await chain.comes(turns=True, zooms=False)
    await chain.ptz(operation, arguments.format(ZOOM))
    await chain.comes(turns=True, zooms=operation != "Stop")
    await chain.ptz("Stop", "<tptz:PanTilt>false</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>")
    await chain.comes(turns=True, zooms=False)
    await chain.ptz("Stop")
    await chain.comes(turns=False, zooms=False)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("ContinuousMove", "<tptz:Velocity>{}</tptz:Velocity>"),
        ("RelativeMove", TRANSLATION),
        ("AbsoluteMove", POSITION),
        ("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>"),
    ],
)
async def test_a_lens_that_zooms_is_not_disturbed_by_what_is_asked_of_the_head(
    chain: Chain, operation: str, arguments: str
) -> None:
    await chain.turn(ZOOM)
    await chain.comes(turns=False, zooms=True)
    await chain.ptz(operation, arguments.format(PAN))
    await chain.comes(turns=operation != "Stop", zooms=True)
    await chain.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>")
    await chain.comes(turns=False, zooms=True)


async def test_each_of_head_and_lens_has_a_time_out_of_its_own(chain: Chain) -> None:
    await chain.turn(PAN)
    await chain.turn(ZOOM, timeout="PT3S")
    await chain.comes(turns=True, zooms=True)
    await chain.comes(turns=True, zooms=False)
