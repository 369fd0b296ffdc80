"""The site file of the demo, made of what the simulator says about its cameras."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

LINK = "yard-dome"
RULE = "lawn"
OVERVIEW = "overview"
PTZ = "ptz"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything of one demo listens, on 127.0.0.1."""

    api: int
    relay: int
    onvif: int
    home_assistant: int


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def write_site(folder: Path, note: dict[str, Any], ports: Ports) -> Path:
    """Writes site.yaml and secrets.yaml (mode 0600) into a folder; returns the path of the former."""
    cameras = {camera["id"]: camera for camera in note["cameras"]}
    overview, ptz = cameras[OVERVIEW], cameras[PTZ]
    panorama = overview["projection"] == "equirectangular"
    site: dict[str, Any] = {
        "version": 1,
        "name": "Smart PTZ demo",
        "data": "data",
        "api": {"host": "127.0.0.1", "port": ports.api},
        # The next port, as usual, may belong to somebody else.
        "relay": {"host": "127.0.0.1", "port": ports.relay, "secure_port": 0},
        "onvif": {"host": "127.0.0.1", "port": ports.onvif},
        "cameras": [
            _camera(
                overview,
                note["username"],
                {
                    "name": "Yard",
                    "role": "overview",
                    "projection": overview["projection"],
                    "hfov_deg": overview["hfov_deg"],
                    # People are small in a panorama: tiles, cut from pictures in full width.
                    "analysis": {"fps": 4, "width": overview["width"], "tiles": [4, 2]}
                    if panorama
                    else {"fps": 5, "width": 960},
                },
            ),
            _camera(
                ptz,
                note["username"],
                {
                    "name": "Dome",
                    "role": "ptz",
                    "analysis": {"fps": 8, "width": 640},
                    "zoom_curve": [[point["zoom"], point["hfov_deg"]] for point in ptz["zoom_curve"]],
                    "pan_speed_dps": ptz["pan_speed_dps"],
                    "tilt_speed_dps": ptz["tilt_speed_dps"],
                    "command_delay_s": ptz["command_delay_s"],
                    "home": ptz["home"],
                },
            ),
        ],
        "links": [
            {
                "id": LINK,
                "name": "Yard and dome",
                "overview": OVERVIEW,
                "ptz": PTZ,
                "pairs": note["pairs"],
                "capture_ratio": 0.55,
                "dwell_s": 1.0,
                "follow_after_s": 2.0,
            }
        ],
    }
    if note["region"]:
        site["rules"] = [
            {
                "id": RULE,
                "name": "Lawn",
                "type": "intrusion",
                "channel": OVERVIEW,
                "region": note["region"],
                "targets": ["person", "vehicle"],
                "link": LINK,
            }
        ]
    folder.mkdir(parents=True, exist_ok=True)
    secrets = folder / "secrets.yaml"
    with os.fdopen(os.open(secrets, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        # JSON strings are YAML strings.
        file.write(f"cameras: {json.dumps(note['password'])}\n")
    yaml = YAML()
    yaml.default_flow_style = None
    path = folder / "site.yaml"
    with path.open("w") as file:
        yaml.dump(site, file)
    text = path.read_text()
    path.write_text(text.replace("password: SECRET", "password: !secret cameras"))
    return path


def _camera(note: dict[str, Any], username: str, channel: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{note['id']}-camera",
        "name": note["name"],
        "driver": "onvif",
        "address": note["onvif"],
        "username": username,
        # Replaced by a reference to the file of secrets once it is written.
        "password": "SECRET",
        "channels": [{"id": note["id"], "latency_s": note["latency_s"], **channel}],
    }
