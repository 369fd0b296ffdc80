"""NanoDet: a one-stage detector whose box sides are distributions (generalised focal loss, arXiv:2006.04388)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.values import Detection, Image
from engine.vision.catalogue import ModelSpec
from engine.vision.detector import COCO_TARGETS, DetectorError, Floats, Network, detections_of, letterbox, suppress

_WANTED = np.array(sorted(COCO_TARGETS))


class NanodetDetector:
    """Runs a NanoDet network. `confidence` is the lowest class score that is reported."""

    def __init__(self, model: ModelSpec, network: Network, confidence: float) -> None:
        self._model = model
        self._network = network
        self._confidence = confidence
        self._mean = np.array(model.mean, np.float32)
        self._deviation = np.array(model.deviation, np.float32)
        self.name = f"{model.name} on {network.provider}"
        self.strong_score = model.confidence

    def detect(self, image: Image) -> list[Detection]:
        """See Detector."""
        network, levels = self._network, len(self._model.strides)
        canvas, scale, left, top = letterbox(image, network.width, network.height, 0, centred=True)
        blob = ((canvas.astype(np.float32) - self._mean) / self._deviation).transpose(2, 0, 1)[np.newaxis]
        outputs = network.run(np.ascontiguousarray(blob))
        if len(outputs) != 2 * levels:
            raise DetectorError(f"{self._model.name}: {len(outputs)} outputs instead of {2 * levels}")
        parts = [
            self._decode(class_scores[0], sides[0], stride)
            for class_scores, sides, stride in zip(outputs[:levels], outputs[levels:], self._model.strides, strict=True)
        ]
        boxes = np.concatenate([part[0] for part in parts])
        scores = np.concatenate([part[1] for part in parts])
        classes = np.concatenate([part[2] for part in parts])
        offset = np.array([left, top, left, top], np.float32)
        size = np.tile(np.array([image.shape[1], image.shape[0]], np.float32) * scale, 2)
        found = detections_of(np.asarray((boxes - offset) / size, np.float32), scores, classes)
        return suppress(found, self._model.suppression)

    def _decode(self, class_scores: Floats, sides: Floats, stride: int) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """One level's boxes (n, 4) in pixels of the network's input, scores (n,) and classes (n,).

        Each side is a distribution over equally spaced distances from the cell's centre; its mean is the distance.
        """
        wanted = class_scores[:, _WANTED]
        scores = wanted.max(axis=1)
        cells = np.flatnonzero(scores >= self._confidence)
        distribution = sides[cells].reshape(len(cells), 4, sides.shape[1] // 4)
        weights = np.exp(distribution - distribution.max(axis=2, keepdims=True))
        bins = np.arange(weights.shape[2], dtype=np.float32)
        distances = (weights @ bins) / weights.sum(axis=2) * stride
        columns = self._network.width // stride
        centres = (np.stack([cells % columns, cells // columns], axis=1) + 0.5) * stride
        boxes = np.hstack([centres - distances[:, :2], centres + distances[:, 2:]]).astype(np.float32)
        return boxes, scores[cells], _WANTED[wanted[cells].argmax(axis=1)]
