"""The media process against a real RTSP camera: frames, snapshots, faults."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from engine.core.clock import SystemClock
from engine.media import (
    MediaDied,
    MediaError,
    MediaProcess,
    MediaSettings,
    SnapshotUnavailable,
    StreamConnected,
    StreamLost,
    StreamSource,
)
from tests.engine.media.conftest import (
    FPS,
    PATIENCE_S,
    Process,
    StartCamera,
    event_of,
    instant_of,
    next_of,
    read_number,
    running,
    source,
)

pytestmark = pytest.mark.ledger("SITE-1", "LINK-7")

CODECS = ["h264", "b-frames", "h265", "jpeg"]


@pytest.mark.parametrize("codec", CODECS)
async def test_frames_and_snapshots_show_the_instant_that_they_tell(
    media: MediaProcess, start_camera: StartCamera, codec: str
) -> None:
    await media.add_stream(source(await start_camera(codec=codec), analysis_fps=5))
    frames = media.frames("gate")
    seen = [await next_of(frames) for _ in range(20)]

    assert all(frame.image.shape == (120, 160, 3) for frame in seen)
    numbers = [frame.sequence for frame in seen]
    assert numbers == sorted(set(numbers))
    assert all(frame.captured_at <= frame.arrived_at for frame in seen)
    # After the camera's first sender report, the time is its own.
    latest = seen[-1]
    assert abs(instant_of(latest.image, latest.captured_at) - latest.captured_at) < 0.25

    wanted = seen[-5]
    snapshot = await media.snapshot("gate", wanted.captured_at)
    assert snapshot.captured_at == wanted.captured_at
    assert snapshot.image.shape == (240, 320, 3)
    assert read_number(snapshot.image) == read_number(wanted.image)
    snapshot.image[:] = 0  # the picture is the caller's own

    with pytest.raises(SnapshotUnavailable, match=r"before|after"):
        await media.snapshot("gate", wanted.captured_at - 1000)
    newest = await media.snapshot("gate")
    assert newest.captured_at > latest.captured_at - 1 / FPS

    statistics = media.statistics("gate")
    assert (statistics.width, statistics.height) == (320, 240)
    assert statistics.codec == ("h264" if codec == "b-frames" else codec)
    assert statistics.connected
    assert statistics.analysed == 20


async def test_a_slow_consumer_gets_the_newest_frame_and_the_rest_is_counted(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    await media.add_stream(source(await start_camera(), analysis_fps=25))
    frames = media.frames("gate")
    first = await next_of(frames)
    await asyncio.sleep(1.0)  # busy: at least some twenty pictures pass
    asked_at = time.time()
    second = await next_of(frames)
    assert second.sequence > first.sequence + 2
    assert second.arrived_at > asked_at - 0.5
    assert media.statistics("gate").skipped == second.sequence - first.sequence - 1 + first.sequence - 1


async def test_a_picture_of_an_unknown_or_dead_channel_is_refused(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    with pytest.raises(MediaError, match="attic"):
        await media.snapshot("attic")
    camera = await start_camera()
    await camera.kill()
    await media.add_stream(source(camera))
    with pytest.raises(SnapshotUnavailable, match="no picture"):
        await media.snapshot("gate")


async def test_the_end_of_the_media_process_ends_its_frames(media: MediaProcess, start_camera: StartCamera) -> None:
    await media.add_stream(source(await start_camera()))
    frames = media.frames("gate")
    await next_of(frames)
    await media.stop()
    with pytest.raises(StopAsyncIteration):
        while True:
            await next_of(frames)
    with pytest.raises(MediaError, match="gate"):
        media.frames("gate")


async def test_a_camera_that_vanishes_is_told_once_and_found_again(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    with media.events.subscribe() as events:
        stream = aiter(events)
        camera = await start_camera()
        await media.add_stream(source(camera))
        assert (await event_of(stream, StreamConnected)).channel == "gate"
        frames = media.frames("gate")
        before = await next_of(frames)

        await camera.kill()
        lost = await event_of(stream, StreamLost)
        assert not lost.refused
        assert lost.reason
        await start_camera(port=camera.port)
        # The very next event: tries that failed meanwhile are no news.
        assert await next_of(stream) == StreamConnected("gate")
        after = await next_of(frames)
        assert after.sequence > before.sequence


async def test_a_stream_that_stands_still_is_opened_anew(media: MediaProcess, start_camera: StartCamera) -> None:
    with media.events.subscribe() as events:
        stream = aiter(events)
        camera = await start_camera()
        await media.add_stream(source(camera))
        await event_of(stream, StreamConnected)
        camera.pause()
        assert "no picture for 5 s" in (await event_of(stream, StreamLost)).reason
        camera.go_on()
        await event_of(stream, StreamConnected)


async def test_a_wrong_password_is_told_as_refused_and_not_tried_again_soon(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    camera = await start_camera(users={"viewer": "right"})
    with media.events.subscribe() as events:
        await media.add_stream(source(camera, username="viewer", password="wrong"))
        lost = await event_of(aiter(events), StreamLost)
    assert lost.refused
    assert "401" in lost.reason
    assert "wrong" not in lost.reason
    assert await camera.line() == {"connection": True}
    with pytest.raises(TimeoutError):  # an ordinary loss would be tried again after one second
        async with asyncio.timeout(2.5):
            await camera.line()


async def test_the_right_password_inside_the_address_is_used(media: MediaProcess, start_camera: StartCamera) -> None:
    camera = await start_camera(users={"viewer": "r:ght@1"})
    await media.add_stream(source(camera, url=camera.url.replace("//", "//viewer:r%3Aght%401@")))
    await next_of(media.frames("gate"))


@pytest.mark.ledger("LINK-8")
async def test_a_killed_media_process_is_back_with_its_streams(media: MediaProcess, start_camera: StartCamera) -> None:
    await media.add_stream(source(await start_camera()))
    frames = media.frames("gate")
    before = await next_of(frames)
    port, pid = media.relay_port, media.pid
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    assert pid is not None

    with media.events.subscribe() as events:
        os.kill(pid, signal.SIGKILL)
        died = await event_of(aiter(events), MediaDied)
    assert "signal 9" in died.reason
    after = await next_of(frames)
    assert after.sequence > before.sequence
    assert after.captured_at > before.captured_at
    assert media.pid != pid
    assert media.relay_port == port
    assert (await media.snapshot("gate")).image.shape == (240, 320, 3)
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors


async def test_the_media_process_ends_when_the_engine_is_killed() -> None:
    script = (
        "import asyncio\n"
        "from engine.core.clock import SystemClock\n"
        "from engine.media import MediaProcess, MediaSettings\n"
        "async def main():\n"
        "    media = MediaProcess(MediaSettings(), SystemClock())\n"
        "    await media.start()\n"
        "    print(media.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    assert engine.stdout is not None
    worker = os.pidfd_open(int(await engine.stdout.readline()))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(worker, ended.set)
    try:
        assert not ended.is_set()
        engine.kill()
        await engine.wait()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
    finally:
        loop.remove_reader(worker)
        os.close(worker)


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = MediaProcess(MediaSettings(relay_port=port), SystemClock())
        with pytest.raises(MediaError, match=f"127.0.0.1:{port}"):
            await process.start()
    assert process.pid is None
    await process.stop()


async def test_a_file_plays_in_real_time_and_tells_its_end(tmp_path: Path) -> None:
    clip = tmp_path / "clip with space.mp4"
    recorder = await Process.start("rtsp_camera.py", f'{{"record": "{clip}", "frames": 50}}')
    assert await recorder.process.wait() == 0
    async with running(MediaSettings()) as media:
        with media.events.subscribe() as events:
            await media.add_stream(StreamSource(channel="clip", url=clip.as_uri(), analysis_width=160, analysis_fps=25))
            frames = media.frames("clip")
            seen = [await next_of(frames), await next_of(frames), await next_of(frames)]
            lost = await event_of(aiter(events), StreamLost)
        assert "end" in lost.reason
        first, last = seen[0], seen[-1]
        shown = (read_number(last.image) - read_number(first.image)) / FPS
        assert last.captured_at - first.captured_at == pytest.approx(shown, abs=0.005)
        snapshot = await media.snapshot("clip", first.captured_at + 1.0)
        assert read_number(snapshot.image) - read_number(first.image) == FPS
