"""Cameras that are not there, vanish and come back, while the rest of the engine works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import record_clip
from real_processes import START_S, Engine, Simulator, free_ports, wait_for

pytestmark = pytest.mark.ledger("EVT-1", "SITE-2")

SITE = """\
version: 1
name: Two cameras
data: data
api: {{host: 127.0.0.1, port: {ports[0]}}}
relay: {{host: 127.0.0.1, port: {ports[1]}}}
onvif: {{host: 127.0.0.1, port: {ports[2]}}}
cameras:
  - id: gate
    driver: onvif
    address: {address}
    username: simulator
    password: !secret gate
    channels: [{{id: gate, role: overview, analysis: {{fps: 1, width: 320}}}}]
  - id: clip
    driver: file
    address: {clip}
    channels: [{{id: clip, role: overview, analysis: {{fps: 1, width: 320}}}}]
"""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Simulator]:
    """Cameras with small pictures, so that they cost little; switched off."""
    simulator = Simulator(tmp_path / "simulator", "--width", "320", "--height", "180", "--fps", "5")
    yield simulator
    simulator.cut_power()


@pytest.fixture
def engine(tmp_path: Path, gate: Simulator, models: dict[str, str]) -> Iterator[Engine]:
    clip = tmp_path / "clip.mp4"
    record_clip(clip)
    ports = free_ports(3)
    site = tmp_path / "site.yaml"
    site.write_text(SITE.format(ports=ports, address=gate.address, clip=clip))
    secrets = tmp_path / "secrets.yaml"
    secrets.touch(0o600)
    secrets.write_text(f"gate: {Simulator.PASSWORD}\n")
    engine = Engine(site, ports[0], models)
    engine.activate()
    yield engine
    assert engine.process.end() == 0
    assert "Traceback" not in engine.process.output
    assert Simulator.PASSWORD not in engine.process.output


def kinds(engine: Engine, channel: str) -> list[str]:
    """What happened to a channel's camera, oldest first (what its pictures look like is another matter)."""
    events = engine.api.get(f"events?channel={channel}&limit=100")["events"]
    return [event["kind"] for event in events[::-1] if event["kind"] != "picture_quality"]


def expect(engine: Engine, *wanted: str) -> None:
    """Waits until this, and nothing else, has happened to the gate."""
    wait_for(lambda: len(kinds(engine, "gate")) >= len(wanted), f"{wanted}", START_S)
    assert kinds(engine, "gate") == list(wanted)


def the_clip_goes_on(engine: Engine) -> None:
    """The other camera is untouched: online without a break, with pictures of now."""
    assert engine.api.channel("clip")["online"]
    assert engine.api.raw("GET", "channels/clip/snapshot.jpg").startswith(b"\xff\xd8")
    assert kinds(engine, "clip") == ["camera_online"]


@pytest.mark.timeout(240)
def test_a_camera_away_at_the_start_comes_vanishes_and_comes_back(gate: Simulator, engine: Engine) -> None:
    expect(engine, "camera_offline")
    offline = engine.api.events("camera_offline")[0]
    assert gate.address.split("/")[2] in offline["reason"], "it says where the camera was looked for"
    assert not engine.api.channel("gate")["online"]
    wait_for(lambda: engine.api.channel("clip")["online"], "the clip plays", START_S)
    the_clip_goes_on(engine)

    gate.switch_on()
    expect(engine, "camera_offline", "camera_online")
    assert engine.api.channel("gate")["online"]
    assert engine.api.raw("GET", "channels/gate/snapshot.jpg").startswith(b"\xff\xd8")

    gate.cut_power()
    vanished = time.time()
    expect(engine, "camera_offline", "camera_online", "camera_offline")
    assert engine.api.events("camera_offline")[-1]["at"] >= vanished - 1.0
    the_clip_goes_on(engine)

    gate.switch_on()
    expect(engine, "camera_offline", "camera_online", "camera_offline", "camera_online")
    the_clip_goes_on(engine)
