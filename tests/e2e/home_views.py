"""What a person sees in Home Assistant: pictures and live streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.home_assistant import HomeAssistant

REACH_S = 30.0


async def eventually[T](look: Callable[[], Awaitable[T | None]], what: str, seconds: float) -> T:
    """The first answer of `look` that is true; fails with `what` after some seconds."""
    end = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.1)


def decoded(jpeg: bytes) -> NDArray[np.uint8]:
    """The picture in a JPEG that has something to see in it."""
    assert jpeg.startswith(b"\xff\xd8")
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.std() > 15.0, "a picture of one colour shows nothing"
    return np.asarray(picture, np.uint8)


async def first_segment(hass: HomeAssistant, camera: str) -> bytes:
    """The first piece of H.264 video of a camera's live stream (HLS)."""
    address = (await hass.ask({"type": "camera/stream", "entity_id": camera, "format": "hls"}))["url"]
    master = (await hass.picture(address)).decode()
    playlist = _addresses(master)[-1]
    folder = address.rsplit("/", 1)[0]
    assert "avc1" in master

    async def look() -> bytes | None:
        segments = (await hass.picture(f"{folder}/{playlist}")).decode()
        assert segments.startswith("#EXTM3U")
        names = _addresses(segments)
        return await hass.picture(f"{folder}/{names[0].removeprefix('./')}") if names else None

    return await eventually(look, "a piece of video", REACH_S)


def _addresses(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]
