"""The engine refuses what it cannot work with: by an exit code, and by one message that says what to do."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from real_processes import Engine, RealProcess, free_ports, wait_for

from engine.simulator.devices import CameraBackend, name_plate
from engine.simulator.encoder import SimulatedEncoder
from engine.simulator.equipment import Equipment
from engine.simulator.rtsp import VideoStream
from engine.simulator.scene import PictureSize
from onvif_server.backend import Account, StaticUsers, VideoChannel
from onvif_server.device import OnvifDevice

SITE = """\
version: 1
name: Gate
data: data
api: {{host: 127.0.0.1, port: {api}}}
relay: {{host: 127.0.0.1, port: {relay}}}
onvif: {{host: 127.0.0.1, port: {onvif}}}
vision: {{model: yolox_nano}}
cameras:
  - id: gate
    driver: onvif
    address: {address}
    username: engine
    password: {password}
    channels:
      - id: gate
        role: overview
"""
PASSWORD = "not the cameras one"


def write_site(folder: Path, **changes: object) -> Path:
    ports = dict(zip(("api", "relay", "onvif"), free_ports(3), strict=True))
    site = folder / "site.yaml"
    site.touch(0o600)
    # Nobody answers at port 9 of this machine.
    site.write_text(SITE.format(**{**ports, "address": "http://127.0.0.1:9", "password": PASSWORD, **changes}))
    return site


def smart_ptz(folder: Path, *words: str | Path, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Runs a command that ends by itself; returns exit code and output."""
    process = RealProcess(("-m", "engine", *map(str, words)), folder / "output.txt", environment)
    try:
        return process.wait(), process.output
    finally:
        process.kill()


@pytest.mark.ledger("SITE-1")
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_broken_site_file_is_refused_with_line_path_and_what_was_expected(tmp_path: Path, command: str) -> None:
    site = write_site(tmp_path)
    broken = site.read_text().replace("role: overview", "role: watcher").replace("port: ", "port: ninety", 1)
    site.write_text(broken)
    line = broken.splitlines().index("        role: watcher") + 1
    code, output = smart_ptz(tmp_path, command, site)
    assert code == 2
    assert f"{site}:{line}: cameras[0].channels[0].role: " in output
    assert "overview" in output, "what was expected"
    assert "watcher" in output, "what was found"
    assert f"{site}:4: api.port: " in output, "all mistakes at once"
    assert "Traceback" not in output
    assert not (tmp_path / "data").exists()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.mark.ledger("SITE-1")
@pytest.mark.parametrize("which", ["api", "relay", "onvif"])
def test_a_port_in_use_ends_the_start(tmp_path: Path, models: dict[str, str], taken_port: int, which: str) -> None:
    code, output = smart_ptz(tmp_path, "run", write_site(tmp_path, **{which: taken_port}), environment=models)
    assert code == 1
    message = next(line for line in output.splitlines() if line.startswith("The engine cannot start: "))
    assert f"127.0.0.1:{taken_port}" in message
    assert "in use" in message or "uses the port" in message
    assert "another" in message, "what to do"
    assert "Traceback" not in output


@pytest.mark.ledger("VCA-1")
@pytest.mark.parametrize("place", ["folder", "cache"])
def test_a_damaged_model_is_refused_by_its_checksum(tmp_path: Path, place: str) -> None:
    models = tmp_path / "smart-ptz" / "models"
    models.mkdir(parents=True)
    file = models / "yolox_nano_416x416.onnx"
    file.write_bytes(b"only the beginning")
    # No way out, so that the test does not depend on what the machine reaches.
    environment = {"XDG_CACHE_HOME": str(tmp_path), "SMART_PTZ_MODELS": "", "https_proxy": "http://127.0.0.1:9"}
    if place == "folder":
        environment |= {"XDG_CACHE_HOME": str(tmp_path / "empty"), "SMART_PTZ_MODELS": str(models)}
    code, output = smart_ptz(tmp_path, "run", write_site(tmp_path), environment=environment)
    assert code == 1
    joined = " ".join(output.split())
    assert "The engine cannot start: The model yolox_nano" in joined
    assert "18 bytes of 3660092" in joined
    assert "SHA-256" in joined
    assert "What to do:" in joined
    assert file.exists() == (place == "folder"), "the user's file is left alone, the cache's makes room for a good one"
    assert "Traceback" not in output


class Listener:
    """A port that counts who comes, and sends them away."""

    def __init__(self) -> None:
        self.visitors = 0
        self.port = 0

    async def __aenter__(self) -> Listener:
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _visited(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors += 1
        writer.close()


@pytest.mark.ledger("EVT-1")
@pytest.mark.timeout(120)
async def test_a_wrong_password_is_told_once_and_not_tried_again_soon(tmp_path: Path, models: dict[str, str]) -> None:
    users = StaticUsers({"engine": Account("right horse")})
    stream = VideoStream("gate", PictureSize(320, 180), 5.0)
    async with Listener() as rtsp:
        camera = OnvifDevice(
            CameraBackend(
                information=name_plate("overview", "gate"),
                channel=VideoChannel(token="main", name="Gate", width=320, height=180, fps=5),
                rtsp_port=rtsp.port,
                rtsp_path="gate",
                take_picture=lambda: np.zeros((180, 320, 3), np.uint8),
                order_key_frame=lambda: None,
                equipment=Equipment(encoder=SimulatedEncoder(stream, lambda _: None)),
            ),
            users,
        )
        port = await camera.start("127.0.0.1")
        (api_port,) = free_ports(1)
        site = write_site(tmp_path, api=api_port, address=f"http://127.0.0.1:{port}")
        engine = Engine(site, api_port, models)
        try:
            await asyncio.to_thread(_refused_once, engine)
        finally:
            code = await asyncio.to_thread(engine.process.end)
            await camera.stop()
    assert code == 0
    assert users.failures == 1, "the minute between two tries is proven in tests/engine/app and tests/engine/cameras"
    assert rtsp.visitors == 0, "the same password is not tried at the video either"
    lines = [line for line in engine.process.output.splitlines() if "check username and password" in line]
    assert len(lines) == 1
    assert PASSWORD not in engine.process.output


def _refused_once(engine: Engine) -> None:
    engine.activate()
    refused = wait_for(lambda: engine.api.events("camera_refused"), "the event", 30.0)
    assert refused[0]["channel"] == "gate"
    assert "password" in refused[0]["reason"]
    # A camera that is merely away would have been tried twice more meanwhile (after 1 and 2 seconds).
    begin = refused[0]["at"]
    wait_for(lambda: time.time() > begin + 5.0, "five seconds")
    assert len(engine.api.events("camera_refused")) == 1
    assert engine.api.events("camera_offline") == []
    assert not engine.api.channel("gate")["online"]
