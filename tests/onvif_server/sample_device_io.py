"""A right request for each operation of the device_io service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {
    "tmd:GetServiceCapabilities": "",
    "tmd:GetVideoSources": "",
}
