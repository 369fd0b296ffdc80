"""Tours as zeep's values, and back."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from onvif_server.backend import Ptz, PtzPreset, PtzTourLimits, Tour, TourSpot, TourState
from onvif_server.services import ptz_description, ptz_values
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Values
from onvif_server.soap.values import clean_text, seconds_of

MAXIMUM_NAME: Final = 64
_MOST_ROUNDS: Final = 1_000_000
_SHORTEST_S: Final = 1.0


def invalid(reason: str) -> Fault:
    """The fault for a tour that cannot be."""
    return invalid_argument("InvalidPresetTour", reason)


def options(ptz: Ptz, limits: PtzTourLimits, presets: list[PtzPreset]) -> Values:
    """The tt:PTZPresetTourOptions."""
    condition: Values = {
        "RecurringTime": {"Min": 1, "Max": _MOST_ROUNDS},
        "Direction": ["Forward", *(["Backward"] if limits.reversible else [])],
    }
    if limits.maximum_duration_s is not None:
        condition["RecurringDuration"] = _durations(_SHORTEST_S, limits.maximum_duration_s)
    detail: Values = {"PresetToken": [preset.token for preset in presets], "Home": ptz.capabilities.home}
    if limits.positions:
        spaces = ptz_description.spaces(ptz.capabilities)
        detail["PanTiltPositionSpace"] = spaces["AbsolutePanTiltPositionSpace"][0]
        if ptz.capabilities.zoom:
            detail["ZoomPositionSpace"] = spaces["AbsoluteZoomPositionSpace"][0]
    return {
        "AutoStart": limits.auto_start,
        "StartingCondition": condition,
        "TourSpot": {"PresetDetail": detail, "StayTime": _durations(0.0, limits.maximum_stay_s)},
    }


def _durations(shortest_s: float, longest_s: float) -> Values:
    return {"Min": timedelta(seconds=shortest_s), "Max": timedelta(seconds=longest_s)}


def tour_values(tour: Tour, ptz: Ptz) -> Values:
    """The tt:PresetTour."""
    spots = [_spot_values(spot, ptz) for spot in tour.spots]
    status: Values = {"State": tour.state.value}
    if tour.state is not TourState.IDLE and tour.current is not None and tour.current < len(spots):
        status["CurrentTourSpot"] = _spot_values(tour.spots[tour.current], ptz)
    condition: Values = {"Direction": "Backward" if tour.backward else "Forward", "RandomPresetOrder": tour.random}
    if tour.rounds is not None:
        condition["RecurringTime"] = tour.rounds
    if tour.duration_s is not None:
        condition["RecurringDuration"] = timedelta(seconds=tour.duration_s)
    return {
        "token": tour.token,
        "Name": clean_text(tour.name)[:MAXIMUM_NAME],
        "Status": status,
        "AutoStart": tour.auto_start,
        "StartingCondition": condition,
        "TourSpot": spots,
    }


def _spot_values(spot: TourSpot, ptz: Ptz) -> Values:
    return {
        "PresetDetail": _detail_values(spot, ptz),
        "Speed": ptz_values.speed_values(spot.speed),
        "StayTime": timedelta(seconds=spot.stay_s),
    }


def _detail_values(spot: TourSpot, ptz: Ptz) -> Values:
    if spot.preset is not None:
        return {"PresetToken": spot.preset}
    if spot.position is None:
        return {"Home": True}
    pan_deg, tilt_deg, zoom = spot.position
    values = ptz_values.position(ptz.capabilities, pan_deg, tilt_deg, zoom or 0.0)
    if zoom is None:
        values.pop("Zoom", None)
    return {"PTZPosition": values}


def tour_of(asked: Any, present: Tour, ptz: Ptz, limits: PtzTourLimits, space: str) -> Tour:
    """A tt:PresetTour in the place of the present one. Raises Fault. `space` is that of positions that name none."""
    spots = tuple(_spot(spot, ptz, limits, space) for spot in asked.TourSpot or ())
    if len(spots) > limits.spots:
        raise Fault("Action", "TooManyPresets", reason=f"a tour has at most {limits.spots} spots", sender=False)
    if asked.AutoStart and not limits.auto_start:
        raise invalid("tours do not start by themselves")
    name = present.name if asked.Name is None else asked.Name
    tour = Tour(token=present.token, name=name, spots=spots, auto_start=bool(asked.AutoStart))
    return tour if asked.StartingCondition is None else _conditioned(tour, asked.StartingCondition, limits)


def _conditioned(tour: Tour, condition: Any, limits: PtzTourLimits) -> Tour:
    direction, rounds, random = condition.Direction, condition.RecurringTime, bool(condition.RandomPresetOrder)
    if direction == "Extended" or (direction == "Backward" and not limits.reversible) or (random and not limits.random):
        raise invalid("tours cannot be made in that order")
    if rounds is not None and not 1 <= rounds <= _MOST_ROUNDS:
        raise invalid(f"the number of rounds is 1 to {_MOST_ROUNDS}")
    duration_s = None
    if condition.RecurringDuration is not None:
        if limits.maximum_duration_s is None:
            raise invalid("tours do not end after a time")
        duration_s = _seconds(condition.RecurringDuration, _SHORTEST_S, limits.maximum_duration_s, "a tour's duration")
    backward = direction == "Backward"
    return replace(tour, rounds=rounds, duration_s=duration_s, backward=backward, random=random)


def _spot(asked: Any, ptz: Ptz, limits: PtzTourLimits, space: str) -> TourSpot:
    detail = asked.PresetDetail
    preset = None if detail is None else detail.PresetToken
    position = None
    if detail is not None and detail.PTZPosition is not None and limits.positions:
        pan_deg, tilt_deg, zoom = ptz_values.absolute_target(detail.PTZPosition, ptz.capabilities, space)
        if pan_deg is None or tilt_deg is None:
            raise invalid("a spot's position needs pan and tilt")
        position = (pan_deg, tilt_deg, zoom)
    elif preset is None and not (detail is not None and detail.Home and ptz.capabilities.home):
        raise invalid("a spot is a preset, or a position or the home position where that is possible")
    stay_s = 0.0 if asked.StayTime is None else _seconds(asked.StayTime, 0.0, limits.maximum_stay_s, "a spot's stay")
    return TourSpot(preset=preset, stay_s=stay_s, speed=ptz_values.speed_of(asked.Speed), position=position)


def _seconds(duration: Any, shortest_s: float, longest_s: float, what: str) -> float:
    try:
        seconds = seconds_of(duration).total_seconds()
    except ValueError as error:
        raise invalid(str(error)) from error
    if not (math.isfinite(seconds) and shortest_s <= seconds <= longest_s):
        raise invalid(f"{what} is {shortest_s:g} to {longest_s:g} s")
    return float(seconds)
