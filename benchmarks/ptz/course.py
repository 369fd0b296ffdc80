"""What happened in one run: where the camera looked, where everybody was, and what the controller believed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.ptz.head import Head, HeadClass
from benchmarks.ptz.scenes import Scene
from benchmarks.ptz.world import Look
from engine.cameras.protocols import MotorCapabilities
from engine.core.clock import VirtualClock
from engine.core.geometry import Direction, Pose

FRAME_S = 0.1
VIDEO_DELAY_S = 0.25
STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Belief:
    """Where a controller takes its target to be now."""

    direction: Direction
    height_deg: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The truth at `t` seconds from the scene's beginning: who is there, and where the camera looks."""

    t: float
    looks: Mapping[str, Look]
    pose: Pose
    belief: Belief | None


@dataclass(slots=True)
class Course:
    """A run: ten samples a second; `sent` are the times of the commands, `processed` the share of the pictures that
    the controller looked at.
    """

    samples: list[Sample] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    processed: float = 1.0


class Stage:
    """A scene with a camera before it, under a virtual clock."""

    def __init__(self, scene: Scene, head: HeadClass, capabilities: MotorCapabilities) -> None:
        self.scene = scene
        self.clock = VirtualClock()
        self.began = self.clock.now()
        self.dynamics = head.dynamics(self.began)
        self.head = Head(self.dynamics, self.clock, capabilities)
        self.course = Course()

    @property
    def t(self) -> float:
        """Seconds from the beginning."""
        return self.clock.now() - self.began

    def pose_at(self, t: float) -> Pose:
        """Where the camera really looked."""
        return self.dynamics.pose_at(self.began + t)

    async def play(self, step: Callable[[], Awaitable[None]], belief: Callable[[], Belief | None]) -> Course:
        """Runs the scene; `step` is called every STEP_S, on the frames' times too."""
        steps = round(self.scene.seconds / STEP_S)
        for number in range(steps):
            await self.clock.advance(self.began + (number + 1) * STEP_S - self.clock.now())
            await step()
            if (number + 1) % round(FRAME_S / STEP_S) == 0:
                self._sample(belief())
        self.course.sent = [at - self.began for at in self.head.sent]
        return self.course

    def _sample(self, belief: Belief | None) -> None:
        looks = ((target.name, target.look(self.t)) for target in self.scene.targets)
        there = {name: look for name, look in looks if look is not None}
        self.course.samples.append(Sample(self.t, there, self.pose_at(self.t), belief))


def is_frame(t: float) -> bool:
    """Whether the cameras take a picture at this step."""
    return abs(t / FRAME_S - round(t / FRAME_S)) < 1e-6


def run(coroutine: Awaitable[Course]) -> Course:
    """Runs a controller to the end of its scene."""

    async def whole() -> Course:
        return await coroutine

    return asyncio.run(whole())
