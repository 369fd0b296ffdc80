"""The connection to the database: pragmas, migrations, transactions, and errors in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from engine.store.errors import StoreFailure, failure_of

_BUSY_TIMEOUT_MS = 10_000


class Database:
    """A database by its SQLAlchemy URL (`sqlite+aiosqlite:///…`, or PostgreSQL by an async driver).

    Reads see one consistent state; writes are one at a time, each a transaction. Both raise StoreFailure.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Connects and brings the tables to the newest form. Raises StoreFailure."""
        # Neither errors nor logs show what is stored: hashes of passwords are among it.
        self._engine = create_async_engine(self._url, hide_parameters=True)
        if self._url.get_backend_name() == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        try:
            async with self.write("open the database") as connection:
                await connection.run_sync(_migrate)
        except CommandError as error:
            await self.close()
            reason = f"{error}: it was probably written by a newer version of Smart PTZ; install that version"
            raise StoreFailure("open the database", reason) from error
        except StoreFailure:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes all connections."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.dispose()

    @asynccontextmanager
    async def read(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; `what` is said in the error ("could not `what`")."""
        try:
            async with self._opened(what).connect() as connection:
                await connection.execution_options(smart_ptz_reads_only=True)
                yield connection
        except (DBAPIError, OSError) as error:
            raise failure_of(what, error) from error

    @asynccontextmanager
    async def write(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back when anything is raised."""
        try:
            async with self._writing, self._opened(what).begin() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            raise failure_of(what, error) from error

    def _opened(self, what: str) -> AsyncEngine:
        if self._engine is None:
            raise StoreFailure(what, "the store is closed")
        return self._engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Python's driver would begin transactions by itself, and later than asked: `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        # Without it the write-ahead log keeps its largest size for ever.
        "journal_size_limit=8388608",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once, without waiting, when another process wrote
    # in between; one that is a writer from its beginning waits for its turn.
    reads_only = connection.get_execution_options().get("smart_ptz_reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "engine.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
