"""What the engine's tours do, as ONVIF clients hear of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from engine.onvif_device.events import Publisher
from engine.ptz import Patrol, PatrolListener, Preset, Stage
from onvif_server import tokens
from onvif_server.events import topics

_LOG = logging.getLogger(__name__)

_TOPICS = {
    Stage.INVOKED: topics.PRESET_INVOKED,
    Stage.REACHED: topics.PRESET_REACHED,
    Stage.ABORTED: topics.PRESET_ABORTED,
    Stage.LEFT: topics.PRESET_LEFT,
}


class TourTeller(PatrolListener):
    """Passes on what a channel's patrol tells: visits of presets as events, changes of tours to `changed`."""

    def __init__(
        self, channel: str, patrol: Patrol, publisher: Publisher, changed: Callable[[str], Awaitable[None]]
    ) -> None:
        self._channel = channel
        self._patrol = patrol
        self._publisher = publisher
        self._changed = changed
        self._news = asyncio.Event()
        self._leave: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Listens from now on."""
        self._leave = self._patrol.listen(self)
        # Something may have changed since the first values were given.
        self._news.set()
        self._task = asyncio.create_task(self._tell(), name=f"ONVIF tours of {self._channel}")

    async def end(self) -> None:
        """Listens no more."""
        leave, self._leave = self._leave, None
        task, self._task = self._task, None
        if leave is not None:
            leave()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def on_tours(self) -> None:
        """See `PatrolListener`."""
        self._news.set()

    def on_visit(self, stage: Stage, preset: Preset) -> None:
        """See `PatrolListener`."""
        self._publisher.publish(
            _TOPICS[stage].path,
            source={"PTZConfigurationToken": tokens.ptz_configuration(self._channel)},
            data={"PresetToken": preset.preset_id, "PresetName": preset.name},
        )

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._changed(self._channel)
            except Exception:  # noqa: BLE001 - logged, and clients must hear of the next change
                _LOG.exception("ONVIF clients are not told what the tours of %s do", self._channel)
