"""The paths of a channel by every way of transport, as real clients see them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest

from engine.media import Delivery, LoginFailed, MediaError, MediaProcess, MediaSettings, StreamLost, Tracks
from tests.engine.media.conftest import (
    PATIENCE_S,
    USER,
    Process,
    StartCamera,
    Watch,
    event_of,
    make_certificate,
    next_of,
    read_number,
    running,
    source,
)

pytestmark = pytest.mark.ledger("VID-2", "NET-1", "ONVIF-2")

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"/>'
HELLO = "<hello/>"
WITH_METADATA = Tracks.VIDEO | Tracks.METADATA


async def _open(media: MediaProcess, start_camera: StartCamera, **camera: Any) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera(**camera)))
    await next_of(media.frames("gate"))


async def _until_watched(media: MediaProcess, *, watched: bool = True) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while media.metadata_watched("gate") is not watched:
            await asyncio.sleep(0.05)


async def _document(client: Process) -> dict[str, Any]:
    """The next document, but for those that only make the track run."""
    while (line := await client.line()).get("document", EMPTY) in {EMPTY, HELLO}:
        assert "error" not in line, line
    return line


async def _greeted(media: MediaProcess, client: Process) -> list[str]:
    """Sends documents until one arrives: a client takes nothing before it plays, and GStreamer's wants two packets."""
    await _until_watched(media)

    async def greet() -> None:
        while True:
            media.push_metadata("gate", HELLO.encode(), 0.0)
            await asyncio.sleep(0.2)

    greeting = asyncio.create_task(greet())
    came: list[str] = []
    while HELLO not in came:
        line = await client.line()
        assert "error" not in line, line
        came += [line["document"]] if "document" in line else []
    greeting.cancel()
    return came


async def _number(client: Process) -> int:
    while "number" not in (line := await client.line()):
        assert "error" not in line, line
    return int(line["number"])


async def _assert_everything_comes(media: MediaProcess, client: Process) -> None:
    await _greeted(media, client)
    media.push_metadata("gate", b"<a>once</a>", 0.0)
    assert (await _document(client))["document"] == "<a>once</a>"
    numbers = [await _number(client) for _ in range(30)][-10:]
    assert all(0 < (later - earlier) % 65536 < 100 for earlier, later in itertools.pairwise(numbers))


