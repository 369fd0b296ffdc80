"""Multicast as an ONVIF client orders it, on its way to the relay."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.media import Target, Tracks
from engine.onvif_device.multicast import RelayMulticast
from onvif_server.backend import MulticastTarget, Refused, StreamKind

pytestmark = pytest.mark.ledger("ONVIF-2", "NET-1")


class Relay:
    """Takes note of the last order."""

    def __init__(self) -> None:
        self.targets: dict[Tracks, Target] = {}
        self.sending = Tracks(0)

    def order(self, targets: Mapping[Tracks, Target], sending: Tracks) -> None:
        self.targets, self.sending = dict(targets), sending


async def test_orders_reach_the_relay_with_their_addresses() -> None:
    relay = Relay()
    multicast = RelayMulticast(relay.order)
    multicast.configure(StreamKind.VIDEO, MulticastTarget("239.192.1.2", 40000, 5))
    multicast.configure(StreamKind.METADATA, MulticastTarget("239.192.1.2", 40004))
    assert relay.targets == {
        Tracks.VIDEO: Target("239.192.1.2", 40000, 5),
        Tracks.METADATA: Target("239.192.1.2", 40004, 1),
    }
    assert not relay.sending
    await multicast.start(frozenset({StreamKind.VIDEO, StreamKind.METADATA}))
    assert relay.sending == Tracks.VIDEO | Tracks.METADATA
    multicast.configure(StreamKind.VIDEO, MulticastTarget("239.192.1.3", 40000))
    assert relay.sending == Tracks.VIDEO | Tracks.METADATA, "what is sent goes on, elsewhere"
    await multicast.stop()
    assert not relay.sending


async def test_an_address_that_is_not_ipv4_is_refused_when_it_is_to_be_used() -> None:
    relay = Relay()
    multicast = RelayMulticast(relay.order)
    multicast.configure(StreamKind.VIDEO, MulticastTarget("ff15::7", 40000))
    with pytest.raises(Refused, match="IPv4"):
        await multicast.start(frozenset({StreamKind.VIDEO}))
    assert not relay.sending
