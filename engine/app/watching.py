"""What is looked for in a channel's pictures besides targets: motion, and whether they are any use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from engine.core.events import PictureFault, PictureQuality, RuleTriggered
from engine.core.geometry import Pose
from engine.core.values import Frame, MotionMask
from engine.rules import RuleEngine
from engine.vision.analysis import InferencePool
from engine.vision.background import Background
from engine.vision.picture_quality import PictureWatch


class ChannelWatch:
    """Looks at one channel's pictures on their way to the analysis.

    Motion is looked for as long as there is a rule that asks for it; the first pictures after that are learned from.
    `on_rule` and `on_quality` are called in the event loop. `pose_at` tells where a camera with motors looked.
    """

    def __init__(
        self,
        channel: str,
        rules: RuleEngine,
        pool: InferencePool,
        on_rule: Callable[[RuleTriggered], None],
        on_quality: Callable[[PictureQuality], None],
        pose_at: Callable[[float], Pose | None] | None = None,
    ) -> None:
        self._channel = channel
        self._rules = rules
        self._pool = pool
        self._on_rule = on_rule
        self._on_quality = on_quality
        self._pose_at = pose_at
        self._background: Background | None = None
        self._quality = PictureWatch()

    async def passed_on(self, frames: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
        """The same pictures, each when it was looked at."""
        async for frame in frames:
            await self.look(frame)
            yield frame

    async def look(self, frame: Frame) -> None:
        """Looks at one picture."""
        if not self._rules.watches_motion(self._channel):
            self._background = None
        elif self._background is None:
            self._background = Background()
        pose = self._pose_at(frame.captured_at) if self._pose_at else None
        motion, quality = await self._pool.run(lambda: self._seen(frame, pose))
        if motion is not None:
            for event in self._rules.motion(motion):
                self._on_rule(event)
        for fault, active in quality.items():
            self._on_quality(PictureQuality(at=frame.captured_at, channel=self._channel, fault=fault, active=active))

    def _seen(self, frame: Frame, pose: Pose | None) -> tuple[MotionMask | None, Mapping[PictureFault, bool]]:
        motion = self._background.observe(frame, pose) if self._background else None
        return motion, self._quality.observe(frame, pose)
