"""Why a camera was not moved."""

from __future__ import annotations


class PtzError(Exception):
    """A camera could not be moved; the message says why."""


class LeaseRefused(PtzError):  # noqa: N818 - what happens, in the words of the arbiter
    """Somebody of the same or a higher priority holds the camera. `holder` is who."""

    def __init__(self, channel: str, owner: str, holder: str, purpose: str) -> None:
        super().__init__(f"{owner} cannot have {channel}: {holder} holds it ({purpose})")
        self.holder = holder


class LeaseLost(PtzError):  # noqa: N818 - what happens, in the words of the arbiter
    """The lease has ended: pre-empted, timed out or released."""


class PtzUnavailable(PtzError):  # noqa: N818 - a state, not a mistake
    """The camera's motors are not there now, or it cannot do what was asked."""


class ArbiterClosed(PtzUnavailable):
    """The engine ends, or no longer has the channel: nobody gets the camera any more."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"{channel} is not moved any more: the engine ends")
