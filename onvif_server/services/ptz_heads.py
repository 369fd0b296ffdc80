"""What the parts of the PTZ service share: the heads, what clients set of them, and who watches their moves."""

from __future__ import annotations

from dataclasses import dataclass

from onvif_server.backend import Backend, Ptz, VideoChannel
from onvif_server.media.profiles import Profiles
from onvif_server.services.ptz_settings import PtzSettings
from onvif_server.services.ptz_tour_watch import TourWatch
from onvif_server.services.ptz_watch import PresetWatch


@dataclass(frozen=True, slots=True)
class PtzHeads:
    """The heads of a device."""

    backend: Backend
    profiles: Profiles
    settings: PtzSettings
    watch: PresetWatch
    tours: TourWatch

    def moving(self, profile_token: str) -> tuple[VideoChannel, Ptz]:
        """The head that a profile moves. Raises Fault: ter:NoProfile, ter:NoPTZProfile."""
        return self.profiles.ptz_of(profile_token)