@pytest.mark.parametrize("tracks", [WITH_METADATA, Tracks.METADATA], ids=["with video", "alone"])
async def test_documents_of_every_size_come_whole(
    media: MediaProcess, start_camera: StartCamera, watch: Watch, tracks: Tracks
) -> None:
    await _open(media, start_camera)
    assert not media.metadata_watched("gate")
    client = await watch(media.relay_url("gate", tracks=tracks), "protocols=tcp")
    # The first document is there before anything happened.
    assert (await _greeted(media, client))[0] == EMPTY
    for size in (1, 1200, 1201, 5000, 44_998, 45_000, 200_000):
        text = "".join(itertools.islice(itertools.cycle('<ä x="1">&amp;'), size))
        media.push_metadata("gate", text.encode(), 0.0)
        came = await _document(client)
        assert came["document"] == text
        assert came["packets"] == -(-len(text.encode()) // 1200)
    with pytest.raises(MediaError, match="limit"):
        media.push_metadata("gate", bytes(2**20 + 1), 0.0)
    await client.kill()
    await _until_watched(media, watched=False)


async def test_metadata_is_on_the_time_line_of_the_pictures(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await _open(media, start_camera)
    client = await watch(media.relay_url("gate", tracks=WITH_METADATA), "protocols=udp", "latency=200")
    await _greeted(media, client)

    async def describe_pictures() -> None:
        async for frame in media.frames("gate"):
            document = f"<number>{read_number(frame.image)}</number>"
            media.push_metadata("gate", document.encode(), frame.captured_at)

    describing = asyncio.create_task(describe_pictures())
    shown: dict[int, float] = {}
    documents: dict[int, float] = {}
    apart: list[float] = []
    # A client knows how the tracks belong together after a sender report of each, which comes within seconds.
    async with asyncio.timeout(PATIENCE_S):
        while len(apart) < 10 or max(map(abs, apart[-10:])) > 0.01:
            line = await client.line()
            if "number" in line:
                shown[line["number"]] = line["time"]
            elif line["document"] != HELLO:
                documents[int(line["document"][8:-9])] = line["time"]
            apart += [documents.pop(number) - shown[number] for number in documents.keys() & shown.keys()]
    describing.cancel()


@pytest.mark.parametrize("protocol", ["tcp", "udp", "http"])
async def test_gstreamer_gets_video_and_metadata_by_every_transport(
    media: MediaProcess, start_camera: StartCamera, watch: Watch, protocol: str
) -> None:
    await _open(media, start_camera)
    # GStreamer's client chooses the transport by the scheme.
    url = media.relay_url("gate", tracks=WITH_METADATA)
    scheme = {"tcp": "rtspt", "udp": "rtspu", "http": "rtsph"}[protocol]
    await _assert_everything_comes(media, await watch(url.replace("rtsp", scheme, 1)))


@pytest.mark.parametrize("protocol", ["tcp", "udp", "http"])
async def test_ffmpeg_gets_video_and_sees_the_data_track_by_every_transport(
    media: MediaProcess, start_camera: StartCamera, protocol: str
) -> None:
    await _open(media, start_camera)

    def look(url: str) -> tuple[list[str], int]:
        with av.open(url, options={"rtsp_transport": protocol}, timeout=PATIENCE_S) as container:
            pictures = itertools.islice(container.decode(video=0), 20)
            return [stream.type for stream in container.streams], sum(1 for _ in pictures)

    for tracks, types in ((Tracks.VIDEO, ["video"]), (WITH_METADATA, ["video", "data"])):
        url = media.relay_url("gate", tracks=tracks)
        url = url.replace("//", "//nvr:nvr%20secret@")
        assert await asyncio.to_thread(look, url) == (types, 20)


@pytest.fixture
async def secure_media(tmp_path: Path) -> AsyncIterator[MediaProcess]:
    """A relay that also speaks RTSPS."""
    certificate, key = await make_certificate(tmp_path)
    settings = MediaSettings(tls_certificate=certificate, tls_key=key)
    async with running(settings) as process:
        yield process


@pytest.mark.parametrize("scheme", ["rtspst", "rtspsh"], ids=["tcp", "http"])
async def test_everything_comes_through_rtsps(
    secure_media: MediaProcess, start_camera: StartCamera, watch: Watch, scheme: str
) -> None:
    await _open(secure_media, start_camera)
    url = secure_media.relay_url("gate", tracks=WITH_METADATA, delivery=Delivery.SECURE)
    assert url.startswith("rtsps://")
    client = await watch(url.replace("rtsps", scheme, 1), "tls-validation-flags=0")
    await _assert_everything_comes(secure_media, client)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_srtp_is_offered_on_rtsps_only(
    secure_media: MediaProcess, start_camera: StartCamera, watch: Watch, protocol: str
) -> None:
    await _open(secure_media, start_camera)
    url = secure_media.relay_url("gate", tracks=WITH_METADATA, delivery=Delivery.SRTP)
    assert url.endswith("/gate/srtp/video-metadata")
    client = await watch(url, "tls-validation-flags=0", f"protocols={protocol}+tls")
    await _assert_everything_comes(secure_media, client)

    plain = await watch(f"{secure_media.relay_url('gate')}/srtp/video-metadata", "protocols=tcp")
    assert "error" in await plain.line()


@pytest.mark.parametrize("delivery", [Delivery.SECURE, Delivery.SRTP])
async def test_a_wrong_password_is_refused_and_told_through_rtsps_too(
    secure_media: MediaProcess, start_camera: StartCamera, delivery: Delivery
) -> None:
    await _open(secure_media, start_camera)
    url = secure_media.relay_url("gate", delivery=delivery)
    with secure_media.events.subscribe() as events:
        client = await Process.start("rtsp_tracks.py", url, "nvr", "guess", "tls-validation-flags=0")
        try:
            assert "error" in await client.line()
            assert await event_of(aiter(events), LoginFailed) == LoginFailed("nvr", "127.0.0.1")
        finally:
            await client.kill()


async def test_ffmpeg_gets_video_through_rtsps(secure_media: MediaProcess, start_camera: StartCamera) -> None:
    await _open(secure_media, start_camera)
    url = secure_media.relay_url("gate", delivery=Delivery.SECURE).replace("//", "//nvr:nvr%20secret@")

    def look() -> int:
        with av.open(url, options={"tls_verify": "0"}, timeout=PATIENCE_S) as container:
            return sum(1 for _ in itertools.islice(container.decode(video=0), 20))

    assert await asyncio.to_thread(look) == 20


async def test_without_a_certificate_there_is_no_secure_address(media: MediaProcess) -> None:
    assert media.secure_port is None
    with pytest.raises(MediaError, match="certificate"):
        media.relay_url("gate", delivery=Delivery.SECURE)


async def test_while_the_camera_is_away_the_last_key_frame_comes_once_a_second(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await media.set_relay_users([USER])
    camera = await start_camera()
    await media.add_stream(source(camera))
    await next_of(media.frames("gate"))
    client = await watch(media.relay_url("gate"), "protocols=tcp")
    live = [await _number(client) for _ in range(20)]
    with media.events.subscribe() as events:
        await camera.kill()
        await event_of(aiter(events), StreamLost)
    # Whatever was under way first; then one picture, again and again.
    frozen = live[-10:]
    while len(set(frozen[-4:])) > 1:
        frozen.append(await _number(client))
    line = await client.line()
    again = await client.line()
    assert line["number"] == again["number"] == frozen[-1]
    assert 0.5 < again["time"] - line["time"] < 2.5
    await start_camera(port=camera.port)
    back = [frozen[-1]]
    while len(back) < 20:
        number = await _number(client)
        back += [number] if number != back[-1] else []
    assert all(0 < (later - earlier) % 65536 < 100 for earlier, later in itertools.pairwise(back[1:]))


async def test_every_client_that_begins_is_counted_though_all_share_one_track(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await _open(media, start_camera)

    async def plays(expected: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while media.metadata_plays("gate") != expected:
                await asyncio.sleep(0.05)

    url = media.relay_url("gate", tracks=WITH_METADATA)
    first = await watch(url, "protocols=tcp")
    await plays(1)
    second = await watch(url, "protocols=tcp")
    await plays(2)
    await first.kill()
    await watch(media.relay_url("gate", tracks=Tracks.METADATA), "protocols=tcp")
    await plays(3)
    await watch(media.relay_url("gate", tracks=Tracks.VIDEO), "protocols=tcp")
    await _number(second)
    assert media.metadata_plays("gate") == 3, "who takes no metadata is none of them"
