"""Site files and small helpers of these tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from engine.config import Site, load_site

PASSWORD = "right horse"

SITE = """\
version: 1
name: Yard
data: data
api: {{host: 127.0.0.1, port: 0}}
relay: {{host: 127.0.0.1, port: 0}}
onvif: {{host: {onvif_host}, port: {onvif}, devices: {onvif_devices}}}
cameras:
  - id: wall
    driver: onvif
    address: {wall}
    username: engine
    password: {password}
    channels: [{{id: wide, role: overview}}]
  - id: mast
    driver: onvif
    address: {mast}
    username: engine
    password: {password}
    channels:
      - id: dome
        role: ptz
        zoom_curve: [[0, 60], [1, 3]]
        home: {{pan_deg: 0, tilt_deg: -10, hfov_deg: 60}}
        mounting: {mounting}
links:
  - id: yard-dome
    name: Yard and dome
    overview: wide
    ptz: dome
    pairs: {pairs}
rules:
  - {{id: lawn, type: intrusion, channel: wide, region: [[0.2, 0.4], [0.8, 0.4], [0.5, 0.9]], link: yard-dome}}
"""

PAIRS = (
    "[{x: 0.1, y: 0.4, pan_deg: -30, tilt_deg: -5}, {x: 0.9, y: 0.4, pan_deg: 30, tilt_deg: -5}, "
    "{x: 0.5, y: 0.9, pan_deg: 0, tilt_deg: -30}, {x: 0.4, y: 0.6, pan_deg: -8, tilt_deg: -12}]"
)


def make_site(
    folder: Path,
    *,
    wall: str = "http://127.0.0.1:9",
    mast: str = "http://127.0.0.1:9",
    password: str = PASSWORD,
    onvif: int = 0,
    onvif_host: str = "127.0.0.1",
    onvif_devices: str = "one",
    pairs: str = PAIRS,
    mounting: str = "null",
) -> Site:
    """A site, read from a file as the engine reads it. Nobody answers at port 9 of this machine."""
    file = folder / "site.yaml"
    file.touch(0o600)
    file.write_text(
        SITE.format(
            wall=wall,
            mast=mast,
            password=password,
            onvif=onvif,
            onvif_host=onvif_host,
            onvif_devices=onvif_devices,
            pairs=pairs,
            mounting=mounting,
        )
    )
    return load_site(file)


async def until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Waits until something real has happened (a socket, a thread), while a virtual clock stands still."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)
    assert holds(), what
