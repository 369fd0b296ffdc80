"""Clips for cameras that are files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def record_clip(path: Path) -> None:
    """Ten seconds of noise that changes."""
    generator = np.random.default_rng(1)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(50):
            picture = generator.integers(0, 255, (180, 320, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
