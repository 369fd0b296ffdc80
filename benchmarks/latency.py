"""How long it takes until somebody outside hears of a rule's event.

The engine runs at its normal work (one 1080p25 stream, analysed at 5 pictures a second). Events enter it where rules
publish them, and take the real way: bus, SQLite (written first), bus, then the WebSocket and the ONVIF device. The
listeners are another process, with the clients that Home Assistant uses.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.clip import the_clip
from benchmarks.listener import ONVIF, WEBSOCKET
from benchmarks.notes import read_note
from benchmarks.onvif_names import ENGINE_VARIABLE
from benchmarks.registry import Say
from benchmarks.report import Result
from benchmarks.site import CHANNEL, write_site
from demo.processes import Child, ProcessFailed, python
from demo.site import free_ports
from engine.app.engine import Engine, EngineStartError
from engine.config import load_site
from engine.core.events import RuleKind, RuleTriggered
from engine.core.geometry import Box
from engine.core.values import TargetType

EVENTS = 100
AIM_MS = 150.0
PAUSE_S = (0.05, 0.2)
"""Between two events, at random, so that they keep step with nothing."""
SETTLE_S = 3.0
PATIENCE_S = 60.0
_LOOK_S = 0.2
_PREFIX = "latency-"


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    clip = the_clip(say)
    try:
        measured = asyncio.run(_measure(clip, say))
    except EngineStartError as error:
        raise ProcessFailed(str(error)) from error
    results = []
    for who, delays_ms in measured.items():
        results += [
            Result(f"rule's event to {who}, median", float(np.median(delays_ms)), "ms", AIM_MS),
            Result(f"rule's event to {who}, 99th percentile", float(np.percentile(delays_ms, 99)), "ms"),
        ]
    return results


async def _measure(clip: Path, say: Say) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine, access = await engine_at_work(stack, folder, clip, say)
        arrivals = folder / "arrivals.jsonl"
        ready = folder / "listener.json"
        listener = Child(
            "listener",
            python("benchmarks.listener", str(ready), str(arrivals)),
            folder / "listener.log",
            {ENGINE_VARIABLE: json.dumps(access)},
        )
        await listener.start()
        stack.push_async_callback(listener.stop)
        await read_note(listener, ready)
        await asyncio.sleep(SETTLE_S)
        say(f"{EVENTS} events")
        published = await publish(engine, EVENTS, PAUSE_S)
        return await delays(published, arrivals, listener, (WEBSOCKET, ONVIF))


async def engine_at_work(
    stack: AsyncExitStack, folder: Path, clip: Path, say: Say
) -> tuple[Engine, dict[str, str | int]]:
    """An engine that analyses the clip, until the stack ends; and what its clients must know (ports, logins)."""
    note = folder / "camera.json"
    camera = Child("camera", python("benchmarks.camera", str(clip), str(note)), folder / "camera.log")
    await camera.start()
    stack.push_async_callback(camera.stop)
    ports = dict(zip(("api", "relay", "onvif"), free_ports(3), strict=True))
    url = (await read_note(camera, note))["url"]
    engine = Engine(load_site(write_site(folder, url, {"fps": 5, "width": 640}, ports)))
    say("starting the engine and its listeners")
    await engine.start()
    stack.push_async_callback(engine.stop)
    return engine, {**ports, **await _activate(engine, ports)}


async def _activate(engine: Engine, ports: dict[str, int]) -> dict[str, str]:
    """Makes the administrator; returns the token, and the user and password for devices, once ONVIF listens."""
    base = f"http://127.0.0.1:{ports['api']}/api/v1"
    account = {"username": "benchmark", "password": f"{secrets.token_urlsafe(12)}-aA1"}
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with session.post(f"{base}/activation", json=account) as response:
            token = (await response.json())["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{base}/stream-credentials", headers=headers) as response:
            credentials = await response.json()
    async with asyncio.timeout(PATIENCE_S):
        while not (engine.onvif.port and engine.channels[CHANNEL].online):  # noqa: ASYNC110 - state of its own
            await asyncio.sleep(_LOOK_S)
    return {"token": token, **credentials}


async def publish(engine: Engine, events: int, pause_s: tuple[float, float]) -> dict[str, float]:
    """Publishes so many rules' events with random pauses between; returns when each was, by its rule's id."""
    generator = np.random.default_rng(1)
    published: dict[str, float] = {}
    for number in range(events):
        rule_id = f"{_PREFIX}{number}"
        published[rule_id] = engine.clock.now()
        engine.facts.publish(
            RuleTriggered(
                at=published[rule_id],
                rule_id=rule_id,
                rule_kind=RuleKind.INTRUSION,
                channel=CHANNEL,
                track_id=f"{CHANNEL}-{rule_id}",
                target_type=TargetType.PERSON,
                box=Box(0.4, 0.4, 0.1, 0.2),
                active=True,
            )
        )
        await asyncio.sleep(float(generator.uniform(*pause_s)))
    return published


async def delays[Who: (str, int)](
    published: dict[str, float], arrivals: Path, listener: Child, listeners: Sequence[Who]
) -> dict[Who, list[float]]:
    """The delays in milliseconds by listener, once every event has arrived at all of them. Raises ProcessFailed."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        found: dict[Who, dict[str, float]] = {who: {} for who in listeners}
        for one in _heard(arrivals):
            # People in the picture trigger the site's own rule meanwhile. What is heard twice was heard the first time.
            if one["rule"] in published:
                found[one["who"]].setdefault(one["rule"], 1000 * (one["at"] - published[one["rule"]]))
        if all(len(each) == len(published) for each in found.values()):
            return {who: list(each.values()) for who, each in found.items()}
        listener.check()
        if asyncio.get_running_loop().time() > end:
            missing = ", ".join(f"{who}: {len(published) - len(each)}" for who, each in found.items())
            raise ProcessFailed(f"events that never arrived: {missing}")
        await asyncio.sleep(_LOOK_S)


def _heard(arrivals: Path) -> list[dict[str, Any]]:
    """The lines that are complete."""
    lines = arrivals.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
