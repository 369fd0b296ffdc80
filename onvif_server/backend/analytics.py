"""What is understood of the picture: rules, and the objects in it.

Points are in the picture's own coordinates: x from -1 (left) to 1 (right), y from -1 (bottom) to 1 (top).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from onvif_server.backend.access import Caller
from onvif_server.backend.ptz import PtzStatus

type XY = tuple[float, float]
"""A point of the picture."""


class RuleKind(StrEnum):
    """The rules of ONVIF Analytics annex A that the library can express; the value is the name of its type in `tt`."""

    FIELD_DETECTOR = "FieldDetector"
    LINE_DETECTOR = "LineDetector"
    LOITERING_DETECTOR = "LoiteringDetector"
    COUNTING = "LineCounting"
    OBJECT_DETECTION = "ObjectDetection"
    MOTION_REGION = "MotionRegionDetector"
    FACE_RECOGNITION = "FaceRecognition"


class LineDirection(StrEnum):
    """Which crossings of a line count, seen along the line from its first point to its last."""

    LEFT = "Left"
    RIGHT = "Right"
    ANY = "Any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. Which fields have a meaning depends on the kind.

    `points`: the polygon of a field, the polyline of a line; empty: the whole picture (where the kind allows it).
    `classes`: ONVIF's object types (`Human`, `Vehicle`, `Bicycle`, `Animal`, `HumanFace`…), empty: all.
    `min_seconds`: so long an object must stay. `sensitivity`: 0 to 100, of motion. `armed`: the rule may fire.
    """

    name: str
    kind: RuleKind
    points: tuple[XY, ...] = ()
    direction: LineDirection = LineDirection.ANY
    classes: tuple[str, ...] = ()
    min_seconds: float = 0.0
    sensitivity: float = 50.0
    confidence: float = 0.0
    armed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLimits:
    """What a channel's rules of one kind may be."""

    kind: RuleKind
    maximum: int = 16
    maximum_points: int = 32
    classes: tuple[str, ...] = ("Human", "Vehicle", "Bicycle")
    maximum_seconds: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The analytics module that finds objects: what it tells in metadata.

    `classes` empty: all that the host knows. `confidence`: what is less likely is not told.
    """

    name: str
    classes: tuple[str, ...] = ()
    confidence: float = 0.0


class Analytics(Protocol):
    """Rules and modules of one channel. Methods raise `Refused`: EXISTS, NOT_FOUND, INVALID, TOO_MANY."""

    @property
    def limits(self) -> Sequence[RuleLimits]:
        """The kinds of rules that are possible; constant while the device runs."""
        ...

    @property
    def object_classes(self) -> Sequence[str]:
        """The object types that metadata can hold, with ONVIF's words; constant while the device runs."""
        ...

    def rules(self) -> Sequence[Rule]:
        """The rules, whoever made them. A host that changes them by itself says so: `OnvifDevice.rules_changed`."""
        ...

    async def create_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        """Adds rules: all of them, or none."""
        ...

    async def modify_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        """Changes rules, found by their names: all of them, or none."""
        ...

    async def delete_rules(self, caller: Caller, names: Sequence[str]) -> None:
        """Removes rules: all of them, or none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One object in the picture. `box` is (left, bottom, right, top).

    `classes` are ONVIF's types with their likelihoods, the likeliest first. `geo` is (longitude, latitude, elevation).
    """

    object_id: int
    box: tuple[float, float, float, float]
    classes: tuple[tuple[str, float], ...] = ()
    speed: float | None = None
    geo: tuple[float, float, float] | None = None
    parent_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFrame:
    """What is in one picture; no objects: the heartbeat. `at` is when the picture was taken, Unix seconds."""

    channel: str
    at: float
    objects: tuple[SceneObject, ...] = ()
    ptz: PtzStatus | None = field(default=None)
