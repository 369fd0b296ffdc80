"""The camera of the example: it looks at a drawn picture and cannot do anything else."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from onvif_server.backend import Backend, DeviceInformation, Refusal, Refused, StreamRequest, VideoChannel
from onvif_server.example.picture import HEIGHT, WIDTH, draw

CHANNEL = "picture"


class TestCamera(Backend):
    """One channel. `stream_port` is where the RTSP server listens, 0 if there is none."""

    def __init__(self, uuid: UUID, stream_port: int) -> None:
        self._information = DeviceInformation(
            manufacturer="onvif_server",
            model="Example",
            firmware_version="1.0",
            serial_number=str(uuid),
            hardware_id="example",
            name="Test picture",
            uuid=uuid,
            mac="02:00:00:00:00:01",
        )
        self._stream_port = stream_port
        self._pictures = 0

    @property
    def information(self) -> DeviceInformation:
        """The name plate."""
        return self._information

    @property
    def channels(self) -> Sequence[VideoChannel]:
        """The one channel."""
        return (VideoChannel(token=CHANNEL, name="Test picture", width=WIDTH, height=HEIGHT, fps=10.0),)

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        """The address at the example's own RTSP server."""
        if not self._stream_port:
            raise Refused(Refusal.NOT_SUPPORTED, "this machine has no gst-rtsp-server")
        return f"rtsp://{request.host}:{self._stream_port}/{channel}"

    async def snapshot(self, channel: str) -> bytes:
        """The next picture: each time its bar stands a bit further to the right."""
        self._pictures += 1
        return draw(self._pictures)

    async def synchronize(self, channel: str) -> None:
        """Nothing: a new viewer of the example waits for the next key frame."""
