"""How a host says no."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why the host refuses. The library turns each into the ONVIF fault for the operation."""

    INVALID_POSITION = "invalid position"
    NO_SUCH_PRESET = "no such preset"
    TOO_MANY_PRESETS = "too many presets"
    PRESET_EXISTS = "preset name exists"
    MOVING = "cannot store while moving"
    NO_HOME = "no home position"
    BUSY = "held by somebody with a higher priority"
    UNAVAILABLE = "not available now"
    NOT_SUPPORTED = "not supported"
    NOT_ALLOWED = "not allowed by the host's settings"
    INVALID = "invalid value"
    NOT_FOUND = "there is no such thing"
    EXISTS = "there is one of that name already"
    TOO_MANY = "there is no room for another"
    NO_SUCH_TARGET = "no such object is tracked"


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of the host
    """The host does not do what was asked. `detail` is shown to the client."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal.value}: {detail}" if detail else refusal.value)
        self.refusal = refusal
        self.detail = detail or refusal.value
