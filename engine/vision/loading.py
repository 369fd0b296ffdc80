"""Makes a detector of a model's name."""

from __future__ import annotations

from collections.abc import Sequence

from engine.vision.detector import CPU, Detector, Network
from engine.vision.fetch import ProgressCallback
from engine.vision.nanodet import NanodetDetector
from engine.vision.store import ModelStore
from engine.vision.yolox import YoloxDetector

AUTOMATIC = "auto"
WEAKEST_SCORE = 0.1
"""The tracker also uses weak detections (to keep tracks, never to begin them), so detectors report them."""


def load_detector(
    name: str,
    store: ModelStore,
    *,
    providers: Sequence[str] = (CPU,),
    threads: int = 1,
    confidence: float = WEAKEST_SCORE,
    progress: ProgressCallback | None = None,
) -> Detector:
    """A detector by its model's name, or the best that can be had here for `auto`. Blocks while a file is fetched.

    `providers` are onnxruntime's execution providers in order of preference; the detector's `name` tells which one
    runs. `threads` is for one inference (0 lets onnxruntime choose). `confidence` is the lowest score reported.
    Raises UnknownModelError, ModelUnavailableError, DetectorError.
    """
    report = progress or (lambda _: None)
    if name == AUTOMATIC:
        model, path = store.ensure_any(report)
    else:
        model, path = store.catalogue.model(name), store.ensure(name, report)
    network = Network(path, providers, threads)
    if model.family == "yolox":
        return YoloxDetector(model, network, confidence)
    return NanodetDetector(model, network, confidence)
