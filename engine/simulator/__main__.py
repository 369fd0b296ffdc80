"""`python -m engine.simulator`: runs a simulated site until it is told to end, or whoever started it has ended."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path

import cv2

from engine.simulator.footage import FootageError, FootageScene
from engine.simulator.rtsp import SOUNDS, Login, StreamServerError
from engine.simulator.scene import PictureSize, Scene
from engine.simulator.site import READY_FILE, SimulatedSite, SiteSettings
from engine.simulator.yard import YardScene

PASSWORD_VARIABLE = "SMART_PTZ_SIMULATOR_PASSWORD"  # noqa: S105 - the name of a variable, not a password
_WATCH_S = 0.5


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.simulator", description=__doc__)
    parser.add_argument("--scene", default="yard", help="`yard`, or the path of an equirectangular clip")
    parser.add_argument("--out", type=Path, required=True, help="folder for ready.json and truth.jsonl")
    parser.add_argument("--seed", type=int, default=1, help="who walks, in which clothes (default 1)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--fps", type=float, help="pictures a second (default 12, of footage 15)")
    parser.add_argument("--width", type=int, default=1280, help="of the pictures of the yard (default 1280)")
    parser.add_argument("--height", type=int, default=720, help="of the pictures of the yard (default 720)")
    parser.add_argument("--user", default="simulator", help=f"user of both cameras; password: {PASSWORD_VARIABLE}")
    parser.add_argument("--command-delay", type=float, default=0.08, help="seconds until a PTZ command takes effect")
    parser.add_argument("--video-delay", type=float, default=0.1, help="seconds until a picture leaves the camera")
    parser.add_argument("--sound", choices=list(SOUNDS), default="", help="what is heard is sent so (default: nothing)")
    parser.add_argument("--back-channel", choices=["PCMU", "PCMA"], default="", help="loudspeakers (default: none)")
    parser.add_argument("--rtsp-port", type=int, default=0, help="default: any free port")
    parser.add_argument("--onvif-ports", type=int, nargs=2, default=(0, 0), help="overview and PTZ; default: any free")
    arguments = parser.parse_args(words)
    if arguments.width % 2 or arguments.height % 2 or min(arguments.width, arguments.height) < 64:
        parser.error("--width and --height must be even, and at least 64")
    if arguments.fps is not None and not 1 <= arguments.fps <= 60:
        parser.error("--fps must be 1 to 60")
    return arguments


def _scene(arguments: argparse.Namespace) -> Scene:
    if arguments.scene == "yard":
        return YardScene(arguments.seed, PictureSize(arguments.width, arguments.height), arguments.fps or 12.0)
    return FootageScene(Path(arguments.scene), arguments.seed, arguments.fps or 15.0)


async def _run(arguments: argparse.Namespace) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    parent = os.getppid()
    scene = _scene(arguments)
    scene.prepare()
    arguments.out.mkdir(parents=True, exist_ok=True)
    login = Login(arguments.user, os.environ.get(PASSWORD_VARIABLE) or secrets.token_urlsafe(12))
    site = SimulatedSite(
        scene,
        SiteSettings(
            folder=arguments.out,
            login=login,
            host=arguments.host,
            command_delay_s=arguments.command_delay,
            video_delay_s=arguments.video_delay,
            rtsp_port=arguments.rtsp_port,
            sound=arguments.sound,
            back_channel=arguments.back_channel,
            onvif_ports=(arguments.onvif_ports[0], arguments.onvif_ports[1]),
        ),
    )
    try:
        note = await site.start()
        addresses = ", ".join(f"{camera['id']} {camera['onvif']} {camera['rtsp']}" for camera in note["cameras"])
        print(f"simulator ready: {addresses} (user and password in {arguments.out / READY_FILE})", flush=True)
        # Whoever started the simulator and was killed cannot stop it any more: it looks itself.
        while not end.is_set() and os.getppid() == parent and site.studio.running:
            try:
                await asyncio.wait_for(end.wait(), _WATCH_S)
            except TimeoutError:
                continue
        if site.studio.failure is not None:
            raise site.studio.failure
    finally:
        await site.stop()


def main(words: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    # One thread draws; a pool of OpenCV's own would only take cores from the engine.
    cv2.setNumThreads(1)
    try:
        asyncio.run(_run(_arguments(words)))
    except (FootageError, StreamServerError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
