"""A lens and a sensor in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from onvif_server.backend import (
    Caller,
    Choice,
    FocusAbilities,
    FocusStatus,
    Imaging,
    ImagingSettings,
    Number,
    Range,
    Refused,
)


class Lens(Imaging):
    def __init__(self) -> None:
        self.now = ImagingSettings(
            brightness=50.0, ir_cut_filter="AUTO", exposure_mode="AUTO", noise_reduction_level=0.5
        )
        self.told: list[tuple[str, dict[str, object]]] = []
        self.refusal: Refused | None = None
        self.abilities: FocusAbilities | None = FocusAbilities(
            absolute=Range(0.0, 1.0), absolute_speed=Range(0.0, 1.0), continuous_speed=Range(-1.0, 1.0)
        )

    @property
    def options(self) -> Sequence[Number | Choice]:
        return (
            Number("brightness", Range(0.0, 100.0)),
            Choice("ir_cut_filter", ("ON", "OFF", "AUTO")),
            Choice("exposure_mode", ("AUTO", "MANUAL")),
            Number("exposure_us", Range(10.0, 40000.0)),
            Number("noise_reduction_level", Range(0.0, 1.0)),
            Number("white_balance_cr", Range(0.0, 255.0)),
        )

    @property
    def focus(self) -> FocusAbilities | None:
        return self.abilities

    async def settings(self) -> ImagingSettings:
        return self.now

    async def set(self, caller: Caller, settings: ImagingSettings, *, persistent: bool) -> None:
        if self.refusal is not None:
            raise self.refusal
        named = {name: value for name, value in asdict(settings).items() if value is not None}
        self.told.append(("set", named | {"persistent": persistent}))
        self.now = replace(self.now, **named)

    async def focus_status(self) -> FocusStatus:
        return FocusStatus(0.25, moving=True, error="too close")

    async def move_focus(self, caller: Caller, **move: float | None) -> None:
        self.told.append(("move", dict(move)))

    async def stop_focus(self, caller: Caller) -> None:
        self.told.append(("stop", {}))
