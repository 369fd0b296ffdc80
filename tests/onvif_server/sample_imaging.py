"""A right request for each operation of the imaging service."""

from __future__ import annotations

_SOURCE = "<timg:VideoSourceToken>dome-source</timg:VideoSourceToken>"

REQUESTS: dict[str, str] = {
    "timg:GetServiceCapabilities": "",
    "timg:GetImagingSettings": _SOURCE,
    "timg:SetImagingSettings": (
        f"{_SOURCE}<timg:ImagingSettings><tt:Brightness>60</tt:Brightness></timg:ImagingSettings>"
    ),
    "timg:GetOptions": _SOURCE,
    "timg:GetMoveOptions": _SOURCE,
    "timg:Move": f"{_SOURCE}<timg:Focus><tt:Continuous><tt:Speed>0.5</tt:Speed></tt:Continuous></timg:Focus>",
    "timg:Stop": _SOURCE,
    "timg:GetStatus": _SOURCE,
}
