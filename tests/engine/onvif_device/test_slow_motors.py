"""A camera that takes its time to answer a move."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.zoom import ZoomCurve
from engine.onvif_device.ptz import ArbiterPtz
from engine.ptz import Arbiter, ArbiterSettings
from onvif_server.backend import Caller, PtzSpeed
from tests.engine.ptz.simulated_motors import SimulatedMotors

pytestmark = pytest.mark.ledger("ONVIF-2", "PTZ-1")

CALLER = Caller("nvr", "192.0.2.9")
ANSWER_S = 2.0


class SlowMotors(SimulatedMotors):
    """They hear a command late, and begin later still."""

    async def _command(self, name, effect):
        await self.clock.sleep(ANSWER_S)
        await super()._command(name, effect)


async def test_a_move_that_has_just_been_answered_is_not_over():
    clock = VirtualClock()
    arbiter = Arbiter("dome", ZoomCurve(((0.0, 60.0), (1.0, 4.0))), clock, Bus(), settings=ArbiterSettings())
    motors = SlowMotors(clock, command_delay=0.1)
    await arbiter.start(motors)
    ptz = ArbiterPtz(arbiter, clock, 16 / 9)
    move = asyncio.create_task(
        ptz.move_absolute(CALLER, pan_deg=90.0, tilt_deg=None, zoom=None, speed=PtzSpeed(None, None, None))
    )
    while not move.done():
        await clock.advance(0.05)
    await move
    assert motors.sent, "the camera has it"
    status = await ptz.status()
    assert abs(status.pan_deg) < 1.0
    assert status.pan_tilt_moving, "it has not begun, so it is not over"
    await clock.advance(10.0)
    assert not (await ptz.status()).pan_tilt_moving
    await ptz.close()
    await arbiter.close()
