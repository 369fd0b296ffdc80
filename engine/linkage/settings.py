"""What is particular to one link and its pursuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.linkage.estimator import EstimatorSettings
from engine.linkage.model import Framing
from engine.linkage.scheduler import SchedulerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PursuitSettings:
    """When a target that is not seen counts as what: coasting, searched for, lost (seconds without seeing it)."""

    coast_after_s: float = 1.0
    search_after_s: float = 3.0
    lost_after_s: float = 8.0
    estimator: EstimatorSettings = field(default_factory=EstimatorSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What is particular to one link.

    `overview` None: the PTZ picture alone. `rules` gives the priority (0 to 100) of each rule that sends this link.
    `dwell_s` is how long a target is framed before its capture is made; while nobody else waits, up to `polish_s` more
    for one of `fine_grade`. `max_tracking_s` is how long one target may keep the camera, `patience_s` how long it may
    when others wait and its pictures are no good. `follow_after_s` is how long a target that had its turn is still
    followed when no rule asks for it any more, `park_after_s` how long the camera stays when nothing is left to do
    (None: for ever).
    """

    link_id: str
    ptz: str
    overview: str | None = None
    framing: Framing = field(default_factory=Framing)
    rules: Mapping[str, int] = field(default_factory=dict)
    dwell_s: float = 3.0
    polish_s: float = 3.0
    fine_grade: float = 0.75
    max_tracking_s: float = 60.0
    patience_s: float = 8.0
    follow_after_s: float = 5.0
    park_after_s: float | None = 1.0
    tick_s: float = 0.1
    pursuit: PursuitSettings = field(default_factory=PursuitSettings)
    scheduler: SchedulerSettings = field(default_factory=SchedulerSettings)
