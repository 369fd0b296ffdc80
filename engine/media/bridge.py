"""The engine's side of the media process: starts it, feeds it, restarts it, hands its pictures out."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.values import Frame
from engine.media.channel import Channel
from engine.media.link import START_S, WorkerLink
from engine.media.messages import (
    MAX_DOCUMENT,
    AddStream,
    AnyNotice,
    Command,
    Connected,
    ControlError,
    Failed,
    LoginRefused,
    Lost,
    Ready,
    Report,
    RingOpened,
    SetCertificate,
    SetLocked,
    SetMulticast,
    SetUsers,
    SnapshotFailed,
    SnapshotTaken,
    TakeSnapshot,
    pieces_of,
)
from engine.media.reach import RelayReach
from engine.media.snapshots import SnapshotRequests
from engine.media.values import (
    SEEN_AND_HEARD,
    Delivery,
    LoginFailed,
    MediaDied,
    MediaError,
    MediaEvent,
    MediaSettings,
    RelayUser,
    Snapshot,
    SnapshotUnavailable,
    StreamConnected,
    StreamLost,
    StreamSource,
    StreamStatistics,
    Target,
    Tracks,
)

_log = logging.getLogger(__name__)

STABLE_S = 20.0
"""A media process that lived this long is restarted at once; one that dies sooner again, with growing pauses."""

_MAX_BACKLOG = 100

MAX_PAUSE_S = 30.0
"""The longest pause before a restart."""


class MediaProcess:
    """The media process, kept alive. All methods belong to one event loop.

    Publishes StreamConnected, StreamLost and MediaDied on `events`. Streams and relay users are kept here and given to
    every new process, so a crash costs a second or two of video and nothing else.
    """

    def __init__(self, settings: MediaSettings, clock: Clock) -> None:
        self.events: Bus[MediaEvent] = Bus()
        self._settings = settings
        self._clock = clock
        self._channels: dict[str, Channel] = {}
        self._users: tuple[RelayUser, ...] = ()
        self._locked: tuple[tuple[str, str], ...] = ()
        self._multicast: dict[str, SetMulticast] = {}
        self._link: WorkerLink | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Ready] | None = None
        self._reach = RelayReach(settings)
        self._snapshots = SnapshotRequests()

    async def start(self) -> None:
        """Starts the process; returns when its relay listens. Raises MediaError, for example for a port in use."""
        if self._keeper is not None:
            raise MediaError("the media process was started already")
        link, ready = await self._launch()
        ended = asyncio.ensure_future(link.wait())
        try:
            await asyncio.wait((ready, ended), timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                reason = ended.result() if ended.done() else f"it was not ready after {START_S:.0f} s"
                ready.set_exception(MediaError(f"the media process cannot be started: {reason} (see its messages)"))
            ready.result()
        except BaseException:
            self._link = None
            link.kill()
            await link.close()
            raise
        finally:
            ended.cancel()
        self._keeper = asyncio.create_task(self._keep_alive(link), name="media process")

    async def stop(self) -> None:
        """Ends all streams and the process; iterations over frames end."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self._snapshots.fail_all("the media process was stopped")

    async def add_stream(self, source: StreamSource) -> None:
        """Opens a stream and keeps it open; replaces the channel's former source. Does not wait for pictures.

        The channel's paths are there at once, and whoever watches stays through another source: until pictures come,
        they see the channel's last one, or a slate.
        """
        known = self._channels.get(source.channel)
        if known is None:
            known = self._channels[source.channel] = Channel(source)
        else:
            known.source = source
        self._send(AddStream(source, known.codec))

    async def set_relay_users(self, users: Iterable[RelayUser]) -> None:
        """Replaces who may watch the relay (nobody, until this is called)."""
        self._users = tuple(users)
        self._send(SetUsers(self._users))

    async def set_locked(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Replaces who is locked out of the relay: pairs of user name and client address (no name: everybody there).

        They are refused even with the right password, and their tries are not told.
        """
        self._locked = tuple(pairs)
        self._send(SetLocked(self._locked))

    async def use_certificate(self, certificate: str, key: str) -> None:
        """Shows another certificate (paths of PEM files) to those who connect by RTSPS from now on.

        The first one that can be read begins RTSPS.
        """
        self._settings = replace(self._settings, tls_certificate=certificate, tls_key=key)
        self._send(SetCertificate(certificate, key))

    def set_multicast(self, channel: str, targets: Mapping[Tracks, Target], sending: Tracks) -> None:
        """Says where a channel's tracks go by multicast, and which are sent now, whether anybody asks or not.

        Another target is used from the next start on. Kept for channels that are added later, too.
        """
        names = {str(track.name): target for track, target in targets.items()}
        order = self._multicast[channel] = SetMulticast(channel, names, tuple(str(one.name) for one in sending))
        self._send(order)

    def metadata_watched(self, channel: str) -> bool:
        """Whether a client of the relay takes the channel's metadata (at most a second old). Unknown channels: no."""
        known = self._channels.get(channel)
        return known is not None and known.metadata_watched

    def metadata_plays(self, channel: str) -> int:
        """How often clients of the relay have begun to take the channel's metadata (at most a second old).

        Another number than before: somebody is there who knows nothing yet.
        """
        known = self._channels.get(channel)
        return known.metadata_plays if known is not None else 0

    def push_metadata(self, channel: str, document: bytes, captured_at: float) -> None:
        """Sends a metadata document with the picture of an instant (Unix seconds). Never waits.

        Dropped when nobody takes metadata or the process is behind. Raises MediaError over `MAX_DOCUMENT` bytes.
        """
        if len(document) > MAX_DOCUMENT:
            raise MediaError(f"a metadata document of {len(document)} bytes is over the limit of {MAX_DOCUMENT}")
        if self._link is None or self._link.backlog > _MAX_BACKLOG or not self.metadata_watched(channel):
            return
        for piece in pieces_of(channel, captured_at, document):
            self._send(piece)

    def frames(self, channel: str) -> AsyncIterator[Frame]:
        """The pictures of a channel from now on, BGR, at the source's analysis width and rate.

        The consumer always gets the newest one; those it was too slow for are skipped and counted. The images are its
        own. Ends when the media process is stopped; goes on when it was restarted. Raises MediaError for a channel that
        was not added.
        """
        return self._channel(channel).frames()

    async def snapshot(self, channel: str, at: float | None = None) -> Snapshot:
        """The full-resolution picture nearest to an instant (Unix seconds) of the last seconds; None means now.

        Raises SnapshotUnavailable when there is none within a second of it, MediaError for an unknown channel.
        """
        self._channel(channel)
        if self._link is None:
            raise SnapshotUnavailable(f"no snapshot of channel {channel}: the media process is being restarted")
        return await self._snapshots.answer(channel, lambda number: self._send(TakeSnapshot(number, channel, at)))

    @property
    def relay_port(self) -> int:
        """The relay's port; the same through restarts."""
        return self._reach.port

    @property
    def secure_port(self) -> int | None:
        """The port of RTSPS, the same through restarts; None where there is none."""
        return self._reach.secure_port if self._reach.is_secure else None

    def relay_url(
        self,
        channel: str,
        host: str | None = None,
        *,
        tracks: Tracks = SEEN_AND_HEARD,
        delivery: Delivery = Delivery.PLAIN,
    ) -> str:
        """Where a channel can be watched, without user and password; `host` as the client knows this machine.

        Raises MediaError for a secure address without a certificate.
        """
        return self._reach.url(channel, host, tracks, delivery)

    def statistics(self, channel: str) -> StreamStatistics:
        """How a stream does. Raises MediaError for a channel that was not added."""
        return self._channel(channel).statistics()

    @property
    def pid(self) -> int | None:
        """The number of the process that runs now, for monitoring."""
        return self._link.pid if self._link is not None else None

    def _channel(self, channel: str) -> Channel:
        try:
            return self._channels[channel]
        except KeyError:
            raise MediaError(f"there is no stream {channel!r}; add it first") from None

    async def _launch(self) -> tuple[WorkerLink, asyncio.Future[Ready]]:
        ready = self._ready = asyncio.get_running_loop().create_future()
        link = WorkerLink(self._on_notice)
        await link.start()
        self._link = link
        self._send(self._reach.order(self._settings))
        self._send(SetUsers(self._users))
        self._send(SetLocked(self._locked))
        for order in self._multicast.values():
            self._send(order)
        for channel in self._channels.values():
            self._send(AddStream(channel.source, channel.codec))
        return link, ready

    async def _keep_alive(self, link: WorkerLink | None) -> None:
        short_lives = 0
        while True:
            born = self._clock.now()
            reason = "it cannot be started"
            if link is not None:
                reason = await link.wait()
                self._link = None
            self._after_death(reason)
            short_lives = short_lives + 1 if self._clock.now() - born < STABLE_S else 0
            if short_lives > 1:
                await self._clock.sleep(min(0.5 * 2 ** (short_lives - 2), MAX_PAUSE_S))
            try:
                link, _ = await self._launch()
            except (MediaError, OSError):
                _log.exception("the media process cannot be started")
                link = None

    def _after_death(self, reason: str) -> None:
        refusal = self._ready.exception() if self._ready is not None and self._ready.done() else None
        reason = f"the media process ended: {refusal or reason}"
        _log.error("%s; starting it again", reason)
        self._snapshots.fail_all(reason)
        for channel in self._channels.values():
            channel.worker_died()
        self.events.publish(MediaDied(reason))

    def _send(self, command: Command) -> None:
        if self._link is None:
            return
        try:
            self._link.send(command)
        except ControlError as error:
            raise MediaError(str(error)) from error

    def _on_notice(self, notice: AnyNotice, descriptors: list[int]) -> None:
        match notice:
            case RingOpened(channel) if channel in self._channels:
                self._open_ring(notice, descriptors)
            case SnapshotTaken():
                self._snapshots.take(notice, descriptors)
            case _:
                for descriptor in descriptors:
                    os.close(descriptor)
                self._on_word(notice)

    def _on_word(self, notice: AnyNotice) -> None:
        match notice:
            case Ready():
                self._reach.take(notice)
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(notice)
            case Failed(reason) if self._ready is not None and not self._ready.done():
                self._ready.set_exception(MediaError(reason))
            case Connected(channel) | Lost(channel):
                self._on_stream(notice, channel)
            case Report(streams):
                for report in filter(lambda report: report.channel in self._channels, streams):
                    self._channels[report.channel].take_report(report)
            case LoginRefused(username, address):
                self.events.publish(LoginFailed(username, address))
            case SnapshotFailed():
                self._snapshots.fail(notice)
            case _:
                _log.debug("a late %s was ignored", type(notice).__name__)

    def _on_stream(self, notice: Connected | Lost, channel: str) -> None:
        known = self._channels.get(channel)
        if known is None:
            return
        known.connected = isinstance(notice, Connected)
        if isinstance(notice, Lost):
            self.events.publish(StreamLost(channel, notice.reason, notice.refused))
        else:
            self.events.publish(StreamConnected(channel))

    def _open_ring(self, opened: RingOpened, descriptors: list[int]) -> None:
        try:
            self._channels[opened.channel].open_ring(opened, descriptors)
        except ValueError:
            _log.exception("channel %s: the media process described its pictures wrongly", opened.channel)
