"""`python -m benchmarks.viewers READY COUNTS URL CLIENTS [tcp|udp]`: so many RTSP clients that throw the video away.

User and password come in the variable BENCHMARK_VIEWER, as JSON. Writes to READY when every client has its first
picture, and the pictures that each has received so far to COUNTS, twice a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import gi

from benchmarks.notes import write_note

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - the version must be chosen first

VIEWER_VARIABLE = "BENCHMARK_VIEWER"
_LOOK_S = 0.5


def _client(url: str, user: str, password: str, protocol: str) -> Gst.Pipeline:
    pipeline = Gst.parse_launch(
        f"rtspsrc name=source protocols={protocol} latency=0 ! rtph264depay ! video/x-h264,alignment=au "
        "! fakesink name=out sync=false async=false"
    )
    source = pipeline.get_by_name("source")
    source.set_property("location", url)
    source.set_property("user-id", user)
    source.set_property("user-pw", password)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def _received(pipeline: Gst.Pipeline) -> int:
    return int(pipeline.get_by_name("out").get_property("stats").get_value("rendered"))


def main() -> None:
    """Watches until it is ended."""
    ready, counts, url, clients = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    protocol = sys.argv[5] if len(sys.argv) > 5 else "tcp"
    login = json.loads(os.environ[VIEWER_VARIABLE])
    Gst.init(None)
    pipelines = [_client(url, login["user"], login["password"], protocol) for _ in range(clients)]
    while True:
        received = [_received(pipeline) for pipeline in pipelines]
        write_note(counts, {"at": time.monotonic(), "received": received})
        if all(received) and not ready.exists():
            write_note(ready, {"watching": clients})
        for pipeline in pipelines:
            message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
            if message is not None:
                sys.exit(f"a client was cut off: {message.parse_error()[0].message}")
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    main()
