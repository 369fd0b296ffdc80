"""Wiper and light: switched at our ONVIF device, by either service, at the camera that has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from zeep.exceptions import Fault

from engine.core.clock import VirtualClock
from engine.simulator.studio import OVERVIEW, PTZ
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import Place, place

pytestmark = pytest.mark.ledger("ONVIF-2")

LIGHT = "sim:WhiteLight|On"


@pytest.fixture
async def yard(start_engine: StartEngine, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(start_engine, clock, tmp_path) as one:
        yield one


async def test_the_heads_commands_are_listed_and_carried_out_by_the_camera(yard: Place) -> None:
    ptz = await yard.service("ptz")
    [node] = await ptz.GetNodes()
    assert list(node.AuxiliaryCommands) == ["tt:Wiper|On", "tt:Wiper|Off", LIGHT, "sim:WhiteLight|Off"]
    profiles = await (await yard.service("media")).GetProfiles()
    token = next(one.token for one in profiles if one.PTZConfiguration is not None)
    dome = yard.site.equipment[PTZ].accessories
    before = yard.site.studio.picture(PTZ).mean()

    await ptz.SendAuxiliaryCommand({"ProfileToken": token, "AuxiliaryData": LIGHT})
    assert yard.site.studio.picture(PTZ).mean() > before + 10
    assert not dome.wiper
    await ptz.SendAuxiliaryCommand({"ProfileToken": token, "AuxiliaryData": "tt:Wiper|On"})
    assert dome.wiper
    await ptz.SendAuxiliaryCommand({"ProfileToken": token, "AuxiliaryData": "tt:Wiper|Off"})
    assert not dome.wiper

    with pytest.raises(Fault, match="no auxiliary command"):
        await ptz.SendAuxiliaryCommand({"ProfileToken": token, "AuxiliaryData": "tt:Washer|On"})


async def test_the_commands_of_a_camera_without_a_head_are_those_of_the_device(yard: Place) -> None:
    device = await yard.service("devicemgmt")
    capabilities = await device.GetServiceCapabilities()
    assert list(capabilities.Misc.AuxiliaryCommands) == [LIGHT, "sim:WhiteLight|Off"]
    await device.SendAuxiliaryCommand({"AuxiliaryCommand": LIGHT})
    assert yard.site.equipment[OVERVIEW].accessories.light
    assert not yard.site.equipment[PTZ].accessories.light, "its head has a light of its own"
    with pytest.raises(Fault, match="the device knows"):
        await device.SendAuxiliaryCommand({"AuxiliaryCommand": "tt:Wiper|On"})


async def test_a_camera_that_has_gone_is_told_as_such(yard: Place) -> None:
    device = await yard.service("devicemgmt")
    for one in yard.site._devices:
        await one.stop()
    with pytest.raises(Fault, match="the camera wall does not answer"):
        await device.SendAuxiliaryCommand({"AuxiliaryCommand": LIGHT})
