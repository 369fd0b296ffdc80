"""Picture settings and focus of a channel of an ONVIF camera."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from engine.cameras.errors import CameraFault, CameraUnreachable
from engine.cameras.extras import ImagingAbilities
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import dig, number, plain
from onvif_server.backend import Choice, FocusAbilities, FocusStatus, ImagingSettings, Number, Range
from onvif_server.imaging_table import TABLE

_ON_OFF: Final = ("ON", "OFF")
_AUTO_MANUAL: Final = ("AUTO", "MANUAL")
_WORDS: Final = {
    "backlight_mode": _ON_OFF,
    "exposure_mode": _AUTO_MANUAL,
    "exposure_priority": ("LowNoise", "FrameRate"),
    "focus_mode": _AUTO_MANUAL,
    "ir_cut_filter": ("ON", "OFF", "AUTO"),
    "wide_dynamic_range_mode": _ON_OFF,
    "white_balance_mode": _AUTO_MANUAL,
    "stabilization_mode": ("OFF", "ON", "AUTO", "Extended"),
    "defogging_mode": ("OFF", "ON", "AUTO"),
}
"""The standard's words of each mode: what else a camera says cannot be passed on."""

_LONGEST: Final = 300

type Plain = dict[str, Any]


async def learn_imaging(client: SoapClient, source: str) -> ImagingAbilities | None:
    """What can be set of a video source; None where there is nothing. Raises CameraError."""
    if not client.offers(Service.IMAGING):
        return None
    try:
        answer = await client.call_extra(Service.IMAGING, "GetOptions", VideoSourceToken=source)
    except CameraFault:
        return None
    with client.making_sense("imaging options"):
        options = tuple(_options(answer))
    abilities = ImagingAbilities(options=options, focus=await _learn_focus(client, source))
    return abilities if abilities != ImagingAbilities() else None


async def _learn_focus(client: SoapClient, source: str) -> FocusAbilities | None:
    try:
        answer = await client.call_extra(Service.IMAGING, "GetMoveOptions", VideoSourceToken=source)
    except CameraFault:
        return None
    with client.making_sense("focus options"):
        found = FocusAbilities(
            absolute=_range(dig(answer, ("Absolute", "Position"))),
            absolute_speed=_range(dig(answer, ("Absolute", "Speed"))),
            relative=_range(dig(answer, ("Relative", "Distance"))),
            relative_speed=_range(dig(answer, ("Relative", "Speed"))),
            continuous_speed=_range(dig(answer, ("Continuous", "Speed"))),
        )
    return found if found.absolute or found.relative or found.continuous_speed else None


class OnvifImaging:
    """See the protocol `ImagingControl`. It stays the same object over reconnections."""

    def __init__(self, client: SoapClient) -> None:
        self._client = client
        self._source: str | None = None

    def attach(self, source: str) -> None:
        """Takes over which video source the channel shows."""
        self._source = source

    async def _call(self, operation: str, **parameters: Any) -> Any:
        if self._source is None:
            raise CameraUnreachable(
                self._client.name, self._client.address, "its imaging is not known", "wait until it is connected"
            )
        return await self._client.call_extra(Service.IMAGING, operation, VideoSourceToken=self._source, **parameters)

    async def settings(self) -> ImagingSettings:
        """As they are now."""
        answer = await self._call("GetImagingSettings")
        with self._client.making_sense("imaging settings"):
            found: Plain = {row.field: _setting(row.field, dig(answer, row.path)) for row in TABLE}
            return ImagingSettings(**found)

    async def set(self, settings: ImagingSettings, *, persistent: bool) -> None:
        """Changes what is not None.

        What belongs together (e.g. all of the exposure) is sent together, with the values that the camera has for the
        rest: the standard demands the mode beside each level, and cameras take what is left out for a default.
        """
        present = await self._call("GetImagingSettings")
        with self._client.making_sense("imaging settings"):
            wanted = _changed(present, settings)
        if wanted:
            await self._call("SetImagingSettings", ImagingSettings=wanted, ForcePersistence=persistent)

    async def focus_status(self) -> FocusStatus:
        """Where the focus is now."""
        answer = await self._call("GetStatus")
        with self._client.making_sense("focus status"):
            focus = answer.FocusStatus20
            return FocusStatus(number(focus.Position), focus.MoveStatus == "MOVING", str(focus.Error or "")[:_LONGEST])

    async def move_focus(
        self,
        *,
        absolute: float | None = None,
        relative: float | None = None,
        continuous: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Starts a move."""
        pace = {} if speed is None else {"Speed": speed}
        if absolute is not None:
            move: Plain = {"Absolute": {"Position": absolute} | pace}
        elif relative is not None:
            move = {"Relative": {"Distance": relative} | pace}
        else:
            move = {"Continuous": {"Speed": continuous or 0.0}}
        await self._call("Move", Focus=move)

    async def stop_focus(self) -> None:
        """Ends it."""
        await self._call("Stop")


def _options(answer: Any) -> Iterator[Number | Choice]:
    for row in TABLE:
        found = dig(answer, row.option)
        if row.field in _WORDS:
            words = tuple(word for word in _WORDS[row.field] if word in (found or ()))
            if words:
                yield Choice(row.field, words)
        elif row.flag and found in (True, ["true"], ["1"]):
            yield Number(row.field, Range(0.0, 1.0))
        elif not row.flag and (interval := _range(found)) is not None:
            yield Number(row.field, interval)


def _range(value: Any) -> Range | None:
    if value is None:
        return None
    low, high = float(value.Min), float(value.Max)
    return Range(low, high) if math.isfinite(low) and math.isfinite(high) and low <= high else None


def _setting(field: str, value: Any) -> float | str | None:
    if isinstance(value, list):
        value = value[0]
    if value is None:
        return None
    if field in _WORDS:
        return str(value) if value in _WORDS[field] else None
    return float(value) if math.isfinite(float(value)) else None


def _changed(present: Any, settings: ImagingSettings) -> Plain:
    """The tt:ImagingSettings20 of the groups in which something changes."""
    wanted: Plain = {}
    changes = asdict(settings)
    for row in TABLE:
        value = changes[row.field]
        if value is None:
            continue
        first = row.path[0]
        if len(row.path) > 1 and first not in wanted:
            wanted[first] = plain(getattr(present, first, None))
        group = wanted
        for name in row.path[:-1]:
            group = group.setdefault(name, {})
        group[row.path[-1]] = value
    for row in TABLE:
        # The mode that the schema demands, where the camera tells none.
        beside = _within(wanted, row.path[:-1])
        if row.otherwise is not None and beside is not None:
            beside.setdefault(row.path[-1], row.otherwise)
    return wanted


def _within(values: Plain, path: tuple[str, ...]) -> Plain | None:
    group: Any = values
    for name in path:
        group = group.get(name)
        if group is None:
            return None
    return group if path else None
