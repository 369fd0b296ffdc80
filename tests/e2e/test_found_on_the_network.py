"""WS-Discovery: the library WSDiscovery finds the engine's devices, from another machine on the same wire."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from clips import record_clip
from networks import Place, two_places
from real_processes import Engine, RealProcess, wait_for

pytestmark = [pytest.mark.ledger("ONVIF-5", "NET-1"), pytest.mark.timeout(300)]

ENGINE, CLIENT = "192.0.2.10", "192.0.2.20"
PATIENCE_S = 60.0
SITE = """\
version: 1
name: Both
api: {{host: 127.0.0.1, port: 8400}}
relay: {{host: {address}, port: 8554}}
onvif: {{host: 0.0.0.0, port: 8766, devices: {devices}}}
cameras:
  - id: yard
    driver: file
    address: {clip}
    channels: [{{id: yard, name: Yard, role: overview, analysis: {{fps: 1, width: 320}}}}]
  - id: gate
    driver: file
    address: {clip}
    channels: [{{id: gate, name: Gate, role: overview, analysis: {{fps: 1, width: 320}}}}]
"""
CLOCK = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)


@contextmanager
def engine_at(place: Place, folder: Path, devices: str, models: dict[str, str]) -> Iterator[Engine]:
    """The engine with two channels that play a clip."""
    clip = folder / "clip.mp4"
    record_clip(clip)
    site = folder / "site.yaml"
    site.write_text(SITE.format(clip=clip, devices=devices, address=ENGINE))
    engine = place.run(lambda: Engine(site, 8400, models))
    try:
        place.run(engine.activate)
        yield engine
        assert engine.process.end() == 0
        assert "Traceback" not in engine.process.output
    finally:
        engine.process.kill()


def names(scopes: list[str]) -> set[str]:
    root = "onvif://www.onvif.org/name/"
    assert {"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/type/video_encoder"} <= set(scopes)
    return {unquote(scope.removeprefix(root)) for scope in scopes if scope.startswith(root)}


def answers(address: str) -> bool:
    request = urllib.request.Request(address, CLOCK, {"Content-Type": "application/soap+xml"})
    with urllib.request.urlopen(request, timeout=20.0) as response:
        return b"UTCDateTime" in response.read()


@pytest.mark.parametrize(
    ("devices", "expected"),
    [("one", {"Both": 8766}), ("per_channel", {"Yard": 8766, "Gate": 8767})],
)
def test_a_search_finds_every_device_and_it_answers(
    tmp_path: Path, models: dict[str, str], devices: str, expected: dict[str, int]
) -> None:
    program = str(Path(__file__).with_name("ws_discovery_client.py"))
    with two_places(f"{ENGINE}/24", f"{CLIENT}/24") as (there, here):
        client = here.run(lambda: RealProcess((program, str(len(expected))), tmp_path / "client.log"))

        def said(word: str) -> list[Any]:
            client.check()
            lines = [json.loads(line) for line in client.output.splitlines() if line.startswith("{")]
            return [line[word] for line in lines if word in line]

        try:
            with engine_at(there, tmp_path, devices, models):
                [found] = wait_for(lambda: said("found"), "a search finds them", PATIENCE_S)
                assert {name: one["xaddrs"] for one in found for name in names(one["scopes"])} == {
                    name: [f"http://{ENGINE}:{port}/onvif/device_service"] for name, port in expected.items()
                }
                identities = {one["epr"] for one in found}
                assert len(identities) == len(expected)
                assert all(one.startswith("urn:uuid:") for one in identities)
                for one in found:
                    assert here.run(lambda url=one["xaddrs"][0]: answers(url))
            wait_for(lambda: set(said("gone")) == identities, "they say good-bye", PATIENCE_S)
        finally:
            client.kill()
