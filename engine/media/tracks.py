"""What one channel offers in the relay: its paths, and who watches each of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Flag, auto

from engine.media.feed import MetadataTrack, Primer, VideoFeed
from engine.media.gst import CODECS, Gst, GstRtsp, GstRtspServer
from engine.media.history import AccessUnit


class Tracks(Flag):
    """What a path of the relay brings."""

    VIDEO = auto()
    METADATA = auto()


class _Factory(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]  # GObject has no types
    """Builds the pipeline of one path; all its clients share one."""

    video: str
    tracks: Tracks

    def do_create_element(self, _url: GstRtsp.RTSPUrl) -> Gst.Element:
        """A bin whose elements `pay0`, `pay1` are the tracks."""
        element = Gst.parse_bin_from_description(self.video, False) if Tracks.VIDEO in self.tracks else Gst.Bin()
        if Tracks.METADATA in self.tracks:
            track = MetadataTrack()
            track.set_name("pay1" if Tracks.VIDEO in self.tracks else "pay0")
            element.add(track)
        return element


def _on_element(_pipeline: Gst.Pipeline, element: Gst.Element) -> None:
    # Sender reports tie a track's timestamps to the time its packets are for, not to the time they are sent: documents
    # are sent later than the pictures they describe.
    if element.find_property("rtcp-sync-send-time") is not None:
        element.set_property("rtcp-sync-send-time", False)


class Path:
    """One path of a channel, and the pipelines that run for it."""

    def __init__(self, caps: Gst.Caps, primer: Primer, tracks: Tracks, *, srtp: bool = False) -> None:
        self.caps = caps
        self._primer = primer
        self._feeds: dict[GstRtspServer.RTSPMedia, tuple[VideoFeed | None, MetadataTrack | None]] = {}
        pay = CODECS[str(caps.get_structure(0).get_name())].pay
        self.factory = _Factory()
        self.factory.tracks = tracks
        self.factory.video = (
            f"appsrc name=units format=time is-live=true max-bytes=0 max-time=2000000000 leaky-type=downstream ! {pay}"
        )
        self.factory.set_shared(True)
        self.factory.set_clock(Gst.SystemClock.obtain())
        if srtp:
            self.factory.set_profiles(GstRtsp.RTSPProfile.SAVP)
        self.factory.connect("media-configure", self._on_media)

    def _on_media(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        element.get_parent().connect("element-added", _on_element)
        appsrc = element.get_by_name("units")
        video = VideoFeed(appsrc, self.caps, self._primer) if appsrc is not None else None
        track = element.get_by_name("pay1" if video is not None else "pay0")
        metadata = track if isinstance(track, MetadataTrack) else None
        self._feeds = {**self._feeds, media: (video, metadata)}
        media.connect("unprepared", self._on_unprepared)

    def _on_unprepared(self, media: GstRtspServer.RTSPMedia) -> None:
        self._feeds = {known: feeds for known, feeds in self._feeds.items() if known is not media}

    def video(self) -> Iterator[VideoFeed]:
        """The video of all that runs."""
        return (video for video, _ in self._feeds.values() if video is not None)

    def metadata(self) -> Iterator[MetadataTrack]:
        """The metadata tracks of all that runs."""
        return (track for _, track in self._feeds.values() if track is not None)


class RelayChannel:
    """The paths of one channel: by suffix, those that every server has, and those for encrypted ones only."""

    def __init__(self, caps: Gst.Caps, primer: Primer) -> None:
        self.caps = caps
        self.paths = {
            "": Path(caps, primer, Tracks.VIDEO),
            "/onvif": Path(caps, primer, Tracks.VIDEO | Tracks.METADATA),
            "/metadata": Path(caps, primer, Tracks.METADATA),
        }
        # The keys of SRTP travel in RTSP: without RTSPS they would be everybody's.
        self.secure_paths = {"/srtp": Path(caps, primer, Tracks.VIDEO | Tracks.METADATA, srtp=True)}

    def _all(self) -> Iterator[Path]:
        yield from self.paths.values()
        yield from self.secure_paths.values()

    def use(self, caps: Gst.Caps) -> None:
        """Pictures of the same codec have another format from now on."""
        self.caps = caps
        for path in self._all():
            path.caps = caps

    def push(self, unit: AccessUnit) -> None:
        """Hands a unit to everybody who watches."""
        for path in self._all():
            for feed in path.video():
                feed.push(unit)

    def repeat(self, unit: AccessUnit) -> None:
        """Shows a key frame again to everybody who watches."""
        for path in self._all():
            for feed in path.video():
                feed.repeat(unit)

    @property
    def metadata_watched(self) -> bool:
        """Whether anybody takes metadata."""
        return any(True for path in self._all() for _ in path.metadata())

    def push_metadata(self, document: bytes, pts_ns: int) -> None:
        """Hands a document to everybody who takes metadata."""
        for path in self._all():
            for track in path.metadata():
                track.push(document, pts_ns)
