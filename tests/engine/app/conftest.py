"""The engine's rooms, wired, with store and access open; media process and cameras are not started."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.app.engine import Engine
from engine.core.clock import VirtualClock
from tests.engine.app.app_sites import make_site

type StartEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_700_000_000.0)


@pytest.fixture
async def start_engine(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[StartEngine]:
    async with AsyncExitStack() as stack:

        async def start(**site: Any) -> Engine:
            engine = Engine(make_site(tmp_path, **site), clock)
            await stack.enter_async_context(engine.store)
            await engine.access.open()
            stack.push_async_callback(engine.end_tasks)
            return engine

        yield start


@pytest.fixture
async def engine(start_engine: StartEngine) -> Engine:
    return await start_engine()
