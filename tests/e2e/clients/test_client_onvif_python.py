"""The library onvif-python, with an environment of its own, at the running engine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from real_processes import REPOSITORY
from recorder import PASSWORD, USER

from clients.client_site import ClientSite
from demo.site import OVERVIEW, PTZ

pytestmark = [pytest.mark.ledger("ONVIF-1", "ONVIF-2", "ONVIF-3"), pytest.mark.timeout(300)]

PYTHON = REPOSITORY / ".build" / "onvif-python" / "bin" / "python"
PROGRAM = Path(__file__).with_name("onvif_python_client.py")


def told(site: ClientSite, method: str) -> dict[str, Any]:
    """What the program says that it saw."""
    assert PYTHON.exists(), "`scripts/setup` makes its environment"
    command = (str(PYTHON), str(PROGRAM), str(site.ports.onvif), USER, PASSWORD, method)
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_works_with_digest(site: ClientSite) -> None:
    seen = told(site, "digest")
    _description_is_right(seen, site)

    move = seen["move"]
    assert move["moved"] == pytest.approx(-0.1, abs=0.01)
    assert "From afar" in move["presets"]
    goal_deg = move["goal"]["PanTilt"]["x"] * 180.0
    site.reached(move["began"], lambda pose: abs(pose.pan_deg - goal_deg) < 1.0, "the motors were there")

    assert {"tt:FieldDetector", "tt:LineDetector"} <= set(seen["rules"]["supported"])
    assert seen["rules"]["present"] == {"Lawn": "tt:FieldDetector", "Afar": "tt:ObjectDetection"}
    assert seen["rules"]["left"] == ["Lawn"]

    assert "true" in seen["events"]["tns1:RuleEngine/FieldDetector/ObjectsInside"]
    assert "tns1:VideoSource/MotionAlarm" in seen["events"]


def test_it_works_with_a_username_token(site: ClientSite) -> None:
    _description_is_right(told(site, "token"), site)


def _description_is_right(seen: dict[str, Any], site: ClientSite) -> None:
    assert {"http://www.onvif.org/ver20/media/wsdl", "http://www.onvif.org/ver20/ptz/wsdl"} <= set(seen["services"])
    assert "onvif://www.onvif.org/Profile/T" in seen["scopes"]
    assert [(one["name"], one["ptz"], one["size"]) for one in seen["profiles"]] == [
        ("Yard", False, [1280, 720]),
        ("Dome", True, [1280, 720]),
    ]
    for channel, profile in zip((OVERVIEW, PTZ), seen["profiles"], strict=True):
        for address in (profile["stream"], profile["stream2"]):
            assert f"rtsp://127.0.0.1:{site.ports.relay}/{channel}" in address
        assert profile["snapshot"].startswith(f"http://127.0.0.1:{site.ports.onvif}/")
