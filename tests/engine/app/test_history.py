"""Events are stored first, then told; a store that fails is told once and stops nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.app.history import History
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import CameraOffline, CameraOnline, Event, StorageError
from engine.store import Store

pytestmark = pytest.mark.ledger("EVT-1", "STO-1")


class Kept:
    """A history at work on a real store, and everything that it told."""

    def __init__(self, store: Store, clock: VirtualClock) -> None:
        self.store = store
        self.facts: Bus[Event] = Bus()
        events: Bus[Event] = Bus()
        self._told = events.subscribe()
        self.history = History(store, self.facts, events, clock)

    async def told(self) -> Event:
        """The next event that was told."""
        async with asyncio.timeout(10):
            return await anext(aiter(self._told))

    async def stored(self) -> set[str]:
        return {record.event_id for record in await self.store.events.search()}


@pytest.fixture
async def kept(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Kept]:
    async with Store(tmp_path) as store:
        kept = Kept(store, clock)
        task = asyncio.create_task(kept.history.run())
        yield kept
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rename_table(folder: Path, old: str, new: str) -> None:
    """Takes the table of the events away behind the store's back, or brings it back."""
    with closing(sqlite3.connect(folder / "smart-ptz.db")) as database, database:
        database.execute(f"ALTER TABLE {old} RENAME TO {new}")


def event(number: int) -> CameraOnline:
    return CameraOnline(at=float(number), event_id=f"e{number}", channel="wide")


async def test_an_event_is_in_the_store_when_it_is_told(kept: Kept) -> None:
    for number in range(5):
        kept.facts.publish(event(number))
        assert (await kept.told()).event_id == f"e{number}"
        assert f"e{number}" in await kept.stored()


async def test_what_was_published_before_it_ran_is_not_lost(tmp_path: Path, clock: VirtualClock) -> None:
    async with Store(tmp_path) as store:
        kept = Kept(store, clock)
        kept.facts.publish(event(1))
        task = asyncio.create_task(kept.history.run())
        assert (await kept.told()).event_id == "e1"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_store_that_fails_is_told_once_and_the_events_go_on(kept: Kept, tmp_path: Path) -> None:
    rename_table(tmp_path, "events", "away")
    for number in (1, 2, 3):
        kept.facts.publish(event(number))
    failure = await kept.told()
    assert isinstance(failure, StorageError)
    assert failure.what == "event"
    assert failure.reason
    assert [(await kept.told()).event_id for _ in range(3)] == ["e1", "e2", "e3"]

    rename_table(tmp_path, "away", "events")
    kept.facts.publish(event(4))
    assert (await kept.told()).event_id == "e4"
    assert await kept.stored() == {"e4"}

    # A second failure, after it has worked again, is told again.
    rename_table(tmp_path, "events", "away")
    kept.facts.publish(event(5))
    assert isinstance(await kept.told(), StorageError)
    assert (await kept.told()).event_id == "e5"


async def test_the_error_of_another_room_is_not_doubled(kept: Kept, tmp_path: Path) -> None:
    rename_table(tmp_path, "events", "away")
    kept.facts.publish(StorageError(at=1.0, event_id="full", what="capture", reason="no space"))
    kept.facts.publish(event(1))
    assert [(await kept.told()).event_id for _ in range(2)] == ["full", "e1"]


async def test_an_event_that_cannot_be_written_down_does_not_silence_the_next(kept: Kept) -> None:
    # A number that JSON cannot hold.
    kept.facts.publish(CameraOffline(at=1.0, event_id="odd", channel="wide", reason=object()))  # type: ignore[arg-type]
    kept.facts.publish(event(2))
    assert [(await kept.told()).event_id for _ in range(2)] == ["odd", "e2"]
    assert await kept.stored() == {"e2"}
