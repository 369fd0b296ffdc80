"""The relay, seen by an RTSP client."""

from __future__ import annotations

import itertools
import os
import signal
from typing import Any

import pytest

from engine.media import MediaDied, MediaProcess, RelayUser, StreamConnected, StreamLost
from tests.engine.media.conftest import Process, StartCamera, event_of, next_of, source

pytestmark = pytest.mark.ledger("VID-1", "VID-2", "NET-1")

USERS = [RelayUser(name="nvr", password="nvr secret"), RelayUser(name="home", password="home secret")]


async def _number(viewer: Process) -> int:
    line = await viewer.line()
    assert "number" in line, line
    return line["number"]


async def _wait_for_picture(media: MediaProcess) -> None:
    await next_of(media.frames("gate"))


async def _assert_video_runs(viewer: Process) -> None:
    # Whoever joins others sees broken pictures until the next key frame: the relay does not encode.
    numbers = [await _number(viewer) for _ in range(40)][-20:]
    assert all(0 < (later - earlier) % 65536 < 100 for earlier, later in itertools.pairwise(numbers))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_every_user_sees_the_channel(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any, protocol: str
) -> None:
    await media.set_relay_users(USERS)
    await media.add_stream(source(await start_camera()))
    await _wait_for_picture(media)
    for user in USERS:
        await _assert_video_runs(await start_viewer(media.relay_url("gate"), user.name, user.password, protocol))


async def test_the_first_viewer_does_not_wait_for_a_key_frame(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any
) -> None:
    # Key frames are further apart than the test is patient: the kept group of pictures is all there is.
    await media.set_relay_users(USERS)
    await media.add_stream(source(await start_camera(gop=5000)))
    await _wait_for_picture(media)
    await _assert_video_runs(await start_viewer(media.relay_url("gate"), "nvr", "nvr secret"))


@pytest.mark.parametrize(("user", "password"), [("nvr", "wrong"), ("stranger", "nvr secret"), ("", "")])
async def test_nobody_else_sees_it(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any, user: str, password: str
) -> None:
    await media.set_relay_users(USERS)
    await media.add_stream(source(await start_camera()))
    await _wait_for_picture(media)
    viewer = await start_viewer(media.relay_url("gate"), user, password)
    assert (await viewer.line())["status"] == 401


async def test_without_users_nobody_sees_it_and_a_removed_user_is_cut_off(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any
) -> None:
    await media.add_stream(source(await start_camera()))
    await _wait_for_picture(media)
    nobody = await start_viewer(media.relay_url("gate"), "nvr", "nvr secret")
    assert (await nobody.line())["status"] == 401

    await media.set_relay_users(USERS)
    viewer = await start_viewer(media.relay_url("gate"), "nvr", "nvr secret")
    await _number(viewer)
    await media.set_relay_users(USERS[1:])
    while "number" in (line := await viewer.line()):
        pass
    assert "error" in line


async def test_a_viewer_stays_while_the_camera_is_gone(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any
) -> None:
    await media.set_relay_users(USERS)
    camera = await start_camera()
    await media.add_stream(source(camera))
    await _wait_for_picture(media)
    viewer = await start_viewer(media.relay_url("gate"), "home", "home secret")
    before = await _number(viewer)
    with media.events.subscribe() as events:
        stream = aiter(events)
        await camera.kill()
        await event_of(stream, StreamLost)
        await start_camera(port=camera.port)
        await event_of(stream, StreamConnected)
    numbers = [before]
    while (numbers[-1] - before) % 65536 < 25:
        numbers.append(await _number(viewer))


async def test_who_comes_while_the_camera_is_gone_sees_its_last_pictures(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any
) -> None:
    await media.set_relay_users(USERS)
    camera = await start_camera()
    with media.events.subscribe() as events:
        await media.add_stream(source(camera))
        await _wait_for_picture(media)
        await camera.kill()
        await event_of(aiter(events), StreamLost)
    viewer = await start_viewer(media.relay_url("gate"), "nvr", "nvr secret")
    await _number(viewer)


async def test_after_a_crash_the_relay_is_where_it_was(
    media: MediaProcess, start_camera: StartCamera, start_viewer: Any
) -> None:
    await media.set_relay_users(USERS)
    await media.add_stream(source(await start_camera()))
    await _wait_for_picture(media)
    url = media.relay_url("gate")
    assert media.pid is not None
    with media.events.subscribe() as events:
        os.kill(media.pid, signal.SIGKILL)
        # Before the death is told, a picture may still be one of the process that died.
        await event_of(aiter(events), MediaDied)
    await next_of(media.frames("gate"))
    viewer = await start_viewer(url, "home", "home secret")
    await _number(viewer)
