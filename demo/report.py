"""What a run was worth: the engine's events against the simulator's truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from demo.engine_client import Heard
from demo.home_assistant import StateChange
from demo.onvif_listener import Notification
from demo.truth import Moment, Truth, box_of

OBJECTS_INSIDE = "tns1:RuleEngine/FieldDetector/ObjectsInside"
ENTERED_FOR_S = 1.0
"""Who was in the region for less, or could not be seen there, did not enter it."""
VISIBLE = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """A target that entered the region."""

    target_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A pursuit: whom the PTZ camera was sent after, from when to when."""

    target_id: str | None
    track_id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the report is made of. Times are Unix seconds."""

    truth: Truth
    events: Sequence[Heard]
    state_changes: Sequence[StateChange]
    notifications: Sequence[Notification]
    start: float
    end: float
    finished: float
    """Entries count until `end`; what became of them, until `finished`."""
    cpu_per_channel: float
    frames_analysed_per_s: float
    followed: str | None = None
    """The target that an operator asked to follow (footage), instead of those that enter a region."""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures. A ratio or median of nothing is None.

    `out_of_view_ratio`: the part of all pictures, from the first arrival at a target until it was left, in which the
    target's middle was outside the PTZ picture. `target_offset_median`: the angle between the optical axis and the
    target's middle as a fraction of the horizontal field of view, over the same pictures. Both end when the target has
    left the scene, or is hidden from both cameras for good. `time_to_capture_s`: from entering the region (by the
    truth) to the first picture that was kept. `home_returns`: how often the PTZ camera was sent home again.
    `event_to_*_ms`: from the engine's decision to the
    client. `frame_to_event_ms`: from light on the sensor to the decision. `cpu_per_channel`: cores.
    """

    scene: str
    seconds: float
    captures: int
    events: int
    targets_seen: int
    targets_captured: int
    missed: list[str]
    out_of_view_ratio: float | None
    target_offset_median: float | None
    time_to_capture_s: float | None
    event_to_ha_ms: float | None
    event_to_onvif_ms: float | None
    frame_to_event_ms: float | None
    home_returns: int
    frames_analysed_per_s: float
    cpu_per_channel: float

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}

    @property
    def complete(self) -> bool:
        """Whether every target that was to be captured was, and there was at least one."""
        return self.targets_seen > 0 and not self.missed


def make_report(scene: str, measured: Measured) -> Report:
    """Computes the figures."""
    entries = find_entries(measured)
    captured = captured_targets(measured)
    visits = find_visits(measured)
    pictures = [one for visit in visits for one in _after_arrival(measured.truth, visit)]
    in_view = [_in_view(moment, target) for moment, target in pictures]
    offsets = [_offset(moment, target) for moment, target in pictures]
    missed = [entry.target_id for entry in entries if entry.target_id not in captured]
    rules = _rule_events(measured)
    return Report(
        scene=scene,
        seconds=measured.end - measured.start,
        captures=len(_of_kind(measured, "capture_taken")),
        events=len(measured.events),
        targets_seen=len(entries),
        targets_captured=len(entries) - len(missed),
        missed=missed,
        out_of_view_ratio=1 - sum(in_view) / len(in_view) if in_view else None,
        target_offset_median=_median(offsets),
        time_to_capture_s=_median(
            max(captured[entry.target_id] - entry.at, 0.0) for entry in entries if entry.target_id in captured
        ),
        event_to_ha_ms=_median(_delays_to_home_assistant(rules, measured.state_changes)),
        event_to_onvif_ms=_median(_delays_to_onvif(rules, measured.notifications)),
        frame_to_event_ms=_median(1000 * (heard.decided_at - heard.event["at"]) for heard in rules),
        home_returns=sum(heard.event["purpose"] == "park" for heard in _of_kind(measured, "ptz_owner_changed")),
        frames_analysed_per_s=measured.frames_analysed_per_s,
        cpu_per_channel=measured.cpu_per_channel,
    )


