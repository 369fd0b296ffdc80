"""Pictures and other large things, as files: a folder a day, written whole or not at all."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from engine.store.errors import BlobMissing, failure_of

_KEY = re.compile(r"[0-9]{8}/[0-9a-f]{32}\.[a-z0-9]{1,8}")
_UNFINISHED = ".unfinished"


class Blobs:
    """Files under one folder (mode 0700, files 0600). A key is `YYYYMMDD/ID.SUFFIX`, the day in UTC."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A day's folder must not vanish between its making and the making of a file in it.
        self._folders = threading.Lock()

    async def open(self) -> None:
        """Makes the folder and clears away what a crash left half written. Raises StoreFailure."""
        await asyncio.to_thread(self._open)

    async def put(self, content: bytes, *, at: float, suffix: str) -> str:
        """Stores and returns the key; when this returns, the content is on the disk.

        Raises StoreFull or StoreFailure; then nothing of it is left behind.
        """
        key = f"{datetime.fromtimestamp(at, UTC):%Y%m%d}/{uuid.uuid4().hex}.{suffix}"
        await asyncio.to_thread(self._write, self.path(key), content)
        return key

    async def get(self, key: str) -> bytes:
        """The content. Raises BlobMissing when the file is gone, StoreFailure when it cannot be read."""
        return await asyncio.to_thread(self._read, self.path(key))

    async def remove(self, *keys: str) -> None:
        """Deletes the files; those that are gone already are no error. Raises StoreFailure."""
        await asyncio.to_thread(self._remove, [self.path(key) for key in keys])

    async def keys(self, *, older_than: float) -> set[str]:
        """The keys of all files last written before that time."""
        return await asyncio.to_thread(self._keys, older_than)

    def path(self, key: str) -> Path:
        """Where the content of a key lies. Raises ValueError for what is not a key (and could lead elsewhere)."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a blob's key: {key!r}")
        return self._folder / key

    def _open(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left_over in self._folder.glob(f"*/*{_UNFINISHED}"):
                left_over.unlink(missing_ok=True)
        except OSError as error:
            raise failure_of("open the folder of pictures", error) from error

    def _write(self, path: Path, content: bytes) -> None:
        unfinished = path.with_name(path.name + _UNFINISHED)
        try:
            try:
                with self._folders:
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.rename(path)
                _sync_folder(path.parent)
            except BaseException:
                # What failed first is what the caller must hear of.
                with suppress(OSError):
                    unfinished.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise failure_of("store a picture", error) from error

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing("read a picture", "its file is gone") from error
        except OSError as error:
            raise failure_of("read a picture", error) from error

    def _remove(self, paths: list[Path]) -> None:
        try:
            for path in paths:
                path.unlink(missing_ok=True)
                # Only an empty folder goes; any other stays.
                with suppress(OSError), self._folders:
                    path.parent.rmdir()
        except OSError as error:
            raise failure_of("delete a picture", error) from error

    def _keys(self, older_than: float) -> set[str]:
        found: set[str] = set()
        try:
            for path in self._folder.glob("*/*"):
                key = path.relative_to(self._folder).as_posix()
                with suppress(FileNotFoundError):
                    if _KEY.fullmatch(key) and path.stat().st_mtime < older_than:
                        found.add(key)
        except OSError as error:
            raise failure_of("list the pictures", error) from error
        return found


def _sync_folder(folder: Path) -> None:
    # A rename is on the disk only when its folder is.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
