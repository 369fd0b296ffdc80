"""PTZ cameras: one arbiter a channel through which every motion goes, with leases, limits, presets and pose history."""

from engine.ptz.arbiter import Arbiter, ArbiterSettings
from engine.ptz.lease import (
    Lease,
    LeaseLost,
    LeaseRefused,
    Ownership,
    Priority,
    PtzError,
    PtzUnavailable,
)
from engine.ptz.limits import Limits, MotorSpeeds
from engine.ptz.pose_history import PoseHistory
from engine.ptz.presets import Preset, PresetRefused, PresetRepository, StoredPreset, UnknownPreset

__all__ = [
    "Arbiter",
    "ArbiterSettings",
    "Lease",
    "LeaseLost",
    "LeaseRefused",
    "Limits",
    "MotorSpeeds",
    "Ownership",
    "PoseHistory",
    "Preset",
    "PresetRefused",
    "PresetRepository",
    "Priority",
    "PtzError",
    "PtzUnavailable",
    "StoredPreset",
    "UnknownPreset",
]
