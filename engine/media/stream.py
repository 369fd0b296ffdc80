"""One channel in the worker: its ingest, and everybody who lives on it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from engine.media.backchannel import BackChannel
from engine.media.decoding import AnalysisDecoder, Decoded, decode_snapshot
from engine.media.gst import Gst, MissingElementError, codec_of
from engine.media.history import AccessUnit, History, NotInHistoryError
from engine.media.ingest import STALL_S, Ingest
from engine.media.messages import Connected, Lost, Notice, RingOpened, StreamReport
from engine.media.relay import Relay
from engine.media.ring import RingWriter
from engine.media.slate import make_slate
from engine.media.sound import Sound
from engine.media.values import StreamSource

_log = logging.getLogger(__name__)

type Tell = Callable[[Notice, Sequence[int]], None]
"""Sends a notice with the file descriptors that belong to it, which are closed afterwards."""


class Stream:
    """Feeds history, relay and analysis from one ingest."""

    def __init__(self, source: StreamSource, *, relay: Relay, history: History, tell: Tell, slow: Executor) -> None:
        self.source = source
        self._relay = relay
        self._tell = tell
        self._slow = slow
        self._history = history
        self._caps: Gst.Caps | None = None
        self._sound: Sound | None = None
        self._format_lock = threading.Lock()
        self._slate: AccessUnit | None = None
        self._decoder: AnalysisDecoder | None = None
        self._decoder_lock = threading.Lock()
        self._ring: RingWriter | None = None
        self._ring_lock = threading.Lock()  # for the moment in which an old decoder ends and a new one begins
        self._closed = False
        self._undecoded = 0
        self._last_frame_at: float | None = None
        self._received = 0
        self._counted = (0, time.monotonic())
        self._ingest = Ingest(source, self, slow)
        self._back = BackChannel(source) if source.back_channel else None

    def open(self, codec: str) -> None:
        """Begins to connect (main loop). Until pictures come, there is a slate in that codec for new watchers."""
        if not self._history.last_group():
            self._slow.submit(self._hang_slate, codec).add_done_callback(self._on_slate)
        self._relay.open_back_channel(self.source.channel, self._back)
        if self.source.url:
            self._ingest.open()

    def _hang_slate(self, codec: str) -> None:
        try:
            caps, slate = make_slate(codec)
        except MissingElementError as error:
            _log.warning("channel %s is there with its first picture only: %s", self.source.channel, error)
            return
        with self._format_lock:
            if self._caps is None and not self._closed:
                self._slate = slate
                self._relay.open_channel(self.source.channel, caps, None, self._newest_group)

    def _on_slate(self, work: Future[None]) -> None:
        if not work.cancelled() and (error := work.exception()) is not None:
            _log.error("channel %s has no slate", self.source.channel, exc_info=error)

    def _newest_group(self) -> list[AccessUnit]:
        """Where a new watcher begins."""
        return self._history.last_group() or ([self._slate] if self._slate is not None else [])

    def close(self) -> History:
        """Ends everything (main loop). The ring's memory goes when its last reader does.

        Who watches stays, for a stream that takes over the history and the channel's paths.
        """
        with self._format_lock, self._ring_lock:
            self._closed = True
            if self._ring is not None:
                self._ring.close()
        self._ingest.close()
        if self._back is not None:
            self._back.close()
        self._relay.open_back_channel(self.source.channel, None)
        self._drop_decoder()
        return self._history

    def on_format(self, caps: Gst.Caps, sound: Sound | None) -> None:
        """The ingest's format is known; a new decoder for a new connection."""
        with self._format_lock:
            if self._closed:
                return
            self._history.begin(caps.get_structure(0).get_name())
            self._caps, self._sound = caps, sound
            self._open_decoder(caps)
            self._relay.open_channel(self.source.channel, caps, sound, self._newest_group)

    def on_sound(self, payload: Gst.Buffer, pts_ns: int) -> None:
        """A piece of sound arrived."""
        self._relay.push_sound(self.source.channel, payload, pts_ns)

    def on_unit(self, unit: AccessUnit) -> None:
        """A picture arrived: keep it, relay it, decode it."""
        self._received += 1
        self._last_frame_at = unit.arrived_at
        self._history.add(unit)
        self._relay.push(self.source.channel, unit)
        with self._decoder_lock:
            if self._decoder is not None:
                self._decoder.push(unit)

    def on_connected(self) -> None:
        """Pictures come."""
        self._tell(Connected(self.source.channel), ())

    def on_lost(self, reason: str, *, refused: bool) -> None:
        """Pictures come no more."""
        self._tell(Lost(self.source.channel, reason, refused), ())

    def check(self) -> None:
        """Called every second (main loop)."""
        self._ingest.check()
        # Only a stream that begins anew goes on with a key frame; one that merely falters would be spoilt by this.
        if not self._ingest.connected and (unit := self._history.newest_key() or self._slate) is not None:
            self._relay.repeat(self.source.channel, unit)
        decoder, caps = self._decoder, self._caps
        if decoder is not None and caps is not None and decoder.failure() is not None:
            self._open_decoder(caps)

    def report(self) -> StreamReport:
        """The stream's statistics; `received_fps` since the last report."""
        (received, since), now = self._counted, time.monotonic()
        self._counted = (self._received, now)
        structure = self._caps.get_structure(0) if self._caps is not None else None
        decoder = self._decoder
        return StreamReport(
            channel=self.source.channel,
            received_fps=(self._received - received) / max(now - since, 1e-3),
            connected=self._ingest.connected,
            last_frame_at=self._last_frame_at,
            width=structure.get_value("width") if structure is not None else None,
            height=structure.get_value("height") if structure is not None else None,
            codec=codec_of(self._caps) if self._caps is not None else None,
            audio=self._sound.format if self._sound is not None else None,
            metadata_watched=self._relay.metadata_watched(self.source.channel),
            metadata_plays=self._relay.metadata_plays(self.source.channel),
            undecoded=self._undecoded + (decoder.undecoded if decoder is not None else 0),
        )

    def push_metadata(self, document: bytes, captured_at: float) -> None:
        """Relays a document that belongs to the picture of an instant (Unix seconds), or to now if there is none."""
        pts_ns = self._history.pts_ns_at(captured_at)
        if pts_ns is None:
            pts_ns = time.monotonic_ns()
        self._relay.push_metadata(self.source.channel, document, pts_ns)

    def snapshot(self, at: float | None) -> Decoded:
        """The picture nearest to the instant. Blocks; raises NotInHistoryError, DecodingError, MissingElementError."""
        group, wanted = self._history.group_for(at)
        age_s = time.time() - wanted.arrived_at
        if at is None and age_s > STALL_S:
            raise NotInHistoryError(f"the stream has delivered nothing for {age_s:.0f} s")
        return decode_snapshot(self._caps, group, wanted)

    def _open_decoder(self, caps: Gst.Caps) -> None:
        self._drop_decoder()
        source = self.source
        decoder = AnalysisDecoder(caps, width=source.analysis_width, fps=source.analysis_fps, deliver=self._on_decoded)
        with self._decoder_lock:
            self._decoder = decoder

    def _drop_decoder(self) -> None:
        with self._decoder_lock:
            decoder, self._decoder = self._decoder, None
        if decoder is not None:
            self._undecoded += decoder.undecoded
            self._slow.submit(decoder.close)

    def _on_decoded(self, picture: Decoded) -> None:
        with self._ring_lock:
            if self._closed:
                return
            ring = self._ring
            if ring is None or ring.shape != picture.shape:
                if ring is not None:
                    ring.close()
                ring = self._ring = RingWriter(picture.shape)
                self._tell(RingOpened(self.source.channel, *picture.shape), ring.duplicates())
            ring.write(picture.pixels, picture.captured_at, picture.arrived_at)
