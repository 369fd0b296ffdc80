"""Finds the target that is meant, in what the cameras show now."""

from __future__ import annotations

import math

from engine.core.clock import Clock
from engine.core.geometry import Direction, Point
from engine.core.values import TargetType, Track, TrackUpdate
from engine.linkage.estimator import Measurement, Source
from engine.linkage.measuring import measure_overview, measure_ptz
from engine.linkage.model import LinkModel
from engine.linkage.pursuit import Pursuit
from engine.linkage.settings import LinkSettings
from engine.ptz import Arbiter

CLICK_RADIUS = 0.06
"""How far beside a target one may click (fraction of the picture's width)."""
_POINT_HEIGHT_DEG = 6.0
"""How large a target is taken to be when all that is known is a click."""
_POINT_SIGMA_DEG = 2.0


class NoTarget(ValueError):  # noqa: N818 - what was found out
    """There is nothing to track; the message says what was looked for."""


class Spotter:
    """The newest tracks of a link's two channels, and the pursuits that can begin with them."""

    def __init__(self, settings: LinkSettings, model: LinkModel | None, arbiter: Arbiter, clock: Clock) -> None:
        self._settings = settings
        self.model = model
        self._arbiter = arbiter
        self._clock = clock
        self.framing = settings.framing
        self.overview: TrackUpdate | None = None
        self.ptz: TrackUpdate | None = None

    def pursuit_of(self, track_id: str) -> Pursuit:
        """Begins with a track; raises NoTarget when it is not seen now."""
        for update in (self.overview, self.ptz):
            for track in update.tracks if update else ():
                if track.track_id == track_id and update is not None:
                    return self._pursuit(track, update)
        raise NoTarget(f"track {track_id!r} is not seen now")

    def pursuit_at(self, point: Point, *, in_ptz: bool) -> tuple[Pursuit, str]:
        """Begins with the track at a point of the overview's (or the PTZ's) picture, or with the point itself.

        Returns the pursuit and a name for its target. Raises NoTarget when it is not known where the point is.
        """
        update = self.ptz if in_ptz else self.overview
        track = None if update is None else _track_at(update, point)
        if track is not None and update is not None:
            return self._pursuit(track, update), track.track_id
        if not in_ptz and self.model is not None:
            direction, source = self.model.direction(point), Source.OVERVIEW
        else:
            pose = self._arbiter.pose
            if pose is None:
                raise NoTarget(f"where {self._settings.ptz} looks is not known, so a point of its picture says nothing")
            direction, source = pose.direction_of(point, self.framing.aspect), Source.PTZ
        return self._pursuit_of_nobody(direction, source)

    def pursuit_towards(self, direction: Direction) -> tuple[Pursuit, str]:
        """Begins with the track that the overview (else the PTZ picture) shows in a direction of the PTZ's sphere.

        Where there is none it begins with the direction itself. Returns the pursuit and a name for its target.
        """
        for update, point in ((self.overview, self._in_overview(direction)), (self.ptz, self._in_ptz(direction))):
            track = None if update is None or point is None else _track_at(update, point)
            if track is not None and update is not None:
                return self._pursuit(track, update), track.track_id
        return self._pursuit_of_nobody(direction, Source.PTZ)

    def _in_overview(self, direction: Direction) -> Point | None:
        return None if self.model is None else self.model.point(direction)

    def _in_ptz(self, direction: Direction) -> Point | None:
        update = self.ptz
        pose = None if update is None else update.pose or self._arbiter.pose_at(update.captured_at)
        return None if update is None or pose is None else pose.point_of(direction, update.aspect)

    def _pursuit_of_nobody(self, direction: Direction, source: Source) -> tuple[Pursuit, str]:
        now = self._clock.now()
        first = Measurement(now, direction, _POINT_SIGMA_DEG, _POINT_HEIGHT_DEG, source)
        return self._new_pursuit(first, target_type=None), f"{self._settings.link_id}-click-{now:.3f}"

    def _pursuit(self, track: Track, update: TrackUpdate) -> Pursuit:
        if update.channel == self._settings.overview and self.model is not None:
            first = measure_overview(track, self.model)
            return self._new_pursuit(first, target_type=track.target_type, overview_id=track.track_id)
        pose = update.pose or self._arbiter.pose_at(update.captured_at)
        if pose is None:
            raise NoTarget(f"where {self._settings.ptz} looked at that moment is not known")
        first = measure_ptz(track, pose, update.aspect, 0.0)
        return self._new_pursuit(first, target_type=track.target_type, ptz_id=track.track_id)

    def _new_pursuit(
        self,
        first: Measurement,
        *,
        target_type: TargetType | None,
        overview_id: str | None = None,
        ptz_id: str | None = None,
    ) -> Pursuit:
        return Pursuit(
            self._arbiter,
            self.model,
            self.framing,
            first,
            target_type=target_type,
            now=self._clock.now(),
            overview_id=overview_id,
            ptz_id=ptz_id,
            settings=self._settings.pursuit,
        )

    def sees(self, track_id: str) -> bool:
        """Whether a track is in the newest picture of one of the two channels."""
        return any(
            track.track_id == track_id for update in (self.overview, self.ptz) if update for track in update.tracks
        )

    def slew_s(self, track_id: str) -> float:
        """How long the camera takes to a track of the overview at full speed, roughly."""
        pose = self._arbiter.pose
        tracks = self.overview.tracks if self.overview else ()
        track = next((track for track in tracks if track.track_id == track_id), None)
        if pose is None or track is None or self.model is None:
            return 0.0
        to = self.model.direction(track.box.centre)
        speeds = self._arbiter.speeds
        pan = abs(self._arbiter.limits.pan_path(pose.pan_deg, to.pan_deg))
        return max(pan / speeds.pan_dps, abs(to.tilt_deg - pose.tilt_deg) / speeds.tilt_dps)


def _track_at(update: TrackUpdate, point: Point) -> Track | None:
    """The track at a point: the smallest box around it, else the nearest within reach."""
    inside = [track for track in update.tracks if track.box.contains(point)]
    if inside:
        return min(inside, key=lambda track: track.box.area)

    def distance(track: Track) -> float:
        box = track.box
        across = max(box.x - point.x, point.x - box.right, 0.0)
        down = max(box.y - point.y, point.y - box.bottom, 0.0) / update.aspect
        return math.hypot(across, down)

    near = min(update.tracks, key=distance, default=None)
    return near if near is not None and distance(near) <= CLICK_RADIUS else None
