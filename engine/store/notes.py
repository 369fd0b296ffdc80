"""Short texts by key, for rooms that keep a little and need no table of their own."""

from __future__ import annotations

from sqlalchemy import select

from engine.store.database import Database
from engine.store.tables import meta

_PREFIX = "note:"
"""Keeps them apart from what the store itself notes in the same table."""


class Notes:
    """Keeps texts by key; a key has at most 59 characters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, beginning: str) -> dict[str, str]:
        """All texts whose keys begin so. Raises StoreFailure."""
        query = select(meta.c.key, meta.c.value).where(meta.c.key.startswith(_PREFIX + beginning, autoescape=True))
        async with self._database.read("read what was noted") as connection:
            return {key.removeprefix(_PREFIX): value for key, value in await connection.execute(query)}

    async def save(self, key: str, text: str) -> None:
        """Keeps a text in the place of the one before. Raises StoreFailure."""
        own_key = _PREFIX + key
        async with self._database.write("note something") as connection:
            updated = await connection.execute(meta.update().where(meta.c.key == own_key).values(value=text))
            if not updated.rowcount:
                await connection.execute(meta.insert().values(key=own_key, value=text))
