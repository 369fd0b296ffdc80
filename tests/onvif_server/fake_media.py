"""Encoder, texts and multicast sender of the host under test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onvif_server.backend import (
    Caller,
    EncoderOptions,
    EncoderSettings,
    MulticastTarget,
    OsdKind,
    OsdOptions,
    OsdText,
    Refusal,
    Refused,
    StreamingAbilities,
    StreamKind,
)

ABILITIES = StreamingAbilities(http_tunnel=True, multicast=True, rtsps=True, srtp=True, metadata=True)


class Chip:
    """An encoder that takes what it is told."""

    def __init__(self) -> None:
        self.refusal: Refused | None = None
        self.callers: list[Caller] = []
        self.present = EncoderSettings(
            encoding="H264",
            width=1920,
            height=1080,
            fps=25.0,
            bitrate_kbps=4096,
            gov_length=50,
            profile="Main",
            quality=5.0,
        )

    async def settings(self) -> EncoderSettings:
        if self.refusal is not None:
            raise self.refusal
        return self.present

    async def options(self) -> Sequence[EncoderOptions]:
        h264 = EncoderOptions(
            encoding="H264",
            sizes=((1920, 1080), (1280, 720)),
            frame_rates=(25.0, 12.5, 5.0),
            bitrate_kbps=(256, 8192),
            gov_length=(1, 250),
            profiles=("Baseline", "Main", "High"),
            quality=(1.0, 10.0),
            constant_bitrate=True,
        )
        return (h264, replace(h264, encoding="JPEG", profiles=(), constant_bitrate=False))

    async def set(self, caller: Caller, settings: EncoderSettings) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.callers.append(caller)
        self.present = settings


class Captions:
    """Two texts at most, of which one shows the time."""

    def __init__(self) -> None:
        self.kept: dict[str, OsdText] = {"clock": OsdText(kind=OsdKind.DATE_AND_TIME, date_format="yyyy-MM-dd")}

    async def options(self) -> OsdOptions:
        return OsdOptions(total=3, plain=1, date_and_time=2, font_sizes=(8, 64))

    async def texts(self) -> dict[str, OsdText]:
        return dict(self.kept)

    async def create(self, caller: Caller, text: OsdText) -> str:
        token = f"text{len(self.kept)}"
        self.kept[token] = text
        return token

    async def change(self, caller: Caller, token: str, text: OsdText) -> None:
        self.kept[token] = text

    async def delete(self, caller: Caller, token: str) -> None:
        if token == "locked":
            raise Refused(Refusal.NOT_ALLOWED, "this text stays")
        del self.kept[token]


class Sender:
    """A multicast sender that remembers what it was told."""

    def __init__(self) -> None:
        self.targets: dict[StreamKind, MulticastTarget] = {}
        self.sending: frozenset[StreamKind] = frozenset()
        self.ipv6 = False

    def configure(self, kind: StreamKind, target: MulticastTarget) -> None:
        self.targets[kind] = target

    async def start(self, kinds: frozenset[StreamKind]) -> None:
        self.sending = kinds

    async def stop(self) -> None:
        self.sending = frozenset()
