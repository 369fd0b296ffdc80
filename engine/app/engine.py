"""The engine: lets the rooms of a site file work, passes on what flows between them, and ends them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from engine.api.application import create_app
from engine.api.server import ApiServer, ApiStartError, TlsFiles
from engine.app.analysis import make_detector
from engine.app.channels import ChannelAtWork
from engine.app.history import History
from engine.app.log_ring import LogRing
from engine.app.onvif import OnvifFace
from engine.app.onvif_facets import FacetMaker
from engine.app.relay_guard import RelayGuard
from engine.app.rooms import Rooms, end
from engine.app.services import Services
from engine.app.watching import ChannelWatch
from engine.config import Site, SiteFileError
from engine.core.clock import Clock, SystemClock
from engine.core.events import MediaRestarted, PictureQuality, RuleTriggered
from engine.core.values import TrackUpdate
from engine.linkage import FitRefused
from engine.media import LoginFailed, MediaDied, MediaError, StreamSource
from engine.onvif_device.device import PortInUse
from engine.store import StoreFailure
from engine.store.retention import RetentionLimits
from engine.vision.analysis import ChannelAnalysis, InferencePool
from engine.vision.detector import Detector, DetectorError
from engine.vision.store import ModelUnavailableError
from engine.vision.tiling import TiledDetector
from engine.vision.tracker import MultiObjectTracker, TrackerSettings

_LOG = logging.getLogger(__name__)

ANALYSIS_PAUSE_S = 1.0
STATISTICS_S = 2.0
RETENTION_S = 3600.0
DAY_S = 86400.0


class EngineStartError(Exception):
    """The engine cannot run; the message says why and what to do."""


class Engine(Rooms):
    """Everything at work. `wait` returns when it was asked to end."""

    def __init__(self, site: Site, clock: Clock | None = None) -> None:
        super().__init__(site, clock or SystemClock(), self._channel_changed, self._publish_rule, self._rules_changed)
        self.services = Services(self)
        self.api: ApiServer | None = None
        self._log_ring = LogRing()
        self.onvif = OnvifFace(
            self, self.services.snapshot, FacetMaker(self, self.ask_to_restart, self._log_ring.lines)
        )
        self._links_of = {
            channel: [link for link in site.links if link.overview == channel] for channel in self.channels
        }
        self._analyses: dict[str, ChannelAnalysis] = {}
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._relay_guard = RelayGuard(
            self.media, self.access.lockout, self.access.device_users, self.clock, self.access.report_lock
        )
        self.restart_wanted = False
        """Whether, when `wait` returns, the engine is to begin anew."""

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts everything. Raises EngineStartError; then nothing runs."""
        try:
            await self._start()
        except (StoreFailure, MediaError, ApiStartError, PortInUse, DetectorError, ModelUnavailableError) as error:
            await self.stop()
            raise EngineStartError(str(error)) from error
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        stack = self._stack
        logging.getLogger().addHandler(self._log_ring)
        stack.callback(logging.getLogger().removeHandler, self._log_ring)
        await self.store.open()
        stack.push_async_callback(self.store.close)
        await self.access.open()
        stack.push_async_callback(self.end_tasks)
        self.spawn(History(self.store, self.facts, self.events, self.clock).run())
        self.spawn(self._watch_logins())
        self.spawn(self._keep_limits())
        # The API first: activation works while models are fetched and cameras reached.
        api = ApiServer(create_app(self.services, self.access, self.store, self.events))
        config = self.site.api
        tls = TlsFiles(config.tls_certificate, config.tls_key) if config.tls_certificate and config.tls_key else None
        await api.start(config.host, config.port, tls)
        stack.push_async_callback(api.stop)
        self.api = api
        await self.onvif.check_port()
        detector = await asyncio.to_thread(make_detector, self.site.vision)
        _LOG.info("detecting with %s", detector.name)
        await self.relay_certificate.show(self.media)
        await self.media.start()
        stack.push_async_callback(self.media.stop)
        self.spawn(self._watch_media())
        for channel_id in self.channels:
            # Who asks for a channel sees something, though its camera was never reached.
            await self.media.add_stream(StreamSource(channel=channel_id, url=""))
        self.spawn(self._relay_guard.run())
        self.spawn(self.relay_certificate.keep_fresh(self.media))
        await self.refresh_relay_users()
        await self.services.load()
        self.spawn(self.services.run())
        # Ended after those who use them: a camera that moves must still hear that it is to stop.
        for camera in self.cameras.values():
            stack.push_async_callback(camera.stop)
        for channel in self.channels.values():
            if channel.arbiter is not None:
                await channel.arbiter.start()
                stack.push_async_callback(channel.arbiter.close)
        for patrol in self.patrols.values():
            await patrol.start()
            stack.push_async_callback(patrol.close)
        await self.director.start()
        stack.push_async_callback(self.director.close)
        pool = stack.enter_context(InferencePool(self.site.vision.threads or os.cpu_count() or 1))
        analyses = [self.spawn(self._analyse(channel, detector, pool)) for channel in self.channels.values()]
        # They end before the threads that they use.
        stack.push_async_callback(end, analyses)
        self.spawn(self._watch_statistics())
        for camera in self.cameras.values():
            camera.start()
        self.spawn(self.onvif.run())
        stack.push_async_callback(self.onvif.stop)

    async def stop(self) -> None:
        """Ends everything, in the reverse order."""
        await self._stack.aclose()

    async def wait(self) -> None:
        """Returns when the engine was asked to end."""
        await self._stopping.wait()

    def ask_to_stop(self) -> None:
        """Makes `wait` return."""
        self._stopping.set()

    def ask_to_restart(self) -> None:
        """Makes `wait` return, and the engine begin anew with what the site file says then."""
        self.restart_wanted = True
        self._stopping.set()

    # --- data -------------------------------------------------------------------------------------------------

    async def _analyse(self, channel: ChannelAtWork, detector: Detector, pool: InferencePool) -> None:
        """Analyses a channel for ever; an error (a picture that the detector cannot take) costs a pause, no more."""
        config = channel.config
        wrap = config.projection == "equirectangular"
        if (config.analysis.tiles_x, config.analysis.tiles_y) != (1, 1):
            detector = TiledDetector(detector, config.analysis.tiles_x, config.analysis.tiles_y, wrap=wrap)
        tracker = MultiObjectTracker(
            config.channel_id,
            TrackerSettings(confidence=self.site.vision.confidence or detector.strong_score),
            wrap=wrap,
            # Track ids must not repeat those of an earlier run: they are in the store.
            first_number=int(self.clock.now()) % 100_000_000,
        )
        analysis = ChannelAnalysis(
            config.channel_id,
            detector,
            tracker,
            pool,
            self._on_tracks,
            pose_at=channel.arbiter.pose_at if channel.arbiter else None,
            now=self.clock.now,
        )
        self._analyses[config.channel_id] = analysis
        watch = ChannelWatch(
            config.channel_id,
            self.rules,
            pool,
            self._publish_rule,
            self._on_quality,
            pose_at=channel.arbiter.pose_at if channel.arbiter else None,
        )
        while True:
            await channel.streaming.wait()
            try:
                await analysis.run(watch.passed_on(self.media.frames(config.channel_id)))
            except Exception:  # noqa: BLE001 - logged, and one bad picture must not blind the channel
                _LOG.exception("the analysis of %r failed; it goes on in a moment", config.channel_id)
            await self.clock.sleep(ANALYSIS_PAUSE_S)

    def _on_tracks(self, update: TrackUpdate) -> None:
        self.channels[update.channel].newest = update
        for event in self.rules.update(update):
            self._publish_rule(event)
        for link in self._links_of[update.channel]:
            self.calibrations[link.link_id].follow(self.director.link(link.link_id), update)
        self.director.on_tracks(update)
        self.services.track_updates.publish(update)
        self.onvif.on_tracks(update)

    def _on_quality(self, event: PictureQuality) -> None:
        faults = self.channels[event.channel].faults
        (faults.add if event.active else faults.discard)(event.fault)
        self.facts.publish(event)

    def _publish_rule(self, event: RuleTriggered) -> None:
        self.facts.publish(event)
        self.director.on_rule(event)
        self.services.rule_changed(event.rule_id)

    def _rules_changed(self) -> None:
        self.services.rules_changed()
        self.onvif.rules_changed()

    async def _watch_media(self) -> None:
        with self.media.events.subscribe() as events:
            async for event in events:
                if isinstance(event, MediaDied):
                    _LOG.warning("the media process ended: %s", event.reason)
                    self.facts.publish(MediaRestarted(at=self.clock.now(), reason=event.reason))
                elif isinstance(event, LoginFailed):
                    self._relay_guard.failed(event)
                elif (channel := self.channels.get(event.channel)) is not None:
                    self.cameras[channel.camera_id].on_stream(channel, event)

    async def _watch_logins(self) -> None:
        with self.access.illegal_logins.subscribe() as logins:
            async for event in logins:
                self.facts.publish(event)

    async def _keep_limits(self) -> None:
        """Makes room on the disk, now and every hour."""
        config = self.site.storage
        limits = RetentionLimits(
            capture_age_s=None if config.capture_days is None else config.capture_days * DAY_S,
            capture_bytes=None if config.capture_gigabytes is None else int(config.capture_gigabytes * 1e9),
            event_age_s=None if config.event_days is None else config.event_days * DAY_S,
        )
        while True:
            try:
                await self.store.retention.apply(limits, now=self.clock.now())
            except StoreFailure as error:
                _LOG.warning("old captures and events could not be removed: %s", error)
            await self.clock.sleep(RETENTION_S)

    async def _watch_statistics(self) -> None:
        while True:
            await self.clock.sleep(STATISTICS_S)
            for channel_id, analysis in self._analyses.items():
                self.channels[channel_id].analysed_fps = round(analysis.statistics.frames_analysed_per_s, 2)

    def _channel_changed(self, channel: ChannelAtWork) -> None:
        self.services.channel_changed(channel.channel_id)
        if not channel.online:
            for event in self.rules.end_channel(channel.channel_id, self.clock.now()):
                self._publish_rule(event)


async def run_engine(site: Site, reload: Callable[[], Site]) -> int:
    """Runs the engine until it is interrupted; returns an exit code.

    A restart that somebody asked for begins with the site that `reload` reads.
    """
    while True:
        try:
            engine = Engine(site)
            await engine.start()
        except (EngineStartError, FitRefused) as error:
            print(f"The engine cannot start: {error}", file=sys.stderr)
            return 1
        await _work(engine)
        if not engine.restart_wanted:
            return 0
        _LOG.info("starting again, as somebody asked for")
        try:
            site = reload()
        except SiteFileError as error:
            _LOG.error("the site file was changed and cannot be used; going on with what it said before: %s", error)


async def _work(engine: Engine) -> None:
    """Waits for the end of an engine that was started, and ends it."""
    config = engine.site.api
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, engine.ask_to_stop)
    scheme = "https" if config.tls_certificate else "http"
    _LOG.info("the API is at %s://%s:%s/docs", scheme, config.host, engine.api.port if engine.api else "?")
    if not engine.access.activated:
        _LOG.info("no administrator yet: POST /api/v1/activation (see docs/01-install.md)")
    try:
        await engine.wait()
    finally:
        with suppress(asyncio.CancelledError):
            await engine.stop()
