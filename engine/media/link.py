"""One life of the media process, as the engine holds it: the process, and the socket to it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import engine
from engine.media.messages import LIMIT, MAX_DESCRIPTORS, AnyNotice, Command, ControlError, decode_notice, encode
from engine.media.values import MediaError

_log = logging.getLogger(__name__)

SILENCE_S = 15.0
"""A media process that says nothing for this long hangs; it speaks every second."""

START_S = 60.0
"""A media process that said nothing yet may take this long: a small machine is busy when everything starts."""

_GRACE_S = 6.0
_MAX_QUEUED = 10_000

type OnNotice = Callable[[AnyNotice, list[int]], None]
"""Takes a notice, and over the descriptors that came with it."""


class WorkerLink:
    """Starts a media process and speaks with it. Everything runs in one event loop."""

    def __init__(self, on_notice: OnNotice) -> None:
        self._on_notice = on_notice
        self._loop = asyncio.get_running_loop()
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._unsent: deque[bytes] = deque()
        self._watchdog: asyncio.TimerHandle | None = None
        self._hung_s: float | None = None

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._process.pid if self._process is not None else None

    @property
    def backlog(self) -> int:
        """How many packets wait to be sent."""
        return len(self._unsent)

    async def start(self) -> None:
        """Starts the process. Raises MediaError when the system refuses."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            # What travels here includes passwords: they go through the socket, never through arguments or environment.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "engine.media.worker", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError as error:
            ours.close()
            raise MediaError(f"the media process cannot be started: {error}") from error
        finally:
            theirs.close()
        self._control = ours
        self._loop.add_reader(ours, self._readable)
        self._watch(START_S)

    def send(self, command: Command) -> None:
        """Queues a command. Raises ControlError when it is too large; a process that is gone hears nothing."""
        packet = encode(command)
        if self._control is None:
            return
        if len(self._unsent) >= _MAX_QUEUED:
            self.kill()
            return
        self._unsent.append(packet)
        self._writable()

    def _writable(self) -> None:
        control = self._control
        if control is None:
            return
        try:
            while self._unsent:
                control.send(self._unsent[0])
                self._unsent.popleft()
        except BlockingIOError:
            self._loop.add_writer(control, self._writable)
            return
        except OSError:
            self._unsent.clear()  # The process has gone; `wait` tells.
        self._loop.remove_writer(control)

    def _readable(self) -> None:
        if self._read_one():
            self._watch(SILENCE_S)

    def _read_one(self) -> bool:
        control = self._control
        if control is None:
            return False
        try:
            packet, descriptors, flags, _ = socket.recv_fds(control, LIMIT + 1, MAX_DESCRIPTORS)
        except BlockingIOError:
            return False
        except OSError:
            packet, descriptors, flags = b"", [], 0
        if not packet:
            self._loop.remove_reader(control)
            self._watch(_GRACE_S)
            return False
        try:
            notice = _notice(packet, flags)
        except ControlError:
            _log.exception("the media process speaks nonsense; a fresh one is the cure")
            for descriptor in descriptors:
                os.close(descriptor)
            self.kill()
            return False
        self._on_notice(notice, descriptors)
        return True

    def _watch(self, seconds: float) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._loop.call_later(seconds, self._bite, seconds)

    def _bite(self, seconds: float) -> None:
        self._hung_s = seconds
        self.kill()

    async def wait(self) -> str:
        """Waits until the process has ended (one that hangs is ended); tells why it ended."""
        assert self._process is not None
        code = await self._process.wait()
        # What it said last may explain its end.
        while self._read_one():
            pass
        self._forget_control()
        if self._hung_s is not None:
            return f"it said nothing for {self._hung_s:.0f} s and was killed"
        return f"it was killed by signal {-code}" if code < 0 else f"it ended with status {code}"

    def kill(self) -> None:
        """Ends the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """Asks the process to end, and ends it if it does not."""
        process = self._process
        if process is None:
            return
        if self._control is not None:
            with suppress(OSError):  # It has gone already.
                self._control.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            self.kill()
            await process.wait()
        self._forget_control()

    def _forget_control(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        control, self._control = self._control, None
        if control is not None:
            self._loop.remove_reader(control)
            self._loop.remove_writer(control)
            control.close()


def _notice(packet: bytes, flags: int) -> AnyNotice:
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        raise ControlError("a packet of the media process was cut off")
    return decode_notice(packet)


def _environment() -> dict[str, str]:
    # The worker finds this very package, wherever the engine was started from.
    root = str(Path(engine.__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}
