"""YOLOX: an anchor-free detector with a decoupled head (Ge et al. 2021, arXiv:2107.08430)."""

from __future__ import annotations

import cv2
import numpy as np

from engine.core.values import Detection, Image
from engine.vision.catalogue import ModelSpec
from engine.vision.detector import COCO_TARGETS, DetectorError, Floats, Network, detections_of, letterbox, suppress

_PAD_GREY = 114
_WANTED = np.array(sorted(COCO_TARGETS))


class YoloxDetector:
    """Runs a YOLOX network. `confidence` is the lowest score (objectness times class) that is reported."""

    def __init__(self, model: ModelSpec, network: Network, confidence: float) -> None:
        self._model = model
        self._network = network
        self._confidence = confidence
        self.name = f"{model.name} on {network.provider}"
        self.strong_score = model.confidence
        self._grid, self._stride = _anchors(network.width, network.height, model.strides)

    def detect(self, image: Image) -> list[Detection]:
        """See Detector."""
        network = self._network
        canvas, scale, _, _ = letterbox(image, network.width, network.height, _PAD_GREY, centred=False)
        output = network.run(np.asarray(cv2.dnn.blobFromImage(canvas), np.float32))[0][0]
        if output.shape != (len(self._grid), 85):
            raise DetectorError(f"{self._model.name}: an output of shape {output.shape} is not that of this model")
        objectness = output[:, 4]
        # A cell's score cannot exceed its objectness: most of the 3549 cells need no look at their classes.
        cells = np.flatnonzero(objectness >= self._confidence)
        class_scores = output[cells][:, 5 + _WANTED]
        scores = objectness[cells] * class_scores.max(axis=1, initial=0.0)
        strong = scores >= self._confidence
        cells, scores, classes = cells[strong], scores[strong], _WANTED[class_scores[strong].argmax(axis=1)]
        centres = (output[cells, :2] + self._grid[cells]) * self._stride[cells]
        halves = np.exp(output[cells, 2:4]) * self._stride[cells] / 2
        size = np.array([image.shape[1], image.shape[0]], np.float32) * scale
        boxes = np.hstack([(centres - halves) / size, (centres + halves) / size])
        return suppress(detections_of(boxes, scores, classes), self._model.suppression)


def _anchors(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The column and row (n, 2) and the stride (n, 1) of each cell, in the order of the output."""
    grids, steps = [], []
    for stride in strides:
        columns, rows = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        grids.append(np.stack([columns.reshape(-1), rows.reshape(-1)], axis=1))
        steps.append(np.full((columns.size, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(steps).astype(np.float32)
