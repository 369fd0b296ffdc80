"""What watchers see of a camera that is not there, not yet there, or somewhere else; and of too large pictures."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from typing import Any

import av
import pytest

from engine.media import MediaDied, MediaProcess, StreamLost, StreamSource
from engine.media.gst import CODECS, Gst
from engine.media.ingest import MAX_SIDE, TooLargeError, check_size
from engine.media.slate import make_slate
from tests.engine.media.conftest import PATIENCE_S, USER, Process, StartCamera, Watch, event_of, next_of, source

pytestmark = pytest.mark.ledger("VID-2", "LINK-8")

SLATE_WIDTH = 640


async def _picture(client: Process) -> dict[str, Any]:
    while "number" not in (line := await client.line()):
        assert "error" not in line, line
    return line


async def _live(client: Process, width: int = 320) -> list[int]:
    """The numbers of twenty pictures of the camera, the first ones after whatever was there before."""
    numbers: list[int] = []
    while len(numbers) < 20:
        line = await _picture(client)
        numbers += [line["number"]] if line["width"] == width else []
    return numbers


def _assert_whole(numbers: list[int]) -> None:
    # A picture that lacks what it refers to shows a bar code of another time.
    assert all(0 < (later - earlier) % 65536 < 100 for earlier, later in itertools.pairwise(numbers))


async def _until_mounted(media: MediaProcess, watch: Watch) -> Process:
    """A client at the channel's path, which comes a moment after the channel."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            client = await watch(media.relay_url("gate"), "protocols=tcp")
            line = await client.line()
            if "number" in line:
                return client
            await client.kill()


async def test_who_comes_before_the_camera_sees_a_slate_and_then_the_camera(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(StreamSource(channel="gate", url=""))
    client = await _until_mounted(media, watch)
    again = [await _picture(client) for _ in range(3)]
    assert {line["width"] for line in again} == {SLATE_WIDTH}
    assert 0.5 < again[2]["time"] - again[1]["time"] < 3
    statistics = media.statistics("gate")
    assert (statistics.connected, statistics.width, statistics.codec) == (False, None, None)

    # The address becomes known, and the same client sees the camera, from a key frame on.
    await media.add_stream(source(await start_camera(gop=50)))
    _assert_whole(await _live(client))


async def test_another_camera_takes_over_without_cutting_who_watches(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera()))
    await next_of(media.frames("gate"))
    client = await watch(media.relay_url("gate"), "protocols=tcp")
    _assert_whole((await _live(client))[-5:])
    await media.add_stream(source(await start_camera(width=480)))
    _assert_whole(await _live(client, 480))


async def test_after_a_crash_the_slate_has_the_codec_that_the_camera_had(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    await media.set_relay_users([USER])
    camera = await start_camera(codec="jpeg")
    await media.add_stream(source(camera))
    await next_of(media.frames("gate"))
    async with asyncio.timeout(PATIENCE_S):
        while media.statistics("gate").codec != "jpeg":
            await asyncio.sleep(0.1)
    assert media.pid is not None
    with media.events.subscribe() as events:
        stream = aiter(events)
        await camera.kill()
        os.kill(media.pid, signal.SIGKILL)
        await event_of(stream, MediaDied)
        await event_of(stream, StreamLost)
    assert await asyncio.to_thread(_codec, media.relay_url("gate")) == "mjpeg"


def _codec(url: str) -> str:
    """What ffmpeg's libraries take a channel's pictures for, once its path is there."""
    while True:
        try:
            options = {"rtsp_transport": "tcp"}
            with av.open(url.replace("//", "//nvr:nvr%20secret@"), options=options, timeout=PATIENCE_S) as container:
                return container.streams.video[0].codec_context.name
        except av.error.HTTPNotFoundError:
            continue


@pytest.mark.parametrize("codec", [known.name for known in CODECS.values()])
def test_there_is_a_slate_for_every_codec(codec: str) -> None:
    caps, slate = make_slate(codec)
    assert CODECS[caps.get_structure(0).get_name()].name == codec
    assert slate.key
    assert slate.size < 100_000


async def test_pictures_larger_than_any_cameras_are_refused_before_they_are_decoded(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    camera = await start_camera(claim=30_000)
    with media.events.subscribe() as events:
        await media.add_stream(source(camera))
        lost = await event_of(aiter(events), StreamLost)
    assert "30000x30000" in lost.reason
    assert not media.statistics("gate").connected


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(3840, 2160, True), (12_000, 5000, True), (8192, 8192, True), (9000, 8192, False), (MAX_SIDE + 2, 2, False)],
)
def test_the_limit_is_one_of_area_and_of_sides(width: int, height: int, fits: bool) -> None:
    caps = Gst.Caps.from_string(f"video/x-h264,width={width},height={height}")
    if fits:
        check_size(caps)
    else:
        with pytest.raises(TooLargeError, match=f"{width}x{height}"):
            check_size(caps)