def find_entries(measured: Measured) -> list[Entry]:
    """Who entered the region, visibly and for long enough, each once; with an operator's target, that one.

    Who is inside already when the measurement begins has not entered: the engine told of it before anybody listened.
    """
    if measured.followed is not None:
        return [Entry(measured.followed, measured.start)]
    inside: dict[str, float] = {}
    found: dict[str, Entry] = {}
    moments = measured.truth.between(measured.start, measured.end)
    there = {target.target_id for target in moments[0].targets.values() if target.inside_region} if moments else set()
    for moment in moments:
        for target in moment.targets.values():
            if not target.inside_region:
                there.discard(target.target_id)
            if target.target_id in there or not (target.inside_region and target.overview_visible >= VISIBLE):
                inside.pop(target.target_id, None)
                continue
            since = inside.setdefault(target.target_id, moment.at)
            if moment.at - since >= ENTERED_FOR_S:
                found.setdefault(target.target_id, Entry(target.target_id, since))
    return list(found.values())


def captured_targets(measured: Measured) -> dict[str, float]:
    """Who really is in the pictures that were kept, and when the first was taken."""
    captured: dict[str, float] = {}
    for heard in _of_kind(measured, "capture_taken"):
        event = heard.event
        who = measured.truth.who_in_ptz(event["at"], box_of(event["box"]))
        if who is not None:
            captured[who] = min(event["at"], captured.get(who, event["at"]))
    return captured


def find_visits(measured: Measured) -> list[Visit]:
    """The pursuits, with the target that each was begun for."""
    visits = []
    begun: dict[str, Any] | None = None
    for heard in measured.events:
        if heard.event["kind"] == "tracking_started":
            begun = heard.event
        elif heard.event["kind"] == "tracking_ended" and begun is not None:
            visits.append(_visit(measured, begun, heard.event["at"]))
            begun = None
    if begun is not None:
        visits.append(_visit(measured, begun, measured.finished))
    return visits


def _visit(measured: Measured, begun: dict[str, Any], end: float) -> Visit:
    who = measured.followed
    if who is None:
        rules = [
            heard.event
            for heard in _rule_events(measured)
            if heard.event["track_id"] == begun["track_id"] and heard.event["at"] <= begun["at"]
        ]
        if rules:
            who = measured.truth.who_in_overview(rules[-1]["at"], box_of(rules[-1]["box"]))
    return Visit(who, begun["track_id"], begun["at"], end)


def _after_arrival(truth: Truth, visit: Visit) -> Iterable[tuple[Moment, str]]:
    """The moments of a visit since the target was first in the picture, till no camera could see it any more."""
    target_id = visit.target_id
    moments = [moment for moment in truth.between(visit.start, visit.end) if target_id in moment.targets]
    while target_id is not None and moments and not _can_be_seen(moments[-1], target_id):
        moments.pop()
    arrived = False
    for moment in moments:
        if target_id is None:
            continue
        arrived = arrived or _in_view(moment, target_id)
        if arrived:
            yield moment, target_id


def _can_be_seen(moment: Moment, target_id: str) -> bool:
    target = moment.targets[target_id]
    return target.overview_visible > 0 or target.ptz_visible > 0


def _in_view(moment: Moment, target_id: str) -> bool:
    box = moment.targets[target_id].ptz_box
    return box is not None and 0 <= box.centre.x <= 1 and 0 <= box.centre.y <= 1


def _offset(moment: Moment, target_id: str) -> float:
    return moment.pose.direction.angle_to(moment.targets[target_id].direction) / moment.pose.hfov_deg


def _rule_events(measured: Measured) -> list[Heard]:
    return [heard for heard in _of_kind(measured, "rule_triggered") if heard.event["active"]]


def _of_kind(measured: Measured, kind: str) -> list[Heard]:
    return [heard for heard in measured.events if heard.event["kind"] == kind]


def _delays_to_home_assistant(rules: Sequence[Heard], changes: Sequence[StateChange]) -> Iterable[float]:
    arrived: dict[str, float] = {}
    for change in changes:
        if change.entity_id.startswith("event.") and "event_id" in change.attributes:
            arrived.setdefault(change.attributes["event_id"], change.at)
    for heard in rules:
        if heard.event["event_id"] in arrived:
            yield 1000 * (arrived[heard.event["event_id"]] - heard.decided_at)


def _delays_to_onvif(rules: Sequence[Heard], notifications: Sequence[Notification]) -> Iterable[float]:
    inside = [one for one in notifications if one.topic == OBJECTS_INSIDE and one.items.get("IsInside") == "true"]
    for heard in rules:
        # ONVIF has no event ids; the moment of the picture, to the millisecond, tells which one it is.
        own = [one for one in inside if abs(one.utc - heard.event["at"]) < 0.002]
        if own:
            yield 1000 * (own[0].at - heard.decided_at)


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return median(known) if known else None
