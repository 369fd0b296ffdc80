"""Settings of cameras for these tests, read as the engine reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from engine.config.schema import AnalysisConfig, CameraConfig, ChannelConfig
from engine.core.zoom import ZoomCurve


def channel(channel_id: str, role: Literal["overview", "ptz"] = "overview", **changes: Any) -> ChannelConfig:
    base = ChannelConfig(
        channel_id=channel_id,
        name=channel_id,
        role=role,
        stream=None,
        projection="pinhole",
        hfov_deg=None,
        analysis=AnalysisConfig(5, 640, 1, 1),
        latency_s=0.2,
        zoom_curve=ZoomCurve(((0.0, 60.0), (1.0, 3.0))),
        pan_range_deg=(-175.0, 175.0),
        tilt_range_deg=(-60.0, 30.0),
        pan_speed_dps=100,
        tilt_speed_dps=60,
        ramp_s=0.3,
        command_delay_s=0.1,
        report_delay_s=0.0,
        home=None,
    )
    return replace(base, **changes)


def camera(
    address: str,
    *channels: ChannelConfig,
    driver: Literal["onvif", "rtsp", "file"] = "onvif",
    username: str | None = "engine",
    password: str | None = "right horse",
) -> CameraConfig:
    return CameraConfig("yard", "the yard", driver, address, username, password, channels)
