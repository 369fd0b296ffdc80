"""Following one target with one PTZ camera: what is known of it, which tracks are it, and where to look next."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.core.geometry import Box, Pose
from engine.core.values import TargetType, Track, TrackUpdate
from engine.linkage.alibi import Alibis
from engine.linkage.controller import Aim, Controller, aim_at
from engine.linkage.estimator import Estimate, Estimator, Measurement
from engine.linkage.lifecycle import Phase, Sight, search_aim
from engine.linkage.measuring import box_in_picture, measure_overview, measure_ptz
from engine.linkage.model import Framing, LinkModel
from engine.linkage.settings import PursuitSettings
from engine.ptz import Arbiter, Lease

_ACCELERATION = {TargetType.VEHICLE: 3.0, TargetType.TWO_WHEELER: 2.0}
_SWITCH_GATE = 12.0
"""How near (squared Mahalanobis distance) another track must be to be taken for the target under a new name."""
_STICKY_GATE = 25.0
_SIZE_TOLERANCE = 0.45
"""One standard deviation of the logarithm of how much two boxes of one target differ in height."""
_STICKY_BONUS = 4.0
_GONE_AFTER_S = 0.35
_DISBELIEVED_AFTER = 4
_OVERRULED_AFTER_S = 1.5
"""A target that only the overview has shown for so long may be any track of the PTZ picture that is where it is."""
_PROVEN_S = 0.8
"""For so long the overview must have agreed with a PTZ track, or it does not outweigh the overview's."""


