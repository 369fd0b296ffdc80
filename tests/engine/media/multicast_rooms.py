"""Two network namespaces with a cable between them: a relay that sends by multicast in one, listeners in the other.

    python multicast_rooms.py

Prints what was seen as JSON lines, `{"step": NAME, ...}`, or `{"impossible": REASON}` where namespaces are not allowed.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from engine.media import Delivery, MediaProcess, MediaSettings, RelayUser, Target, Tracks
from tests.engine.media.conftest import Camera, Process, next_of, running, source

GROUP = "239.192.7.9"
VIDEO, METADATA = Target(GROUP, 40000, 3), Target(GROUP, 40004, 3)
BOTH = {Tracks.VIDEO: VIDEO, Tracks.METADATA: METADATA}
MOVED = Target("239.192.7.10", 41000, 3)
PATIENCE_S = 40.0
SILENCE_S = 2.0


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def command(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=20)


@asynccontextmanager
async def other_room() -> AsyncIterator[int]:
    """Puts this process in a namespace of its own; gives the number of a process in the other one."""
    os.unshare(os.CLONE_NEWNET)
    other = await asyncio.create_subprocess_exec("unshare", "-n", "sleep", "600")
    try:
        inside = ("nsenter", "-t", str(other.pid), "-n")
        here = Path("/proc/self/ns/net").readlink()
        async with asyncio.timeout(PATIENCE_S):
            while Path(f"/proc/{other.pid}/ns/net").readlink() == here:
                await asyncio.sleep(0.05)
        command("ip", "link", "set", "lo", "up")
        command("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(other.pid))
        for prefix, name, address in (((), "here", "192.0.2.1/24"), (inside, "there", "192.0.2.2/24")):
            command(*prefix, "ip", "address", "add", address, "dev", name)
            command(*prefix, "ip", "link", "set", name, "up")
            command(*prefix, "ip", "route", "add", "224.0.0.0/4", "dev", name)
        yield other.pid
    finally:
        other.kill()
        await other.wait()


def listen(room: int, target: Target, packets: int, patience_s: float) -> dict[str, object]:
    """Takes RTP packets in the other room (in a thread of its own): how many, of how many sources, with which TTL."""
    home, there = (os.open(f"/proc/{who}/ns/net", os.O_RDONLY) for who in ("thread-self", room))
    try:
        os.setns(there, os.CLONE_NEWNET)
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        os.setns(home, os.CLONE_NEWNET)
    finally:
        os.close(home)
        os.close(there)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTTL, 1)
        listener.bind((target.address, target.port))
        member = socket.inet_aton(target.address) + socket.inet_aton("192.0.2.2")
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        listener.settimeout(patience_s)
        count, sources, hops = 0, set(), set()
        while count < packets:
            try:
                packet, extra, _, _ = listener.recvmsg(4096, 64)
            except TimeoutError:
                break
            count += 1
            sources.add(packet[8:12].hex())
            hops |= {int.from_bytes(value, sys.byteorder) for _, _, value in extra}
    return {"packets": count, "sources": sorted(sources), "ttl": sorted(hops)}


async def heard(step: str, room: int, target: Target, packets: int = 20) -> None:
    say(step=step, **await asyncio.to_thread(listen, room, target, packets, PATIENCE_S))


async def silent(step: str, room: int, target: Target) -> None:
    """Waits until nothing comes any more, with patience."""
    for _ in range(20):
        seen = await asyncio.to_thread(listen, room, target, 1, SILENCE_S)
        if not seen["packets"]:
            break
    say(step=step, **seen)


async def watch(room: int, media: MediaProcess, step: str, pictures: int = 30) -> Process:
    """A client in the other room that asks for multicast by RTSP, and has seen both tracks."""
    url = media.relay_url("gate", "192.0.2.1", delivery=Delivery.MULTICAST)
    script = str(Path(__file__).with_name("rtsp_tracks.py"))
    words = (sys.executable, script, url, "nvr", "secret", "protocols=udp-mcast")
    pipe = asyncio.subprocess.PIPE
    client = Process(
        await asyncio.create_subprocess_exec(
            "nsenter", "-t", str(room), "-n", *words, stdin=pipe, stdout=pipe, limit=2**20
        )
    )
    numbers: list[int] = []
    documents = 0
    while len(numbers) < pictures or not documents:
        line = await client.line()
        if "error" in line:
            say(step=step, error=line["error"])
            break
        numbers += [line["number"]] if "number" in line else []
        documents += line.get("document") == "<a/>"
    say(step=step, url=url, numbers=numbers[-10:])
    return client


async def describe_for_ever(media: MediaProcess) -> None:
    while True:
        media.push_metadata("gate", b"<a/>", 0.0)
        await asyncio.sleep(0.2)


async def play(room: int) -> None:
    camera = await Camera.start("rtsp_camera.py", "{}")
    camera.port = (await camera.line())["port"]
    try:
        async with running(MediaSettings(relay_host="0.0.0.0")) as media:
            await media.set_relay_users([RelayUser(name="nvr", password="secret")])
            media.set_multicast("gate", BOTH, Tracks(0))
            await media.add_stream(source(camera))
            await next_of(media.frames("gate"))
            describing = asyncio.create_task(describe_for_ever(media))
            await silent("nobody ordered", room, VIDEO)
            media.set_multicast("gate", BOTH, Tracks.VIDEO)
            await heard("video ordered", room, VIDEO)
            await silent("metadata not ordered", room, METADATA)
            media.set_multicast("gate", BOTH, Tracks.VIDEO | Tracks.METADATA)
            await heard("metadata ordered", room, METADATA, 3)
            client = await watch(room, media, "client beside")
            await heard("sent once", room, VIDEO, 60)
            media.set_multicast("gate", BOTH, Tracks(0))
            await heard("client goes on", room, VIDEO)
            await client.kill()
            client = await watch(room, media, "client alone")
            await client.kill()
            media.set_multicast("gate", {**BOTH, Tracks.VIDEO: MOVED}, Tracks.VIDEO)
            await heard("moved", room, MOVED)
            media.set_multicast("gate", {**BOTH, Tracks.VIDEO: MOVED}, Tracks(0))
            await silent("ended", room, MOVED)
            describing.cancel()
    finally:
        await camera.kill()


async def main() -> None:
    try:
        async with other_room() as room:
            await play(room)
    except (PermissionError, FileNotFoundError, subprocess.CalledProcessError) as error:
        say(impossible=f"{error} {getattr(error, 'stderr', '')}")


if __name__ == "__main__":
    asyncio.run(main())
