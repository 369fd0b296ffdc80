"""The site file: what cameras there are, how they are linked, and what they look out for."""

from engine.config.loader import SiteFileError, load_site
from engine.config.schema import (
    AnalysisConfig,
    ApiConfig,
    CameraConfig,
    ChannelConfig,
    LinkConfig,
    OnvifConfig,
    PointPair,
    RelayConfig,
    RuleConfig,
    Site,
    StorageConfig,
    VisionConfig,
)

__all__ = [
    "AnalysisConfig",
    "ApiConfig",
    "CameraConfig",
    "ChannelConfig",
    "LinkConfig",
    "OnvifConfig",
    "PointPair",
    "RelayConfig",
    "RuleConfig",
    "Site",
    "SiteFileError",
    "StorageConfig",
    "VisionConfig",
    "load_site",
]
