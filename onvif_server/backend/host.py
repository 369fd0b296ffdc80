"""The host: everything that a device asks, and may be told that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onvif_server.backend.access import Caller, UserAdministration
from onvif_server.backend.analytics import Analytics
from onvif_server.backend.device import DeviceInformation, Memory, System, Terminals
from onvif_server.backend.events import Topic
from onvif_server.backend.imaging import Imaging
from onvif_server.backend.media import Encoder, Multicast, Osd, StreamingAbilities, StreamRequest, VideoChannel
from onvif_server.backend.ptz import Ptz
from onvif_server.backend.refusal import Refusal, Refused


class Backend(Protocol):
    """The host. Derive from it: what is not overridden below the four first methods is something that it has not.

    What is None at the start stays None, and which channels there are does not change while the device runs.
    """

    @property
    def information(self) -> DeviceInformation:
        """The name plate."""
        ...

    @property
    def channels(self) -> Sequence[VideoChannel]:
        """The picture sources, as they are now; their tokens are constant."""
        ...

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        """The RTSP address of a channel's stream, without credentials. RTSP must accept the same users.

        Raises Refused(NOT_SUPPORTED) for what `streaming` does not promise.
        """
        ...

    async def snapshot(self, channel: str) -> bytes:
        """The newest picture as JPEG. Raises `Refused(Refusal.UNAVAILABLE)` if there is none."""
        ...

    async def synchronize(self, channel: str) -> None:
        """A client asks for a key frame soon. A host that cannot order one from its encoder does nothing."""
        del channel  # a statement, or type checkers take the method for an abstract one

    @property
    def topics(self) -> Sequence[Topic]:
        """The events that `OnvifDevice.broker` may be given, besides those that the library sends by itself."""
        return ()

    @property
    def memory(self) -> Memory | None:
        """Where the device keeps what clients set; None: it forgets that at the end."""
        return None

    @property
    def streaming(self) -> StreamingAbilities:
        """What the host's RTSP server can do."""
        return StreamingAbilities()

    def ptz(self, channel: str) -> Ptz | None:
        """The motors of a channel (by token); None if it does not move."""
        return None

    def imaging(self, channel: str) -> Imaging | None:
        """Picture settings and focus of a channel."""
        return None

    def encoder(self, channel: str) -> Encoder | None:
        """The encoder of a channel, if it can be set."""
        return None

    def osd(self, channel: str) -> Osd | None:
        """The texts on a channel's picture."""
        return None

    def multicast(self, channel: str) -> Multicast | None:
        """The multicast sender of a channel."""
        return None

    def analytics(self, channel: str) -> Analytics | None:
        """The rules of a channel."""
        return None

    @property
    def terminals(self) -> Terminals | None:
        """Relays and digital inputs."""
        return None

    @property
    def system(self) -> System | None:
        """The host's power switch and papers."""
        return None

    @property
    def user_administration(self) -> UserAdministration | None:
        """Changes users; None: they are managed elsewhere."""
        return None

    @property
    def auxiliary_commands(self) -> Sequence[str]:
        """What SendAuxiliaryCommand of the device service takes (`tt:Wiper|On`…); constant while the device runs."""
        return ()

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """Carries out one of `auxiliary_commands`; returns the response for the client, "" for none."""
        raise Refused(Refusal.NOT_SUPPORTED)
