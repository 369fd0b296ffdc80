"""Preset tours."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from onvif_server.backend import Ptz, PtzTourLimits, Refusal, Tour, TourOperation, TourSpot, TourState, VideoChannel
from onvif_server.security.access import Access
from onvif_server.services import ptz_description, ptz_values
from onvif_server.services.ptz_heads import PtzHeads
from onvif_server.services.ptz_values import refusals_as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text, seconds_of

_CREATING: Final = {Refusal.TOO_MANY: ("Action", "TooManyPresetTours")}
_MODIFYING: Final = {
    Refusal.TOO_MANY: ("Action", "TooManyPresets"),
    Refusal.INVALID: ("InvalidArgVal", "InvalidPresetTour"),
    Refusal.NO_SUCH_PRESET: ("InvalidArgVal", "InvalidPresetTour"),
    Refusal.NO_HOME: ("InvalidArgVal", "InvalidPresetTour"),
}
_OPERATING: Final = {
    Refusal.BUSY: ("Action", "ActivationFailed"),
    Refusal.INVALID: ("Action", "ActivationFailed"),
}
_MAXIMUM_NAME: Final = 64
_MOST_ROUNDS: Final = 1_000_000


class PtzTours:
    """Tours through presets, carried out by the host."""

    def __init__(self, heads: PtzHeads) -> None:
        self._heads = heads

    def _touring(self, profile_token: str) -> tuple[VideoChannel, Ptz, PtzTourLimits]:
        channel, ptz = self._heads.moving(profile_token)
        limits = ptz.capabilities.tours
        if limits is None:
            raise Fault("ActionNotSupported", reason="the head makes no tours", sender=False)
        return channel, ptz, limits

    @operation(names.PTZ, "GetPresetTours", Access.READ_MEDIA)
    async def get_preset_tours(self, call: Call) -> Values:
        """All tours of a head."""
        _, ptz, _ = self._touring(call.value.ProfileToken)
        with refusals_as_faults():
            return {"PresetTour": [_tour_values(tour) for tour in await ptz.tours()]}

    @operation(names.PTZ, "GetPresetTour", Access.READ_MEDIA)
    async def get_preset_tour(self, call: Call) -> Values:
        """One tour."""
        _, ptz, _ = self._touring(call.value.ProfileToken)
        return {"PresetTour": _tour_values(await _find(ptz, call.value.PresetTourToken))}

    @operation(names.PTZ, "GetPresetTourOptions", Access.READ_MEDIA)
    async def get_preset_tour_options(self, call: Call) -> Values:
        """What a tour can be."""
        _, ptz, limits = self._touring(call.value.ProfileToken)
        if call.value.PresetTourToken is not None:
            await _find(ptz, call.value.PresetTourToken)
        with refusals_as_faults():
            presets = await ptz.presets()
        stay = {"Min": timedelta(0), "Max": timedelta(seconds=limits.maximum_stay_s)}
        condition = {
            "RecurringTime": {"Min": 1, "Max": _MOST_ROUNDS},
            "Direction": ["Forward", *(["Backward"] if limits.reversible else [])],
        }
        detail = {"PresetToken": [preset.token for preset in presets], "Home": ptz.capabilities.home}
        return {
            "Options": {
                "AutoStart": limits.auto_start,
                "StartingCondition": condition,
                "TourSpot": {"PresetDetail": detail, "StayTime": stay},
            }
        }

    @operation(names.PTZ, "CreatePresetTour", Access.ACTUATE)
    async def create_preset_tour(self, call: Call) -> Values:
        """Adds an empty tour."""
        _, ptz, _ = self._touring(call.value.ProfileToken)
        with refusals_as_faults(_CREATING):
            return {"PresetTourToken": await ptz.create_tour(call.caller)}

    @operation(names.PTZ, "ModifyPresetTour", Access.ACTUATE)
    async def modify_preset_tour(self, call: Call) -> Values:
        """Replaces a tour."""
        _, ptz, limits = self._touring(call.value.ProfileToken)
        asked = call.value.PresetTour
        present = await _find(ptz, asked.token)
        tour = _tour(asked, present, ptz, limits)
        with refusals_as_faults(_MODIFYING):
            known = {preset.token for preset in await ptz.presets()}
            for spot in tour.spots:
                if spot.preset is not None and spot.preset not in known:
                    raise _invalid(f"there is no preset {spot.preset}")
            await ptz.modify_tour(call.caller, tour)
        return {}

    @operation(names.PTZ, "OperatePresetTour", Access.ACTUATE)
    async def operate_preset_tour(self, call: Call) -> Values:
        """Starts, stops or pauses a tour."""
        channel, ptz, limits = self._touring(call.value.ProfileToken)
        await _find(ptz, call.value.PresetTourToken)
        order = call.value.Operation
        if order not in ptz_description.tour_operations(limits):
            raise Fault("ActionNotSupported", reason=f"tours cannot be told to {order}", sender=False)
        operation = TourOperation(order)
        with refusals_as_faults(_OPERATING):
            await ptz.operate_tour(call.caller, call.value.PresetTourToken, operation)
        if operation is TourOperation.START:
            self._heads.watch.moved(channel.token)
        return {}

    @operation(names.PTZ, "RemovePresetTour", Access.ACTUATE)
    async def remove_preset_tour(self, call: Call) -> Values:
        """Forgets a tour."""
        _, ptz, _ = self._touring(call.value.ProfileToken)
        with refusals_as_faults():
            await ptz.remove_tour(call.caller, call.value.PresetTourToken)
        return {}


def _invalid(reason: str) -> Fault:
    return invalid_argument("InvalidPresetTour", reason)


async def _find(ptz: Ptz, token: str | None) -> Tour:
    with refusals_as_faults():
        tours = await ptz.tours()
    for tour in tours:
        if tour.token == token:
            return tour
    raise invalid_argument("NoToken", f"there is no preset tour {token}")


def _tour_values(tour: Tour) -> Values:
    spots = [_spot_values(spot) for spot in tour.spots]
    status: Values = {"State": tour.state.value}
    if tour.state is not TourState.IDLE and tour.current is not None and tour.current < len(spots):
        status["CurrentTourSpot"] = _spot_values(tour.spots[tour.current])
    condition: Values = {"Direction": "Backward" if tour.backward else "Forward", "RandomPresetOrder": tour.random}
    if tour.rounds is not None:
        condition["RecurringTime"] = tour.rounds
    return {
        "token": tour.token,
        "Name": clean_text(tour.name)[:_MAXIMUM_NAME],
        "Status": status,
        "AutoStart": tour.auto_start,
        "StartingCondition": condition,
        "TourSpot": spots,
    }


def _spot_values(spot: TourSpot) -> Values:
    return {
        "PresetDetail": {"Home": True} if spot.preset is None else {"PresetToken": spot.preset},
        "Speed": ptz_values.speed_values(spot.speed),
        "StayTime": timedelta(seconds=spot.stay_s),
    }


def _tour(asked: Any, present: Tour, ptz: Ptz, limits: PtzTourLimits) -> Tour:
    condition = asked.StartingCondition
    backward = rounds = None
    random = False
    if condition is not None:
        backward, rounds, random = condition.Direction, condition.RecurringTime, bool(condition.RandomPresetOrder)
        if condition.RecurringDuration is not None:
            raise _invalid("a tour that starts anew after a time is not possible")
    if backward == "Extended" or (backward == "Backward" and not limits.reversible) or (random and not limits.random):
        raise _invalid("tours cannot be made in that order")
    if rounds is not None and not 1 <= rounds <= _MOST_ROUNDS:
        raise _invalid(f"the number of rounds is 1 to {_MOST_ROUNDS}")
    if asked.AutoStart and not limits.auto_start:
        raise _invalid("tours do not start by themselves")
    spots = tuple(_spot(spot, ptz, limits) for spot in asked.TourSpot or ())
    if len(spots) > limits.spots:
        raise Fault("Action", "TooManyPresets", reason=f"a tour has at most {limits.spots} spots", sender=False)
    name = present.name if asked.Name is None else asked.Name
    return Tour(
        token=present.token,
        name=name,
        spots=spots,
        auto_start=bool(asked.AutoStart),
        rounds=rounds,
        backward=backward == "Backward",
        random=random,
    )


def _spot(asked: Any, ptz: Ptz, limits: PtzTourLimits) -> TourSpot:
    detail = asked.PresetDetail
    preset = None if detail is None else detail.PresetToken
    if preset is None and not (detail is not None and detail.Home and ptz.capabilities.home):
        raise _invalid("a spot is a preset, or the home position where there is one")
    try:
        stay_s = 0.0 if asked.StayTime is None else seconds_of(asked.StayTime).total_seconds()
    except ValueError as error:
        raise _invalid(str(error)) from error
    if not (math.isfinite(stay_s) and 0 <= stay_s <= limits.maximum_stay_s):
        raise _invalid(f"a spot's stay is at most {limits.maximum_stay_s:g} s")
    return TourSpot(preset=preset, stay_s=stay_s, speed=ptz_values.speed_of(asked.Speed))
