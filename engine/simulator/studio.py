"""The beat of the simulator: at every tick the truth is written, and what is watched is drawn and sent."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.core.values import Image
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.rtsp import StreamServer
from engine.simulator.scene import Scene
from engine.simulator.truth import TruthLog, truth_record

OVERVIEW = "overview"
PTZ = "ptz"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A picture on its way: the video delay is not over yet."""

    due: float
    path: str
    picture: Image
    captured_at: float


class Studio:
    """Draws, in a thread of its own. Ticks that the machine was too slow for are left out and counted.

    `finishers` make of a scene's picture what the camera of that path sends; they must leave the scene's as it is.
    """

    def __init__(
        self,
        scene: Scene,
        dynamics: PtzDynamics,
        server: StreamServer,
        log: TruthLog,
        finishers: Mapping[str, Callable[[Image], Image]],
        *,
        epoch: float,
        video_delay_s: float = 0.1,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._scene = scene
        self._dynamics = dynamics
        self._server = server
        self._log = log
        self._finishers = finishers
        self._epoch = epoch
        self._delay = video_delay_s
        self._now = now
        self._period = 1 / scene.facts.fps
        self._under_way: deque[_Sent] = deque()
        # The scene keeps pictures between calls, and snapshots are taken by other threads.
        self._drawing = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self.skipped = 0
        self.failure: Exception | None = None
        """Why the studio ended by itself, if it did."""

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the present tick."""
        self._end.set()
        if self.running:
            self._thread.join(timeout=10)

    @property
    def running(self) -> bool:
        """Whether it draws."""
        return self._thread.is_alive()

    def picture(self, path: str) -> Image:
        """What a camera sees now."""
        return self._draw(path, self._now())

    def _draw(self, path: str, at: float) -> Image:
        with self._drawing:
            if path == OVERVIEW:
                picture = self._scene.overview(at - self._epoch)
            else:
                picture = self._scene.ptz(at - self._epoch, self._dynamics.pose_at(at))
        return self._finishers[path](picture)

    def _run(self) -> None:
        number = math.ceil((self._now() - self._epoch) / self._period)
        try:
            while not self._end.is_set():
                tick = self._epoch + number * self._period
                self._wait_until(tick)
                self._tick(tick)
                late = int((self._now() - tick) / self._period)
                self.skipped += max(late - 1, 0)
                number += max(late, 1)
        except Exception as error:  # noqa: BLE001 - handed to whoever runs the studio, who ends the program
            self.failure = error

    def _tick(self, at: float) -> None:
        pose, state = self._dynamics.pose_at(at), self._dynamics.state_at(at)
        with self._drawing:
            targets = self._scene.truth(at - self._epoch, pose)
        heard = {path: loudspeaker.level() for path, loudspeaker in self._server.loudspeakers.items()}
        self._log.write(truth_record(at, pose, state.zoom.position, targets, heard))
        for path in (OVERVIEW, PTZ):
            if self._server.watched(path):
                self._under_way.append(_Sent(at + self._delay, path, self._draw(path, at), at))

    def _wait_until(self, moment: float) -> None:
        """Sends what becomes due meanwhile."""
        while not self._end.is_set():
            while self._under_way and self._under_way[0].due <= self._now():
                sent = self._under_way.popleft()
                self._server.push(sent.path, sent.picture, sent.captured_at)
            until = min(moment, self._under_way[0].due) if self._under_way else moment
            if self._now() >= moment:
                return
            self._end.wait(max(until - self._now(), 0.0))
