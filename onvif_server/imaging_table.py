"""Where each setting of a picture is in tt:ImagingSettings20 and tt:ImagingOptions20.

For both ends: the service writes and reads by it, and so does a host whose cameras speak ONVIF themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

type Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its field in `ImagingSettings`, and where it is in the settings and in the options.

    `otherwise`: the word of a mode that the schema demands beside settings of a host that cannot change it.
    `flag`: the options tell only that it can be set (a level from 0 to 1), not its range.
    """

    field: str
    path: Path
    option: Path
    otherwise: str | None = None
    flag: bool = False


def _row(field: str, path: str, option: str | None = None, otherwise: str | None = None, *, flag: bool = False) -> Row:
    return Row(field, tuple(path.split(".")), tuple((option or path).split(".")), otherwise, flag)


_DEEP: Final = "Extension.Extension.Extension"

TABLE: Final = (
    _row("backlight_mode", "BacklightCompensation.Mode", otherwise="ON"),
    _row("backlight_level", "BacklightCompensation.Level"),
    _row("brightness", "Brightness"),
    _row("color_saturation", "ColorSaturation"),
    _row("contrast", "Contrast"),
    _row("exposure_mode", "Exposure.Mode", otherwise="MANUAL"),
    _row("exposure_priority", "Exposure.Priority"),
    _row("min_exposure_us", "Exposure.MinExposureTime"),
    _row("max_exposure_us", "Exposure.MaxExposureTime"),
    _row("min_gain_db", "Exposure.MinGain"),
    _row("max_gain_db", "Exposure.MaxGain"),
    _row("exposure_us", "Exposure.ExposureTime"),
    _row("gain_db", "Exposure.Gain"),
    _row("iris_db", "Exposure.Iris"),
    _row("focus_mode", "Focus.AutoFocusMode", "Focus.AutoFocusModes", otherwise="MANUAL"),
    _row("focus_speed", "Focus.DefaultSpeed"),
    _row("focus_near_m", "Focus.NearLimit"),
    _row("focus_far_m", "Focus.FarLimit"),
    _row("ir_cut_filter", "IrCutFilter", "IrCutFilterModes"),
    _row("sharpness", "Sharpness"),
    _row("wide_dynamic_range_mode", "WideDynamicRange.Mode", otherwise="ON"),
    _row("wide_dynamic_range_level", "WideDynamicRange.Level"),
    _row("white_balance_mode", "WhiteBalance.Mode", otherwise="MANUAL"),
    _row("white_balance_cr", "WhiteBalance.CrGain", "WhiteBalance.YrGain"),
    _row("white_balance_cb", "WhiteBalance.CbGain", "WhiteBalance.YbGain"),
    _row("stabilization_mode", "Extension.ImageStabilization.Mode", otherwise="ON"),
    _row("stabilization_level", "Extension.ImageStabilization.Level"),
    _row("defogging_mode", f"{_DEEP}.Defogging.Mode", f"{_DEEP}.DefoggingOptions.Mode", "ON"),
    _row("defogging_level", f"{_DEEP}.Defogging.Level", f"{_DEEP}.DefoggingOptions.Level", flag=True),
    _row("noise_reduction_level", f"{_DEEP}.NoiseReduction.Level", f"{_DEEP}.NoiseReductionOptions.Level", flag=True),
)
"""Every field of `ImagingSettings`, once."""
