"""The history of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.core.events import Event
from engine.store import codec
from engine.store.database import Database
from engine.store.tables import events


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A stored event; `body` is the JSON that clients get. `codec.decode(body)` gives the event itself."""

    event_id: str
    kind: str
    at: float
    channel: str | None
    body: str


class EventHistory:
    """Adds and finds events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, event: Event) -> None:
        """Stores an event; one that is there already (same id) is left as it is. Raises StoreFailure."""
        async with self._database.write("store an event") as connection:
            await add_event(connection, event)

    async def search(
        self,
        *,
        since: float | None = None,
        before: float | None = None,
        kind: str | None = None,
        channel: str | None = None,
        limit: int = 100,
    ) -> Sequence[EventRecord]:
        """Events with since <= at < before, newest first. Raises StoreFailure."""
        query: Select[tuple[str, str, float, str | None, str]] = select(
            events.c.event_id, events.c.kind, events.c.at, events.c.channel, events.c.body
        )
        if since is not None:
            query = query.where(events.c.at >= since)
        if before is not None:
            query = query.where(events.c.at < before)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        if channel is not None:
            query = query.where(events.c.channel == channel)
        query = query.order_by(events.c.at.desc(), events.c.event_id.desc()).limit(limit)
        async with self._database.read("search the events") as connection:
            return [EventRecord(*row) for row in await connection.execute(query)]


async def add_event(connection: AsyncConnection, event: Event) -> None:
    """Adds an event in a transaction that is under way, unless it is there already."""
    known = await connection.scalar(select(events.c.event_id).where(events.c.event_id == event.event_id))
    if known is not None:
        return
    await connection.execute(
        events.insert().values(
            event_id=event.event_id,
            kind=event.kind,
            at=event.at,
            channel=getattr(event, "channel", None),
            body=codec.encode(event).decode(),
        )
    )
