"""What the relay sends by multicast without being asked by RTSP."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from ipaddress import ip_address

from engine.media.gst import Gio, Gst, GstRtsp, GstRtspServer
from engine.media.messages import SetMulticast
from engine.media.tracks import Path
from engine.media.values import Target, Tracks

_log = logging.getLogger(__name__)


class Multicasts:
    """What was ordered for each channel, and the senders that carry it out. All in the main loop, but `targets`.

    A sender is a client without a connection: it shares the pipeline of those who ask for multicast by RTSP, so that
    nothing is sent twice to one address.
    """

    def __init__(self, server: GstRtspServer.RTSPServer) -> None:
        self._server = server
        self._orders: dict[str, tuple[dict[Tracks, Target], Tracks]] = {}
        self._failed: set[str] = set()
        self._senders: dict[str, tuple[Path, Tracks, GstRtspServer.RTSPSession]] = {}

    def targets(self, channel: str) -> Mapping[Tracks, Target]:
        """Where the tracks of a channel go."""
        return self._orders.get(channel, ({}, Tracks(0)))[0]

    def order(self, order: SetMulticast) -> bool:
        """Takes note of an order; tells whether a target is another now."""
        before = self.targets(order.channel)
        targets = {Tracks[name]: target for name, target in order.targets.items()}
        wanted = Tracks(sum(Tracks[name].value for name in order.sending))
        self._orders[order.channel] = (targets, wanted)
        return before != targets

    def send(self, channel: str, path: Path) -> None:
        """Sends what is ordered of a channel, and nothing else."""
        _, wanted = self._orders.get(channel, ({}, Tracks(0)))
        known = self._senders.get(channel)
        if known is not None and known[:2] == (path, wanted):
            return
        if known is not None:
            self.stop(channel, known[0])
        if wanted:
            session = self._begin(path, wanted)
            if session is not None:
                self._senders[channel] = (path, wanted, session)
            elif channel not in self._failed:
                _log.warning("channel %s cannot be sent by multicast; it is tried again", channel)
                self._failed.add(channel)
                return
        self._failed.discard(channel)

    def stop(self, channel: str, path: Path) -> None:
        """Ends what was sent through a path."""
        known = self._senders.get(channel)
        if known is not None and known[0] is path:
            del self._senders[channel]
            session = known[2]
            session.filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)

    def _begin(self, path: Path, wanted: Tracks) -> GstRtspServer.RTSPSession | None:
        _, url = GstRtsp.rtsp_url_parse("rtsp://127.0.0.1/multicast")
        media = path.factory.construct(url)
        pool = self._server.get_thread_pool()
        thread = pool.get_thread(GstRtspServer.RTSPThreadType.MEDIA, GstRtspServer.RTSPContext())
        if media is None or not media.prepare(thread):
            return None
        session = GstRtspServer.RTSPSession.new("multicast")
        managed = session.manage_media("/multicast", media)
        for number, track in enumerate(path.tracks):
            if track in wanted and track in path.targets and not _join(managed, number, path.targets[track]):
                session.filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
                return None
        if not media.complete_pipeline(managed.get_transports()) or not managed.set_state(Gst.State.PLAYING):
            session.filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
            return None
        return session


def _join(managed: GstRtspServer.RTSPSessionMedia, number: int, target: Target) -> bool:
    ports = (target.port, target.port + 1)
    _, transport = GstRtsp.rtsp_transport_parse(
        f"RTP/AVP;multicast;destination={target.address};port={ports[0]}-{ports[1]};ttl={target.ttl}"
    )
    family = Gio.SocketFamily.IPV6 if ip_address(target.address).version == 6 else Gio.SocketFamily.IPV4
    stream = managed.get_media().get_stream(number)
    # It reserves the addresses of the stream's pool, and binds its sockets.
    if not stream.allocate_udp_sockets(family, transport, False):
        return False
    if stream.get_multicast_address(family) is None:
        return False
    if not stream.add_multicast_client_address(target.address, *ports, family):
        return False
    managed.set_transport(stream, transport)
    return True
