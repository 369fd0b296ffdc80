"""Keeps the best picture of one target while it is being watched."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from engine.captures.grading import Grade, Moment, grade_moment, sharpness
from engine.captures.pictures import crop
from engine.core.values import Image
from engine.media.values import MediaError

_LOG = logging.getLogger(__name__)

PENDING = 3
"""How many moments wait for their picture at a time."""
APART_S = 0.3
"""Moments nearer to each other than this are alike; only the better one is kept."""
DEVELOP_AFTER_S = 2.0
"""A moment's picture is taken after so long, well before the media process forgets it."""
BETTER_BY = 0.03
"""A moment is worth decoding a picture for if it promises at least so much more than what is there."""


class Snapshot(Protocol):
    """A full-resolution picture and its time."""

    @property
    def image(self) -> Image:
        """The picture."""
        ...

    @property
    def captured_at(self) -> float:
        """When it was taken (Unix seconds)."""
        ...


type Snapshotter = Callable[[str, float | None], Awaitable[Snapshot]]
"""Gives the picture of a channel at a past instant (None: now), in full resolution; raises MediaError."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A moment with its picture."""

    moment: Moment
    grade: Grade
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class ShotFraming:
    """What is asked of a picture: the target's height as a fraction of the picture's, and which part is centred."""

    wanted_height: float = 0.5
    vertical_offset: float = 50.0


@dataclass(slots=True)
class BestShot:
    """The best picture of one target on one PTZ channel.

    Call `observe` for every analysed frame that shows the target, `develop` now and then, and `finish` at the end.
    """

    channel: str
    snapshotter: Snapshotter
    framing: ShotFraming
    best: Shot | None = None
    _pending: list[tuple[Moment, Grade]] = field(default_factory=list)

    @property
    def best_grade(self) -> float:
        """The best grade so far, of pictures that exist or that can still be taken."""
        taken = self.best.grade.total if self.best else 0.0
        return max([taken, *(grade.total for _, grade in self._pending)])

    def observe(self, moment: Moment) -> Grade:
        """Notes a moment; returns what it is worth."""
        grade = grade_moment(moment, self.framing.wanted_height, self.framing.vertical_offset)
        if self.best is None or grade.total > self.best.grade.total + BETTER_BY:
            near = [known for known in self._pending if abs(known[0].at - moment.at) < APART_S]
            if all(grade.total > known[1].total for known in near):
                self._pending = [known for known in self._pending if known not in near]
                self._pending.append((moment, grade))
                self._pending.sort(key=lambda known: -known[1].total)
                del self._pending[PENDING:]
        return grade

    async def develop(self, now: float) -> None:
        """Takes the pictures of moments that would soon be out of reach."""
        while due := [known for known in self._pending if now - known[0].at >= DEVELOP_AFTER_S]:
            await self._take(*due[0])

    async def finish(self) -> Shot | None:
        """Takes what is still to be taken; returns the best picture, None if there is none."""
        while self._pending:
            await self._take(*self._pending[0])
        return self.best

    async def _take(self, moment: Moment, grade: Grade) -> None:
        self._pending.remove((moment, grade))
        if self.best is not None and grade.total <= self.best.grade.total:
            return
        try:
            snapshot = await self.snapshotter(self.channel, moment.at)
        except MediaError as error:
            _LOG.warning("the picture of a target on %s could not be had: %s", self.channel, error)
            return
        full = replace(grade, sharpness=sharpness(crop(snapshot.image, moment.box, margin=0.0)))
        if self.best is None or full.total > self.best.grade.total:
            self.best = Shot(moment, full, snapshot)
