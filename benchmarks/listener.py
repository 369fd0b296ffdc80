"""`python -m benchmarks.listener READY ARRIVALS`: what Home Assistant and an NVR are to the engine, as one process.

It follows the engine's WebSocket and pulls from its ONVIF device (onvif-zeep-async, as Home Assistant does), and writes
a line of JSON to ARRIVALS for each event of a rule: who heard it, the rule's id, when (Unix seconds).
Where and as whom to connect comes in the variable BENCHMARK_ENGINE, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TextIO

import aiohttp

from benchmarks.notes import write_note
from benchmarks.onvif_names import ENGINE_VARIABLE
from demo.onvif_listener import OnvifListener

WEBSOCKET = "WebSocket client"
ONVIF = "ONVIF pull point client"
_LOOK_S = 0.1


async def _follow_websocket(url: str, token: str, out: TextIO, ready: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        async for message in socket:
            arrived = time.time()
            body = json.loads(message.data)
            if body["type"] == "hello":
                ready.set()
            elif body["type"] == "event" and body["event"]["kind"] == "rule_triggered":
                _write(out, WEBSOCKET, body["event"]["rule_id"], arrived)
    raise ConnectionError("the engine closed the WebSocket")


async def _write_notifications(listener: OnvifListener, out: TextIO) -> None:
    written = 0
    while True:
        for notification in listener.notifications[written:]:
            written += 1
            if (rule := notification.items.get("Rule")) is not None:
                _write(out, ONVIF, rule, notification.at)
        # The time of arrival was noted already: this delays only the line.
        await asyncio.sleep(_LOOK_S)


def _write(out: TextIO, who: str, rule: str, at: float) -> None:
    out.write(json.dumps({"who": who, "rule": rule, "at": at}) + "\n")
    out.flush()


async def _run(ready: Path, arrivals: Path) -> None:
    engine = json.loads(os.environ[ENGINE_VARIABLE])
    nvr = OnvifListener("127.0.0.1", engine["onvif"], engine["username"], engine["password"])
    connected = asyncio.Event()
    with arrivals.open("w") as out:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(nvr.run())
            url = f"http://127.0.0.1:{engine['api']}/api/v1/ws"
            tasks.create_task(_follow_websocket(url, engine["token"], out, connected))
            tasks.create_task(_write_notifications(nvr, out))
            await connected.wait()
            await nvr.subscribed.wait()
            write_note(ready, {"listening": True})


def main() -> None:
    """Listens until it is ended."""
    asyncio.run(_run(Path(sys.argv[1]), Path(sys.argv[2])))


if __name__ == "__main__":
    main()
