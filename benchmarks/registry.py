"""The benchmarks that there are. Each is imported only when it runs: they need very different things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from benchmarks.report import Result

type Say = Callable[[str], None]
"""Tells the person who waits what happens now."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark's name, what it tells in one line, and how long it takes. Its module has `run(say) -> results`."""

    name: str
    summary: str
    duration: str

    def run(self, say: Say) -> Sequence[Result]:
        """Measures. Blocks."""
        results: Sequence[Result] = import_module(f"benchmarks.{self.name}").run(say)
        return results


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            "analysis",
            "CPU that the engine takes to analyse a 1080p25 stream at 5 fps, beside bare decoding + inference",
            "5 min",
        ),
        Benchmark(
            "latency", "from a rule's event to a WebSocket client (Home Assistant) and to an ONVIF pull point", "1 min"
        ),
        Benchmark(
            "calibration", "how exactly a link is fitted to 4 and 9 pairs that were clicked 2 pixels off", "20 s"
        ),
        Benchmark(
            "onvif",
            "the ONVIF device: start, requests, events to 32 pull points, relay beside a bare one, memory",
            "20 min",
        ),
        Benchmark(
            "ptz",
            "how well a PTZ camera is kept on simulated targets, beside a stop-look-move tracker and an oracle",
            "10 min",
        ),
        Benchmark("relay", "CPU of the media process with 50 RTSP clients on one 1080p25 channel", "1 min"),
    )
}
