"""A camera that is kept connected, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.cameras.errors import CameraError, CameraFault, CameraRefused, CameraUnreachable
from engine.cameras.supervisor import CameraState, CameraSupervisor
from engine.core.clock import VirtualClock

pytestmark = pytest.mark.ledger("EVT-1")


class Scripted:
    """A camera that works or fails as the test says, and notes when it was asked."""

    name, address = "the gate", "192.0.2.1"

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.failure: type[CameraError] | None = None
        self.attempts: list[float] = []
        self.checks = 0
        self.closed = False

    def _act(self) -> None:
        if self.failure:
            raise self.failure(self.name, self.address, "it failed", "mend it")

    async def connect(self) -> None:
        self.attempts.append(self._clock.now())
        self._act()

    async def check(self) -> None:
        self.checks += 1
        self._act()

    async def close(self) -> None:
        self.closed = True


class Watched:
    def __init__(self) -> None:
        self.clock = VirtualClock(0.0)
        self.camera = Scripted(self.clock)
        self.changes: list[tuple[CameraState, str]] = []
        self.supervisor = CameraSupervisor(self.camera, self.clock, lambda *change: self.changes.append(change))

    @property
    def states(self) -> list[CameraState]:
        return [state for state, _ in self.changes]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    yield watched
    await watched.supervisor.stop()
    assert watched.camera.closed


async def test_a_camera_that_works_is_online_once_and_watched(watched: Watched):
    watched.supervisor.start()
    await watched.clock.advance(60)
    assert watched.changes == [(CameraState.ONLINE, "")]
    assert len(watched.camera.attempts) == 1
    assert 6 <= watched.camera.checks <= 12


async def test_a_camera_that_is_away_at_the_start_is_tried_less_and_less_often(watched: Watched):
    watched.camera.failure = CameraUnreachable
    watched.supervisor.start()
    await watched.clock.advance(100)
    assert watched.camera.attempts == [0, 1, 3, 7, 15, 31, 61, 91]
    assert watched.states == [CameraState.OFFLINE]
    assert "mend it" in watched.supervisor.reason
    watched.camera.failure = None
    await watched.clock.advance(30)
    assert watched.states == [CameraState.OFFLINE, CameraState.ONLINE]
    assert watched.supervisor.reason == ""


async def test_a_camera_that_goes_and_comes_is_told_once_each_way(watched: Watched):
    watched.supervisor.start()
    await watched.clock.advance(10)
    watched.camera.failure = CameraUnreachable
    await watched.clock.advance(20)
    watched.camera.failure = None
    await watched.clock.advance(60)
    assert watched.states == [CameraState.ONLINE, CameraState.OFFLINE, CameraState.ONLINE]


async def test_one_missed_look_is_forgiven(watched: Watched):
    watched.supervisor.start()
    await watched.clock.advance(7.9)
    watched.camera.failure = CameraFault
    await watched.clock.advance(0.5)
    watched.camera.failure = None
    await watched.clock.advance(60)
    assert watched.states == [CameraState.ONLINE]


async def test_a_wrong_password_is_tried_once_a_minute_and_told_once(watched: Watched):
    watched.camera.failure = CameraRefused
    watched.supervisor.start()
    await watched.clock.advance(200)
    assert watched.camera.attempts == [0, 60, 120, 180]
    assert watched.states == [CameraState.REFUSED]


async def test_a_password_that_was_changed_is_noticed_while_watching(watched: Watched):
    watched.supervisor.start()
    await watched.clock.advance(10)
    watched.camera.failure = CameraRefused
    await watched.clock.advance(50)
    assert watched.states == [CameraState.ONLINE, CameraState.REFUSED]
    assert len(watched.camera.attempts) == 1


async def test_stopping_ends_everything(watched: Watched):
    watched.supervisor.start()
    await watched.clock.advance(1)
    await watched.supervisor.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "camera the gate"]
