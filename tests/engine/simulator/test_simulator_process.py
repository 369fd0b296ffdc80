"""The simulator as a process: real ONVIF, real RTSP, the truth beside it, and a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import gi
import numpy as np
import onvif
import pytest
import pytest_socket
from zeep.exceptions import Fault

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - the version must be chosen first

pytestmark = pytest.mark.ledger("SITE-1")

PASSWORD = "walk the yard 7"
NTP_EPOCH = 2208988800
PATIENCE_S = 60.0


def wait_for[T](what: Callable[[], T | None]) -> T:
    """Polls until there is something; fails after a long time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def command(folder: Path) -> list[str]:
    size = ["--width", "320", "--height", "180"]
    return [sys.executable, "-m", "engine.simulator", "--out", str(folder), "--user", "tester", *size]


def note_of(folder: Path) -> dict[str, Any] | None:
    path = folder / "ready.json"
    return json.loads(path.read_text()) if path.exists() else None


@contextmanager
def simulator(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    environment = os.environ | {"SMART_PTZ_SIMULATOR_PASSWORD": PASSWORD}
    process = subprocess.Popen(command(folder), env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process, wait_for(lambda: note_of(folder) or (process.poll() and pytest.fail("the simulator ended")))
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("site")
    with simulator(folder) as (_, note):
        yield folder, note


def truth(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "truth.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def camera_note(note: dict[str, Any], role: str) -> dict[str, Any]:
    return next(camera for camera in note["cameras"] if camera["role"] == role)


def watch(url: str, password: str, pictures: int = 20) -> list[tuple[float | None, np.ndarray]] | str:
    """Pictures (with the time that RTCP gives them, if known yet), or the error message."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f'rtspsrc location={url} user-id=tester user-pw="{password}" protocols=tcp latency=0'
        " add-reference-timestamp-meta=true name=source ! rtph264depay ! h264parse ! avdec_h264 max-threads=1"
        " ! videoconvert ! video/x-raw,format=BGR ! appsink name=sink sync=false"
    )
    sink, bus = pipeline.get_by_name("sink"), pipeline.get_bus()
    seen: list[tuple[float | None, np.ndarray]] = []
    pipeline.set_state(Gst.State.PLAYING)
    try:
        end = time.monotonic() + PATIENCE_S
        while len(seen) < pictures and time.monotonic() < end:
            message = bus.pop_filtered(Gst.MessageType.ERROR)
            if message is not None:
                return str(message.parse_error().gerror.message)
            sample = sink.emit("try-pull-sample", 100 * Gst.MSECOND)
            if sample is None:
                continue
            buffer = sample.get_buffer()
            meta = buffer.get_reference_timestamp_meta(Gst.Caps.from_string("timestamp/x-ntp"))
            pixels = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
            seen.append((meta.timestamp / 1e9 - NTP_EPOCH if meta else None, pixels.reshape(180, 320, 3)))
    finally:
        pipeline.set_state(Gst.State.NULL)
    return seen


@contextmanager
def connected(note: dict[str, Any], role: str) -> Iterator[onvif.ONVIFCamera]:
    address = urlsplit(camera_note(note, role)["onvif"])
    yield onvif.ONVIFCamera(address.hostname, address.port, note["username"], note["password"])


def test_the_note_is_private_complete_and_free_of_credentials_in_addresses(site):
    folder, note = site
    assert stat.S_IMODE((folder / "ready.json").stat().st_mode) == 0o600
    assert (note["username"], note["password"]) == ("tester", PASSWORD)
    for camera in note["cameras"]:
        assert PASSWORD not in camera["rtsp"]
        assert "@" not in camera["rtsp"] + camera["onvif"]
    assert len(note["pairs"]) >= 6
    assert len(note["region"]) >= 3
    assert Path(note["truth"]) == (folder / "truth.jsonl").resolve()


def test_the_truth_is_written_at_every_tick_and_can_be_read_meanwhile(site):
    folder, _ = site
    records = wait_for(lambda: (lines := truth(folder)) and len(lines) > 24 and lines)
    steps = np.diff([record["t"] for record in records])
    assert (steps > 0).all()
    assert np.median(steps) == pytest.approx(1 / 12, abs=0.001)
    assert {"pan_deg", "tilt_deg", "hfov_deg", "zoom"} == set(records[0]["pose"])
    assert time.time() - records[-1]["t"] < PATIENCE_S


@pytest.mark.parametrize("role", ["overview", "ptz"])
def test_the_video_plays_with_digest_and_its_times_are_those_of_the_truth(site, role):
    folder, note = site
    # The first sender report of RTCP comes a second or two after the beginning.
    seen = watch(camera_note(note, role)["rtsp"], PASSWORD, pictures=60)
    assert not isinstance(seen, str), seen
    assert seen[-1][1].std() > 10
    times = [at for at, _ in seen if at is not None]
    assert len(times) >= 10
    ticks = np.array([record["t"] for record in truth(folder)])
    assert max(np.abs(ticks - at).min() for at in times) < 0.005


def test_a_wrong_password_sees_nothing(site):
    _, note = site
    answer = watch(camera_note(note, "overview")["rtsp"], "wrong", pictures=1)
    assert isinstance(answer, str)
    assert "nauthori" in answer


async def test_an_onvif_client_moves_the_camera_and_fetches_a_picture(site):
    folder, note = site
    with connected(note, "ptz") as camera:
        await camera.update_xaddrs()
        media, ptz = await camera.create_media_service(), await camera.create_ptz_service()
        profile = (await media.GetProfiles())[0]
        uri = await media.GetStreamUri(
            {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}, "ProfileToken": profile.token}
        )
        assert uri.Uri == camera_note(note, "ptz")["rtsp"]
        # Generic space: pan 0.1 of a range of -170..170 is 17 degrees; tilt -0.0 of -90..20 is -35 degrees.
        position = {"PanTilt": {"x": 0.1, "y": 0.0}, "Zoom": {"x": 0.5}}
        await ptz.AbsoluteMove({"ProfileToken": profile.token, "Position": position})
        pose = await asyncio.to_thread(wait_for, lambda: arrived(folder, 17.0, -35.0))
        assert pose["hfov_deg"] == pytest.approx(14.5, abs=0.01)
        status = await ptz.GetStatus({"ProfileToken": profile.token})
        assert status.Position.PanTilt.x == pytest.approx(0.1, abs=1e-3)
        assert status.MoveStatus.PanTilt == "IDLE"
        picture = await camera.get_snapshot(profile.token)
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (180, 320, 3)
        await camera.close()


def still(folder: Path) -> dict[str, float] | None:
    """The pose, when it did not change between the last two ticks."""
    # One look: a line written between two would be compared with itself.
    before, last = (record["pose"] for record in truth(folder)[-2:])
    return last if last == before else None


def arrived(folder: Path, pan: float, tilt: float) -> dict[str, float] | None:
    last = still(folder)
    return last if last and abs(last["pan_deg"] - pan) < 0.01 and abs(last["tilt_deg"] - tilt) < 0.01 else None


async def test_presets_relative_and_continuous_moves_work_over_onvif(site):
    folder, note = site
    with connected(note, "ptz") as camera:
        await camera.update_xaddrs()
        media, ptz = await camera.create_media_service(), await camera.create_ptz_service()
        token = (await media.GetProfiles())[0].token
        presets = await ptz.GetPresets({"ProfileToken": token})
        left = next(preset for preset in presets if preset.Name == "Left")
        await ptz.GotoPreset({"ProfileToken": token, "PresetToken": left.token})
        await asyncio.to_thread(wait_for, lambda: arrived(folder, -22.0, -14.0))
        # A relative move of 0.02 of the generic range of 340 degrees.
        await ptz.RelativeMove({"ProfileToken": token, "Translation": {"PanTilt": {"x": 0.02, "y": 0.0}}})
        await asyncio.to_thread(wait_for, lambda: truth(folder)[-1]["pose"]["pan_deg"] > -20)
        begin = truth(folder)[-1]["pose"]["tilt_deg"]
        await ptz.ContinuousMove({"ProfileToken": token, "Velocity": {"PanTilt": {"x": 0.0, "y": 0.2}}})
        await asyncio.to_thread(wait_for, lambda: truth(folder)[-1]["pose"]["tilt_deg"] > begin + 2)
        await ptz.Stop({"ProfileToken": token, "PanTilt": True, "Zoom": True})
        await asyncio.to_thread(wait_for, lambda: still(folder))
        assert truth(folder)[-1]["pose"]["tilt_deg"] < 20
        await ptz.GotoHomePosition({"ProfileToken": token})
        await asyncio.to_thread(wait_for, lambda: arrived(folder, 0.0, -14.0))
        await camera.close()


async def test_a_wrong_onvif_password_is_refused(site):
    _, note = site
    with connected(note | {"password": "wrong"}, "overview") as camera:
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        with pytest.raises(Fault, match="password is wrong"):
            await device.GetDeviceInformation()
        await camera.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_a_signal_and_takes_its_note_away(tmp_path: Path, number: signal.Signals):
    with simulator(tmp_path) as (process, _):
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert out.startswith("simulator ready: overview http://127.0.0.1:")
        assert PASSWORD not in out
        assert not (tmp_path / "ready.json").exists()


def test_it_ends_when_its_parent_is_killed(tmp_path: Path):
    starter = (
        "import subprocess, sys, time\n"
        "subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter, *command(tmp_path)])
    note = wait_for(lambda: note_of(tmp_path))
    assert len(note["password"]) >= 12
    parent.kill()
    parent.wait()
    wait_for(lambda: not Path(f"/proc/{note['pid']}").exists() or None)


def test_a_bad_scene_is_named_and_ends_with_an_error(tmp_path: Path):
    words = [
        sys.executable,
        "-m",
        "engine.simulator",
        "--out",
        str(tmp_path / "out"),
        "--scene",
        str(tmp_path / "no.mp4"),
    ]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    assert "no.mp4: cannot be opened as a video" in ended.stderr
    assert "Traceback" not in ended.stderr
