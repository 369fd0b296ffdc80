"""`python -m onvif_server.example`: a device with a test picture, until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
from uuid import uuid4

from onvif_server import OnvifDevice
from onvif_server.backend import Account, Level, StaticUsers
from onvif_server.discovery import Announced, Discovery
from onvif_server.example.camera import TestCamera
from onvif_server.example.stream import TestStream, offer_stream

PASSWORD_VARIABLE = "ONVIF_EXAMPLE_PASSWORD"  # noqa: S105 - a variable's name


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(prog="python -m onvif_server.example", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    parser.add_argument("--user", default="admin", help=f"the password is taken from {PASSWORD_VARIABLE}")
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.port, options.user))


async def serve(host: str, port: int, user: str) -> None:
    """Serves until SIGINT or SIGTERM."""
    password = os.environ.get(PASSWORD_VARIABLE)
    if not password:
        password = secrets.token_urlsafe(12)
        print(f"password of {user}: {password}")
    stream: TestStream | None = offer_stream(host, user, password)
    camera = TestCamera(uuid4(), stream.port if stream else 0)
    device = OnvifDevice(camera, StaticUsers({user: Account(password, Level.ADMINISTRATOR)}))
    port = await device.start(host, port)
    me = Announced(uuid=camera.information.uuid, identity=device.identity, port=port, host=host)
    discovery = None if me.loopback else Discovery([me])
    if discovery is not None:
        await discovery.start()
    print(f"ONVIF is at http://{host}:{port}/onvif/device_service")
    print(f"video is at rtsp://{host}:{stream.port}/picture" if stream else "no video: gst-rtsp-server is not there")
    print("ready", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        await ended.wait()
    finally:
        if discovery is not None:
            await discovery.stop()
        await device.stop()
        if stream is not None:
            stream.stop()


if __name__ == "__main__":
    main()
