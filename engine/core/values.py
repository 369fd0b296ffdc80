"""What flows through the engine: frames, detections, tracks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Box, Pose

type Image = NDArray[np.uint8]
"""A picture of shape (height, width, 3), uint8, channels in the order blue, green, red."""


class TargetType(StrEnum):
    """What a target is, in the words of the smart-linkage manuals."""

    PERSON = "person"
    FACE = "face"
    VEHICLE = "vehicle"
    TWO_WHEELER = "two_wheeler"
    ANIMAL = "animal"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture of a channel.

    `captured_at` is the best estimate of when light hit the sensor (Unix seconds); `arrived_at` is when the packet
    reached the machine. `sequence` counts the pictures of the channel, skipped ones included.
    """

    channel: str
    image: Image
    captured_at: float
    arrived_at: float
    sequence: int


@dataclass(frozen=True, slots=True)
class Detection:
    """A target found in one frame; the box is normalised, the score is 0 to 1."""

    box: Box
    target_type: TargetType
    score: float


@dataclass(frozen=True, slots=True)
class Track:
    """A target followed over frames of one channel.

    `box` is the filtered box at `at`; `detected` tells whether a detection supports it in this frame or it is
    predicted; `confirmed` whether it was seen often enough to count.
    """

    track_id: str
    channel: str
    target_type: TargetType
    box: Box
    score: float
    at: float
    first_seen_at: float
    detected: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class TrackUpdate:
    """All tracks of a channel after one frame; `pose` is the camera's pose at the frame's time (PTZ channels)."""

    channel: str
    captured_at: float
    tracks: tuple[Track, ...]
    aspect: float
    pose: Pose | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MotionMask:
    """Which points of one channel's picture are not as they usually are: `moving` has the shape (height, width).

    Its points lie evenly over the picture, which may have more of them.
    """

    channel: str
    captured_at: float
    moving: NDArray[np.bool_]
