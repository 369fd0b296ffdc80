"""Why somebody may not."""

from __future__ import annotations


class AccessError(Exception):
    """A request that access refuses. The message may be shown to whoever asked."""


class NotActivated(AccessError):  # noqa: N818 - a statement about the engine
    """There is no administrator yet."""


class AlreadyActivated(AccessError):  # noqa: N818 - a statement about the engine
    """The activation happened before."""


class WeakPassword(AccessError):  # noqa: N818 - a statement about the password
    """The password does not follow the rules; the message lists all that it lacks."""


class WrongCredentials(AccessError):  # noqa: N818 - a statement about the credentials
    """User, password or token is wrong, or the token has ended. Which of them is not told."""


class LockedOut(AccessError):  # noqa: N818 - a statement about the user
    """Too many wrong tries, or too many tries in a short time; `retry_after_s` tells how long to wait."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(AccessError):  # noqa: N818 - a statement about the request
    """The request breaks a rule (a name taken, a limit reached, the last administrator…)."""
