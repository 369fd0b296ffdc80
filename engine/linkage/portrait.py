"""The pictures taken of a target during a pursuit: what is worth one, and the capture at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine.captures import BestShot, CaptureRecorder, Moment, Shot, ShotFraming, Snapshotter
from engine.core.events import CaptureTaken, new_id
from engine.core.geometry import Box, Pose
from engine.core.values import TargetType
from engine.linkage.model import Framing

UNSEEN_SCORE = 0.01
"""The detection score of a moment in which the target should be in the picture but was not detected there:
better than nothing, but never a good picture."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the capture shows, and for whom it is taken."""

    link_id: str
    channel: str
    track_id: str
    rule_id: str | None


class Portrait:
    """The best shot of one pursuit. Pictures are taken in tasks beside the pursuit, which goes on meanwhile."""

    def __init__(
        self,
        subject: Subject,
        framing: Framing,
        snapshotter: Snapshotter,
        recorder: CaptureRecorder,
        pose_at: Callable[[float], Pose | None],
    ) -> None:
        self._subject = subject
        self._recorder = recorder
        self._pose_at = pose_at
        self._shot = BestShot(subject.channel, snapshotter, ShotFraming(framing.ratio, framing.vertical_offset))
        self._busy: asyncio.Task[None] | None = None
        self.taken = False
        """Whether the capture was ordered."""

    @property
    def grade(self) -> float:
        """The best grade so far."""
        return self._shot.best_grade

    def observe(self, at: float, box: Box, score: float, pose: Pose) -> None:
        """Notes how the target appears in a PTZ picture."""
        if self.taken or not box.contains(box.centre) or not _visible(box):
            return
        before = self._pose_at(at - 0.1)
        motion = 0.0 if before is None else before.direction.angle_to(pose.direction) / 0.1 / pose.hfov_deg
        self._shot.observe(Moment(at=at, box=box, pose=pose, score=score, motion=motion))

    def develop(self, now: float) -> None:
        """Takes pictures that would soon be out of reach, in a task of its own."""
        if not self.taken and (self._busy is None or self._busy.done()):
            self._busy = asyncio.create_task(self._shot.develop(now))

    async def finish(self, target_type: TargetType) -> CaptureTaken | None:
        """Makes the capture of the best moment; None when there was none, or it could not be stored."""
        self.taken = True
        if self._busy is not None:
            await self._busy
        shot = await self._shot.finish()
        return None if shot is None else await self._recorder.record(self._describe(shot, target_type), shot)

    def _describe(self, shot: Shot, target_type: TargetType) -> CaptureTaken:
        moment = shot.moment
        height, width = shot.snapshot.image.shape[:2]
        return CaptureTaken(
            at=shot.snapshot.captured_at,
            capture_id=new_id(),
            link_id=self._subject.link_id,
            channel=self._subject.channel,
            track_id=self._subject.track_id,
            target_type=target_type,
            rule_id=self._subject.rule_id,
            picture="",
            background="",
            box=moment.box,
            grade=shot.grade.total,
            target_direction=moment.pose.direction_of(moment.box.centre, width / height),
        )


class Portraits:
    """Begins the portraits of a link's targets, and sees to it that those which are finished are made."""

    def __init__(
        self,
        link_id: str,
        channel: str,
        snapshotter: Snapshotter,
        recorder: CaptureRecorder,
        pose_at: Callable[[float], Pose | None],
    ) -> None:
        self._link_id = link_id
        self._channel = channel
        self._snapshotter = snapshotter
        self._recorder = recorder
        self._pose_at = pose_at
        self._finishing: set[asyncio.Task[object]] = set()

    def begin(self, track_id: str, rule_id: str | None, framing: Framing) -> Portrait:
        """A portrait of a target, taken for a rule or (None) for an operator."""
        subject = Subject(self._link_id, self._channel, track_id, rule_id)
        return Portrait(subject, framing, self._snapshotter, self._recorder, self._pose_at)

    def finish(self, portrait: Portrait, target_type: TargetType) -> None:
        """Orders the capture of the best moment, which is made beside the pursuit."""
        portrait.taken = True
        task: asyncio.Task[object] = asyncio.create_task(portrait.finish(target_type))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def close(self) -> None:
        """Waits for the captures that are being made."""
        if self._finishing:
            await asyncio.gather(*self._finishing, return_exceptions=True)


def _visible(box: Box) -> bool:
    return box.area > 0 and box.clipped().area / box.area > 0.3
