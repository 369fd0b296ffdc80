"""What the engine sees, as the metadata stream tells it."""

from __future__ import annotations

from engine.core.values import Track, TrackUpdate
from engine.onvif_device.analytics import TYPES
from engine.onvif_device.numbers import ObjectNumbers
from onvif_server.backend import PtzStatus, SceneFrame, SceneObject


def scene_frame(update: TrackUpdate, numbers: ObjectNumbers, ptz: PtzStatus | None = None) -> SceneFrame:
    """The tracks of a picture that were seen often enough to count; none of them: the heartbeat."""
    objects = tuple(_object(track, numbers) for track in update.tracks if track.confirmed)
    return SceneFrame(channel=update.channel, at=update.captured_at, objects=objects, ptz=ptz)


def _object(track: Track, numbers: ObjectNumbers) -> SceneObject:
    box = track.box
    return SceneObject(
        object_id=numbers.of(track.track_id),
        box=(2 * box.x - 1, 1 - 2 * box.bottom, 2 * box.right - 1, 1 - 2 * box.y),
        classes=((TYPES[track.target_type], track.score),),
    )
