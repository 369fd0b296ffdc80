"""The thread that the relay's RTSP servers live in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from engine.media.gst import GLib, GstRtspServer

_log = logging.getLogger(__name__)

_END_S = 2.0


class RtspThread:
    """Carries out all that servers and their connections do, in a context of its own.

    Whoever ends a connection from another thread takes it away from under the one that reads from it, which then never
    stops to complain. And it is not the main loop, since a request may block until a pipeline has its first picture.
    """

    def __init__(self) -> None:
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._thread = threading.Thread(target=self._run, name="rtsp", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._context.push_thread_default()
        self._loop.run()
        self._context.pop_thread_default()

    def attach(self, server: GstRtspServer.RTSPServer) -> bool:
        """Lets a server listen; tells whether it can."""
        # No threads of the server's own for its clients.
        server.get_thread_pool().set_max_threads(0)
        return bool(server.attach(self._context))

    def do(self, work: Callable[[], None]) -> None:
        """Has something done after what was handed over before. Does not wait for it. From any thread."""
        source = GLib.idle_source_new()
        # Not when nothing else is to be done: where somebody talks, something always is.
        source.set_priority(GLib.PRIORITY_HIGH)
        source.set_callback(_once(work))
        source.attach(self._context)

    def every(self, seconds: int, work: Callable[[], None]) -> None:
        """Has something done again and again. A time that a request blocked counts as one."""
        source = GLib.timeout_source_new_seconds(seconds)
        source.set_callback(_again(work))
        source.attach(self._context)

    def end(self) -> None:
        """Ends after what was handed over before, unless a request blocks it."""
        self.do(self._loop.quit)
        self._thread.join(_END_S)
        if self._thread.is_alive():
            _log.warning("a request of an RTSP client is still at work; its connection is ended without good-bye")


def _once(work: Callable[[], None]) -> Callable[..., bool]:
    def call(*_: object) -> bool:
        work()
        return False

    return call


def _again(work: Callable[[], None]) -> Callable[..., bool]:
    def call(*_: object) -> bool:
        try:
            work()
        except Exception:  # noqa: BLE001 - logged, and one mistake must not end it for good
            _log.exception("something that the relay does again and again failed")
        return True

    return call
