"""PTZ cameras: one arbiter a channel through which every motion goes, with leases, limits, presets and pose history."""

from engine.ptz.arbiter import Arbiter, ArbiterSettings
from engine.ptz.arrival import wait_until_settled
from engine.ptz.errors import ArbiterClosed, LeaseLost, LeaseRefused, PtzError, PtzUnavailable
from engine.ptz.lease import Lease, Ownership, Priority
from engine.ptz.limits import Limits, MotorSpeeds
from engine.ptz.patrol import Patrol, PatrolListener, PatrolState, TourStatus
from engine.ptz.pose_history import PoseHistory
from engine.ptz.presets import Preset, PresetRefused, PresetRepository, StoredPreset, UnknownPreset
from engine.ptz.touring import Stage
from engine.ptz.tours import MoveSpeeds, Spot, Tour, TourBusy, TourRefused, TourRepository, UnknownTour

__all__ = [
    "Arbiter",
    "ArbiterClosed",
    "ArbiterSettings",
    "Lease",
    "LeaseLost",
    "LeaseRefused",
    "Limits",
    "MotorSpeeds",
    "MoveSpeeds",
    "Ownership",
    "Patrol",
    "PatrolListener",
    "PatrolState",
    "PoseHistory",
    "Preset",
    "PresetRefused",
    "PresetRepository",
    "Priority",
    "PtzError",
    "PtzUnavailable",
    "Spot",
    "Stage",
    "StoredPreset",
    "Tour",
    "TourBusy",
    "TourRefused",
    "TourRepository",
    "TourStatus",
    "UnknownPreset",
    "UnknownTour",
    "wait_until_settled",
]
