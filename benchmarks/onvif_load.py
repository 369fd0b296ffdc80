"""`python -m benchmarks.onvif_load RESULT`: the clients of a device, in a process of their own.

The order comes in the variable BENCHMARK_LOAD, as JSON. `rate`: the requests of one kind, over some connections at
once; `mix`: requests of all kinds, right and wrong ones, and the device's memory on the way.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.notes import write_note
from benchmarks.onvif_names import EVENTS, LOAD_VARIABLE, MOVING
from benchmarks.soap import DEVICE_PATH, UNAUTHORIZED, Login, Reply, SoapClient, address_in
from demo.processes import ProcessFailed
from demo.usage import processor_seconds

CHECKPOINTS = (0.1, 0.5, 1.0)
"""Shares of the mixed requests after which memory is looked at."""

_PROFILE = f"<tptz:ProfileToken>{MOVING}-profile</tptz:ProfileToken>"
_PULL = "<tev:PullMessages><tev:Timeout>{}</tev:Timeout><tev:MessageLimit>{}</tev:MessageLimit></tev:PullMessages>"
_DRAIN = _PULL.format("PT0S", EVENTS)
PULL = "PullMessages"
BODIES = {
    "Media GetProfiles": "<trt:GetProfiles/>",
    "Media2 GetProfiles": "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>",
    "PTZ GetStatus": f"<tptz:GetStatus>{_PROFILE}</tptz:GetStatus>",
    PULL: _PULL.format("PT10S", 1),
}
WARM_UP = 20
_SUBSCRIBE = "<tev:CreatePullPointSubscription/>"


class Load:
    """Carries out an order."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._pid = int(order["pid"])

    def _client(self, scheme: str) -> SoapClient:
        order = self._order
        return SoapClient("127.0.0.1", order["port"], Login(order["user"], order["password"], scheme))

    async def rate(self) -> dict[str, float]:
        """Requests a second, and the device's processor time for one in milliseconds."""
        name, connections = self._order["operation"], int(self._order["connections"])
        clients = [self._client(self._order["scheme"]) for _ in range(connections)]
        if name == PULL:
            ways = [(client, address_in(await client.expect(_SUBSCRIBE))) for client in clients]
        else:
            ways = [(client, DEVICE_PATH) for client in clients]
            await self._all(ways, name, WARM_UP)
        each = max(int(self._order["requests"]) // connections, 1)
        answered, took_s, used_s = 0, 0.0, 0.0
        while answered < each:
            portion = each - answered
            if name == PULL:
                portion = min(portion, EVENTS - 1)
                await self._fill(ways)
            began, before = time.monotonic(), processor_seconds(self._pid)
            await self._all(ways, name, portion)
            took_s += time.monotonic() - began
            used_s += processor_seconds(self._pid) - before
            answered += portion
        for client in clients:
            await client.close()
        return {"per_second": connections * answered / took_s, "cpu_ms": 1000 * used_s / (connections * answered)}

    @staticmethod
    async def _all(ways: list[tuple[SoapClient, str]], name: str, times: int) -> None:
        async def repeat(client: SoapClient, path: str) -> None:
            for _ in range(times):
                await client.expect(BODIES[name], path)

        await asyncio.gather(*(repeat(*way) for way in ways))

    async def _fill(self, ways: list[tuple[SoapClient, str]]) -> None:
        """Leaves every pull point with messages that wait."""
        for client, path in ways:
            await client.expect(_DRAIN, path)
        os.kill(self._pid, signal.SIGUSR1)
        for client, path in ways:
            await client.expect(BODIES[PULL], path)

    async def mix(self) -> dict[str, Any]:
        """The device's resident memory in bytes at each checkpoint, and how many requests there were."""
        total = int(self._order["requests"])
        marks = [int(share * total) for share in CHECKPOINTS]
        memory: list[int] = []
        sent = 0
        mixture = Mixture(self._client)
        began = time.monotonic()
        while sent < total:
            sent += await mixture.once()
            while len(memory) < len(marks) and sent >= marks[len(memory)]:
                memory.append(resident_bytes(self._pid))
        return {"memory": memory, "requests": sent, "took_s": time.monotonic() - began}


class Mixture:
    """What clients do in a day, in turns."""

    def __init__(self, client: Callable[[str], SoapClient]) -> None:
        self._digest, self._token, self._nobody = client("digest"), client("token"), client("nobody")
        self._numbers = count()
        self._steps: tuple[Callable[[], Awaitable[int]], ...] = (
            self._read,
            self._events,
            self._presets,
            self._profiles,
            self._wrong,
            self._strange,
        )

    async def once(self) -> int:
        """One round; returns how many requests it took."""
        return sum([await step() for step in self._steps])

    async def _read(self) -> int:
        bodies = (
            *(BODIES[name] for name in ("Media GetProfiles", "Media2 GetProfiles", "PTZ GetStatus")),
            *("<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>",),
            *(
                "<tds:GetCapabilities/>",
                "<tds:GetDeviceInformation/>",
                "<tds:GetScopes/>",
                "<tds:GetSystemDateAndTime/>",
            ),
            *("<tev:GetEventProperties/>", "<trt:GetVideoEncoderConfigurations/>", "<tptz:GetNodes/>"),
        )
        for body in bodies:
            await self._digest.expect(body)
        await self._token.expect(bodies[0])
        return len(bodies) + 1

    async def _events(self) -> int:
        path = address_in(await self._digest.expect(_SUBSCRIBE))
        await self._digest.expect("<tev:SetSynchronizationPoint/>", path)
        await self._digest.expect(_DRAIN, path)
        await self._digest.expect("<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>", path)
        await self._digest.expect("<wsnt:Unsubscribe/>", path)
        return 5

    async def _presets(self) -> int:
        name = f"<tptz:PresetName>Preset {next(self._numbers)}</tptz:PresetName>"
        made = await self._digest.expect(f"<tptz:SetPreset>{_PROFILE}{name}</tptz:SetPreset>")
        token = re.search(rb"PresetToken[^>]*>([^<]+)<", made)
        if token is None:
            raise ProcessFailed(f"no preset was made: {made.decode()}")
        preset = f"{_PROFILE}<tptz:PresetToken>{token[1].decode()}</tptz:PresetToken>"
        await self._digest.expect(f"<tptz:GotoPreset>{preset}</tptz:GotoPreset>")
        await self._digest.expect(f"<tptz:RemovePreset>{preset}</tptz:RemovePreset>")
        return 3

    async def _profiles(self) -> int:
        made = await self._digest.expect("<tr2:CreateProfile><tr2:Name>Mine</tr2:Name></tr2:CreateProfile>")
        token = re.search(rb"<tr2:Token[^>]*>([^<]+)<", made)
        if token is None:
            raise ProcessFailed(f"no profile was made: {made.decode()}")
        await self._digest.expect(f"<tr2:DeleteProfile><tr2:Token>{token[1].decode()}</tr2:Token></tr2:DeleteProfile>")
        return 2

    async def _wrong(self) -> int:
        unknown = "<trt:GetProfile><trt:ProfileToken>x</trt:ProfileToken></trt:GetProfile>"
        self._refused(await self._nobody.call("<tds:GetUsers/>"), UNAUTHORIZED)
        self._refused(await self._digest.call("<tds:GetHostnames/>"), 500)
        self._refused(await self._digest.call(unknown), 400)
        return 3

    async def _strange(self) -> int:
        """Names that nobody has ever heard, and a connection that is not kept."""
        number = next(self._numbers)
        names = "".join(f"<stranger-{number}-{one}/>" for one in range(50))
        self._refused(await self._nobody.raw(f"<x>{names}</x>".encode()), 400)
        self._refused(await self._nobody.raw(b"<s:Envelope"), 400)
        await self._nobody.close()
        return 2

    @staticmethod
    def _refused(reply: Reply, status: int) -> None:
        if reply.status != status:
            raise ProcessFailed(f"answered with {reply.status} instead of {status}: {reply.body.decode()}")


def resident_bytes(pid: int) -> int:
    """The memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Carries out the order, writes the result, and ends."""
    order = json.loads(os.environ[LOAD_VARIABLE])
    load = Load(order)
    write_note(Path(sys.argv[1]), asyncio.run(load.rate() if order["kind"] == "rate" else load.mix()))


if __name__ == "__main__":
    main()
