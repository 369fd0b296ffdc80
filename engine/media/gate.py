"""Who may use the relay: digest authentication, the lock-out and the limit on connections, for every RTSP request."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any

from engine.core.addresses import network_of
from engine.media.digest import MAX_NAME, Answer, RtspDigest, Verdict
from engine.media.gst import GstRtsp, GstRtspServer
from engine.media.values import RelayUser

_REALM = "Smart PTZ"

type OnFailure = Callable[[str, str], None]
"""Is told of a failed login: the user's name and the client's address (any thread)."""


class Gate:
    """What all servers of the relay know of users. Safe in several threads."""

    def __init__(self, on_failure: OnFailure, max_clients: int) -> None:
        self._on_failure = on_failure
        self._max_clients = max_clients
        self._digest = RtspDigest(_REALM)
        self.ourselves = RelayUser(name=f"smart-ptz-{secrets.token_hex(8)}", password=secrets.token_hex(32))
        """A user for clients inside this process, as long as it lives."""
        self._users = {self.ourselves.name: self.ourselves.password}
        self._locked: frozenset[tuple[str, str]] = frozenset()
        self._lock = threading.Lock()
        self._nonces: dict[Any, str] = {}

    def set_users(self, users: Iterable[RelayUser]) -> bool:
        """Replaces the users; tells whether somebody was removed or has another password now."""
        before, self._users = self._users, {user.name: user.password for user in (*users, self.ourselves)}
        return any(self._users.get(name) != password for name, password in before.items())

    def set_locked(self, locked: Iterable[tuple[str, str]]) -> None:
        """Replaces the pairs of user name and address that are refused even with the right password.

        An empty name stands for everybody there. An IPv6 host is known by its /64: see `engine.core.addresses`.
        """
        # The name as it is told, so that a name that was cut off is found again.
        self._locked = frozenset((name[:MAX_NAME], network_of(address)) for name, address in locked)

    def take(self, client: GstRtspServer.RTSPClient) -> None:
        """A client is there."""
        with self._lock:
            self._nonces[client] = ""
        client.connect("closed", self._forget)

    def _forget(self, client: GstRtspServer.RTSPClient) -> None:
        with self._lock:
            self._nonces.pop(client, None)

    def has_room(self) -> bool:
        """Whether one more connection is within the limit."""
        return len(self._nonces) < self._max_clients

    def admit(self, context: GstRtspServer.RTSPContext) -> bool:
        """Judges a request; a refused one is answered with challenges."""
        client, request = context.client, context.request
        address = str(client.get_connection().get_ip())
        _, method, target, _ = request.parse_request()
        found, header = request.get_header(GstRtsp.RTSPHeaderField.AUTHORIZATION, 0)
        with self._lock:
            nonce = self._nonces.get(client, "")
        name = GstRtsp.rtsp_method_as_text(method) or ""
        known = header if found == GstRtsp.RTSPResult.OK else None
        answer = self._digest.judge(known, name, target, self._users, nonce)
        if self._is_admitted(answer, address):
            with self._lock:
                if client in self._nonces:
                    self._nonces[client] = answer.nonce
            return True
        self._challenge(context, stale=answer.verdict is Verdict.STALE)
        return False

    def _is_admitted(self, answer: Answer, address: str) -> bool:
        # Who is locked out learns nothing about the password, and does not prolong the lock by asking again.
        network = network_of(address)
        refused = not self._locked.isdisjoint(((answer.username, network), ("", network)))
        if refused and answer.username != self.ourselves.name:
            return False
        if answer.verdict is Verdict.WRONG:
            self._on_failure(answer.username, address)
        return answer.verdict is Verdict.RIGHT

    def _challenge(self, context: GstRtspServer.RTSPContext, *, stale: bool) -> None:
        status = GstRtsp.RTSPStatusCode.UNAUTHORIZED
        _, response = GstRtsp.rtsp_message_new_response(status, "Unauthorized", context.request)
        for challenge in self._digest.challenges(stale=stale):
            response.add_header(GstRtsp.RTSPHeaderField.WWW_AUTHENTICATE, challenge)
        context.client.send_message(context.session, response)


class GateKeeper(GstRtspServer.RTSPAuth):  # type: ignore[misc]  # GObject has no types
    """Asks the gate for every request of one server. Not GstRtspServer's own digest: that tells nobody of failures."""

    gate: Gate

    def do_check(self, context: GstRtspServer.RTSPContext, check: str) -> bool:
        """GstRtspServer asks before it does anything for a client."""
        if check == "auth.check.connect":
            # The library's own check sets up TLS where there is a certificate.
            return self.gate.has_room() and bool(GstRtspServer.RTSPAuth.do_check(self, context, check))
        if check == "auth.check.url":
            return self.gate.admit(context)
        # A client that chooses where packets go could aim them at others.
        return check != "auth.check.transport.client-settings"
