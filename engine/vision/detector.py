"""What a detector is, and what the detectors share: the COCO classes, suppression of repeats, the inference session."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from engine.core.geometry import Box
from engine.core.values import Detection, Image, TargetType

_LOGGER = logging.getLogger(__name__)

type Floats = NDArray[np.float32]

CPU = "CPUExecutionProvider"

COCO_TARGETS: dict[int, TargetType] = {
    0: TargetType.PERSON,
    1: TargetType.TWO_WHEELER,  # bicycle
    2: TargetType.VEHICLE,  # car
    3: TargetType.TWO_WHEELER,  # motorcycle
    5: TargetType.VEHICLE,  # bus
    7: TargetType.VEHICLE,  # truck
    **dict.fromkeys(
        range(14, 24), TargetType.ANIMAL
    ),  # bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe
}
"""The COCO classes (numbered from 0 over 80 classes) that are targets of ours."""


class Detector(Protocol):
    """Finds targets in a picture. May be called from several threads at once."""

    @property
    def name(self) -> str:
        """Which model runs, and by what, e.g. `yolox_nano on CPUExecutionProvider`."""
        ...

    @property
    def strong_score(self) -> float:
        """The score from which on a detection of this model is good enough to begin a track."""
        ...

    def detect(self, image: Image) -> list[Detection]:
        """The targets in a picture (height, width, 3), uint8, blue-green-red, best first; boxes are normalised."""
        ...


class DetectorError(Exception):
    """A detector could not be made or run; the message says which model and why."""


def suppress(detections: Sequence[Detection], overlap: float) -> list[Detection]:
    """Drops each detection that overlaps a better one of the same type by `overlap` (IoU) or more; best first.

    The greedy suppression of repeats, by target type rather than by COCO class: a lorry that is also found as a car
    is one vehicle.
    """
    kept: list[Detection] = []
    for target_type in {detection.target_type for detection in detections}:
        same = [detection for detection in detections if detection.target_type is target_type]
        boxes = [(d.box.x, d.box.y, d.box.width, d.box.height) for d in same]
        chosen = cv2.dnn.NMSBoxes(boxes, [d.score for d in same], 0.0, overlap)
        kept += [same[int(index)] for index in np.asarray(chosen).reshape(-1)]
    return sorted(kept, key=lambda detection: detection.score, reverse=True)


def detections_of(boxes: Floats, scores: Floats, classes: NDArray[np.intp]) -> list[Detection]:
    """Values of arrays: boxes (n, 4) as normalised left, top, right, bottom; scores (n,); COCO classes (n,).

    Boxes are cut off at the picture's edges; those of nothing remaining, or of other classes, are left out.
    """
    found = []
    for (left, top, right, bottom), score, coco in zip(boxes.tolist(), scores.tolist(), classes.tolist(), strict=True):
        box = Box.from_corners(left, top, right, bottom).clipped()
        target_type = COCO_TARGETS.get(coco)
        if target_type is not None and box.area > 0:
            found.append(Detection(box, target_type, score))
    return found


class Network:
    """An ONNX network on the first of the wished execution providers that works; CPU is the last resort.

    onnxruntime releases the interpreter's lock while it computes and may be called from several threads.
    Raises DetectorError when the file is not a network that onnxruntime can run.
    """

    def __init__(self, path: Path, providers: Sequence[str] = (CPU,), threads: int = 1) -> None:
        available = ort.get_available_providers()
        for missing in [provider for provider in providers if provider not in available]:
            _LOGGER.warning("The execution provider %s is not there (there are: %s)", missing, ", ".join(available))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait would take the cores from decoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        wished = [provider for provider in providers if provider in available]
        try:
            self._session = ort.InferenceSession(
                path, options, providers=[*wished, CPU] if CPU not in wished else wished
            )
        except Exception as error:  # onnxruntime raises classes of its compiled module that it does not export
            raise DetectorError(f"{path.name} cannot be run by onnxruntime: {error}") from error
        self.provider: str = self._session.get_providers()[0]
        if wished and self.provider != wished[0]:
            _LOGGER.warning("The execution provider %s did not start; %s runs instead", wished[0], self.provider)
        first_input = self._session.get_inputs()[0]
        self._input: str = first_input.name
        _, _, height, width = first_input.shape
        self.height, self.width = int(height), int(width)

    def run(self, blob: Floats) -> list[Floats]:
        """The outputs for one input (1, 3, height, width), float32."""
        return [np.asarray(output, np.float32) for output in self._session.run(None, {self._input: blob})]


def letterbox(image: Image, width: int, height: int, grey: int, *, centred: bool) -> tuple[Image, float, int, int]:
    """The picture scaled into (height, width, 3) with its shape kept; the scale, and the left and top borders.

    The picture lies in the middle, or else in the upper left corner; the rest is filled with the grey value.
    """
    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    new_columns, new_rows = max(round(columns * scale), 1), max(round(rows * scale), 1)
    left, top = ((width - new_columns) // 2, (height - new_rows) // 2) if centred else (0, 0)
    canvas = np.full((height, width, 3), grey, np.uint8)
    target = canvas[top : top + new_rows, left : left + new_columns]
    cv2.resize(
        image, (new_columns, new_rows), dst=target, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    )
    return canvas, scale, left, top
