"""Follows several targets over the frames of one channel.

The association is ByteTrack's (Zhang et al. 2022, arXiv:2110.06864): strong detections first, then the weak ones for
tracks that would otherwise be lost, so that a half-hidden target keeps its identity. Added here: irregular time
steps, panoramas (x is a circle), and cameras that turn and zoom (the boxes are carried over by the camera's pose).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.geometry import Box, Point, Pose
from engine.core.values import Detection, TargetType, Track
from engine.vision.association import Matrix, assign, overlaps
from engine.vision.motion import MovingBox, box_values


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """How a tracker decides.

    `confidence`: detections from this score on are strong; only they begin tracks. `hits`: detections that confirm a
    track. `keep_s`: how long a confirmed track is remembered (and reported as predicted) without a detection;
    `keep_new_s`: the same for one that is not confirmed yet. `overlap`: the least overlap of a predicted box with its
    detection, both enlarged by `buffer`; weak detections have to overlap by `overlap_weak`.
    """

    confidence: float = 0.4
    hits: int = 3
    keep_s: float = 2.0
    keep_new_s: float = 0.35
    overlap: float = 0.1
    overlap_weak: float = 0.4
    buffer: float = 0.2


class _Target:
    """One track in the making or in being."""

    def __init__(self, number: int, detection: Detection, at: float, aspect: float) -> None:
        self.number = number
        self.target_type: TargetType = detection.target_type
        self.score = detection.score
        self.motion = MovingBox(detection.box, aspect)
        self.first_seen_at = self.last_seen_at = at
        self.hits = 1
        self.detected = True

    def see(self, detection: Detection, at: float) -> None:
        self.motion.correct(detection.box)
        self.score = detection.score
        self.last_seen_at = at
        self.hits += 1
        self.detected = True


class MultiObjectTracker:
    """The tracks of one channel. Not safe for several threads at once.

    `wrap` says that the picture is a full circle. `first_number` is the number of the first track: give one beyond
    those of an earlier run where identities have to differ from it.
    """

    def __init__(
        self,
        channel: str,
        settings: TrackerSettings | None = None,
        *,
        wrap: bool = False,
        first_number: int = 1,
    ) -> None:
        self._channel = channel
        self._settings = settings or TrackerSettings()
        self._wrap = wrap
        self._next = first_number
        self._targets: list[_Target] = []
        self._at: float | None = None
        self._view: tuple[Pose | None, float] | None = None

    def update(
        self, detections: Iterable[Detection], captured_at: float, pose: Pose | None = None, aspect: float = 16 / 9
    ) -> tuple[Track, ...]:
        """The tracks after one more frame: seen and predicted ones, new ones unconfirmed.

        `captured_at` is the frame's own time (Unix seconds); it must not run backwards (ValueError). `pose` is where
        a PTZ camera looked then, None for a fixed camera or where it is not known. `aspect` is width by height.
        """
        if self._at is not None and captured_at < self._at:
            raise ValueError(f"{self._channel}: a frame of {captured_at} came after one of {self._at}")
        self._carry_over(pose, aspect)
        self._predict(captured_at)
        boxes = [self._unwrapped(detection) for detection in detections]
        strong = [detection for detection in boxes if detection.score >= self._settings.confidence]
        weak = [detection for detection in boxes if detection.score < self._settings.confidence]
        for detection in self._associate(strong, weak, captured_at):
            self._targets.append(_Target(self._next, detection, captured_at, aspect))
            self._next += 1
        self._forget(captured_at)
        return tuple(self._track(target, captured_at) for target in self._targets)

    def restarted(self) -> MultiObjectTracker:
        """A tracker that knows no target yet and goes on with the numbers of this one."""
        return MultiObjectTracker(self._channel, self._settings, wrap=self._wrap, first_number=self._next)

    def _carry_over(self, pose: Pose | None, aspect: float) -> None:
        """Brings all boxes from the earlier pose's picture into this one's."""
        earlier, self._view = self._view, (pose, aspect)
        if earlier is None or earlier[0] is None or pose is None or earlier == (pose, aspect):
            return
        visible = []
        for target in self._targets:
            box = carried_box(target.motion.box, earlier[0], earlier[1], pose, aspect)
            if box is not None:
                target.motion.move_to(box, aspect)
                visible.append(target)
        self._targets = visible

    def _predict(self, at: float) -> None:
        elapsed = 0.0 if self._at is None else at - self._at
        self._at = at
        for target in self._targets:
            target.motion.predict(elapsed, coasting=not target.detected)
            target.detected = False

    def _unwrapped(self, detection: Detection) -> Detection:
        """On a panorama: the detection with its centre within the picture."""
        if not self._wrap:
            return detection
        box = detection.box
        shifted = Box(box.x - box.centre.x // 1.0, box.y, box.width, box.height)
        return Detection(shifted, detection.target_type, detection.score)

    def _associate(self, strong: list[Detection], weak: list[Detection], at: float) -> list[Detection]:
        """Gives detections to tracks; returns the strong ones that are nobody's."""
        settings = self._settings
        proven = [target for target in self._targets if target.hits >= settings.hits]
        rest, strong = self._match(proven, strong, settings.overlap, settings.buffer, at)
        # A target that was not seen lately is not brought back by a weak detection somewhere around.
        recent = [target for target in rest if at - target.last_seen_at < settings.keep_new_s * 2]
        self._match(recent, weak, settings.overlap_weak, 0.0, at)
        new = [target for target in self._targets if target.hits < settings.hits and not target.detected]
        # The speed of a new track is not known yet, so its next detection may lie further off.
        _, strong = self._match(new, strong, settings.overlap, settings.buffer * 2, at)
        return strong

    def _match(
        self, targets: list[_Target], detections: list[Detection], least: float, buffer: float, at: float
    ) -> tuple[list[_Target], list[Detection]]:
        """Matches by overlap within each type; returns the targets and detections that are left over."""
        similarity = self._similarity(targets, detections, buffer)
        pairs = assign(similarity, least)
        for row, column in pairs:
            targets[row].see(self._nearest_turn(detections[column], targets[row]), at)
            self._normalise(targets[row])
        rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
        return (
            [target for index, target in enumerate(targets) if index not in rows],
            [detection for index, detection in enumerate(detections) if index not in columns],
        )

    def _similarity(self, targets: Sequence[_Target], detections: Sequence[Detection], buffer: float) -> Matrix:
        positions = [target.motion.position for target in targets]
        boxes = [box_values(detection.box) for detection in detections]
        same_type = np.array([[t.target_type is d.target_type for d in detections] for t in targets], np.float64)
        return overlaps(positions, boxes, buffer, wrap=self._wrap) * same_type.reshape(len(targets), len(detections))

    def _nearest_turn(self, detection: Detection, target: _Target) -> Detection:
        turns = round(float(target.motion.position[0]) - detection.box.centre.x) if self._wrap else 0
        if not turns:
            return detection
        box = detection.box
        return Detection(Box(box.x + turns, box.y, box.width, box.height), detection.target_type, detection.score)

    def _normalise(self, target: _Target) -> None:
        if self._wrap:
            target.motion.position[0] %= 1.0

    def _forget(self, at: float) -> None:
        settings = self._settings
        self._targets = [
            target
            for target in self._targets
            if at - target.last_seen_at <= (settings.keep_s if target.hits >= settings.hits else settings.keep_new_s)
        ]
        seen = [target for target in self._targets if target.detected]
        # A remembered target that lies under one that began after it was lost is that one, seen again. (Under one that
        # was there before, it is only hidden.)
        self._targets = [
            target
            for target in self._targets
            if target.detected
            or not any(
                other.target_type is target.target_type
                and other.motion.box.intersection_over_union(target.motion.box) > 0.85
                and other.first_seen_at > target.last_seen_at
                for other in seen
            )
        ]

    def _track(self, target: _Target, at: float) -> Track:
        self._normalise(target)
        return Track(
            track_id=f"{self._channel}-{target.number}",
            channel=self._channel,
            target_type=target.target_type,
            box=target.motion.box,
            score=target.score,
            at=at,
            first_seen_at=target.first_seen_at,
            detected=target.detected,
            confirmed=target.hits >= self._settings.hits,
        )


def carried_box(box: Box, earlier: Pose, earlier_aspect: float, pose: Pose, aspect: float) -> Box | None:
    """Where a box of an earlier picture of a PTZ camera is in the picture of another pose, if the world stands still.

    The result is the upright box through the middles of the turned sides. None when the target is behind the camera,
    or so far outside the picture (more than two pictures away) that a box says nothing any more.
    """
    corners = [
        Point(box.x, box.centre.y),
        Point(box.right, box.centre.y),
        Point(box.centre.x, box.y),
        Point(box.centre.x, box.bottom),
    ]
    points = [pose.point_of(earlier.direction_of(corner, earlier_aspect), aspect) for corner in corners]
    left, right, top, bottom = points
    if left is None or right is None or top is None or bottom is None:
        return None
    centre = Point((left.x + right.x + top.x + bottom.x) / 4, (left.y + right.y + top.y + bottom.y) / 4)
    width, height = abs(right.x - left.x), abs(bottom.y - top.y)
    if not (-2 < centre.x < 3 and -2 < centre.y < 3 and width > 0 and height > 0):
        return None
    return Box(centre.x - width / 2, centre.y - height / 2, width, height)
