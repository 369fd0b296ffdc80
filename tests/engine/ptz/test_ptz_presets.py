"""Positions with names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from simulated_motors import SimulatedMotors

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import PresetsChanged
from engine.core.geometry import Pose
from engine.core.zoom import ZoomCurve
from engine.ptz import Arbiter, PresetRefused, Priority, UnknownPreset

pytestmark = pytest.mark.ledger("PTZ-2")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))


@dataclass(frozen=True)
class Kept:
    preset_id: str
    name: str
    pose: Pose


class Memory:
    def __init__(self):
        self.rows = {}

    async def list(self, channel):
        return [Kept(key, name, pose) for (owner, key), (name, pose) in self.rows.items() if owner == channel]

    async def save(self, channel, preset_id, name, pose):
        self.rows[channel, preset_id] = (name, pose)

    async def remove(self, channel, preset_id):
        self.rows.pop((channel, preset_id), None)


@pytest.fixture
async def site():
    clock, bus = VirtualClock(), Bus()
    motors, memory = SimulatedMotors(clock), Memory()
    await motors.set_preset("Gate")
    arbiter = Arbiter("ptz", CURVE, clock, bus, presets=memory)
    events = bus.subscribe()
    await arbiter.start(motors)
    yield clock, motors, arbiter, memory, events
    await arbiter.close()


async def test_a_preset_is_set_called_set_anew_and_removed(site):
    clock, motors, arbiter, memory, events = site
    lease = await arbiter.acquire("anna", "x", Priority.OPERATOR)
    await lease.move_absolute(pan_deg=40.0, tilt_deg=-10.0, zoom=0.5)
    await clock.advance(4.0)
    preset = await arbiter.set_preset("Door")
    await arbiter.set_preset("Front door", preset.preset_id)
    await lease.move_absolute(pan_deg=-70.0, tilt_deg=0.0, zoom=0.0)
    await clock.advance(4.0)
    await lease.goto_preset(preset.preset_id)
    await clock.advance(4.0)
    assert (motors.pan, motors.tilt, motors.zoom) == pytest.approx((40.0, -10.0, 0.5), abs=0.2)
    assert [kept.name for kept in await memory.list("ptz")] == ["Front door"]
    await arbiter.remove_preset(preset.preset_id)
    assert [kept.name for kept in arbiter.presets] == ["Gate"]
    assert await memory.list("ptz") == []
    changes = [event for event in events._queue if isinstance(event, PresetsChanged)]
    assert len(changes) == 4


async def test_presets_come_back_from_the_repository(site):
    clock, motors, arbiter, memory, _ = site
    preset = await arbiter.set_preset("Door", pose=Pose(5.0, -5.0, 20.0))
    other = Arbiter("ptz", CURVE, clock, Bus(), presets=memory)
    await other.start(motors)
    assert preset in other.presets
    await other.close()


async def test_the_cameras_own_presets_can_be_called_and_removed_but_not_set_anew(site):
    clock, motors, arbiter, _, _ = site
    motors.pan = 50.0
    (gate,) = arbiter.presets
    assert gate.name == "Gate"
    lease = await arbiter.acquire("anna", "x", Priority.OPERATOR)
    await lease.goto_preset(gate.preset_id)
    await clock.advance(4.0)
    assert motors.pan == pytest.approx(0.0, abs=0.1)
    with pytest.raises(PresetRefused, match="kept by the camera"):
        await arbiter.set_preset("Other", gate.preset_id)
    await arbiter.remove_preset(gate.preset_id)
    assert arbiter.presets == ()


async def test_unknown_and_nameless_presets_are_refused(site):
    _, _, arbiter, _, _ = site
    lease = await arbiter.acquire("anna", "x", Priority.OPERATOR)
    with pytest.raises(UnknownPreset, match="no preset 'nowhere'"):
        await lease.goto_preset("nowhere")
    with pytest.raises(PresetRefused, match="needs a name"):
        await arbiter.set_preset("  ")
