"""What can go wrong with storing, said for the person who has to mend it."""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, or keep less (`storage` in the site file)",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write, or is full: check it and its free space",
    sqlite3.SQLITE_READONLY: "the database cannot be written: check the owner and mode of the data folder",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: check the owner and mode of the data folder",
    sqlite3.SQLITE_PERM: "the database cannot be opened: check the owner and mode of the data folder",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: restore a backup, or move the file away and start afresh",
    sqlite3.SQLITE_NOTADB: "the file is not a database: restore a backup, or move the file away and start afresh",
    sqlite3.SQLITE_BUSY: "another process keeps the database locked: is a second engine running on this data folder?",
}


class StoreFailure(Exception):  # noqa: N818 - named as the event it becomes
    """Something could not be stored or read. `what` was being done, `reason` tells why and what to do."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"could not {what}: {reason}")
        self.what = what
        self.reason = reason


class StoreFull(StoreFailure):
    """There is no room left."""


class BlobMissing(StoreFailure):
    """The file of a blob is not there (any more)."""


def failure_of(what: str, error: OSError | DBAPIError) -> StoreFailure:
    """The failure that an error of the operating system or of the database means."""
    if isinstance(error, OSError):
        kind = StoreFull if error.errno in _NO_ROOM else StoreFailure
        where = f" ({error.filename})" if error.filename else ""
        advice = ": free some space, or keep less (`storage` in the site file)" if kind is StoreFull else ""
        return kind(what, f"{error.strerror or error}{where}{advice}")
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The low byte is the primary code, the rest says more precisely where it happened.
    primary = code & 0xFF if isinstance(code, int) else None
    kind = StoreFull if primary == sqlite3.SQLITE_FULL else StoreFailure
    said = str(error.orig)
    return kind(what, f"{said}: {_ADVICE[primary]}" if primary in _ADVICE else said)
