"""The encoder of a simulated camera: what clients set is how its stream is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from engine.core.values import Image
from engine.simulator.rtsp import VideoStream
from engine.simulator.scene import PictureSize
from onvif_server.backend import Caller, Encoder, EncoderOptions, EncoderSettings, VideoChannel


class SimulatedEncoder(Encoder):
    """See `onvif_server.backend.Encoder`. `reconfigure` is told how the stream is to be sent from now on."""

    def __init__(self, stream: VideoStream, reconfigure: Callable[[VideoStream], None]) -> None:
        self._native = stream
        self._stream = stream
        self._reconfigure = reconfigure
        self._quality = 5.0

    async def settings(self) -> EncoderSettings:
        """See `Encoder`."""
        stream = self._stream
        return EncoderSettings(
            encoding="H264",
            width=stream.size.width,
            height=stream.size.height,
            fps=stream.fps,
            bitrate_kbps=stream.bitrate_kbps,
            gov_length=stream.key_distance,
            profile="Baseline",
            quality=self._quality,
        )

    async def options(self) -> Sequence[EncoderOptions]:
        """See `Encoder`: the scene's size and half of it, its rate and parts of that."""
        size, fps = self._native.size, self._native.fps
        half = (size.width // 4 * 2, size.height // 4 * 2)
        return (
            EncoderOptions(
                encoding="H264",
                sizes=((size.width, size.height), half),
                frame_rates=(fps, fps / 2, fps / 4),
                bitrate_kbps=(256, 8000),
                gov_length=(1, 100),
                profiles=("Baseline",),
                quality=(1.0, 10.0),
            ),
        )

    async def set(self, caller: Caller, settings: EncoderSettings) -> None:
        """See `Encoder`. The quality is kept, and means nothing."""
        self._quality = settings.quality
        self._stream = replace(
            self._stream,
            size=PictureSize(settings.width, settings.height),
            fps=settings.fps,
            bitrate_kbps=settings.bitrate_kbps,
            key_frame_every=settings.gov_length,
        )
        self._reconfigure(self._stream)

    def described(self, channel: VideoChannel) -> VideoChannel:
        """The channel as it is sent now."""
        stream = self._stream
        return replace(
            channel,
            width=stream.size.width,
            height=stream.size.height,
            fps=stream.fps,
            bitrate_kbps=stream.bitrate_kbps,
            gov_length=stream.key_distance,
            encoder_profile="Baseline",
        )

    def finish(self, picture: Image) -> Image:
        """The picture in the size in which it is sent; may be called from any thread."""
        size = self._stream.size
        if picture.shape[1::-1] == (size.width, size.height):
            return picture
        return np.asarray(cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA), np.uint8)
