"""Cameras that only show: an RTSP address, or a video file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from engine.cameras.errors import CameraFault, CameraUnreachable
from engine.cameras.protocols import CameraInformation, Channel, ChannelCapabilities, Extras, StreamAddress
from engine.config.schema import CameraConfig

TIMEOUT_S = 5.0
_CHECK_NETWORK = "check that it has power and network, and its address in the site file"


class _StillCamera:
    """What the cameras without motors share."""

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self.information = CameraInformation()
        self.channels = tuple(Channel(id=one.channel_id, profile=one.stream or "") for one in config.channels)
        self.has_events = False
        self.terminals = None

    @property
    def name(self) -> str:
        """Its name in the site file."""
        return self._config.name

    async def close(self) -> None:
        """Nothing is held open."""

    async def snapshot(self, channel: str) -> bytes:
        """Raises CameraFault: there are no pictures but the video's."""
        raise CameraFault(self.name, self.address, f"channel {channel!r} has no snapshots", "use the video's pictures")

    async def synchronize(self, channel: str) -> None:
        """Raises CameraFault: a stream alone takes no orders."""
        raise CameraFault(self.name, self.address, "it cannot be told to send a key frame", "use its ONVIF service")

    def motors(self, channel: str) -> None:
        """None: nothing moves."""
        return

    def extras(self, channel: str) -> Extras:
        """Nothing."""
        return Extras()

    def imaging(self, channel: str) -> None:
        """None: nothing can be set."""
        return

    def encoder(self, channel: str) -> None:
        """None: nothing can be set."""
        return

    def osd(self, channel: str) -> None:
        """None: nothing can be written."""
        return

    async def auxiliary(self, channel: str, command: str) -> str:
        """Raises CameraFault: there are no such commands."""
        return await self.device_auxiliary(command)

    async def device_auxiliary(self, command: str) -> str:
        """Raises CameraFault: there are no such commands."""
        raise CameraFault(self.name, self.address, f"it knows no {command}", "use a camera that has it")

    async def capabilities(self, channel: str) -> ChannelCapabilities:
        """Video only."""
        return ChannelCapabilities()

    @property
    def address(self) -> str:
        """Where it is looked for."""
        return self._config.address

    def _stream(self, channel: str) -> str | None:
        for one in self._config.channels:
            if one.channel_id == channel:
                return one.stream
        raise CameraFault(self.name, self.address, f"channel {channel!r} is not known", "name one of the site file")


class RtspCamera(_StillCamera):
    """A camera of which only the RTSP address is known. A channel's `stream` may be a URL of its own or a path."""

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return self._url().netloc

    def _url(self, channel: str | None = None) -> StreamUrl:
        address = self._config.address
        stream = self._stream(channel) if channel else None
        if stream and "://" in stream:
            address, stream = stream, None
        return StreamUrl.parse(self.name, address, stream)

    async def connect(self) -> None:
        """Asks the RTSP server for its options. Raises CameraUnreachable, CameraFault."""
        url = self._url(self._config.channels[0].channel_id if self._config.channels else None)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await _ask_options(url)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise CameraUnreachable(
                self.name, url.netloc, f"no answer from its RTSP server ({error or 'time-out'})", _CHECK_NETWORK
            ) from error
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise CameraFault(
                self.name, url.netloc, "its answer is not RTSP", "check the port in the site file"
            ) from error

    async def check(self) -> None:
        """The same question again."""
        await self.connect()

    async def stream_address(self, channel: str) -> StreamAddress:
        """Where the channel's video is."""
        url = self._url(channel)
        return StreamAddress(url.url, self._config.username or url.username, self._config.password or url.password)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamUrl:
    """An RTSP address taken apart; `url` and `netloc` carry no credentials."""

    url: str
    netloc: str
    host: str
    port: int
    tls: bool
    username: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, camera: str, address: str, path: str | None) -> StreamUrl:
        """Raises CameraFault for anything but rtsp(s)://host…; `path` replaces the path."""
        parts = urlsplit(address if "://" in address else f"rtsp://{address}")
        netloc = parts.netloc.rpartition("@")[2]
        try:
            port = parts.port or (322 if parts.scheme == "rtsps" else 554)
        except ValueError:
            port = 0
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname or not port:
            raise CameraFault(camera, netloc or "?", "that is not an RTSP address", "write rtsp://host:port/path")
        tail, query = ("/" + path.lstrip("/"), "") if path else (parts.path, parts.query)
        return cls(
            url=urlunsplit((parts.scheme, netloc, tail, query, "")),
            netloc=netloc,
            host=parts.hostname,
            port=port,
            tls=parts.scheme == "rtsps",
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


async def _ask_options(url: StreamUrl) -> None:
    """Sends OPTIONS and looks at the first line of the answer. Raises ValueError where it is not RTSP."""
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=True if url.tls else None, limit=4096)
    try:
        writer.write(f"OPTIONS {url.url} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: smart-ptz\r\n\r\n".encode())
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise ConnectionResetError("connection closed")
    if not line.startswith(b"RTSP/1."):
        raise ValueError("not RTSP")


class FileCamera(_StillCamera):
    """A video file, played as if it were a camera."""

    def _path(self, channel: str | None = None) -> Path:
        stream = self._stream(channel) if channel else None
        return Path(self._config.address) / stream if stream else Path(self._config.address)

    async def connect(self) -> None:
        """Looks whether the files are there. Raises CameraUnreachable."""
        for channel in self._config.channels:
            path = self._path(channel.channel_id)
            if not await asyncio.to_thread(path.is_file):
                raise CameraUnreachable(self.name, str(path), "there is no such file", "correct its path")

    async def check(self) -> None:
        """The same look again."""
        await self.connect()

    async def stream_address(self, channel: str) -> StreamAddress:
        """The file's URL."""
        return StreamAddress(self._path(channel).absolute().as_uri())
