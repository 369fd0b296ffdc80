"""What the facets share that hand a client's wish on to a camera."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from engine.cameras.errors import CameraError, CameraUnreachable
from onvif_server.backend import Refusal, Refused


@contextlib.contextmanager
def camera_refusals() -> Iterator[None]:
    """Says a camera's trouble in the library's words; the camera's address is none of the client's business."""
    try:
        yield
    except CameraUnreachable as error:
        raise Refused(Refusal.UNAVAILABLE, f"the camera {error.camera} does not answer") from error
    except CameraError as error:
        raise Refused(Refusal.UNAVAILABLE, f"the camera {error.camera}: {error.what}") from error
