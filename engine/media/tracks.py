"""What one channel offers in the relay: its paths, and who watches each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

from engine.media.backchannel import Ear
from engine.media.feed import MetadataTrack, Primer, SoundFeed, VideoFeed
from engine.media.gst import CODECS, Gst, GstRtsp, GstRtspServer
from engine.media.history import AccessUnit
from engine.media.sound import Sound
from engine.media.values import SEEN_AND_HEARD, Delivery, Target, Tracks, path_suffix

EVERYTHING = SEEN_AND_HEARD | Tracks.METADATA

_APPSRC = "appsrc format=time is-live=true max-bytes=0 max-time=2000000000 leaky-type=downstream"
# A track that no client takes leads nowhere. That is no error: one would end the others, and what is said.
_FORK = "tee allow-not-linked=true"
_SENT_TO_ONE = GstRtsp.RTSPLowerTrans.UDP | GstRtsp.RTSPLowerTrans.TCP


@dataclass(slots=True)
class Origin:
    """What a channel is made of now."""

    caps: Gst.Caps
    sound: Sound | None
    primer: Primer
    ear: Ear


class _Factory(GstRtspServer.RTSPOnvifMediaFactory):  # type: ignore[misc]  # GObject has no types
    """Builds the pipeline of one path; all its clients share one, but those who want to talk."""

    video: str
    sound: str
    metadata: bool
    ear: Ear | None

    def do_gen_key(self, _url: GstRtsp.RTSPUrl) -> str | None:
        """One pipeline for all, whatever the address by which they came; who wants to talk has one of its own."""
        return None if self.ear is not None and self.ear.wanted() else "one"

    def do_create_element(self, _url: GstRtsp.RTSPUrl) -> Gst.Element:
        """A bin whose elements `pay0`, `pay1`… are the tracks."""
        branches = [one for one in (self.video, self.sound) if one]
        named = " ".join(f"{one} name=pay{number}" for number, one in enumerate(branches))
        element = Gst.parse_bin_from_description(named, False) if named else Gst.Bin()
        if self.metadata:
            track = MetadataTrack()
            track.set_name(f"pay{len(branches)}")
            element.add(track)
        if self.ear is not None and self.ear.wanted():
            element.add(self.ear.make())
        return element


def _on_element(_pipeline: Gst.Pipeline, element: Gst.Element) -> None:
    # Sender reports tie a track's timestamps to the time its packets are for, not to the time they are sent: documents
    # are sent later than the pictures they describe.
    if element.find_property("rtcp-sync-send-time") is not None:
        element.set_property("rtcp-sync-send-time", False)


@dataclass(frozen=True, slots=True)
class _Feeds:
    video: VideoFeed | None
    sound: SoundFeed | None
    metadata: MetadataTrack | None


class Path:
    """One path of a channel, and the pipelines that run for it. `targets`: where each track goes by multicast."""

    def __init__(
        self, origin: Origin, tracks: Tracks, delivery: Delivery, targets: Mapping[Tracks, Target] | None = None
    ) -> None:
        self._origin = origin
        self._tracks = tracks
        self.targets = targets or {}
        self._multicast = delivery is Delivery.MULTICAST
        self._feeds: dict[GstRtspServer.RTSPMedia, _Feeds] = {}
        codec = CODECS[str(origin.caps.get_structure(0).get_name())]
        self.factory = _Factory()
        self.factory.video = f"{_APPSRC} name=units ! {_FORK} ! {codec.pay}" if Tracks.VIDEO in tracks else ""
        self.factory.sound = ""
        if origin.sound is not None and Tracks.AUDIO in tracks:
            self.factory.sound = f"{_APPSRC} name=sound ! {_FORK} ! {origin.sound.pay}"
        self.factory.metadata = Tracks.METADATA in tracks
        # A client talks to the relay alone, by itself; SRTP's keys are for one direction.
        self.factory.ear = origin.ear if delivery is Delivery.PLAIN else None
        self.factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia)
        self.factory.set_shared(True)
        self.factory.set_clock(Gst.SystemClock.obtain())
        self.factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP_MCAST if self._multicast else _SENT_TO_ONE)
        if delivery is Delivery.SRTP:
            self.factory.set_profiles(GstRtsp.RTSPProfile.SAVP)
        self.factory.connect("media-configure", self._on_media)

    @property
    def tracks(self) -> tuple[Tracks, ...]:
        """What it brings, track by track."""
        return tuple(self._tracks)

    def _on_media(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        element.get_parent().connect("element-added", _on_element)
        origin = self._origin
        units, sound = element.get_by_name("units"), element.get_by_name("sound")
        metadata = element.get_by_name(f"pay{len(self.tracks) - 1}") if self.factory.metadata else None
        feeds = _Feeds(
            VideoFeed(units, origin.caps, origin.primer) if units is not None else None,
            SoundFeed(sound, origin.sound) if sound is not None and origin.sound is not None else None,
            metadata,
        )
        if self._multicast:
            self._aim(media)
        self._feeds = {**self._feeds, media: feeds}
        media.connect("unprepared", self._on_unprepared)

    def _aim(self, media: GstRtspServer.RTSPMedia) -> None:
        for number, track in enumerate(self.tracks):
            target = self.targets.get(track)
            pool = GstRtspServer.RTSPAddressPool()
            if target is not None:
                ports = (target.port, target.port + 1)
                pool.add_range(target.address, target.address, *ports, target.ttl)
            media.get_stream(number).set_address_pool(pool)

    def _on_unprepared(self, media: GstRtspServer.RTSPMedia) -> None:
        self._feeds = {known: feeds for known, feeds in self._feeds.items() if known is not media}

    def runs(self, media: GstRtspServer.RTSPMedia) -> bool:
        """Whether a pipeline is one of this path."""
        return media in self._feeds

    def video(self) -> Iterator[VideoFeed]:
        """The video of all that runs."""
        return (feeds.video for feeds in self._feeds.values() if feeds.video is not None)

    def sound(self) -> Iterator[SoundFeed]:
        """The sound of all that runs."""
        return (feeds.sound for feeds in self._feeds.values() if feeds.sound is not None)

    def metadata(self) -> Iterator[MetadataTrack]:
        """The metadata tracks of all that runs."""
        return (feeds.metadata for feeds in self._feeds.values() if feeds.metadata is not None)


class RelayChannel:
    """The paths of one channel: by suffix, those that every server has, and those for encrypted ones only.

    There is a path for every wish, whether there is sound or not; only one for nothing but sound needs some.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.multicast = self._multicast({})
        self.paths = self._paths(Delivery.PLAIN)
        # The keys of SRTP travel in RTSP: without RTSPS they would be everybody's.
        self.secure_paths = self._paths(Delivery.SRTP)

    def _multicast(self, targets: Mapping[Tracks, Target]) -> Path:
        return Path(self.origin, self._there(EVERYTHING), Delivery.MULTICAST, targets)

    def aim(self, targets: Mapping[Tracks, Target]) -> Path:
        """Sends to other addresses from now on; returns the path that is over."""
        former, self.multicast = self.multicast, self._multicast(targets)
        return former

    def _there(self, tracks: Tracks) -> Tracks:
        return tracks if self.origin.sound is not None else tracks & ~Tracks.AUDIO

    def _paths(self, delivery: Delivery) -> dict[str, Path]:
        wishes = chain.from_iterable(combinations(EVERYTHING, count) for count in (1, 2, 3))
        asked = [Tracks(sum(one.value for one in wish)) for wish in wishes]
        return {
            path_suffix(tracks, delivery): Path(self.origin, self._there(tracks), delivery)
            for tracks in asked
            if self._there(tracks)
        }

    def _all(self) -> Iterator[Path]:
        yield self.multicast
        yield from self.paths.values()
        yield from self.secure_paths.values()

    def is_like(self, caps: Gst.Caps, sound: Sound | None) -> bool:
        """Whether pictures and sound of these formats can go on in the same tracks."""
        return self.origin.sound == sound and self.origin.caps.get_structure(0).get_name() == (
            caps.get_structure(0).get_name()
        )

    def go_on(self, caps: Gst.Caps, primer: Primer) -> None:
        """Pictures of the same codec come from now on, perhaps of another size, perhaps from elsewhere."""
        changed = not caps.is_equal(self.origin.caps)
        self.origin.caps, self.origin.primer = caps, primer
        for feed in (feed for path in self._all() for feed in path.video() if changed):
            feed.use(caps)

    def runs(self, media: GstRtspServer.RTSPMedia) -> bool:
        """Whether a pipeline is one of this channel."""
        return any(path.runs(media) for path in self._all())

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

    def push_sound(self, payload: Gst.Buffer, pts_ns: int) -> None:
        """Hands a piece of sound to everybody who listens."""
        for path in self._all():
            for feed in path.sound():
                feed.push(payload, pts_ns)

    @property
    def metadata_watched(self) -> bool:
        """Whether anybody takes metadata."""
        return any(True for path in self._all() for _ in path.metadata())

    def brings_metadata(self, media: GstRtspServer.RTSPMedia) -> bool:
        """Whether a pipeline is one of this channel, and has its metadata."""
        return any(path.runs(media) for path in self._all() if Tracks.METADATA in path.tracks)

    def push_metadata(self, document: bytes, pts_ns: int) -> None:
        """Hands a document to everybody who takes metadata."""
        for path in self._all():
            for track in path.metadata():
                track.push(document, pts_ns)
