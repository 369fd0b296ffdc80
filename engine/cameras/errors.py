"""What can go wrong with a camera, said for the person who has to mend it."""

from __future__ import annotations


class CameraError(Exception):
    """Something went wrong with a camera.

    `camera` is its name in the site file, `address` where it was looked for (never with credentials), `what` what
    happened and `advice` what to do about it. The message holds all four.
    """

    def __init__(self, camera: str, address: str, what: str, advice: str) -> None:
        super().__init__(f"camera {camera!r} at {address}: {what}; {advice}")
        self.camera = camera
        self.address = address
        self.what = what
        self.advice = advice


class CameraUnreachable(CameraError):  # noqa: N818 - named as the event it becomes
    """Nobody answers at the address, or not in time. Trying again later makes sense."""


class CameraRefused(CameraError):  # noqa: N818 - named as the event it becomes
    """The camera does not accept the user or password. Trying again quickly locks the user out."""


class CameraFault(CameraError):  # noqa: N818 - ONVIF's word
    """The camera answered, but not usefully: a fault, an answer that is not ONVIF, or a thing that it cannot do."""
