"""The rooms of a site file, made and wired, not yet at work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence

from engine.access import Access, Role
from engine.app.channels import CameraAtWork, ChannelAtWork
from engine.app.links import Calibration, make_link
from engine.app.relay_certificate import RelayCertificate
from engine.app.rulebook import RuleBook
from engine.cameras.protocols import Camera
from engine.captures import CaptureRecorder
from engine.config import ChannelConfig, LinkConfig, Site
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event, RuleTriggered
from engine.linkage import Director, LinkDirector
from engine.media import MediaProcess, MediaSettings, RelayUser
from engine.ptz import Arbiter, Limits, MotorSpeeds, Patrol
from engine.ptz.arbiter import ArbiterSettings
from engine.store import Store

_LOG = logging.getLogger(__name__)


class Rooms:
    """What the engine is made of. Rooms publish on `facts`; what was stored is told on `events`.

    `on_channel_change` is called when a channel's connection changed, `on_rule` with the events that end because a
    rule was changed or removed, `on_rules_change` when there are other rules. Raises FitRefused for a link whose point
    pairs carry no calibration.
    """

    def __init__(
        self,
        site: Site,
        clock: Clock,
        on_channel_change: Callable[[ChannelAtWork], None],
        on_rule: Callable[[RuleTriggered], None],
        on_rules_change: Callable[[], None],
    ) -> None:
        self.site = site
        self.clock = clock
        self.facts: Bus[Event] = Bus()
        self.events: Bus[Event] = Bus()
        self.store = Store(site.data_dir)
        self.access = Access(self.store, clock)
        self.relay_certificate = RelayCertificate(site, clock)
        self.media = MediaProcess(
            MediaSettings(relay_host=site.relay.host, relay_port=site.relay.port, secure_port=site.relay.secure_port),
            clock,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.channels = {
            one.channel_id: self._channel(one, camera.camera_id) for camera in site.cameras for one in camera.channels
        }
        self.patrols = {
            one.channel_id: Patrol(one.arbiter, clock, self.store.tours)
            for one in self.channels.values()
            if one.arbiter is not None
        }
        self.cameras = {
            camera.camera_id: CameraAtWork(
                camera,
                tuple(self.channels[one.channel_id] for one in camera.channels),
                self.media,
                self.facts,
                clock,
                on_channel_change,
                self.spawn,
            )
            for camera in site.cameras
        }
        self.calibrations = {link.link_id: Calibration(link, site) for link in site.links}
        recorder = CaptureRecorder(self.store.captures, self.facts, clock)
        self.director = Director(self._link(link, recorder) for link in site.links)
        self.rulebook = RuleBook(site, self.director, clock, on_event=on_rule, on_change=on_rules_change)
        self.rules = self.rulebook.engine

    def camera_of(self, channel: str) -> Camera:
        """The camera that a channel belongs to."""
        return self.cameras[self.channels[channel].camera_id].camera

    def _channel(self, config: ChannelConfig, camera_id: str) -> ChannelAtWork:
        arbiter = None
        if config.role == "ptz":
            settings = ArbiterSettings(
                limits=Limits(
                    # A range of a full turn means that the head may turn for ever, as far as the site file knows.
                    pan_deg=None if config.pan_range_deg[1] - config.pan_range_deg[0] >= 360 else config.pan_range_deg,
                    tilt_deg=config.tilt_range_deg,
                ),
                speeds=MotorSpeeds(config.pan_speed_dps, config.tilt_speed_dps, ramp_s=config.ramp_s),
                home=config.home,
                command_delay_s=config.command_delay_s,
                report_delay_s=config.report_delay_s,
            )
            arbiter = Arbiter(
                config.channel_id,
                config.zoom_curve,
                self.clock,
                self.facts,
                settings=settings,
                presets=self.store.presets,
            )
        return ChannelAtWork(config, camera_id, arbiter)

    def _link(self, link: LinkConfig, recorder: CaptureRecorder) -> LinkDirector:
        arbiter = self.channels[link.ptz].arbiter
        if arbiter is None:
            # The site file is refused before it comes to this.
            raise ValueError(f"channel '{link.ptz}' has no motors")
        return make_link(
            link,
            self.site,
            self.calibrations[link.link_id].model,
            arbiter,
            self.clock,
            self.facts,
            self.media.snapshot,
            recorder,
        )

    async def refresh_relay_users(self) -> None:
        """Tells the relay who may watch, and who may also talk: not who is there only to look."""
        users = self.access.device_users.users
        await self.media.set_relay_users(
            RelayUser(name=user.username, password=user.password, may_talk=user.role.includes(Role.OPERATOR))
            for user in users
        )

    # --- tasks ------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Lets something run beside; an error that ends it is logged, never silent."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a task of the engine failed", exc_info=error)

    async def end_tasks(self) -> None:
        """Ends all that was spawned."""
        await end(list(self._tasks))


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits until they are over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
