"""The relay's multicast as an ONVIF client orders it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from engine.media import Target, Tracks
from onvif_server.backend import Multicast, MulticastTarget, Refusal, Refused, StreamKind

_IPV4 = 4
_TRACKS = {
    StreamKind.VIDEO: Tracks.VIDEO,
    StreamKind.AUDIO: Tracks.AUDIO,
    StreamKind.METADATA: Tracks.METADATA,
}


class RelayMulticast(Multicast):
    """`onvif_server.backend.Multicast` of one channel.

    `order(targets, sending)` tells the relay; it is safe to call before the channel has pictures.
    """

    def __init__(self, order: Callable[[Mapping[Tracks, Target], Tracks], None]) -> None:
        self._order = order
        self._targets: dict[Tracks, Target] = {}
        self._sending = Tracks(0)

    @property
    def ipv6(self) -> bool:
        """The relay sends to IPv4 addresses only."""
        return False

    def configure(self, kind: StreamKind, target: MulticastTarget) -> None:
        """See `Multicast`; what is sent now moves at once. Another address than IPv4 can come from an old note."""
        self._targets.pop(_TRACKS[kind], None)
        if ip_address(target.address).version == _IPV4:
            self._targets[_TRACKS[kind]] = Target(target.address, target.port, target.ttl)
        self._order(self._targets, self._sending)

    async def start(self, kinds: frozenset[StreamKind]) -> None:
        """See `Multicast`. Refuses addresses that are not IPv4."""
        if any(_TRACKS[kind] not in self._targets for kind in kinds):
            raise Refused(Refusal.INVALID, "multicast goes to IPv4 addresses only")
        self._send(Tracks(sum(_TRACKS[kind].value for kind in kinds)))

    async def stop(self) -> None:
        """See `Multicast`."""
        self._send(Tracks(0))

    def _send(self, tracks: Tracks) -> None:
        self._sending = tracks
        self._order(self._targets, tracks)
