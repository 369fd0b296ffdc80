"""Makes room: the oldest captures and events go when they are too old or too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from engine.store.blobs import Blobs
from engine.store.database import Database
from engine.store.tables import captures, events

_ORPHAN_AGE_S = 24 * 3600.0
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """How long and how much is kept; None is without limit. Sizes are those of the pictures."""

    capture_age_s: float | None = None
    capture_bytes: int | None = None
    event_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went."""

    captures: int
    events: int
    orphans: int


class Retention:
    """Applies the limits. Rows go first, then files, so that no capture ever points at a picture that is gone."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def apply(self, limits: RetentionLimits, *, now: float) -> Removed:
        """Deletes what is beyond the limits, and files that no capture knows. Raises StoreFailure."""
        removed = 0
        while batch := await self._remove_captures(limits, now):
            removed += batch
        gone_events = await self._remove_events(limits, now)
        return Removed(captures=removed, events=gone_events, orphans=await self._sweep(now))

    async def _remove_captures(self, limits: RetentionLimits, now: float) -> int:
        newest_first = (captures.c.at.desc(), captures.c.capture_id.desc())
        ranked = select(
            captures.c.capture_id,
            captures.c.at,
            captures.c.picture,
            captures.c.background,
            func.sum(captures.c.size_bytes).over(order_by=newest_first).label("total"),
        ).subquery()
        too_much = []
        if limits.capture_age_s is not None:
            too_much.append(ranked.c.at < now - limits.capture_age_s)
        if limits.capture_bytes is not None:
            too_much.append(ranked.c.total > limits.capture_bytes)
        if not too_much:
            return 0
        query = (
            select(ranked.c.capture_id, ranked.c.picture, ranked.c.background)
            .where(or_(*too_much))
            .order_by(ranked.c.at)
            .limit(_BATCH)
        )
        async with self._database.write("delete old captures") as connection:
            rows = (await connection.execute(query)).all()
            ids: Sequence[str] = [row.capture_id for row in rows]
            await connection.execute(captures.delete().where(captures.c.capture_id.in_(ids)))
        await self._blobs.remove(*(key for row in rows for key in (row.picture, row.background)))
        return len(rows)

    async def _remove_events(self, limits: RetentionLimits, now: float) -> int:
        if limits.event_age_s is None:
            return 0
        async with self._database.write("delete old events") as connection:
            result = await connection.execute(events.delete().where(events.c.at < now - limits.event_age_s))
            return result.rowcount

    async def _sweep(self, now: float) -> int:
        # Young files may belong to a capture whose row is just being written.
        on_disk = await self._blobs.keys(older_than=now - _ORPHAN_AGE_S)
        async with self._database.read("look for stray pictures") as connection:
            rows = (await connection.execute(select(captures.c.picture, captures.c.background))).all()
        orphans = on_disk - {key for row in rows for key in row}
        await self._blobs.remove(*orphans)
        return len(orphans)
