"""Preset tours."""

from __future__ import annotations

from typing import Final

from onvif_server.backend import Ptz, PtzTourLimits, Refusal, Tour, TourOperation, VideoChannel
from onvif_server.security.access import Access
from onvif_server.services import ptz_description, ptz_tour_values
from onvif_server.services.ptz_heads import PtzHeads
from onvif_server.services.ptz_tour_values import invalid, tour_of, tour_values
from onvif_server.services.ptz_values import refusals_as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

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
            return {"PresetTour": [tour_values(tour, ptz) for tour in await ptz.tours()]}

    @operation(names.PTZ, "GetPresetTour", Access.READ_MEDIA)
    async def get_preset_tour(self, call: Call) -> Values:
        """One tour."""
        _, ptz, _ = self._touring(call.value.ProfileToken)
        return {"PresetTour": tour_values(await _find(ptz, call.value.PresetTourToken), ptz)}

    @operation(names.PTZ, "GetPresetTourOptions", Access.READ_MEDIA)
    async def get_preset_tour_options(self, call: Call) -> Values:
        """What a tour can be."""
        _, ptz, limits = self._touring(call.value.ProfileToken)
        if call.value.PresetTourToken is not None:
            await _find(ptz, call.value.PresetTourToken)
        with refusals_as_faults():
            presets = await ptz.presets()
        return {"Options": ptz_tour_values.options(ptz, limits, list(presets))}

    @operation(names.PTZ, "CreatePresetTour", Access.ACTUATE)
    async def create_preset_tour(self, call: Call) -> Values:
        """Adds an empty tour."""
        channel, ptz, _ = self._touring(call.value.ProfileToken)
        with refusals_as_faults(_CREATING):
            token = await ptz.create_tour(call.caller)
        await self._heads.tours.changed(channel.token)
        return {"PresetTourToken": token}

    @operation(names.PTZ, "ModifyPresetTour", Access.ACTUATE)
    async def modify_preset_tour(self, call: Call) -> Values:
        """Replaces a tour."""
        channel, ptz, limits = self._touring(call.value.ProfileToken)
        asked = call.value.PresetTour
        present = await _find(ptz, asked.token)
        tour = tour_of(asked, present, ptz, limits, self._heads.settings.absolute_space(channel.token))
        with refusals_as_faults(_MODIFYING):
            known = {preset.token for preset in await ptz.presets()}
            for spot in tour.spots:
                if spot.preset is not None and spot.preset not in known:
                    raise invalid(f"there is no preset {spot.preset}")
            await ptz.modify_tour(call.caller, tour)
        await self._heads.tours.changed(channel.token)
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
        await self._heads.tours.changed(channel.token)
        return {}

    @operation(names.PTZ, "RemovePresetTour", Access.ACTUATE)
    async def remove_preset_tour(self, call: Call) -> Values:
        """Forgets a tour."""
        channel, ptz, _ = self._touring(call.value.ProfileToken)
        with refusals_as_faults():
            await ptz.remove_tour(call.caller, call.value.PresetTourToken)
        await self._heads.tours.changed(channel.token)
        return {}


async def _find(ptz: Ptz, token: str | None) -> Tour:
    with refusals_as_faults():
        tours = await ptz.tours()
    for tour in tours:
        if tour.token == token:
            return tour
    raise invalid_argument("NoToken", f"there is no preset tour {token}")
