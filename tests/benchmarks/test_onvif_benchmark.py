"""The ONVIF benchmark measures all that it promises; here it measures little, and no figure is judged."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as command_line
from benchmarks import onvif, onvif_relay
from benchmarks.onvif_extent import Extent, RelayExtent
from benchmarks.onvif_relay import _results, _Shares

pytestmark = [pytest.mark.ledger("ONVIF-1"), pytest.mark.timeout(600)]

SHORT = Extent(starts=1, requests=40, connections=2, mixed_requests=300, events=None, relay=None)
FULL = Extent(
    starts=1,
    requests=40,
    mixed_requests=300,
    pull_points=32,
    events=5,
    relay=RelayExtent(rounds=1, settle_s=0.5, window_s=1.0, clients=(1, 3)),
)


def measure(monkeypatch: pytest.MonkeyPatch, tmp_path, extent: Extent) -> dict[str, dict[str, object]]:
    monkeypatch.setattr(onvif, "EXTENT", extent)
    path = tmp_path / "onvif.json"
    assert command_line.main(["onvif", "--json", str(path)]) == 0
    return {result["metric"]: result for result in json.loads(path.read_text())["results"]}


def test_the_device_alone(monkeypatch, tmp_path):
    results = measure(monkeypatch, tmp_path, SHORT)
    assert all(result["value"] > 0 for name, result in results.items() if "growth" not in name)
    assert results["start to listening, median"]["aim"] == 2.0
    assert results["Media GetProfiles (digest), processor time"]["aim"] == 5.0
    assert {f"{name} ({login})" for name, login in
            (("Media GetProfiles", "UsernameToken"), ("Media2 GetProfiles", "digest"), ("PTZ GetStatus", "digest"),
             ("PullMessages", "digest"))} <= set(results)  # fmt: skip
    assert results["mixed requests"]["value"] >= 300
    assert results["growth from 10 % to all"]["aim"] == 2.0


@pytest.mark.slow
def test_everything(monkeypatch, tmp_path):
    results = measure(monkeypatch, tmp_path, FULL)
    delays = [result for name, result in results.items() if "32 pull points" in name]
    assert [result["aim"] for result in delays] == [30.0, 100.0]
    for transport in ("TCP", "UDP"):
        for count in (1, 3):
            name = f"relay to {count} by {transport}"
            assert results[f"{name}: slowest client"]["value"] > 5
            assert results[f"{name}: bare relay"]["value"] > 0
            assert results[f"{name}: ratio to bare relay + decoding"]["aim"] == onvif_relay.AIM_RATIO


def test_the_ratio_counts_the_decoding_on_both_sides():
    shares = _Shares(media=[0.3, 0.5], bare=[0.1, 0.1], slowest_fps=[25.0, 24.9])
    by_name = {result.metric: result.value for result in _results({("tcp", 10): shares}, idle=0.2, decoding=0.1)}
    assert by_name["relay to 10 by TCP: ratio to bare relay + decoding"] == pytest.approx(2.0)
    assert by_name["relay to 10 by TCP: slowest client"] == 24.9
