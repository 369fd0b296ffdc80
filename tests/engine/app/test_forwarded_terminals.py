"""Relays and inputs of a camera: switched at our ONVIF device, and told by its events."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from zeep.exceptions import Fault

from engine.core.clock import VirtualClock
from engine.simulator.studio import PTZ
from engine.simulator.terminals import SimulatedTerminals
from tests.engine.app.app_sites import until
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import Place, client_of, facing, place, served

pytestmark = pytest.mark.ledger("ONVIF-2")

GATE, CONTACT = "mast-relay1", "mast-input1"
RELAY, INPUT = "tns1:Device/Trigger/Relay", "tns1:Device/Trigger/DigitalInput"

type State = tuple[str, str, str]
"""Topic, token and state of a message."""


@pytest.fixture
async def yard(start_engine: StartEngine, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(start_engine, clock, tmp_path) as one:
        yield one


def terminals(yard: Place) -> SimulatedTerminals:
    found = yard.site.equipment[PTZ].terminals
    assert found is not None
    return found


@asynccontextmanager
async def listening(yard: Place) -> AsyncIterator[Callable[[State], Any]]:
    """Waits for a message of our device; what came before it is passed over."""
    manager = await yard.client.create_pullpoint_manager(dt.timedelta(minutes=5), lambda: None)

    async def pull() -> list[State]:
        wish = {"MessageLimit": 100, "Timeout": dt.timedelta(seconds=5)}
        answer = await manager.get_service().PullMessages(wish)
        return [
            (
                one.Topic._value_1,
                one.Message._value_1.Source.SimpleItem[0].Value,
                one.Message._value_1.Data.SimpleItem[0].Value,
            )
            for one in answer.NotificationMessage
            if one.Topic._value_1 in (RELAY, INPUT)
        ]

    heard: deque[State] = deque()

    async def hears(state: State) -> None:
        async with asyncio.timeout(60):
            while not heard or heard.popleft() != state:
                if not heard:
                    heard.extend(await pull())

    try:
        yield hears
    finally:
        await manager.shutdown()


async def test_the_cameras_relay_is_shown_set_and_switched(yard: Place) -> None:
    device, device_io = await yard.service("devicemgmt"), await yard.service("deviceio")
    [relay] = await device.GetRelayOutputs()
    assert (relay.token, relay.Properties.Mode, relay.Properties.IdleState) == (GATE, "Bistable", "open")
    [options] = await device_io.GetRelayOutputOptions()
    assert (list(options.Mode), [float(one) for one in options.DelayTimes]) == (["Bistable", "Monostable"], [0.1, 60])
    [contact] = await device_io.GetDigitalInputs()
    assert contact.token == CONTACT

    properties = {"Mode": "Monostable", "DelayTime": dt.timedelta(seconds=0.5), "IdleState": "closed"}
    await device.SetRelayOutputSettings({"RelayOutputToken": GATE, "Properties": properties})
    [kept] = terminals(yard).relays()
    assert (kept.bistable, kept.delay_s, kept.idle_open) == (False, 0.5, False)
    [told] = await device.GetRelayOutputs()
    assert (told.Properties.Mode, told.Properties.IdleState) == ("Monostable", "closed")

    async with listening(yard) as hears:
        await hears((RELAY, GATE, "inactive"))
        await device.SetRelayOutputState({"RelayOutputToken": GATE, "LogicalState": "active"})
        await hears((RELAY, GATE, "active"))
        await hears((RELAY, GATE, "inactive"))
    with pytest.raises(Fault, match="no relay"):
        await device.SetRelayOutputState({"RelayOutputToken": "gate", "LogicalState": "active"})


async def test_a_contact_at_the_camera_is_an_event_of_ours(yard: Place) -> None:
    async with listening(yard) as hears:
        await hears((INPUT, CONTACT, "false"))
        terminals(yard).signal(active=True)
        await hears((INPUT, CONTACT, "true"))
        terminals(yard).signal(active=False)
        await hears((INPUT, CONTACT, "false"))


async def test_what_happened_before_the_engine_looked_is_known(yard: Place) -> None:
    """A camera that was away tells its present states when it is back."""
    camera = yard.engine.cameras["mast"]
    await camera.stop()
    terminals(yard).signal(active=True)
    camera._supervisor._change(camera._supervisor.state.OFFLINE, None)
    camera.start()
    await until(lambda: [one.active for one in camera.camera.terminals.inputs()] == [True], "the state is told", 60)
    async with listening(yard) as hears:
        await hears((INPUT, CONTACT, "true"))


async def test_no_relays_are_offered_where_no_camera_has_any(
    start_engine: StartEngine, clock: VirtualClock, tmp_path: Path
) -> None:
    engine = await start_engine()
    await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")
    async with facing(engine):
        await served(engine, clock, lambda: engine.onvif.port > 0, "the device is served")
        client = await client_of(engine)
        try:
            device = await client.create_devicemgmt_service()
            with pytest.raises(Fault):
                await device.GetRelayOutputs()
            events = await client.create_events_service()
            topics = str((await events.GetEventProperties()).TopicSet)
            assert "Trigger" not in topics
        finally:
            await client.close()
