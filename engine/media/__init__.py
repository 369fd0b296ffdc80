"""The media room: one process that holds all video (GStreamer), and the bridge that keeps it alive.

The engine talks to `MediaProcess` only. Encoded video, the relay and all native code live in the process that it
starts; decoded pictures cross by shared memory.
"""

from engine.media.bridge import MediaProcess
from engine.media.values import (
    Delivery,
    LoginFailed,
    MediaDied,
    MediaError,
    MediaEvent,
    MediaSettings,
    RelayUser,
    Snapshot,
    SnapshotUnavailable,
    SoundFormat,
    StreamConnected,
    StreamLost,
    StreamSource,
    StreamStatistics,
    Target,
    Tracks,
)

__all__ = [
    "Delivery",
    "LoginFailed",
    "MediaDied",
    "MediaError",
    "MediaEvent",
    "MediaProcess",
    "MediaSettings",
    "RelayUser",
    "Snapshot",
    "SnapshotUnavailable",
    "SoundFormat",
    "StreamConnected",
    "StreamLost",
    "StreamSource",
    "StreamStatistics",
    "Target",
    "Tracks",
]
