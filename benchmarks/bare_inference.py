"""`python -m benchmarks.bare_inference CLIP READY WIDTH FPS MODEL THREADS`: the detector, and nothing else.

Detects on the clip's pictures at the pace at which the engine would. The pace matters: between two pictures caches get
cold and cores slow down, so the same inference costs less in a loop without pauses.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from benchmarks.clip import pictures_for_analysis
from benchmarks.notes import write_note
from engine.vision.loading import load_detector
from engine.vision.store import ModelStore


def main() -> None:
    """Detects until it is ended."""
    clip, ready = Path(sys.argv[1]), Path(sys.argv[2])
    width, fps, model, threads = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
    pictures = pictures_for_analysis(clip, width, fps)
    detector = load_detector(model, ModelStore.from_environment(), threads=threads)
    found = len(detector.detect(pictures[0]))
    write_note(ready, {"detector": detector.name, "pictures": len(pictures), "found": found})
    due = time.monotonic()
    for picture in itertools.cycle(pictures):
        detector.detect(picture)
        due += 1 / fps
        time.sleep(max(due - time.monotonic(), 0.0))


if __name__ == "__main__":
    main()
