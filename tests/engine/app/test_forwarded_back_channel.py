"""Loudspeakers: a camera's own is one of our ONVIF device, and those who may talk are told to the relay."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.access.roles import Role
from engine.core.clock import VirtualClock
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import PASSWORD_HERE, place

pytestmark = pytest.mark.ledger("ONVIF-2")


async def test_a_cameras_loudspeaker_is_one_of_our_device(
    start_engine: StartEngine, clock: VirtualClock, tmp_path: Path
) -> None:
    async with place(start_engine, clock, tmp_path, back_channel="PCMA") as yard:
        assert all(yard.engine.camera_of(one).extras(one).back_channel for one in ("wide", "dome"))
        device_io = await yard.service("deviceio")
        assert len(await device_io.GetAudioOutputs()) == 2
        media = await yard.service("media")
        options = await media.GetAudioDecoderConfigurationOptions()
        # What the relay takes, whatever the camera does.
        assert options.G711DecOptions is not None
        for profile in await media.GetProfiles():
            parts = str(profile.Extension)
            assert "audio-output" in parts
            assert "audio-decoder" in parts


async def test_a_camera_without_a_loudspeaker_makes_none(
    start_engine: StartEngine, clock: VirtualClock, tmp_path: Path
) -> None:
    async with place(start_engine, clock, tmp_path) as yard:
        device_io = await yard.service("deviceio")
        assert (await device_io.GetServiceCapabilities()).AudioOutputs == 0
        # The client's DeviceIO asks with Media's element, and Media answers with an empty list.
        assert await device_io.GetAudioOutputs() == []
        media = await yard.service("media")
        assert "audio-output" not in str(await media.GetProfiles())


async def test_operators_and_administrators_may_talk(
    start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await start_engine()
    for role in Role:
        await engine.access.device_users.save(role.value, PASSWORD_HERE, role)
    told: dict[str, bool] = {}

    async def listen(users: object) -> None:
        told.update({user.name: user.may_talk for user in users})  # type: ignore[attr-defined]

    monkeypatch.setattr(engine.media, "set_relay_users", listen)
    await engine.refresh_relay_users()
    assert told == {"administrator": True, "operator": True, "user": False}
