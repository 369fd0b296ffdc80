"""Site files for benchmarks: one RTSP camera, and a rule on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHANNEL = "yard"
RULE = "lawn"


def write_site(folder: Path, url: str, analysis: Mapping[str, Any], ports: Mapping[str, int]) -> Path:
    """Writes site.yaml for a camera at an RTSP address; `ports` are those of `api`, `relay` and `onvif`."""
    site = {
        "version": 1,
        "name": "Benchmark",
        "data": "data",
        **{name: {"host": "127.0.0.1", "port": port} for name, port in ports.items()},
        "cameras": [
            {
                "id": "camera",
                "driver": "rtsp",
                "address": url,
                "channels": [{"id": CHANNEL, "role": "overview", "analysis": dict(analysis)}],
            }
        ],
        "rules": [
            {
                "id": RULE,
                "type": "intrusion",
                "channel": CHANNEL,
                "region": [[0.3, 0.45], [0.7, 0.45], [0.8, 0.9], [0.2, 0.9]],
            }
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "site.yaml"
    # JSON is YAML.
    path.write_text(json.dumps(site, indent=2))
    return path
