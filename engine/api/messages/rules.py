"""Rules: what they watch for."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.api.messages.base import Identifier, Name, Request, Response, Unit, UnitPoint
from engine.core.events import RuleKind
from engine.core.values import TargetType

CrossingDirection = Literal["both", "a_to_b", "b_to_a"]


class RuleSettings(Request, frozen=True, kw_only=True):
    """What a rule watches for; what is left out has its default.

    `points` are the corners of a region, or the points of a line; none: the whole picture, where the kind allows it.
    `confidence`: so sure the detector must be of a target. `sensitivity` is of motion: a tenth of the region must move
    at 0, a hundredth at 50, a thousandth at 100. A rule that is not `armed` sleeps.
    """

    name: Name | None = None
    points: Annotated[list[UnitPoint], Meta(max_length=64)] = []
    direction: CrossingDirection = "both"
    min_seconds: Annotated[float, Meta(ge=0.0, le=3600.0)] = 0.0
    targets: Annotated[list[TargetType], Meta(min_length=1, max_length=5)] = msgspec.field(
        default_factory=lambda: [TargetType.PERSON, TargetType.VEHICLE, TargetType.TWO_WHEELER]
    )
    confidence: Unit = 0.0
    sensitivity: Annotated[float, Meta(ge=0.0, le=100.0)] = 50.0
    link: Identifier | None = None
    priority: Annotated[int, Meta(ge=0, le=100)] = 50
    armed: bool = True


class RuleRequest(RuleSettings, frozen=True, kw_only=True):
    """Makes a rule. Without an `id` it gets one that is made of its name."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")] | None = None
    kind: RuleKind
    channel: Identifier


class RuleDescription(Response, frozen=True, kw_only=True):
    """A rule with its settings; whether it is active is in the state."""

    id: str
    name: str
    kind: RuleKind
    channel: str
    points: list[UnitPoint]
    direction: CrossingDirection
    min_seconds: float
    targets: list[TargetType]
    confidence: float
    sensitivity: float
    link: str | None
    priority: int
    armed: bool


class RuleList(Response, frozen=True, kw_only=True):
    """All rules."""

    rules: list[RuleDescription]
