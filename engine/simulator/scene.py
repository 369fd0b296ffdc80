"""What the simulator's cameras look at: the seam between a world and the machinery that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.core.geometry import Box, Direction, Point, Pose
from engine.core.values import Image, TargetType
from engine.core.zoom import ZoomCurve


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height


@dataclass(frozen=True, slots=True)
class PointPair:
    """A point of the overview picture and the direction in which the PTZ camera sees the same thing."""

    point: Point
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class MotorLimits:
    """What the PTZ camera's motors can do.

    Degrees, degrees/s, degrees/s²; the zoom in lens positions (0 to 1). `pan_deg` None means endless rotation.
    """

    pan_deg: tuple[float, float] | None = (-170.0, 170.0)
    tilt_deg: tuple[float, float] = (-90.0, 20.0)
    pan_speed: float = 120.0
    tilt_speed: float = 90.0
    zoom_speed: float = 0.4
    pan_acceleration: float = 480.0
    tilt_acceleration: float = 360.0
    zoom_acceleration: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFacts:
    """What somebody who sets up the site would know or measure."""

    name: str
    projection: str
    """`pinhole` or `equirectangular`."""
    overview_size: PictureSize
    ptz_size: PictureSize
    overview_hfov_deg: float
    zoom_curve: ZoomCurve
    motors: MotorLimits
    home: Pose
    pairs: tuple[PointPair, ...]
    region: tuple[Point, ...] = ()
    """The intrusion region in overview coordinates; empty where the scene has none."""
    annotated_target: str | None = None
    """In footage: the target of which the truth is known."""
    fps: float = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTruth:
    """Where a target really is at one instant. A box is None where no part of the target is in that picture."""

    target_id: str
    target_type: TargetType
    direction: Direction
    """Of the middle of the body, from the PTZ camera."""
    overview_box: Box | None
    ptz_box: Box | None
    overview_visible: float
    """The part of the target that the overview sees, 0 to 1: neither hidden nor beyond the picture."""
    ptz_visible: float
    inside_region: bool


class Scene(Protocol):
    """A world with two cameras in it. All methods are functions of the time and pose given: nothing is remembered.

    Times are seconds since the scene began. Pictures are BGR.
    """

    @property
    def facts(self) -> SceneFacts:
        """Constant."""
        ...

    def prepare(self) -> None:
        """Does the slow work that the first pictures would otherwise wait for."""
        ...

    def overview(self, at: float) -> Image:
        """The overview picture."""
        ...

    def ptz(self, at: float, pose: Pose) -> Image:
        """The PTZ camera's picture from this pose."""
        ...

    def truth(self, at: float, pose: Pose) -> tuple[TargetTruth, ...]:
        """Every target that is there."""
        ...
