"""Linkage: the overview sees, the PTZ camera goes. Calibration, pursuit of a target, service of several."""

from engine.linkage.director import Director, UnknownLink
from engine.linkage.fit import FitRefused, LinkFit, fit_link
from engine.linkage.following import OPERATOR
from engine.linkage.lifecycle import Phase
from engine.linkage.link import LinkDirector
from engine.linkage.model import Framing, LinkModel
from engine.linkage.pursuit import Pursuit
from engine.linkage.reporting import Tracking
from engine.linkage.scheduler import Scheduler, SchedulerSettings
from engine.linkage.settings import LinkSettings, PursuitSettings
from engine.linkage.spotting import NoTarget

__all__ = [
    "OPERATOR",
    "Director",
    "FitRefused",
    "Framing",
    "LinkDirector",
    "LinkFit",
    "LinkModel",
    "LinkSettings",
    "NoTarget",
    "Phase",
    "Pursuit",
    "PursuitSettings",
    "Scheduler",
    "SchedulerSettings",
    "Tracking",
    "UnknownLink",
    "fit_link",
]
