"""What the engine and the media process say to each other.

One message is one packet of JSON on a Unix socket that keeps packets apart (SOCK_SEQPACKET), at most `LIMIT` bytes.
File descriptors of shared memory travel with the packet that describes them. Whatever cannot be read raises
ControlError; neither side ever guesses.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.media.values import MediaError, RelayUser, SoundFormat, StreamSource, Target

LIMIT = 65536
"""The largest packet, in bytes."""

MAX_DOCUMENT = 2**20
"""The largest metadata document, in bytes."""

_PIECE = 45_000  # with base64 and the rest of the packet still below the limit of one

MAX_DESCRIPTORS = 2
"""The most file descriptors that a packet brings."""


class ControlError(Exception):
    """A packet between the engine and the media process makes no sense."""


class Command(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Engine to worker."""


class Start(Command, frozen=True):
    """The first command: open the relay."""

    relay_host: str
    relay_port: int
    history_s: float
    secure_port: int
    tls_certificate: str | None
    tls_key: str | None
    max_clients: int
    login_s: int


class SetUsers(Command, frozen=True):
    """Who may watch the relay, replacing who might before."""

    users: tuple[RelayUser, ...]


class SetLocked(Command, frozen=True):
    """Which pairs of user name and address are locked out, replacing those before."""

    pairs: tuple[tuple[str, str], ...]


class PushMetadata(Command, frozen=True):
    """A piece of a metadata document; `last` ends it. The pieces of one document follow each other."""

    channel: str
    captured_at: float
    piece: bytes
    last: bool


def pieces_of(channel: str, captured_at: float, document: bytes) -> Iterator[PushMetadata]:
    """A document in pieces that fit into packets."""
    for begin in range(0, len(document), _PIECE):
        yield PushMetadata(channel, captured_at, document[begin : begin + _PIECE], begin + _PIECE >= len(document))


class SetCertificate(Command, frozen=True):
    """RTSPS shows another certificate from now on (paths of PEM files)."""

    tls_certificate: str
    tls_key: str


class SetMulticast(Command, frozen=True):
    """Where a channel's tracks go by multicast (by name), and which of them are sent without being asked for."""

    channel: str
    targets: dict[str, Target]
    sending: tuple[str, ...]


class AddStream(Command, frozen=True):
    """Open a stream and keep it open."""

    source: StreamSource
    codec: str
    """The codec of its last pictures, or what is assumed."""


class TakeSnapshot(Command, frozen=True):
    """Decode the picture nearest to the instant (None: the newest)."""

    request: int
    channel: str
    at: float | None


class Notice(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Worker to engine."""


class Ready(Notice, frozen=True):
    """The relay listens; said again when it has RTSPS after all."""

    relay_port: int
    secure_port: int | None
    """The port of RTSPS; None where there is none."""

    trouble: str
    """Why there is no RTSPS, in spite of a certificate that was given; else empty."""


class LoginRefused(Notice, frozen=True):
    """A wrong name or password was given to the relay."""

    username: str
    address: str


class Failed(Notice, frozen=True):
    """The worker cannot start, and ends."""

    reason: str


class Connected(Notice, frozen=True):
    """The first picture of a stream arrived."""

    channel: str


class Lost(Notice, frozen=True):
    """A stream broke off or could not be opened."""

    channel: str
    reason: str
    refused: bool


class RingOpened(Notice, frozen=True):
    """Analysis pictures of a channel come through a new ring; brings the memory's and the wake-up descriptor."""

    channel: str
    width: int
    height: int
    stride: int
    slots: int


class SnapshotTaken(Notice, frozen=True):
    """A decoded snapshot; brings the descriptor of the memory that holds it."""

    request: int
    width: int
    height: int
    stride: int
    captured_at: float


class SnapshotFailed(Notice, frozen=True):
    """No snapshot, and why."""

    request: int
    reason: str


class StreamReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one stream does."""

    channel: str
    received_fps: float
    connected: bool
    last_frame_at: float | None
    width: int | None
    height: int | None
    codec: str | None
    audio: SoundFormat | None
    undecoded: int
    """Pictures dropped before decoding because the machine was too slow, since the worker began."""

    metadata_watched: bool
    """Whether a client of the relay takes the channel's metadata."""

    metadata_plays: int
    """How often clients have begun to take it, since the worker began."""


class Report(Notice, frozen=True):
    """Sent every second: proof of life, and statistics."""

    streams: tuple[StreamReport, ...]


type AnyCommand = Start | SetUsers | SetLocked | SetCertificate | SetMulticast | PushMetadata | AddStream | TakeSnapshot
type AnyNotice = Ready | Failed | LoginRefused | Connected | Lost | RingOpened | SnapshotTaken | SnapshotFailed | Report

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_notices: msgspec.json.Decoder[AnyNotice] = msgspec.json.Decoder(AnyNotice)


def encode(message: Command | Notice) -> bytes:
    """The packet of a message. Raises ControlError when it would be too large."""
    packet = _encoder.encode(message)
    if len(packet) > LIMIT:
        raise ControlError(f"a {type(message).__name__} of {len(packet)} bytes is over the limit of {LIMIT}")
    return packet


def decode_command(packet: bytes) -> AnyCommand:
    """The command in a packet. Raises ControlError."""
    return _decode(_commands, packet)


def decode_notice(packet: bytes) -> AnyNotice:
    """The notice in a packet. Raises ControlError."""
    return _decode(_notices, packet)


def _decode[T](decoder: msgspec.json.Decoder[T], packet: bytes) -> T:
    if len(packet) > LIMIT:
        raise ControlError(f"a packet of {len(packet)} bytes is over the limit of {LIMIT}")
    try:
        return decoder.decode(packet)
    # The error's own text may quote the packet, and with it a password: only its kind is passed on.
    except (msgspec.MsgspecError, MediaError, ValueError, RecursionError) as error:
        raise ControlError(f"a packet of {len(packet)} bytes cannot be read ({type(error).__name__})") from None
