"""WS-Discovery: the library WSDiscovery finds the engine's devices, from another machine on the same wire."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
from clips import record_clip
from networks import Place, two_places
from real_processes import START_S, Engine, wait_for
from wsdiscovery import QName, Scope
from wsdiscovery.discovery import ThreadedWSDiscovery
from wsdiscovery.service import Service

pytestmark = [pytest.mark.ledger("ONVIF-5", "NET-1"), pytest.mark.timeout(300)]

ENGINE, CLIENT = "192.0.2.10", "192.0.2.20"
SEARCH_S = 4.0
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


def search(client: ThreadedWSDiscovery) -> list[Service]:
    """What answers to the question that Home Assistant asks."""
    client.clearRemoteServices()
    transmitter = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter", "dp0")
    streaming = Scope("onvif://www.onvif.org/Profile/Streaming")
    found: list[Service] = client.searchServices(types=[transmitter], scopes=[streaming], timeout=SEARCH_S)
    return found


def names(service: Service) -> set[str]:
    root = "onvif://www.onvif.org/name/"
    scopes = [scope.getValue() for scope in service.getScopes()]
    assert {"onvif://www.onvif.org/Profile/T", "onvif://www.onvif.org/type/video_encoder"} <= set(scopes)
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
    with two_places(f"{ENGINE}/24", f"{CLIENT}/24") as (there, here):
        client = here.run(lambda: ThreadedWSDiscovery(ttl=4, relates_to=True))
        gone: list[str] = []
        client.setRemoteServiceByeCallback(gone.append)
        here.run(client.start)
        try:
            with engine_at(there, tmp_path, devices, models):

                def look() -> list[Service] | None:
                    services = here.run(lambda: search(client))
                    return services if len(services) >= len(expected) else None

                found = wait_for(look, "a search finds them", START_S)
                assert {name: one.getXAddrs() for one in found for name in names(one)} == {
                    name: [f"http://{ENGINE}:{port}/onvif/device_service"] for name, port in expected.items()
                }
                identities = {one.getEPR() for one in found}
                assert len(identities) == len(expected)
                assert all(one.startswith("urn:uuid:") for one in identities)
                assert all(here.run(lambda one=one: answers(one.getXAddrs()[0])) for one in found)
            wait_for(lambda: set(gone) == identities, "they say good-bye", 20.0)
        finally:
            here.run(client.stop)
