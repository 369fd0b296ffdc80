"""What is said at a camera's loudspeaker: kept for whoever wants to know whether it was heard."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
_KEPT_S = 2.0
_LEVEL_S = 0.2
_SILENT_AFTER_S = 0.5
_FULL = 32768


class SimulatedLoudspeaker:
    """Takes sound in any thread. `count` is the number of samples since the beginning."""

    def __init__(self) -> None:
        self.count = 0
        self._kept = np.zeros(0, np.int16)
        self._heard_at = 0.0
        self._lock = threading.Lock()

    def connect(self, sink: Any) -> None:
        """Takes what arrives at a GStreamer sink."""
        sink.connect("new-sample", self._on_sample)

    def _on_sample(self, sink: Any) -> int:
        sample = sink.emit("pull-sample")
        if sample is not None:
            buffer = sample.get_buffer()
            self.play(np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.int16))
        return 0  # GST_FLOW_OK

    def play(self, samples: npt.NDArray[np.int16]) -> None:
        """Plays samples, 8000 a second."""
        with self._lock:
            self.count += samples.size
            self._kept = np.concatenate((self._kept, samples))[-int(_KEPT_S * RATE_HZ) :]
            self._heard_at = time.monotonic()

    def newest(self, seconds: float) -> npt.NDArray[np.int16]:
        """The last sound, of 2 seconds at the most."""
        with self._lock:
            return self._kept[-int(seconds * RATE_HZ) :].copy()

    def level(self) -> float:
        """How loud it is now, 0 to 1 (root mean square)."""
        if time.monotonic() - self._heard_at > _SILENT_AFTER_S:
            return 0.0
        newest = self.newest(_LEVEL_S).astype(float)
        return float(np.sqrt(np.mean(newest**2)) / _FULL) if newest.size else 0.0
