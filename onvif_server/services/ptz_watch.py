"""Tells what becomes of a move to a preset: Invoked, then Reached or Aborted, and Left."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from onvif_server import tokens
from onvif_server.backend import Ptz, PtzPreset, PtzStatus, Refused
from onvif_server.events import topics
from onvif_server.events.broker import Broker

_LOGGER = logging.getLogger(__name__)

POLL_S: Final = 0.1
"""How often the head is asked where it is, while it goes to a preset."""
GRACE_POLLS: Final = 10
"""So many answers may say "stands still, elsewhere" before that counts as aborted: motors begin late."""
MAXIMUM_POLLS: Final = 600
"""After so many (a minute) a head that never arrives counts as aborted."""
_NEAR_DEG: Final = 1.0
_NEAR_ZOOM: Final = 0.02


@dataclass(slots=True)
class _Visit:
    preset: PtzPreset
    task: asyncio.Task[None] | None = None
    reached: bool = False


class PresetWatch:
    """Follows one move a head. The host is asked for its status only while a move to a preset is under way.

    Left is told when this device gives the next move; a head that somebody else takes away is not followed for ever.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._visits: dict[str, _Visit] = {}

    def moved(self, channel: str) -> None:
        """Another move, or a stop, was accepted: a move to a preset that is under way ends with it."""
        visit = self._visits.pop(channel, None)
        if visit is None:
            return
        if visit.reached:
            self._publish(topics.PRESET_LEFT.path, channel, visit.preset)
        elif visit.task is not None and not visit.task.done():
            visit.task.cancel()
            self._publish(topics.PRESET_ABORTED.path, channel, visit.preset)

    def stopped(self, channel: str) -> None:
        """A stop was accepted: it aborts what is under way, but a head that stands at its preset stays there."""
        visit = self._visits.get(channel)
        if visit is not None and not visit.reached:
            self.moved(channel)

    def invoked(self, channel: str, ptz: Ptz, preset: PtzPreset) -> None:
        """A move to a preset was accepted."""
        self.moved(channel)
        self._publish(topics.PRESET_INVOKED.path, channel, preset)
        visit = _Visit(preset)
        visit.task = asyncio.create_task(self._follow(channel, ptz, visit), name=f"preset {preset.token} of {channel}")
        self._visits[channel] = visit

    async def close(self) -> None:
        """Ends all watching, without a word."""
        tasks = [visit.task for visit in self._visits.values() if visit.task is not None]
        self._visits.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, channel: str, ptz: Ptz, visit: _Visit) -> None:
        still = 0
        for _ in range(MAXIMUM_POLLS):
            await asyncio.sleep(POLL_S)
            try:
                status = await ptz.status()
            except Refused:
                continue  # the camera is away for a moment
            except Exception:
                _LOGGER.exception("the way to the preset %s of %s cannot be followed", visit.preset.token, channel)
                break
            if status.pan_tilt_moving or status.zoom_moving:
                continue
            if _is_at(visit.preset, status):
                visit.reached = True
                self._publish(topics.PRESET_REACHED.path, channel, visit.preset)
                return
            still += 1
            if still > GRACE_POLLS:
                break
        self._visits.pop(channel, None)
        self._publish(topics.PRESET_ABORTED.path, channel, visit.preset)

    def _publish(self, topic: str, channel: str, preset: PtzPreset) -> None:
        self._broker.publish(
            topic,
            source={"PTZConfigurationToken": tokens.ptz_configuration(channel)},
            data={"PresetToken": preset.token, "PresetName": preset.name},
        )


def _is_at(preset: PtzPreset, status: PtzStatus) -> bool:
    """Whether the head is where the preset is; where the host does not know that, a head that stands is there."""
    if preset.pan_deg is None or preset.tilt_deg is None or preset.zoom is None:
        return True
    pan = abs((preset.pan_deg - status.pan_deg + 180.0) % 360.0 - 180.0)
    tilt = abs(preset.tilt_deg - status.tilt_deg)
    return pan <= _NEAR_DEG and tilt <= _NEAR_DEG and abs(preset.zoom - status.zoom) <= _NEAR_ZOOM
