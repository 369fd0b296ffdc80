"""The truth log: what really was at each tick, one JSON object a line, readable while it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.core.geometry import Box, Pose
from engine.simulator.scene import TargetTruth

_LIMIT_BYTES = 256 * 1024 * 1024


def _box(box: Box | None) -> list[float] | None:
    return None if box is None else [round(value, 5) for value in (box.x, box.y, box.width, box.height)]


def truth_record(
    at: float, pose: Pose, zoom: float, targets: tuple[TargetTruth, ...], heard: Mapping[str, float]
) -> dict[str, Any]:
    """One line of the log. Boxes are [x, y, width, height], normalised, or null.

    `heard` is how loud each loudspeaker is, 0 to 1; without any, the line says nothing of it.
    """
    record: dict[str, Any] = {
        "t": round(at, 4),
        "pose": {
            "pan_deg": round(pose.pan_deg, 4),
            "tilt_deg": round(pose.tilt_deg, 4),
            "hfov_deg": round(pose.hfov_deg, 4),
            "zoom": round(zoom, 5),
        },
        "targets": [
            {
                "id": target.target_id,
                "type": target.target_type.value,
                "pan_deg": round(target.direction.pan_deg, 4),
                "tilt_deg": round(target.direction.tilt_deg, 4),
                "overview_box": _box(target.overview_box),
                "ptz_box": _box(target.ptz_box),
                "overview_visible": round(target.overview_visible, 3),
                "ptz_visible": round(target.ptz_visible, 3),
                "inside_region": target.inside_region,
            }
            for target in targets
        ],
    }
    return record | {"heard": {path: round(level, 4) for path, level in heard.items()}} if heard else record


class TruthLog:
    """Appends records, each flushed at once. A log that has grown too large is set aside as `NAME.1`."""

    def __init__(self, path: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit_bytes
        self._file = path.open("w", encoding="utf-8")

    def close(self) -> None:
        """Ends the log."""
        self._file.close()

    def write(self, record: dict[str, Any]) -> None:
        """Appends one line."""
        self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self._file.flush()
        if self._file.tell() > self._limit:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self._file = self._path.open("w", encoding="utf-8")
