"""Sound: what of it is passed on, and how it comes out of the relay."""

from __future__ import annotations

import asyncio
import time

import av
import numpy as np
import pytest

from engine.media import MediaProcess, SoundFormat, StreamLost, StreamSource, Tracks
from engine.media.gst import Gst
from engine.media.sound import sound_of
from engine.simulator.rtsp import Login, StreamServer, VideoStream
from engine.simulator.scene import PictureSize
from tests.engine.media.conftest import PATIENCE_S, USER, StartCamera, Watch, event_of, next_of, source

pytestmark = pytest.mark.ledger("VID-2", "ONVIF-2")

LOUD = 15_000

FORMATS = {
    "PCMU": (SoundFormat("PCMU", 8000, 1), "PCMU"),
    "PCMA": (SoundFormat("PCMA", 8000, 1), "PCMA"),
    "AAC": (SoundFormat("AAC", 16000, 1), "MP4A-LATM"),
    "LATM": (SoundFormat("AAC", 16000, 1), "MP4A-LATM"),
    "OPUS": (SoundFormat("OPUS", 48000, 1), "OPUS"),
}


async def _reported(media: MediaProcess) -> SoundFormat | None:
    async with asyncio.timeout(PATIENCE_S):
        while media.statistics("gate").codec is None:
            await asyncio.sleep(0.1)
    return media.statistics("gate").audio


@pytest.mark.parametrize("camera", FORMATS)
async def test_a_cameras_sound_comes_beside_its_pictures(
    media: MediaProcess, start_camera: StartCamera, watch: Watch, camera: str
) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera(sound=camera)))
    await next_of(media.frames("gate"))
    expected, encoding = FORMATS[camera]
    assert await _reported(media) == expected
    client = await watch(media.relay_url("gate"), "protocols=tcp")
    times: dict[str, list[float]] = {"sound": [], "number": []}
    while min(map(len, times.values())) < 20:
        line = await client.line()
        assert "error" not in line, line
        if "number" in line:
            times["number"].append(line["time"])
        # It begins with a moment of silence.
        elif line["peak"] > LOUD:
            assert line["sound"] == encoding
            times["sound"].append(line["time"])
    assert abs(times["sound"][-1] - times["number"][-1]) < 1.0


async def test_each_path_has_what_it_says(media: MediaProcess, start_camera: StartCamera) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera(sound="PCMA")))
    await next_of(media.frames("gate"))

    def look(url: str) -> list[str]:
        url = url.replace("//", "//nvr:nvr%20secret@")
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=PATIENCE_S) as container:
            return [
                f"{stream.type} {stream.codec_context.name if stream.type != 'data' else ''}"
                for stream in container.streams
            ]

    video, audio, data = "video h264", "audio pcm_alaw", "data "
    everything = Tracks.VIDEO | Tracks.AUDIO | Tracks.METADATA
    for tracks, expected in (
        (Tracks.VIDEO | Tracks.AUDIO, [video, audio]),
        (Tracks.VIDEO, [video]),
        (Tracks.AUDIO, [audio]),
        (everything, [video, audio, data]),
    ):
        assert await asyncio.to_thread(look, media.relay_url("gate", tracks=tracks)) == expected


async def test_sound_that_cannot_be_passed_on_costs_no_picture(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera(sound="G722")))
    await next_of(media.frames("gate"))
    assert await _reported(media) is None
    client = await watch(media.relay_url("gate"), "protocols=tcp")
    assert "number" in await client.line()


async def test_who_comes_while_the_camera_is_away_gets_in_though_there_is_no_sound(
    media: MediaProcess, start_camera: StartCamera, watch: Watch
) -> None:
    await media.set_relay_users([USER])
    camera = await start_camera(sound="AAC")
    with media.events.subscribe() as events:
        await media.add_stream(source(camera))
        await next_of(media.frames("gate"))
        await camera.kill()
        await event_of(aiter(events), StreamLost)
    client = await watch(media.relay_url("gate"), "protocols=tcp")
    while "number" not in (line := await client.line()):
        assert line["peak"] < LOUD, line
    await start_camera(sound="AAC", port=camera.port)
    while (await client.line()).get("peak", 0) < LOUD:
        pass


@pytest.mark.parametrize(
    "fields",
    [
        "encoding-name=PCMU,clock-rate=16000",
        "encoding-name=PCMA,clock-rate=8000,encoding-params=(string)2",
        "encoding-name=MPEG4-GENERIC,config=(string)zz",
        "encoding-name=MPEG4-GENERIC,config=(string)12",
        "encoding-name=MPEG4-GENERIC",
        "encoding-name=MPEG4-GENERIC,config=(string)1790",
        "encoding-name=MP4A-LATM,cpresent=(string)1",
        "encoding-name=G722,clock-rate=8000",
    ],
)
def test_what_is_not_understood_is_not_taken(fields: str) -> None:
    assert sound_of(Gst.Caps.from_string(f"application/x-rtp,media=audio,{fields}")) is None


async def test_the_simulators_cameras_can_be_heard(media: MediaProcess, watch: Watch) -> None:
    login = Login("viewer", "secret")
    server = StreamServer("127.0.0.1", (VideoStream("yard", PictureSize(320, 240), 10, sound="AAC"),), login)
    port = server.start()

    async def film() -> None:
        while True:
            server.push("yard", np.full((240, 320, 3), 90, np.uint8), time.time())
            await asyncio.sleep(0.1)

    filming = asyncio.create_task(film())
    try:
        url = f"rtsp://127.0.0.1:{port}/yard"
        await media.set_relay_users([USER])
        await media.add_stream(
            StreamSource(channel="gate", url=url, username=login.username, password=login.password, analysis_width=160)
        )
        await next_of(media.frames("gate"))
        assert await _reported(media) == SoundFormat("AAC", 16000, 1)
        client = await watch(media.relay_url("gate", tracks=Tracks.AUDIO), "protocols=tcp")
        # Ticks: loud for a moment each second.
        while (await client.line())["peak"] < 1000:
            pass
    finally:
        filming.cancel()
        await asyncio.to_thread(server.stop)
