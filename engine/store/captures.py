"""Captures: their facts as rows, their pictures as blobs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Select, select

from engine.core.events import CaptureTaken
from engine.core.values import TargetType
from engine.store import codec
from engine.store.blobs import Blobs
from engine.store.database import Database
from engine.store.errors import StoreFailure
from engine.store.events import add_event
from engine.store.tables import captures


class CaptureArchive:
    """Keeps and finds captures."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def add(self, capture: CaptureTaken, *, picture: bytes, background: bytes) -> CaptureTaken:
        """Stores the two JPEGs, the capture and its event together; returns the capture with the blobs' keys filled in.

        Raises StoreFull or StoreFailure; then nothing of it is kept.
        """
        keys: list[str] = []
        try:
            for content in (picture, background):
                keys.append(await self._blobs.put(content, at=capture.at, suffix="jpg"))  # noqa: PERF401 - kept for undoing
            stored = replace(capture, picture=keys[0], background=keys[1])
            await self._insert(stored, len(picture) + len(background))
        except BaseException:
            # What failed first is what the caller must hear of; a file that stays is swept by the retention.
            with suppress(StoreFailure):
                await self._blobs.remove(*keys)
            raise
        return stored

    async def get(self, capture_id: str) -> CaptureTaken | None:
        """A capture by its id. Raises StoreFailure."""
        async with self._database.read("read a capture") as connection:
            body = await connection.scalar(select(captures.c.body).where(captures.c.capture_id == capture_id))
        return None if body is None else _capture(body)

    async def search(
        self,
        *,
        since: float | None = None,
        before: float | None = None,
        channel: str | None = None,
        link_id: str | None = None,
        rule_id: str | None = None,
        target_type: TargetType | None = None,
        limit: int = 100,
    ) -> Sequence[CaptureTaken]:
        """Captures with since <= at < before, newest first. Raises StoreFailure."""
        query: Select[tuple[str]] = select(captures.c.body)
        if since is not None:
            query = query.where(captures.c.at >= since)
        if before is not None:
            query = query.where(captures.c.at < before)
        wanted = {"channel": channel, "link_id": link_id, "rule_id": rule_id, "target_type": target_type}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(captures.c[column] == str(value))
        query = query.order_by(captures.c.at.desc(), captures.c.capture_id.desc()).limit(limit)
        async with self._database.read("search the captures") as connection:
            return [_capture(body) for body in (await connection.scalars(query))]

    async def _insert(self, capture: CaptureTaken, size_bytes: int) -> None:
        async with self._database.write("store a capture") as connection:
            await connection.execute(
                captures.insert().values(
                    capture_id=capture.capture_id,
                    at=capture.at,
                    channel=capture.channel,
                    link_id=capture.link_id,
                    rule_id=capture.rule_id,
                    target_type=str(capture.target_type),
                    picture=capture.picture,
                    background=capture.background,
                    size_bytes=size_bytes,
                    body=codec.encode(capture).decode(),
                )
            )
            await add_event(connection, capture)


def _capture(body: str) -> CaptureTaken:
    try:
        event = codec.decode(body)
    except codec.UnknownEventError as error:
        raise StoreFailure("read a capture", str(error)) from error
    if not isinstance(event, CaptureTaken):
        raise StoreFailure("read a capture", f"its row holds an event of kind {event.kind}")
    return event