class Pursuit:
    """One target and one camera.

    `target_type` None: whatever is nearest to the first measurement. `overview_id` and `ptz_id` are the tracks that
    are the target now; they change when a tracker loses it and finds it again.
    """

    def __init__(
        self,
        arbiter: Arbiter,
        model: LinkModel | None,
        framing: Framing,
        first: Measurement,
        *,
        target_type: TargetType | None,
        now: float,
        overview_id: str | None = None,
        ptz_id: str | None = None,
        settings: PursuitSettings | None = None,
    ) -> None:
        self.settings = settings or PursuitSettings()
        self.framing = framing
        self.target_type = target_type
        self.overview_id = overview_id
        self.ptz_id = ptz_id
        self._arbiter = arbiter
        self._model = model
        acceleration = _ACCELERATION.get(target_type, 1.0) if target_type is not None else 1.0
        self._estimator = Estimator(first, replace(self.settings.estimator, acceleration=acceleration))
        self._controller = Controller(arbiter)
        self._others: set[str] = set()
        self._alibis = Alibis()
        self._ptz_since = self._ptz_seen_at = first.at
        self._overview_seen_at = first.at
        self._disbelieved_since = -math.inf
        self._ptz_confirmations = 0
        self._sight = Sight(self.settings, first.at, now)
        self._disbelieved = 0
        self._last_seen: Estimate | None = None

    # --- what comes in ----------------------------------------------------------------------------------------

    def on_overview(self, update: TrackUpdate, now: float) -> None:
        """Takes in the overview's tracks after a frame."""
        self._sight.fed(now)
        if self._model is None:
            return
        own = next((track for track in update.tracks if track.track_id == self.overview_id), None)
        if own is not None and own.detected:
            self._others.update(track.track_id for track in update.tracks if track is not own)
            self._believe_overview(own, measure_overview(own, self._model))
        elif own is None and update.captured_at - self._overview_seen_at > _GONE_AFTER_S:
            self._find_again(update)

    def _believe_overview(self, own: Track, measurement: Measurement) -> None:
        if self._estimator.add(measurement):
            self._disbelieved = 0
            self._overview_seen_at = max(own.at, self._overview_seen_at)
            self._seen(own.at)
            return
        if self._disbelieved == 0:
            self._disbelieved_since = own.at
            self._ptz_confirmations = 0
        self._disbelieved += 1
        if self._disbelieved < _DISBELIEVED_AFTER or measurement.at < self._estimator.measured_at - 0.2:
            return
        self._disbelieved = 0
        proven = self._overview_seen_at - self._ptz_since >= _PROVEN_S
        if self._ptz_confirmations >= 2 and proven:
            # The PTZ picture still shows the target where it should be: the overview's tracker jumped to another.
            self._others.add(own.track_id)
            self.overview_id = None
        else:
            # Or else the PTZ's tracks went over to somebody else.
            self._alibis.clear(self.ptz_id if self._ptz_confirmations else None)
            self._estimator.restart(measurement)
            self.ptz_id = None
            self._seen(own.at)

    def _find_again(self, update: TrackUpdate) -> None:
        """The overview's tracker lost the target: takes a new track for it that is where it should be."""
        if self._model is None:
            return
        free = [
            track
            for track in update.tracks
            if track.detected and track.confirmed and self._suits(track) and track.track_id not in self._others
        ]
        best = self._nearest([(track, measure_overview(track, self._model)) for track in free], None)
        if best is not None:
            self._adopt(best[0])
            self.overview_id = best[0].track_id
            self._believe_overview(*best)

    def on_ptz(self, update: TrackUpdate, pose: Pose | None, now: float) -> Track | None:
        """Takes in the PTZ picture's tracks after a frame taken at `pose`; returns the one that is the target."""
        self._sight.fed(now)
        if pose is None:
            return None
        slew_dps = self._slew_dps(update.captured_at)
        seen = [
            (track, measure_ptz(track, pose, update.aspect, slew_dps))
            for track in update.tracks
            if track.detected and self._suits(track) and self._counts(track)
        ]
        best = self._nearest([one for one in seen if self._may_be(one[0].track_id)], self.ptz_id)
        self._alibis.forget_all_but({track.track_id for track in update.tracks})
        for track, measurement in seen:
            self._alibis.note(track.track_id, measurement)
        if best is None or not self._estimator.add(best[1]):
            return None
        track = best[0]
        self._adopt(track)
        if track.track_id != self.ptz_id:
            self.ptz_id, self._ptz_since = track.track_id, track.at
        self._ptz_seen_at = track.at
        self._alibis.note_together(track, [other for other, _ in seen])
        if track.at > self._disbelieved_since:
            self._ptz_confirmations += 1
        self._seen(track.at)
        return track

    def _counts(self, track: Track) -> bool:
        """Whether a track is more than a flicker, where a flicker could lead astray."""
        return track.confirmed or track.at - self.seen_at < _GONE_AFTER_S

    def _may_be(self, ptz_id: str) -> bool:
        """Whether nothing speaks against a track of the PTZ picture being the target."""
        if ptz_id == self.ptz_id:
            return True
        # Whom the overview shows all the while that the PTZ's track does not: that track was somebody else's.
        if self._overview_seen_at - self._ptz_seen_at > _OVERRULED_AFTER_S:
            return True
        return not self._alibis.has(ptz_id, self._estimator)

    def _suits(self, track: Track) -> bool:
        return self.target_type is None or track.target_type is self.target_type

    def _adopt(self, track: Track) -> None:
        if self.target_type is None:
            self.target_type = track.target_type

    def _nearest(
        self, seen: list[tuple[Track, Measurement]], sticky_id: str | None
    ) -> tuple[Track, Measurement] | None:
        """The track that suits the prediction best in place and size, with a bonus for the one it was before."""
        best: tuple[Track, Measurement] | None = None
        lowest = math.inf
        for track, measurement in seen:
            distance = self._estimator.distance(measurement)
            if distance > (_STICKY_GATE if track.track_id == sticky_id else _SWITCH_GATE):
                continue
            cost = distance - (_STICKY_BONUS if track.track_id == sticky_id else 0.0)
            if measurement.height_deg is not None:
                expected = self._estimator.at(measurement.at).height_deg
                cost += (math.log(measurement.height_deg / expected) / _SIZE_TOLERANCE) ** 2
            if cost < min(lowest, _STICKY_GATE):
                best, lowest = (track, measurement), cost
        return best

    def _slew_dps(self, at: float) -> float:
        before, after = self._arbiter.pose_at(at - 0.05), self._arbiter.pose_at(at + 0.05)
        return 0.0 if before is None or after is None else before.direction.angle_to(after.direction) / 0.1

    def _seen(self, at: float) -> None:
        if self._sight.seen(at):
            self._last_seen = None

    # --- what is known ----------------------------------------------------------------------------------------

    def estimate(self, at: float) -> Estimate:
        """The target at a moment."""
        return self._estimator.at(at)

    @property
    def seen_at(self) -> float:
        """The time of the last picture that showed the target."""
        return self._sight.seen_at

    @property
    def seen_by_overview_at(self) -> float:
        """The time of the last overview picture that showed it."""
        return self._overview_seen_at

    def expected_box(self, at: float, pose: Pose, aspect: float) -> Box | None:
        """Where the target should be in a PTZ picture of that moment and pose."""
        estimate = self._estimator.at(at)
        return box_in_picture(estimate.direction, estimate.height_deg, self.target_type, pose, aspect)

    def phase(self, now: float) -> Phase:
        """How it stands."""
        return self._sight.phase(now, slewing=self._controller.slewing)

    # --- what goes out ----------------------------------------------------------------------------------------

    def resume(self) -> None:
        """The camera was in other hands meanwhile."""
        self._controller.restart()

    def tick(self, now: float) -> Phase:
        """Counts the time; returns how the pursuit stands."""
        self._sight.tick(now)
        return self.phase(now)

    async def steer(self, lease: Lease, now: float) -> None:
        """Sends the camera what it needs now. Raises what the lease's commands raise."""
        await self._controller.steer(lease, self.aim(now), now)

    def aim(self, now: float) -> Aim:
        """Where the camera should look when a command sent now takes effect."""
        phase = self.phase(now)
        if phase in {Phase.SEARCHING, Phase.LOST}:
            return self._search(now)
        return aim_at(self._estimator.at(now + self._arbiter.settings.command_delay_s), self.framing)

    def _search(self, now: float) -> Aim:
        if self._last_seen is None:
            # Kept: what the estimator still knows of that moment fades.
            self._last_seen = self._estimator.at(self._sight.seen_at)
        coasted = aim_at(self._estimator.at(now), self.framing)
        return search_aim(self._last_seen, coasted, self._sight.searched_s, self.settings, self.framing)
