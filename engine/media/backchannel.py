"""The back channels of the relay: who may talk to which camera, and the piece of a pipeline that hears it.

A client that names ONVIF's requirement when it asks for a description is shown one more stream, into which it sends
(`a=sendonly`, for clients have the word there). All others see nothing of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.media.floor import Floor
from engine.media.gst import Gst, GstRtsp, GstRtspServer
from engine.media.loudspeaker import REQUIREMENT, Loudspeaker
from engine.media.values import StreamSource

_log = logging.getLogger(__name__)

_OTHER_DELIVERIES = ("srtp", "multicast")
# The sink must not wait for a first packet: the media would never be ready.
_EAR = (
    'capsfilter name=depay_backchannel caps="application/x-rtp,media=audio,payload=0,clock-rate=8000,'
    'encoding-name=PCMU" ! rtppcmudepay ! appsink name=ear emit-signals=true sync=false async=false max-buffers=50'
)


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """Somebody who may talk now; `name` is the user's."""

    name: str


class BackChannel:
    """One channel's: gives the word, and plays what is said by who has it."""

    def __init__(self, source: StreamSource) -> None:
        self.source = source
        self.floor = Floor()
        self._loudspeaker = Loudspeaker(source)

    def say(self, speaker: Speaker, sound: bytes) -> None:
        """Plays a piece of sound, if it is its speaker's turn."""
        begins = self.floor.begins(speaker)
        if self.floor.admit(speaker, len(sound)):
            if begins:
                _log.info("%s talks at channel %s", speaker.name, self.source.channel)
            self._loudspeaker.say(sound)

    def close(self) -> None:
        """Leaves the camera."""
        self._loudspeaker.close()


@dataclass(frozen=True, slots=True)
class Ear:
    """What a channel's paths need of its back channel: whether it is `wanted` by the request that is handled now, and
    a way to `make` a bin that hears what its client says.
    """

    wanted: Callable[[], bool]
    make: Callable[[], Gst.Bin]


class BackChannels:
    """Those of all channels. All requests are handled in one thread, each from its judgement to its answer."""

    def __init__(self) -> None:
        self._open: dict[str, BackChannel] = {}
        self._asking: Speaker | None = None
        """Who asks to talk by the request that is handled now."""

    def open(self, channel: str, back: BackChannel | None) -> None:
        """What a channel has from now on: None, or a back channel."""
        if back is None:
            self._open.pop(channel, None)
        else:
            self._open[channel] = back

    def judge(self, context: GstRtspServer.RTSPContext, username: str, *, may_talk: bool) -> bool:
        """Whether a request is allowed: who must not talk must not ask for it. Takes note of who asks."""
        wanted = asks_to_talk(context.request)
        self._asking = Speaker(username) if wanted and may_talk else None
        return may_talk or not wanted or self._at(context) is None

    def ear(self, channel: str) -> Ear:
        """What the paths of a channel need."""
        return Ear(lambda: self._asking is not None and channel in self._open, lambda: self._bin(channel))

    def _bin(self, channel: str) -> Gst.Bin:
        speaker = self._asking

        def hear(sink: Gst.Element) -> Gst.FlowReturn:
            sample = sink.emit("pull-sample")
            # Another one, perhaps, than when the speaker came: its camera may have moved.
            back = self._open.get(channel)
            if sample is not None and back is not None and speaker is not None:
                buffer = sample.get_buffer()
                back.say(speaker, buffer.extract_dup(0, buffer.get_size()))
            return Gst.FlowReturn.OK

        bin_ = Gst.parse_bin_from_description(_EAR, False)
        # By these names GstRtspServer knows what hears.
        bin_.set_name("onvif-backchannel")
        bin_.add_pad(Gst.GhostPad.new("sink", bin_.get_by_name("depay_backchannel").get_static_pad("sink")))
        bin_.get_by_name("ear").connect("new-sample", hear)
        return bin_

    def listen(self, client: GstRtspServer.RTSPClient) -> None:
        """A client is there."""
        client.connect("check-requirements", self._on_requirements)
        client.connect("pre-setup-request", self._on_setup)

    def _on_requirements(
        self, _client: GstRtspServer.RTSPClient, context: GstRtspServer.RTSPContext, requirements: list[str]
    ) -> str:
        """Answers with what is required and not to be had here."""
        there = {REQUIREMENT} if self._at(context) is not None else set()
        return ", ".join(one for one in requirements if one not in there)

    def _on_setup(
        self, _client: GstRtspServer.RTSPClient, context: GstRtspServer.RTSPContext
    ) -> GstRtsp.RTSPStatusCode:
        # Only a back channel's stream takes something in.
        back = self._at(context) if context.stream.get_sinkpad() is not None else None
        if back is not None and back.floor.is_taken():
            return GstRtsp.RTSPStatusCode.NOT_ENOUGH_BANDWIDTH
        return GstRtsp.RTSPStatusCode.OK

    def _at(self, context: GstRtspServer.RTSPContext) -> BackChannel | None:
        """The back channel at the address of a request."""
        _, _, target, _ = context.request.parse_request()
        channel, *rest = urlsplit(target).path.removeprefix("/").split("/")
        return self._open.get(channel) if rest[:1] not in ([one] for one in _OTHER_DELIVERIES) else None


def asks_to_talk(request: GstRtsp.RTSPMessage) -> bool:
    """Whether a request requires a back channel."""
    number = 0
    while True:
        found, header = request.get_header(GstRtsp.RTSPHeaderField.REQUIRE, number)
        if found != GstRtsp.RTSPResult.OK:
            return False
        if REQUIREMENT in (one.strip() for one in header.split(",")):
            return True
        number += 1
