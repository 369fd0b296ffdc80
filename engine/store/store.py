"""The store as a whole."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from engine.store.accounts import DeviceUsers, Tokens, Users
from engine.store.blobs import Blobs
from engine.store.captures import CaptureArchive
from engine.store.database import Database
from engine.store.errors import StoreFailure, failure_of
from engine.store.events import EventHistory
from engine.store.notes import Notes
from engine.store.presets import Presets
from engine.store.retention import Retention
from engine.store.tables import meta
from engine.store.tours import Tours


class Store:
    """What must last: the database and the pictures, both in the data folder (mode 0700) unless `url` says otherwise.

    Use it as an asynchronous context manager, or `open` and `close` it. Everything raises StoreFailure.
    """

    def __init__(self, data_dir: Path, url: str | None = None) -> None:
        self._data_dir = data_dir
        self._file = None if url is not None else data_dir / "smart-ptz.db"
        database = Database(url or f"sqlite+aiosqlite:///{self._file}")
        self._database = database
        self._instance_id: str | None = None
        self.blobs = Blobs(data_dir / "blobs")
        self.events = EventHistory(database)
        self.captures = CaptureArchive(database, self.blobs)
        self.presets = Presets(database)
        self.notes = Notes(database)
        self.tours = Tours(self.notes)
        self.users = Users(database)
        self.tokens = Tokens(database)
        self.device_users = DeviceUsers(database)
        self.retention = Retention(database, self.blobs)

    @property
    def data_dir(self) -> Path:
        """The data folder, where other rooms keep key files."""
        return self._data_dir

    @property
    def instance_id(self) -> str:
        """Tells this engine from every other; made once, with the database."""
        if self._instance_id is None:
            raise StoreFailure("tell the instance id", "the store is closed")
        return self._instance_id

    async def open(self) -> None:
        """Makes what is missing and brings the tables to the newest form."""
        self._prepare_folder()
        await self.blobs.open()
        await self._database.open()
        try:
            self._instance_id = await self._instance()
        except StoreFailure:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes the database; everything written is on the disk."""
        self._instance_id = None
        await self._database.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def _prepare_folder(self) -> None:
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._file is not None:
                # SQLite would make it readable for everybody; its log files take over the mode of this one.
                os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise failure_of("open the data folder", error) from error

    async def _instance(self) -> str:
        query = select(meta.c.value).where(meta.c.key == "instance_id")
        async with self._database.write("read the instance id") as connection:
            known: str | None = await connection.scalar(query)
            if known is not None:
                return known
            made = uuid.uuid4().hex
            await connection.execute(meta.insert().values(key="instance_id", value=made))
            return made
