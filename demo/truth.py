"""What really was: the simulator's log, and the answers that a report needs of it."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.geometry import Box, Direction, Pose

MATCH_IOU = 0.3
SHOWN = 0.2
"""Of whom less is visible is not shown by a picture."""
NEAR_S = 0.25
"""A log entry this far from a moment still tells about it."""


@dataclass(frozen=True, slots=True)
class TargetTruth:
    """One target at one moment; boxes are None where it is not in the picture at all."""

    target_id: str
    target_type: str
    direction: Direction
    overview_box: Box | None
    ptz_box: Box | None
    overview_visible: float
    ptz_visible: float
    inside_region: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """One drawn picture: when light hit the sensors, where the PTZ looked, and who was where."""

    at: float
    pose: Pose
    targets: dict[str, TargetTruth]


class Truth:
    """The log of one run."""

    def __init__(self, moments: list[Moment]) -> None:
        self.moments = moments
        self._times = [moment.at for moment in moments]

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Reads a log; a line that is still being written is left out."""
        moments = []
        for line in path.read_text().splitlines():
            try:
                moments.append(_moment(json.loads(line)))
            except json.JSONDecodeError:
                break
        return cls(moments)

    def between(self, start: float, end: float) -> list[Moment]:
        """The moments with start <= at < end."""
        return self.moments[bisect_left(self._times, start) : bisect_left(self._times, end)]

    def at(self, at: float) -> Moment | None:
        """The moment nearest to a time; None if there is none near."""
        i = bisect_left(self._times, at)
        near = min(self.moments[max(i - 1, 0) : i + 1], key=lambda moment: abs(moment.at - at), default=None)
        return near if near is not None and abs(near.at - at) <= NEAR_S else None

    def who_in_overview(self, at: float, box: Box) -> str | None:
        """The target whose overview box a box is."""
        moment = self.at(at)
        return None if moment is None else _best(box, {i: one.overview_box for i, one in moment.targets.items()})

    def who_in_ptz(self, at: float, box: Box) -> str | None:
        """The target whose box in the PTZ picture a box is."""
        moment = self.at(at)
        if moment is None:
            return None
        # Behind the parked van somebody is not in its picture.
        shown = {i: one.ptz_box for i, one in moment.targets.items() if one.ptz_visible >= SHOWN}
        return _best(box, shown)


def box_of(values: dict[str, float]) -> Box:
    """A box as the API writes it."""
    return Box(values["x"], values["y"], values["width"], values["height"])


def _best(box: Box, candidates: dict[str, Box | None]) -> str | None:
    overlaps = {i: box.intersection_over_union(one) for i, one in candidates.items() if one is not None}
    best = max(overlaps, key=lambda i: overlaps[i], default=None)
    return best if best is not None and overlaps[best] >= MATCH_IOU else None


def _moment(record: dict[str, Any]) -> Moment:
    pose = record["pose"]
    return Moment(
        record["t"],
        Pose(pose["pan_deg"], pose["tilt_deg"], pose["hfov_deg"]),
        {target["id"]: _target(target) for target in record["targets"]},
    )


def _target(record: dict[str, Any]) -> TargetTruth:
    return TargetTruth(
        target_id=record["id"],
        target_type=record["type"],
        direction=Direction(record["pan_deg"], record["tilt_deg"]),
        overview_box=Box(*record["overview_box"]) if record["overview_box"] else None,
        ptz_box=Box(*record["ptz_box"]) if record["ptz_box"] else None,
        overview_visible=record["overview_visible"],
        ptz_visible=record["ptz_visible"],
        inside_region=record["inside_region"],
    )
