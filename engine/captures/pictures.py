"""The pictures that are kept of a target: itself, and the whole scene."""

from __future__ import annotations

import cv2
import numpy as np

from engine.core.geometry import Box
from engine.core.values import Image


def crop(image: Image, box: Box, margin: float = 0.15) -> Image:
    """The target with a margin (a fraction of its larger side) around it, as far as the picture reaches.

    Never empty: a box outside the picture gives the nearest pixel. Returns a view.
    """
    height, width = image.shape[:2]
    border = margin * max(box.width * width, box.height * height)
    left = int(np.clip(np.floor(box.x * width - border), 0, width - 1))
    top = int(np.clip(np.floor(box.y * height - border), 0, height - 1))
    right = int(np.clip(np.ceil(box.right * width + border), left + 1, width))
    bottom = int(np.clip(np.ceil(box.bottom * height + border), top + 1, height))
    return image[top:bottom, left:right]


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """The picture as a JPEG file. Raises ValueError for a picture that cannot be one (no pixels)."""
    if image.size == 0:
        raise ValueError("a picture without pixels cannot be written")
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {image.shape} could not be written as a JPEG")
    return bytes(encoded.tobytes())
