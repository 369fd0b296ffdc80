"""`python -m benchmarks.onvif_pullers READY ARRIVALS COUNT`: that many clients, each with a pull point of its own.

Each pulls, and pulls again as soon as it has an answer. Writes a line of JSON to ARRIVALS for each rule of which an
answer speaks: the client's number, the rule's name, when (Unix seconds). Where and as whom to connect comes in the
variable BENCHMARK_ENGINE, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TextIO

from benchmarks.notes import write_note
from benchmarks.onvif_names import ENGINE_VARIABLE
from benchmarks.soap import Login, SoapClient, address_in

_PULL = "<tev:PullMessages><tev:Timeout>PT30S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit></tev:PullMessages>"
_DRAIN = _PULL.replace("PT30S", "PT0S")
_RULE = re.compile(rb'Name="Rule" Value="([^"]*)"')


async def _pull(number: int, client: SoapClient, path: str, out: TextIO) -> None:
    while True:
        body = await client.expect(_PULL, path)
        arrived = time.time()
        lines = ({"who": number, "rule": rule.decode(), "at": arrived} for rule in _RULE.findall(body))
        out.writelines(json.dumps(line) + "\n" for line in lines)
        out.flush()


async def _run(ready: Path, arrivals: Path, count: int) -> None:
    engine = json.loads(os.environ[ENGINE_VARIABLE])
    login = Login(engine["username"], engine["password"])
    clients = [SoapClient("127.0.0.1", engine["onvif"], login) for _ in range(count)]
    paths = [address_in(await client.expect("<tev:CreatePullPointSubscription/>")) for client in clients]
    for client, path in zip(clients, paths, strict=True):
        await client.expect(_DRAIN, path)
    with arrivals.open("w") as out:
        async with asyncio.TaskGroup() as tasks:
            for number, (client, path) in enumerate(zip(clients, paths, strict=True)):
                tasks.create_task(_pull(number, client, path, out))
            write_note(ready, {"pulling": count})


def main() -> None:
    """Pulls until it is ended."""
    asyncio.run(_run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    main()
