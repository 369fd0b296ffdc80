"""Whether a camera with motors still looks where it did."""

from __future__ import annotations

from typing import Final

from engine.core.geometry import Pose

SAME_POSE_DEG: Final = 0.05


def turned(before: Pose | None, now: Pose | None) -> bool:
    """Whether a camera turned or zoomed between two pictures; None: it has no motors, or nobody knows."""
    if before is None or now is None:
        return before is not now
    changes = (before.pan_deg - now.pan_deg, before.tilt_deg - now.tilt_deg, before.hfov_deg - now.hfov_deg)
    return max(abs(change) for change in changes) > SAME_POSE_DEG
