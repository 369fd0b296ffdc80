"""The media process: `python -m engine.media.worker FD`, started by the bridge and by nobody else.

`FD` is its end of the control socket. It does what the engine says there and ends when the engine does.
"""

from __future__ import annotations

import logging
import mmap
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from engine.media.decoding import Decoded, DecodingError
from engine.media.gst import GLib, MissingElementError
from engine.media.history import History, NotInHistoryError
from engine.media.messages import (
    LIMIT,
    AddStream,
    AnyCommand,
    ControlError,
    Failed,
    LoginRefused,
    Notice,
    PushMetadata,
    Ready,
    Report,
    SetCertificate,
    SetLocked,
    SetMulticast,
    SetUsers,
    SnapshotFailed,
    SnapshotTaken,
    Start,
    TakeSnapshot,
    decode_command,
    encode,
)
from engine.media.relay import Relay
from engine.media.ring import share
from engine.media.stream import Stream
from engine.media.values import MediaError, StreamSource

_log = logging.getLogger("engine.media.worker")

_REPORT_MS = 1000
_STREAMS_A_REPORT = 100
_GRACE_S = 3.0


class _Outbox:
    """Sends notices in their order from a thread of its own, so that a busy engine never stops a picture."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._queue: queue.SimpleQueue[tuple[Notice, Sequence[int]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def tell(self, notice: Notice, descriptors: Sequence[int]) -> None:
        """Queues a notice; the descriptors are closed when it is sent."""
        self._queue.put((notice, descriptors))

    def flush(self) -> None:
        """Waits until everything is sent."""
        self._queue.put(None)
        self._thread.join(_GRACE_S)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            notice, descriptors = item
            try:
                socket.send_fds(self._control, [encode(notice)], descriptors)
            except OSError:
                return  # The engine is gone; the control thread ends the process.
            except ControlError:
                _log.exception("a notice was not sent")
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)


class Worker:
    """Carries out commands in GLib's main loop; what blocks goes to a pool of threads."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._outbox = _Outbox(control)
        self._slow = ThreadPoolExecutor(4, thread_name_prefix="slow")
        self._loop = GLib.MainLoop()
        self._streams: dict[str, Stream] = {}
        self._relay: Relay | None = None
        self._history_s = 0.0
        self._pieces = bytearray()

    def run(self) -> None:
        """Works until the engine closes the control socket."""
        threading.Thread(target=self._read, name="control", daemon=True).start()
        self._loop.run()
        for stream in self._streams.values():
            stream.close()
        if self._relay is not None:
            self._relay.close()
        self._slow.shutdown(wait=True, cancel_futures=False)
        self._outbox.flush()

    def _read(self) -> None:
        try:
            while packet := self._control.recv(LIMIT + 1):
                try:
                    command = decode_command(packet)
                except ControlError:
                    _log.exception("a command was not understood")
                    continue
                GLib.idle_add(self._carry_out, command)
        except OSError:
            _log.exception("the control socket broke")
        # Cameras are told good-bye, but the process ends whether they listen or not.
        killer = threading.Timer(_GRACE_S, os._exit, (0,))
        killer.daemon = True
        killer.start()
        GLib.idle_add(self._loop.quit)

    def _carry_out(self, command: AnyCommand) -> bool:
        match command:
            case Start():
                self._start(command)
            case SetUsers(users) if self._relay is not None:
                self._relay.set_users(users)
            case SetLocked(pairs) if self._relay is not None:
                self._relay.set_locked(pairs)
            case SetCertificate() if self._relay is not None:
                self._set_certificate(self._relay, command)
            case SetMulticast() if self._relay is not None:
                self._relay.set_multicast(command)
            case PushMetadata():
                self._push_metadata(command)
            case AddStream(source, codec):
                self._add(source, codec)
            case TakeSnapshot():
                work = self._slow.submit(self._snapshot, command)
                work.add_done_callback(lambda done: self._answer(command.request, done))
            case _:
                _log.error("%s came before Start", type(command).__name__)
        return False

    def _start(self, command: Start) -> None:
        self._history_s = command.history_s
        try:
            self._relay = Relay(command, self._on_refused)
        except MediaError as error:
            self._outbox.tell(Failed(str(error)), ())
            self._loop.quit()
            return
        self._tell_ready(self._relay)
        GLib.timeout_add(_REPORT_MS, self._tick)

    def _tell_ready(self, relay: Relay) -> None:
        self._outbox.tell(Ready(relay.port, relay.secure_port, relay.trouble), ())

    def _set_certificate(self, relay: Relay, command: SetCertificate) -> None:
        try:
            relay.use_certificate(command.tls_certificate, command.tls_key)
        except MediaError as error:
            goes_on = "goes on with the former certificate" if relay.secure_port is not None else "is still missing"
            _log.warning("RTSPS %s: %s", goes_on, error)
        self._tell_ready(relay)

    def _on_refused(self, username: str, address: str) -> None:
        self._outbox.tell(LoginRefused(username, address), ())

    def _push_metadata(self, command: PushMetadata) -> None:
        self._pieces += command.piece
        if not command.last:
            return
        document, self._pieces = bytes(self._pieces), bytearray()
        stream = self._streams.get(command.channel)
        if stream is not None:
            stream.push_metadata(document, command.captured_at)

    def _add(self, source: StreamSource, codec: str) -> None:
        if self._relay is None:
            return
        former = self._streams.get(source.channel)
        history = History(self._history_s) if former is None else former.close()
        stream = Stream(source, relay=self._relay, history=history, tell=self._outbox.tell, slow=self._slow)
        self._streams[source.channel] = stream
        stream.open(codec)

    def _tick(self) -> bool:
        streams = list(self._streams.values())
        for stream in streams:
            stream.check()
        reports = [stream.report() for stream in streams]
        for begin in range(0, max(len(reports), 1), _STREAMS_A_REPORT):
            self._outbox.tell(Report(tuple(reports[begin : begin + _STREAMS_A_REPORT])), ())
        return True

    def _snapshot(self, command: TakeSnapshot) -> Decoded:
        stream = self._streams.get(command.channel)
        if stream is None:
            raise NotInHistoryError("there is no such stream")
        return stream.snapshot(command.at)

    def _answer(self, request: int, work: Future[Decoded]) -> None:
        error = work.exception()
        if error is None:
            picture = work.result()
            self._outbox.tell(_snapshot_notice(request, picture), (_shared_copy(picture),))
            return
        if not isinstance(error, (NotInHistoryError, DecodingError, MissingElementError)):
            _log.error("a snapshot failed", exc_info=error)
        self._outbox.tell(SnapshotFailed(request, str(error)), ())


def _snapshot_notice(request: int, picture: Decoded) -> SnapshotTaken:
    shape = picture.shape
    return SnapshotTaken(request, shape.width, shape.height, shape.stride, picture.captured_at)


def _shared_copy(picture: Decoded) -> int:
    descriptor = share("smart-ptz-snapshot", len(picture.pixels))
    with mmap.mmap(descriptor, len(picture.pixels)) as memory:
        memory[:] = picture.pixels
    return descriptor


def main() -> None:
    """Runs the worker on the control socket whose descriptor is the only argument."""
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("engine.media.worker is started by the engine, with the descriptor of its control socket")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C and a service manager's stop reach the whole group: the engine decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as control:
        Worker(control).run()
    logging.shutdown()
    # Threads of GStreamer may still run; there is nothing left to save.
    os._exit(0)


if __name__ == "__main__":
    main()
