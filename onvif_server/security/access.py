"""Access classes and the default access policy (ONVIF Core, 5.9.4.3)."""

from __future__ import annotations

from enum import Enum

from onvif_server.backend import Level


class Access(Enum):
    """What an operation touches."""

    PRE_AUTH = "pre-auth"
    READ_SYSTEM = "read system"
    READ_SYSTEM_SENSITIVE = "read system, sensitive"
    READ_SYSTEM_SECRET = "read system, secret"  # noqa: S105 - the name of a class
    WRITE_SYSTEM = "write system"
    UNRECOVERABLE = "unrecoverable"
    READ_MEDIA = "read media"
    ACTUATE = "actuate"


STRICTEST = Access.UNRECOVERABLE

_WEAKEST = {
    Access.PRE_AUTH: Level.ANONYMOUS,
    Access.READ_SYSTEM: Level.USER,
    Access.READ_SYSTEM_SENSITIVE: Level.OPERATOR,
    Access.READ_SYSTEM_SECRET: Level.ADMINISTRATOR,
    Access.WRITE_SYSTEM: Level.ADMINISTRATOR,
    Access.UNRECOVERABLE: Level.ADMINISTRATOR,
    Access.READ_MEDIA: Level.USER,
    Access.ACTUATE: Level.OPERATOR,
}


def allowed(level: Level, access: Access) -> bool:
    """Whether a user of this level may use operations of this class."""
    return level >= _WEAKEST[access]
