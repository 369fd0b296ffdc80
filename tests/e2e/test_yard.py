"""The main job from end to end, and what may go wrong in the middle of it: simulator and engine as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from real_processes import START_S, Api, Engine, RealProcess, Simulator, free_ports, wait_for
from witness import Witness

from demo.site import LINK, OVERVIEW, PTZ, RULE, Ports, write_site
from engine.core.geometry import Box, wrap_deg

OBJECTS_INSIDE = "tns1:RuleEngine/FieldDetector/ObjectsInside"
DISK_BYTES = 48 * 1024 * 1024
PICTURE_S = 60.0
"""The yard's play repeats every minute: so long, at most, until the next target."""


@dataclass(frozen=True, slots=True)
class Yard:
    """The running site."""

    simulator: Simulator
    engine: Engine
    witness: Witness
    small_disk: Path | None

    @property
    def api(self) -> Api:
        return self.engine.api


def mount_small_disk(folder: Path) -> bool:
    """Puts a small file system at a folder; False where that is not allowed."""
    folder.mkdir(parents=True, mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("yard")
    simulator = Simulator(folder / "simulator")
    data = folder / "site" / "data"
    mounted = mount_small_disk(data)
    engine: Engine | None = None
    try:
        simulator.switch_on()
        ports = Ports(*free_ports(3), home_assistant=0)
        site = write_site(folder / "site", simulator.note, ports)
        engine = Engine(site, ports.api, models)
        engine.activate()
        with Witness(engine.api, ports.onvif) as witness:
            wait_for(lambda: witness.subscribed, "the witness listens", START_S)
            yield Yard(simulator, engine, witness, data if mounted else None)
        assert engine.process.end() == 0
        complaints = [line for line in engine.process.output.splitlines() if " ERROR " in line or "Traceback" in line]
        expected = ("the media process ended", "could not store", "could not be stored")
        assert [line for line in complaints if not any(words in line for words in expected)] == []
        assert "was not stopped" not in engine.process.output, "the motors are stopped before the cameras are left"
    finally:
        if engine is not None:
            engine.process.kill()
        simulator.cut_power()
        if mounted:
            subprocess.run(["umount", str(data)], check=True)


def who_was_it(yard: Yard, event: dict[str, Any], picture: str) -> tuple[str, float]:
    """Who really was at the box of an event in a picture (`overview_box`, `ptz_box`), and how well the box fits."""
    box = Box(**event["box"])
    fits = {
        box.intersection_over_union(Box(*target[picture])): str(target["id"])
        for tick in yard.simulator.truths(event["at"] - 0.2, event["at"] + 0.2)
        for target in tick["targets"]
        if target[picture]
    }
    best = max(fits, default=0.0)
    return fits.get(best, "nobody"), best


def decoded(jpeg: bytes) -> Any:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


@pytest.mark.timeout(200)
@pytest.mark.ledger("LINK-1", "LINK-2", "VCA-2", "NET-3")
def test_a_person_in_the_region_is_told_followed_and_captured(yard: Yard) -> None:
    began = time.time()
    witness, api = yard.witness, yard.api
    inside = witness.event("rule_triggered", began, PICTURE_S, active=True, rule_id=RULE, target_type="person")
    assert (inside["rule_kind"], inside["channel"]) == ("intrusion", OVERVIEW)

    told = witness.notification(
        lambda one: one.at >= began and one.topic == OBJECTS_INSIDE and one.items.get("IsInside") == "true",
        "the pull point tells it",
    )
    assert told.items["Rule"] == "Lawn"

    capture = witness.event("capture_taken", began, PICTURE_S, rule_id=RULE, target_type="person")
    tracking = witness.event("tracking_started", 0.0, track_id=capture["track_id"])
    assert (tracking["link_id"], tracking["channel"], tracking["reason"]) == (LINK, PTZ, RULE)
    assert witness.event("ptz_owner_changed", 0.0, owner=f"link:{LINK}")["channel"] == PTZ

    stored = api.get(f"events?since={began - 60}&limit=500")["events"]
    assert {inside["event_id"], capture["event_id"], tracking["event_id"]} <= {one["event_id"] for one in stored}
    described = api.get(f"captures/{capture['capture_id']}")
    assert described["channel"] == PTZ
    portrait = decoded(api.raw("GET", f"captures/{capture['capture_id']}/picture.jpg"))
    background = decoded(api.raw("GET", f"captures/{capture['capture_id']}/background.jpg"))
    assert background.shape == (720, 1280, 3)
    assert portrait.shape[0] >= 200, "a person, large"
    assert who_was_it(yard, capture, "ptz_box")[1] > 0.3
    assert api.link(LINK)["last_capture"] is not None


@pytest.mark.timeout(200)
@pytest.mark.ledger("PTZ-8", "LINK-3")
def test_when_nobody_is_to_be_followed_the_camera_goes_home(yard: Yard) -> None:
    home = next(camera["home"] for camera in yard.simulator.note["cameras"] if camera["id"] == PTZ)

    def at_home() -> bool:
        pose = yard.simulator.truth()["pose"]
        pan, tilt = wrap_deg(pose["pan_deg"] - home["pan_deg"]), pose["tilt_deg"] - home["tilt_deg"]
        return abs(pan) < 1.0 and abs(tilt) < 1.0 and pose["hfov_deg"] == pytest.approx(home["hfov_deg"], rel=0.05)

    def followed() -> bool:
        return yard.api.link(LINK)["tracking"] is not None

    def goes_home() -> bool:
        # The yard is never empty for long: whoever is followed is left, so that there is nobody.
        if followed():
            yard.api.post(f"links/{LINK}/stop-tracking")
        return at_home() and not followed()

    wait_for(lambda: followed() and not at_home(), "the camera is sent away", PICTURE_S)
    wait_for(goes_home, "the camera is home", PICTURE_S)
    wait_for(lambda: yard.api.channel(PTZ)["owner"] is None, "nobody holds it", PICTURE_S)


@pytest.mark.timeout(120)
@pytest.mark.ledger("MED-1")
def test_the_relay_plays_for_its_user_and_for_nobody_else(yard: Yard) -> None:
    credentials = yard.api.get("stream-credentials")
    for channel_id in (OVERVIEW, PTZ):
        channel = wait_for(lambda name=channel_id: _streaming(yard.api, name), f"{channel_id} is online", START_S)
        url = channel["relay_url"]
        user = f"{credentials['username']}:{credentials['password']}@"
        with av.open(url.replace("://", f"://{user}"), options={"rtsp_transport": "tcp"}, timeout=20) as stream:
            frame = next(stream.decode(video=0))
            assert (frame.width, frame.height) == (1280, 720)
        for bad in ("", "relay:guessed@"):
            with pytest.raises(av.error.HTTPUnauthorizedError):
                av.open(url.replace("://", f"://{bad}"), options={"rtsp_transport": "tcp"}, timeout=20)


def _streaming(api: Api, channel_id: str) -> dict[str, Any] | None:
    channel = api.channel(channel_id)
    return channel if channel["online"] and channel["relay_url"] else None


@pytest.mark.timeout(120)
def test_check_prints_what_the_cameras_can_do(yard: Yard) -> None:
    process = RealProcess(("-m", "engine", "check", str(yard.engine.site)), yard.engine.site.with_name("check.log"))
    assert process.wait() == 0
    for word in ("Overview camera", "Ptz camera", "absolute", "1280"):
        assert word in process.output
    assert Simulator.PASSWORD not in process.output


@pytest.mark.timeout(200)
@pytest.mark.ledger("MED-2", "LINK-4")
def test_a_killed_media_process_is_back_and_the_pursuit_goes_on(yard: Yard, record_property: Any) -> None:
    witness, api = yard.witness, yard.api
    # Somebody who has just come in will be there for a while. A person asks to follow them, so that no other target
    # makes the link leave them in the middle of the test.
    inside = witness.event("rule_triggered", time.time(), PICTURE_S, active=True, target_type="person")
    asked = time.time()
    api.post(f"links/{LINK}/track", {"track_id": inside["track_id"]})
    # Whatever was followed till now has ended before this, so it is not taken for an end later.
    witness.event("tracking_started", asked, track_id=inside["track_id"], reason="operator")
    target, overlap = who_was_it(yard, inside, "overview_box")
    assert overlap > 0.05, "a narrow figure, perhaps half hidden, in a small picture"
    wait_for(lambda: _centred(yard, target), "the PTZ camera sees them", 20.0)

    killed = time.time()
    os.kill(yard.engine.process.child("engine.media.worker"), signal.SIGKILL)
    back = {}
    for channel_id in (OVERVIEW, PTZ):

        def shows_later(message: dict[str, Any], name: str = channel_id) -> bool:
            return message["type"] == "tracks" and message["channel"] == name and message["captured_at"] > killed + 0.1

        back[channel_id] = witness.first(shows_later, f"frames of {channel_id}", killed, 20.0).at - killed
    print(f"frames again after {back} s")
    record_property("frames_again_s", back)
    # The aim is 2 s (`scripts/bench` measures it on a quiet machine); here others may want the processor, too.
    assert max(back.values()) < 6.0
    assert witness.event("media_restarted", killed)["reason"]

    # The same pursuit has the same person in the PTZ camera's picture, for a whole second.
    begin = killed + max(back.values())

    def in_view() -> bool:
        now = yard.simulator.truth()["t"]
        ticks = yard.simulator.truths(max(begin, now - 1.0), now)
        seen = [any(one["id"] == target and one["ptz_visible"] > 0.2 for one in tick["targets"]) for tick in ticks]
        return now > begin + 1.0 and sum(seen) > 0.8 * len(seen)

    wait_for(in_view, "the PTZ camera follows again", 10.0)
    tracking = api.link(LINK)["tracking"]
    assert tracking is not None
    assert (tracking["track_id"], tracking["reason"]) == (inside["track_id"], "operator")
    assert witness.events("tracking_ended", killed) == []
    assert witness.events("camera_offline", killed) == []
    api.post(f"links/{LINK}/stop-tracking")


def _centred(yard: Yard, target: str) -> bool:
    """Whether somebody is near the middle of the PTZ picture."""
    found = next((one for one in yard.simulator.truth()["targets"] if one["id"] == target and one["ptz_box"]), None)
    return found is not None and abs(Box(*found["ptz_box"]).centre.x - 0.5) < 0.2 and found["ptz_visible"] > 0.5


@pytest.mark.timeout(240)
@pytest.mark.ledger("STO-1")
def test_a_full_disk_is_told_and_everything_else_goes_on(yard: Yard) -> None:
    if yard.small_disk is None:
        pytest.skip("a small disk needs the right to mount")
    witness, api = yard.witness, yard.api
    ballast = yard.small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"\0" * 65536)
    full = time.time()
    try:
        told = witness.event("storage_error", full, PICTURE_S, what="capture")
        assert "space" in told["reason"] or "full" in told["reason"]
        # Events reach the clients although they cannot be kept; pictures and questions are answered.
        witness.event("rule_triggered", time.time(), PICTURE_S)
        assert api.channel(OVERVIEW)["online"]
        decoded(api.raw("GET", f"channels/{PTZ}/snapshot.jpg"))
        yard.engine.process.check()
    finally:
        ballast.unlink()
    room = time.time()
    capture = witness.event("capture_taken", room, PICTURE_S)
    decoded(api.raw("GET", f"captures/{capture['capture_id']}/picture.jpg"))
    assert capture["event_id"] in {one["event_id"] for one in api.events("capture_taken", room - 60)}
